"""The simulated network as it lives: it moves on with world time whenever someone looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from operator import add
from random import Random

from aurora_tui.drill.history import History
from aurora_tui.drill.series import SIDES, WHOLE, side_of
from aurora_tui.drill.simulator import TICK, Effects, State, tick


@dataclass(frozen=True, slots=True)
class View:
    """The network as an exporter sees it: state, and by side the counters ("treaty", "market")."""

    state: State
    totals: Mapping[str, tuple[float, ...]]


class Network:
    """Goes on where `history` ended. effects: asked before each tick what disturbs the network at that moment.

    It is always one tick ahead of the time it is asked for; counters in between grow evenly, so that it does not matter
    how scrapes and ticks lie to each other.
    """

    def __init__(self, history: History, effects: Callable[[float], Effects]) -> None:
        self._random = Random()
        self._random.setstate(history.random.getstate())  # the history itself stays as it is
        self._effects = effects
        self._state = history.last
        self._totals = dict(history.totals)
        self._next = tick(self._state, effects(self._state.time), self._random)

    @property
    def state(self) -> State:
        """The state of the last whole tick."""
        return self._state

    def look(self, now: float) -> View:
        """The network at `now` (Unix seconds); looking back gives what is newest."""
        while self._next.time <= now:
            for _, _, side in SIDES:
                self._totals[side] = tuple(map(add, self._totals[side], side_of(self._next, side).added))
            self._state = self._next
            self._next = tick(self._state, self._effects(self._state.time), self._random)
        part = min(1.0, max(0.0, (now - self._state.time) / TICK))
        totals = {
            side: tuple(
                floor(total + part * more) if whole else total + part * more
                for total, more, whole in zip(self._totals[side], side_of(self._next, side).added, WHOLE, strict=True)
            )
            for _, _, side in SIDES
        }
        return View(self._state, totals)
