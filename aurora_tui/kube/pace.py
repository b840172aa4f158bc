"""How often one console asks one API: on average at most twice a second, whatever goes wrong and however often."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aurora_tui.kube.connection import SILENT_SECONDS, Connection, Query

WITHIN = 5.25  # seconds; what is sent evenly may arrive in bunches, hence a little more than five
MOST = 9  # requests that begin in any such stretch
SPARED = 2  # of them, kept for signs of life


class Pace:
    """Lets requests begin, in order, MOST in any WITHIN seconds.

    The first list and the first watch of each path are free: a console that opens shows everything at once. The
    further pages of a list are free too: they belong to a list that was counted.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep, self._monotonic = sleep, monotonic
        self._began: deque[float] = deque()
        self._known: set[str] = set()
        self._turn = asyncio.Lock()

    async def turn(self, what: str) -> None:
        """Wait for one's turn to ask for `what`."""
        if what not in self._known:
            self._known.add(what)
            return
        async with self._turn:
            await self._room(MOST - SPARED)

    async def sign_of_life(self) -> None:
        """A probe's turn: it passes all others."""
        await self._room(MOST)

    async def _room(self, most: int) -> None:
        while True:
            now = self._monotonic()
            while self._began and self._began[0] <= now - WITHIN:
                self._began.popleft()
            if len(self._began) < most:
                self._began.append(now)
                return
            await self._sleep(self._began[len(self._began) - most] + WITHIN - now)


class Paced:
    """A connection's lists and watches, at a pace."""

    def __init__(self, connection: Connection, pace: Pace) -> None:
        self._connection, self._pace = connection, pace

    async def get(self, path: str, query: Query | None = None) -> bytes:
        """The body of a GET."""
        if "continue" not in (query or {}):
            await self._pace.turn(path)
        return await self._connection.get(path, query)

    @asynccontextmanager
    async def watch(
        self, path: str, query: Query, silent_seconds: float = SILENT_SECONDS
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a watch."""
        await self._pace.turn(f"{path}?watch")
        async with self._connection.watch(path, query, silent_seconds) as lines:
            yield lines
