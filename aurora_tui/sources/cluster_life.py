"""Signs of life of one API: is it ready, is it still the same cluster, does it know us.

Looked at every five seconds while all is well, and every two while it is not: whoever was cut off waits for the next
good look, so that a broken API is asked by one and not by all.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from aurora_tui.errors import AuroraError
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import ApiAnswer, Connection
from aurora_tui.kube.errors import ApiError, Unreachable
from aurora_tui.kube.gate import Gate
from aurora_tui.kube.pace import Pace, Rank
from aurora_tui.kube.questions import ready, server_version, smallest_list, whoami
from aurora_tui.sources.cluster_identity import AnotherCluster, Identity

PROBE_EVERY = 5.0  # real seconds, as are all below: networks do not run faster in a drill
AGAIN = 2.0  # while something is wrong
MOST_PROBES = 3
AT_ONCE = 0.3  # between two looks that somebody waits for
THOROUGH_EVERY = 3  # such looks; those that are wanted in between are cheap
LONGEST_RETRY_AFTER = 30.0


class Life:
    """Looks after one connection. `failure` is why the last look was not good; times are monotonic seconds."""

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        *,
        identity: Identity,
        pace: Pace,
        renew: Callable[[], Awaitable[Access]],
        said: Callable[[], None],
        revived: Callable[[bool], None],
        swapped: Callable[[float], None],
    ) -> None:
        """said: something new is known. revived: it is well again (True: connections may be dead). swapped: another
        cluster answers, since then. renew: reads the credentials' settings anew.
        """
        self._connection, self._namespace = connection, namespace
        self._identity, self._pace, self._renew = identity, pace, renew
        self._said, self._revived, self._swapped = said, revived, swapped
        self._wanted = asyncio.Event()
        self.gate = Gate(wanted=self._wanted.set)
        self.alive: float | None = None  # when the last good probe was sent
        self.answer: ApiAnswer | None = None
        self.failure: AuroraError | None = None
        self.another: AnotherCluster | None = None
        self.version: str | None = None
        self.user: str | None = None
        self._probes: dict[asyncio.Task[ApiAnswer], float] = {}
        self._wished = self._thorough = -math.inf
        self._introduced = False
        self._readyz_refused = False
        connection.rejected = self._wanted.set

    @property
    def identity(self) -> Identity:
        """Which cluster this is."""
        return self._identity

    async def run(self) -> NoReturn:
        """Look again and again, until cancelled."""
        try:
            while True:
                began = time.monotonic()
                self._wanted.clear()
                pause = await self._look()
                self._said()
                await self._until_next(began, pause)
        finally:
            for task in self._probes:
                task.cancel()

    def look_now(self) -> None:
        """The next look is wanted at once: what is quiet is known only until the last sign of life."""
        self._wished = time.monotonic()
        self._wanted.set()

    async def _until_next(self, began: float, pause: float) -> None:
        if not self.gate.awaited and self._wished <= (self.alive or 0.0):
            self._wanted.clear()  # what was wished for during the look, when its probe was sent already, stays wanted
        troubled = self.failure is not None or self.another is not None or not self._settled()
        least = AGAIN if self.failure is not None or self.another is not None else AT_ONCE
        await asyncio.sleep(max(pause, began + min(least, PROBE_EVERY) - time.monotonic()))
        if self._probes:
            return  # one of them hangs: another goes after it, whatever else is wanted
        rest = began + (min(AGAIN, PROBE_EVERY) if troubled else PROBE_EVERY) - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, rest)):
                await self._wanted.wait()
        except TimeoutError:
            return

    def _settled(self) -> bool:
        found = self._identity.found
        return found is not None and found.phase != "Terminating"

    async def _look(self) -> float:
        """One look; returns how long the server wants to be left alone."""
        began = time.monotonic()
        try:
            # While another cluster answers, only the first one's name is a sign of life.
            sent = began if self.another is not None else await self._sign_of_life()
            if sent is not None:  # else another probe follows the first
                await self._recognise(sent)
                await self._introduce()
        except AnotherCluster as error:
            self._swap(error)
        except AuroraError as error:
            await self._failed(error)
            if isinstance(error, ApiError) and error.status >= 500 and self.gate.awaited:
                await self._recognise_unwell(began)
            return min(getattr(error, "retry_after", None) or 0.0, LONGEST_RETRY_AFTER)
        return 0.0

    async def _recognise_unwell(self, began: float) -> None:
        """An API that calls itself not ready may do all that is asked of it: who was cut off need not wait."""
        try:
            await self._recognise(began)
        except AnotherCluster as error:
            self._swap(error)
        except AuroraError:
            return  # it is as unwell as it says, which is told already

    def _swap(self, error: AnotherCluster) -> None:
        if self.another is None:
            now = time.monotonic()
            self.gate.shut(now)
            self._swapped(now)
        self.another = error

    async def _sign_of_life(self) -> float | None:
        """When the probe that was answered was sent; None when there is no answer yet. Its failure is raised.

        A probe that hangs may hang in a connection that is dead for good: others go after it.
        """
        if len(self._probes) < MOST_PROBES:
            await self._pace.sign_of_life()
            self._probes[asyncio.create_task(self._probe())] = time.monotonic()
        await asyncio.wait(self._probes, timeout=AGAIN, return_when=asyncio.FIRST_COMPLETED)
        done = [task for task in self._probes if task.done()]
        sent = {task: self._probes.pop(task) for task in done}
        good = [task for task in done if task.exception() is None]
        if good:
            late = bool(self._probes)
            for task in self._probes:
                task.cancel()
            self._probes.clear()
            self._well(good[-1].result(), sent[good[-1]], late=late)
            return sent[good[-1]]
        for task in done:
            task.result()
        return None

    async def _probe(self) -> ApiAnswer:
        """Where /readyz is kept from us, the smallest list."""
        if not self._readyz_refused:
            try:
                return await ready(self._connection)
            except ApiError as error:
                if error.status not in (403, 404):
                    raise
            self._readyz_refused = True
            await self._pace.sign_of_life()
        return await smallest_list(self._connection, self._namespace)

    def _well(self, answer: ApiAnswer, sent: float, *, late: bool) -> None:
        failure, self.failure = self.failure, None
        self.answer, self.alive, self.gate.well = answer, sent, True
        self._said()
        if failure is not None or late:
            self._revived(late or isinstance(failure, Unreachable))

    async def _recognise(self, sent: float) -> None:
        doubted = self.gate.doubted or self.another is not None
        now = time.monotonic()
        due = now - self._thorough > (THOROUGH_EVERY - 0.5) * PROBE_EVERY
        thorough = due or not self._settled()
        if thorough or doubted:
            sure = doubted or due
            await self._identity.check(self._connection, self._pace, self._namespace, thorough=thorough, sure=sure)
        if due:
            self._thorough = now
        self.another = None
        self.gate.open(sent)

    async def _failed(self, error: AuroraError) -> None:
        self.failure, self.gate.well = error, False
        if isinstance(error, ApiError) and error.status == 401:
            # The kubeconfig may have been written anew since.
            try:
                await self._connection.adopt(await self._renew())
            except AuroraError as why:
                self.failure = why

    async def _introduce(self) -> None:
        """Who they are, and who we are. What may not be asked stays unknown."""
        if not self._introduced:
            await self._pace.turn("/version", Rank.OPTIONAL)
            with _unless_refused():
                self.version = await server_version(self._connection)
            await self._pace.turn("whoami", Rank.OPTIONAL)
            with _unless_refused():
                self.user = await whoami(self._connection) or self._connection.access.user.name
            self._introduced = True


@contextmanager
def _unless_refused() -> Iterator[None]:
    """Lets pass that we may not ask, or that there is nothing to ask."""
    try:
        yield
    except ApiError as error:
        if error.status not in (403, 404):
            raise
