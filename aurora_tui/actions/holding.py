"""The Lease that an executor holds while it works, kept up in the background, and made sure of before every write."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Self

from aurora_tui.actions.operation import Reach
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.lease import SECONDS, Held, Lease, Lost, has_no_home

LEASE = "aurora-tui"
TAKE_OVER = "lock"  # in Plan.forced: the operator takes the lock over from whoever holds it
SURE_SECONDS = 1.0  # real; how long ago the API may have said that the lock is ours when something is written
_RELEASE_SECONDS = 5.0


class Holding:
    """`async with Holding(reach, holder)`: the lease is not taken yet; `take` does that. It is released at the end."""

    def __init__(self, reach: Reach, holder: str, seconds: int = SECONDS) -> None:
        """holder: `user@host:pid`."""
        self._lease = Lease(reach.cluster, reach.namespace, LEASE, holder, seconds, reach.run)
        self._keeping: asyncio.Task[None] | None = None
        self._seconds = seconds
        self._nowhere = False  # the namespace is going or gone: nobody can hold a lock in it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end_keeping()
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._lease.release()
        except (AuroraError, TimeoutError) as failure:
            # It runs out by itself; the run is over, and must not fail for this.
            print(f"The lock was not given back: {failure}", file=sys.stderr)

    async def take(self, *, forced: bool, before: str | None) -> None:
        """Take the lease, and keep it up from now on. Held: another run, or another machine, has it.

        forced: whoever has it. before: the holder that the run had before this one, which is known to be dead.
        """
        try:
            await self._lease.acquire()
        except Held as held:
            ours = held.holder.identity == before and held.holder.run == self._lease.run
            if not forced and not ours:
                raise
            await self._lease.take_over()
        except ApiError as error:
            # A halt that takes the namespace is gone on with, or taken back: the steps themselves tell what is so.
            if not has_no_home(error):
                raise
            self._nowhere = True
            return
        self._nowhere = False
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._lease.keep())

    async def sure(self) -> None:
        """Returns when the lease was ours a moment ago: before every write. Lost; whatever `Lease.renew` raises."""
        if self._nowhere:
            await self.take(forced=False, before=None)  # a step may have made the namespace anew
            return
        self.check()
        if self._lease.seconds_left < self._seconds - SURE_SECONDS:
            await self._end_keeping()
            await self._lease.renew()
            self._keeping = asyncio.create_task(self._lease.keep())

    def check(self) -> None:
        """Lost when the lease is known to be another's; whatever ended its upkeep. Asks nobody."""
        if self._nowhere:
            return
        keeping = self._keeping
        if keeping is not None and keeping.done() and not keeping.cancelled():
            failure = keeping.exception()
            if failure is not None:
                raise failure
        if not self._lease.held:
            raise Lost(None)

    async def _end_keeping(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
