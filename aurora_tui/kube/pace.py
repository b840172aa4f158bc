"""How often one console asks one API: on average at most twice a second, whatever goes wrong and however often."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

from aurora_tui.kube.bodies import SILENT_SECONDS
from aurora_tui.kube.connection import Connection, Query

WITHIN = 5.0  # seconds
MOST = 9  # requests that begin in any such stretch; of what is sent evenly one more may arrive in a bunch


FIRST_ROUND = 3.0  # seconds


class Rank(IntEnum):
    """Who goes first: signs of life, then what makes everything known again, then what keeps it so."""

    LIFE = 0
    LIST = 1
    WATCH = 2
    OPTIONAL = 3


# What each leaves for those before it.
_SPARED = {Rank.LIFE: 0, Rank.LIST: 1, Rank.WATCH: 1, Rank.OPTIONAL: 4}


class Pace:
    """Lets requests begin, MOST in any WITHIN seconds, the first rank first.

    For FIRST_ROUND the first list and watch of each path are free: a console that opens shows everything at once.
    """

    def __init__(self) -> None:
        self._began: deque[float] = deque()
        self._known: set[str] = set()
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._next: asyncio.TimerHandle | None = None
        self._opened = time.monotonic()

    async def turn(self, what: str, rank: Rank) -> None:
        """Wait for one's turn to ask for `what`."""
        if what not in self._known and time.monotonic() - self._opened < FIRST_ROUND:
            self._known.add(what)
            return
        await self._in_line(rank)

    async def sign_of_life(self) -> None:
        """A probe's turn: it passes all others."""
        await self._in_line(Rank.LIFE)

    async def _in_line(self, rank: Rank) -> None:
        waits = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._order), waits))
        self._serve()
        await waits  # when it is cancelled, `_serve` finds it done

    def _serve(self) -> None:
        now = time.monotonic()
        while self._began and self._began[0] <= now - WITHIN:
            self._began.popleft()
        while self._waiting:
            rank, _, waits = self._waiting[0]
            if not waits.done():
                if len(self._began) >= MOST - _SPARED[rank]:
                    self._again_when(self._began[len(self._began) - (MOST - _SPARED[rank])] + WITHIN - now)
                    return
                self._began.append(now)
                waits.set_result(None)
            heapq.heappop(self._waiting)

    def _again_when(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(max(0.0, seconds), self._serve)


class Knock:
    """Lets those who failed try again one after the other, a little apart."""

    EVERY = 1.5  # seconds

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._next = 0.0

    async def __call__(self) -> None:
        """Wait for one's turn."""
        async with self._turn:
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self.EVERY


class Paced:
    """A connection's lists and watches, at a pace.

    The further pages of a list are free: they belong to a list that was counted. Not so when the last try of it failed,
    for it may fail at its last page again and again. A list is known to have worked by the watch that follows it.
    """

    def __init__(self, connection: Connection, pace: Pace, *, optional: bool = False) -> None:
        self._connection, self._pace = connection, pace
        self._list, self._watch = (Rank.OPTIONAL, Rank.OPTIONAL) if optional else (Rank.LIST, Rank.WATCH)
        self._begun: set[str] = set()  # lists that no watch has followed yet
        self._failed: set[str] = set()  # those of them that were begun again

    async def get(self, path: str, query: Query | None = None) -> bytes:
        """The body of a GET."""
        first = "continue" not in (query or {})
        if first:
            (self._failed if path in self._begun else self._begun).add(path)
        if first or path in self._failed:
            await self._pace.turn(path, self._list)
        return await self._connection.get(path, query)

    @asynccontextmanager
    async def watch(
        self, path: str, query: Query, silent_seconds: float = SILENT_SECONDS
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a watch."""
        self._begun.discard(path)
        self._failed.discard(path)
        await self._pace.turn(f"{path}?watch", self._watch)
        async with self._connection.watch(path, query, silent_seconds) as lines:
            yield lines
