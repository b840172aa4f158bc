"""Keeps a Store equal to what the server holds: list in pages, then watch, and begin again when that breaks.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
The official package's watch has no back-off, retries 410 at the same version and notices a silent peer late;
hence this one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from aurora_tui.errors import AuroraError
from aurora_tui.kube.backoff import FIRST, Backoff
from aurora_tui.kube.errors import ApiError, Silent, Unreachable, Unreadable, describe_request
from aurora_tui.kube.gate import Gate
from aurora_tui.kube.hearing import SILENT, STANDS, Hearing
from aurora_tui.kube.listing import MOST_OBJECTS, Api, Resource, list_all, reader
from aurora_tui.kube.objects import Object
from aurora_tui.kube.store import Store
from aurora_tui.kube.watch_line import read_line

WATCH_SECONDS = (300, 600)
SHORT = 1.0
ABSENT_RECHECK = 180.0
# While the API itself is well, what failed is tried again this soon; else the whole back-off holds, until it is.
SOON = 3.0
# A list this young is not what a watch breaks at: the watch is tried again without another one.
YOUNG = 5.0
DENIED_SOON = 120.0  # so long it is tried again soon after a 403; a role that is missing for good fills the audit log
LONGEST_RETRY_AFTER = 30.0

T = TypeVar("T", bound=Object)


class Reflector(Generic[T]):
    """One resource of one namespace. `run` never ends but by cancellation; failures are told, waited out, tried again.

    `changed` is called with the uids that changed, `told` whenever `failure`, `absent` or `note` changed.
    `relisting` is shared by the reflectors of one API, so that a broken one is not met by all lists at once.
    `gate` is passed after every break; without one the API is taken at its word. `knock` is awaited before what
    failed is tried again: of many that fail, one need try, and wakes the others.
    All times here are seconds of `monotonic`.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource[T],
        namespace: str,
        *,
        changed: Callable[[frozenset[str]], None] = lambda _: None,
        told: Callable[[], None] = lambda: None,
        relisting: asyncio.Lock | None = None,
        gate: Gate | None = None,
        knock: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.store: Store[T] = Store()
        self.absent = False  # an optional resource that is not there, or not ours to see
        self.note: str | None = None
        self._api = api
        self._changed, self._told = changed, told
        self._relisting = relisting or asyncio.Lock()
        self._gate, self._knock = gate, knock
        self._sleep, self._monotonic = sleep, monotonic
        self._chance = chance or random.Random()
        self._backoff = Backoff(self._chance)
        self._read = reader(resource)
        self._version = resource.versions[0]
        self._position: str | None = None  # the resourceVersion to watch from; None: list first
        self._selected = resource.field_selector
        self._whole = False  # list without pages, after a continue token expired
        self._listed = False
        self._failure: AuroraError | None = None
        self._listing = self._failed_listing = False
        self._listed_at: float | None = None
        self._denied_since: float | None = None
        self._hearing = Hearing(monotonic)
        self._healthy_since: float | None = None
        self._attempt: asyncio.Timeout | None = None
        self._resting = False
        self._not_before = 0.0  # the server asked us to wait until then
        self._doubt: float | None = None  # since when the API may be another one

    # What is known, and until when

    @property
    def listed(self) -> bool:
        """Whether the store holds anything to go by: a list has succeeded, or the resource is absent."""
        return self._listed or self.absent

    @property
    def failure(self) -> AuroraError | None:
        """What keeps the store from being current, if anything. Over once that which failed has worked again."""
        return None if self._hearing.stands else self._failure

    def current_until(self, alive: float | None) -> float | None:
        """Until when the store is known to be what the server holds; None: never yet. See `Hearing.until`."""
        return self._hearing.until(alive)

    # The loop

    async def run(self) -> None:
        """List, watch, and begin again, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(None) as self._attempt:
                    await self._once()
            except TimeoutError:
                continue  # `wake`: the only deadline that an attempt is ever given
            finally:
                self._attempt = None

    def wake(self, *, broken: bool = False) -> None:
        """The API is well again: try now, if this rests after a failure; if `broken`, in the middle of anything.

        A request that was sent to a silent API may wait for ever, and a watch of it may be dead.
        """
        if self._resting or (broken and not self.absent):  # absent: nothing is wrong, there is no such thing
            self._begin_next_attempt()

    def start_over(self, since: float) -> None:
        """Believe nothing that is held: pass the gate, then list."""
        self._position = None
        self._doubts(since)
        self._begin_next_attempt()  # also of what is absent: it may just be listing on the other cluster

    def _begin_next_attempt(self) -> None:
        if self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(asyncio.get_running_loop().time())

    async def _once(self) -> None:
        try:
            await self._wait_until_asked()
            if self._position is None:
                self._listing = True
                await self._list()
            self._listing = False
            await self._watch()
            self._doubts(self._monotonic())  # also a server that is going away ends its watches in order
        except AuroraError as error:
            await self._fail(error)

    async def _wait_until_asked(self) -> None:
        wait = self._not_before - self._monotonic()
        if wait > 0.0:
            await self._sleep(wait)
        if self._gate is not None and self._doubt is not None:
            await self._gate.passed(self._doubt)
            self._doubt = None

    def _doubts(self, since: float) -> None:
        self._doubt = since
        if self._gate is not None:
            self._gate.doubt(since)

    async def _fail(self, error: AuroraError) -> None:
        now = self._monotonic()
        if self._healthy_since is not None:
            self._backoff.healthy_for(now - self._healthy_since)
            self._healthy_since = None
        self._hearing.failed()
        status = error.status if isinstance(error, ApiError) else None
        expired = isinstance(error, ApiError) and error.expired
        if isinstance(error, ApiError):
            if error.expired or error.from_the_future or status in (400, 404):
                self._position = None
            if self.resource.optional and status in (403, 404):
                await self._absent(error)
                return
            if error.expired or error.from_the_future or status in (401, 404):
                self._doubts(now)
            if status == 400 and self._selected:
                self._selected = None  # "field label not supported": take all, choose later
            if status == 403 and now - (self._denied_since or now) < DENIED_SOON:
                self._begin_anew()  # whoever may list still sees all; and when it is over, the position is not too old
        elif isinstance(error, Unreachable) or (not self._listing and self._position is None):
            self._doubts(now)
        if self._backoff.failures or not expired:
            # A version that expired is everyday life on a busy cluster; again and again it is a failure.
            self._failure, self._failed_listing = error, self._listing
            self._told()
        wait = self._backoff.next()
        if expired and not self._listing and not self._young:
            wait = min(wait, self._chance.uniform(0.0, FIRST))  # everyday life, however much failed before it
        await self._rest(wait, getattr(error, "retry_after", None), denied=status == 403)

    async def _rest(self, wait: float, retry_after: float | None, *, denied: bool) -> None:
        now = self._monotonic()
        self._denied_since = (self._denied_since or now) if denied else None
        if self._gate is not None and self._gate.well and now - (self._denied_since or now) < DENIED_SOON:
            wait = min(wait, self._chance.uniform(SOON / 2, SOON))
        least = min(retry_after or 0.0, LONGEST_RETRY_AFTER)
        self._not_before = now + least
        self._resting = True
        try:
            await self._sleep(max(wait, least))
            if self._knock is not None:
                await self._knock()
        finally:
            self._resting = False

    async def _absent(self, error: ApiError) -> None:
        """An optional resource cannot be had: remember why, look again: soon when it is kept from us, else later."""
        versions = self.resource.versions
        following = versions.index(self._version) + 1
        if error.status == 404 and following < len(versions):
            self._version = versions[following]
            return
        self._version, self._position = versions[0], None
        self.absent, self._failure, self._listed = True, None, False
        self.note = f"{self.resource.plural} are not shown: {error}" if error.status == 403 else None
        self._changed(self.store.replace(()))
        self._told()
        if error.status == 403:
            await self._rest(self._backoff.next(), error.retry_after, denied=True)
        else:
            await self._sleep(ABSENT_RECHECK + self._chance.uniform(0.0, 30.0))

    async def _list(self) -> None:
        if not self._listed:
            await self._list_pages()
            return
        async with self._relisting:
            await self._list_pages()

    async def _list_pages(self) -> None:
        path = self.resource.path(self._version, self.namespace)
        began = self._monotonic()
        try:
            found = await list_all(self._api, path, self._read, self._selected, whole=self._whole)
        except ApiError as error:
            self._whole = self._whole or error.expired
            raise
        self._whole = False
        self._position, self._listed_at = found.version, began
        self._listed = True
        self._hearing.listed(began)
        self._changed(self.store.replace(found.items, found.version))
        if self._failed_listing:
            self._failure, self._failed_listing = None, False
        if self.absent:
            self.absent, self.note = False, None
        self._told()

    async def _watch(self) -> None:
        """One watch, from `_position` until it ends. A good end returns; the next watch goes on from there."""
        path = self.resource.path(self._version, self.namespace)
        query: dict[str, str | int | bool] = {
            "resourceVersion": self._position or "",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": self._chance.randint(*WATCH_SECONDS),
        }
        if self._selected:
            query["fieldSelector"] = self._selected
        request = describe_request("GET", f"{path}?watch=1")
        events = 0
        opened = self._monotonic()
        try:
            async with self._api.watch(path, query, SILENT) as lines:
                opened = self._hearing.opened()
                self._denied_since = None
                self._healthy_since = opened if self._healthy_since is None else self._healthy_since
                if self._failure is not None:
                    asyncio.get_running_loop().call_later(STANDS, self._told)  # it stands then
                async for line in lines:
                    self._apply(line, request)
                    events += 1
                    self._hearing.word()
        except Silent:
            # Quiet, not broken: asked again from where we are.
            if self._monotonic() - opened < SHORT:
                raise
        except Unreadable:
            self._begin_anew()  # it would be told the same again from here: a new list passes it by
            raise
        finally:
            if self._hearing.ended():
                self._failure = None
        lasted = self._monotonic() - opened
        if lasted >= SHORT:
            return
        if events == 0:
            # Nothing in less than a second: a server that hangs up, or a version it does not have yet (restored
            # or swapped cluster), which a new list settles.
            self._begin_anew()
            raise Unreadable(f"{request}: closed at once without a word", "It is listed again.")
        await self._sleep(SHORT - lasted)

    def _apply(self, line: bytes, request: str) -> None:
        try:
            told = read_line(line, request, self._read)
        except ApiError:
            self._begin_anew()  # what went wrong may be this position: a new list passes it by
            raise
        self._move_on(told.version)
        if told.item is None:
            return
        if changed := self.store.remove(told.item) if told.gone else self.store.put(told.item):
            self._changed(changed)
        if len(self.store) > MOST_OBJECTS:
            raise Unreadable(f"{request}: there are more than {MOST_OBJECTS:,}", "Watch a smaller namespace.")

    def _begin_anew(self) -> None:
        if self._gate is None or not self._young:
            self._position = None

    @property
    def _young(self) -> bool:
        return self._listed_at is not None and self._monotonic() - self._listed_at <= YOUNG

    def _move_on(self, told: str) -> None:
        """The next watch begins after the newest that was told; what comes late does not set it back."""
        reached = self._position or ""
        if told and not (told.isdigit() and reached.isdigit() and int(told) <= int(reached)):
            self._position = told
