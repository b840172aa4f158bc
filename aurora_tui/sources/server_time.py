"""The server's time, counted on a clock that nobody can set: a step of this machine's clock makes nothing younger."""

from __future__ import annotations

import time
from collections.abc import Callable

from aurora_tui.clock import Clock

# Reading two clocks one after the other is not exact; less than this is no news.
_NOISE = 0.05


def since_boot() -> float:
    """Real seconds that no setting of the clock moves; where the system tells it, a suspended machine's too."""
    kind = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if kind is None else time.clock_gettime(kind)


class ServerTime:
    """World time as the server tells it. `real` is real seconds that never jump, `since_boot` when left out.

    Until a server has told its time, it is this machine's, and follows it when it is set.
    """

    def __init__(self, clock: Clock, real: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._real = real or since_boot
        self._told = False
        self._offset = clock.now() - self._counted()

    def now(self) -> float:
        """Unix seconds."""
        return self._offset + self._counted()

    def when(self, at: float) -> float:
        """The server's time of what this machine's clock dates `at`, just now or a little ago."""
        return self.now() - max(0.0, self._clock.now() - at)

    def learn(self, skew: float | None) -> float:
        """The server's clock minus ours, or None; how far that puts this time forward (back: below 0)."""
        if skew is None and self._told:
            return 0.0
        self._told = self._told or skew is not None
        moved = self._clock.now() + (skew or 0.0) - self.now()
        if abs(moved) <= _NOISE * self._clock.speed:
            return 0.0
        self._offset += moved
        return moved

    def _counted(self) -> float:
        return self._real() * self._clock.speed
