"""What disturbs the network now: scenario events in force, those of the canary only while its image runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from aurora_tui.drill.scenario import (
    DemandSpike,
    Event,
    FillDrop,
    LatencySurge,
    Outage,
    PolicySlowdown,
    PriceSpike,
    ProvenanceLoss,
)
from aurora_tui.drill.simulator import CALM, Effects

_OF_CANARY = (LatencySurge, PolicySlowdown, FillDrop, ProvenanceLoss)


@dataclass(frozen=True, slots=True)
class _Active:
    event: Event
    image: str | None
    """The canary's image that brings it about; None: it does not depend on the canary."""


class Disturbances:
    """Scenario events turned into effects on the network.

    canary_image: what the canary runs now; None when it runs nothing. A disturbance of the canary is there while the
    canary runs the image that it ran when it began: rolling back cures it, rolling forward again brings it back.
    """

    def __init__(self, canary_image: Callable[[], str | None]) -> None:
        self._canary_image = canary_image
        self._active: list[_Active] = []
        self._known: tuple[tuple[_Active, ...], Effects] = ((), CALM)

    def add(self, event: Event) -> None:
        """Let an event take effect; those that do not act on the network change nothing."""
        of_canary = isinstance(event, _OF_CANARY) and getattr(event, "provider", None) is None
        self._active.append(_Active(event, self._canary_image() if of_canary else None))

    def clear(self) -> None:
        """End them all."""
        self._active.clear()

    def names(self) -> list[str]:
        """What is in force, in the scenario's words."""
        return [str(each.event.__struct_config__.tag) for each in self._in_force()]

    def effects(self, _now: float) -> Effects:
        """The sum of what is in force; the same object as long as nothing changes."""
        active = self._in_force()
        if active != self._known[0]:
            effects = CALM
            for each in active:
                effects = _with(effects, each.event)
            self._known = (active, effects)
        return self._known[1]

    def _in_force(self) -> tuple[_Active, ...]:
        image = self._canary_image()
        return tuple(each for each in self._active if each.image is None or each.image == image)


def _with(effects: Effects, event: Event) -> Effects:
    match event:
        case LatencySurge(provider=None):
            return replace(effects, bridge_latency=effects.bridge_latency * event.factor)
        case LatencySurge(provider=str(provider)):
            return effects.with_provider(provider, latency=event.factor)
        case PolicySlowdown():
            return replace(effects, policy=effects.policy * event.factor)
        case FillDrop():
            return replace(effects, fill=effects.fill * event.factor)
        case ProvenanceLoss():
            return replace(effects, provenance=event.coverage)
        case Outage():
            return effects.with_provider(event.provider, up=False)
        case PriceSpike():
            return effects.with_provider(event.provider, price=event.factor)
        case DemandSpike():
            return replace(effects, demand=effects.demand * event.factor)
        case _:
            return effects
