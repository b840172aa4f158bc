"""The console's own pulse: what time it is in the watched world, and whether anybody still tells it anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aurora_tui.situation.freshness import SourceLight
    from aurora_tui.situation.situation import Situation

SILENCE = 5.0  # real seconds without a Situation after which nothing on screen may be believed
_JUMP = 2.0  # world seconds (at speed 1) a clock may go back by jitter; it then stands still instead


class Lost(NamedTuple):
    """The console itself no longer hears: why, and for how long (real seconds). It beats every verdict."""

    why: str
    seconds: float


class Pulse:
    """Keeps the newest Situation and counts from it. `monotonic` is real time that never jumps."""

    def __init__(self, monotonic: Callable[[], float], speed: float) -> None:
        self._monotonic = monotonic
        self._speed = speed
        self._since = monotonic()
        self._told_at: float | None = None
        self._shown: float | None = None
        self._stopped: str | None = None
        self.situation: Situation | None = None

    def told(self, situation: Situation) -> bool:
        """A new Situation came; whether there is more to it than that time went by."""
        news = self.situation is None or self.lost() is not None or _differ(self.situation, situation)
        self.situation = situation
        self._told_at = self._monotonic()
        return news

    def stopped(self, why: str) -> None:
        """The feed ended, and will not come back."""
        self._stopped = why

    def now(self) -> float | None:
        """World time: the Situation's plus what went by since. Small steps back by jitter are not shown."""
        if self.situation is None or self._told_at is None:
            return None
        now = self.situation.now + (self._monotonic() - self._told_at) * self._speed
        if self._shown is not None and 0 < self._shown - now < _JUMP * max(1.0, self._speed):
            return self._shown
        self._shown = now
        return now

    def lost(self) -> Lost | None:
        """Why nothing on screen may be believed, or None."""
        silent = self._monotonic() - (self._told_at if self._told_at is not None else self._since)
        if self._stopped is not None:
            return Lost(f"the console's own feed stopped: {self._stopped}", silent)
        if silent <= SILENCE:
            return None
        if self._told_at is None:
            return Lost(f"waiting for metrics…, nothing came for {silent:.0f} s", silent)
        return Lost(f"the console's own feed has been silent for {silent:.0f} s", silent)


def _differ(old: Situation, new: Situation) -> bool:
    """Whether anything is different but the time and how young the sources are: both are drawn every second anyway."""
    for name in new.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if name == "lights":
            before, after = _words(before), _words(after)
        if name != "now" and before is not after and before != after:
            return True
    return False


def _words(lights: tuple[SourceLight, ...]) -> list[tuple[object, ...]]:
    return [
        (
            one.name,
            one.observed_at is None,
            one.error,
            one.failing_since,
            one.notes,
            None if one.skew is None else round(one.skew),
        )
        for one in lights
    ]
