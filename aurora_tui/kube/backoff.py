"""How long to wait after a failure: full jitter, doubling, forgotten after two minutes of health."""

from __future__ import annotations

import random

FIRST = 0.8
LONGEST = 30.0
HEALTHY_AFTER = 120.0


class Backoff:
    """The ceiling doubles from 0.8 s to 30 s; the wait is anywhere under it, so that consoles do not march in step.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures since the last stretch of health."""
        return self._failures

    def healthy_for(self, seconds: float) -> None:
        """All went well for `seconds`: two minutes of it make the next failure a first one."""
        if seconds >= HEALTHY_AFTER:
            self._failures = 0

    def next(self, retry_after: float | None = None) -> float:
        """Seconds to wait now; never less than the server asked for (at most ten minutes of it)."""
        ceiling = min(LONGEST, FIRST * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return max(self._chance.uniform(0.0, ceiling), min(retry_after or 0.0, 600.0))
