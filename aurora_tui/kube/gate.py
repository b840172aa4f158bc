"""Whether an API that broke off may be asked again: not before it has shown that it lives and is still the same one.

Behind an address that comes back may stand another cluster (a restored one, a load balancer's other half): its
events must never be added to what the first one said.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Gate:
    """Who was cut off waits here; who looks after the API opens it. All times are seconds of one monotonic clock.

    `wanted` is called when somebody waits: the next look is to be now. `well`: the last look was good.
    """

    def __init__(self, wanted: Callable[[], None] = lambda: None) -> None:
        self.well = True
        self._opened = self._doubted = -math.inf
        self._wanted = wanted
        self._waiting: set[asyncio.Future[None]] = set()

    def doubt(self, since: float) -> None:
        """Somebody was cut off at `since` and will come here, perhaps only after a rest.

        Said at once: a look in the meantime opens the gate for them too, so it must be as careful as one they wait for.
        """
        self._doubted = max(self._doubted, since)

    async def passed(self, since: float) -> None:
        """Returns once a look that began after `since` was good."""
        self.doubt(since)
        while self._opened < since:
            waits = asyncio.get_running_loop().create_future()
            self._waiting.add(waits)
            self._wanted()
            try:
                await waits
            finally:
                self._waiting.discard(waits)

    @property
    def doubted(self) -> bool:
        """Whether anybody was cut off after the last good look."""
        return self._opened < self._doubted

    @property
    def awaited(self) -> bool:
        """Whether anybody waits; who was let through a moment ago and has not gone on yet does not."""
        return any(not waits.done() for waits in self._waiting)

    def open(self, at: float) -> None:
        """A look that began at `at` was good."""
        self._opened = max(self._opened, at)
        for waits in self._waiting:
            if not waits.done():
                waits.set_result(None)

    def shut(self, since: float) -> None:
        """Nothing passes before a look that begins after `since`; who passed already is not called back."""
        self._opened = min(self._opened, math.nextafter(since, -math.inf))
