"""Keeps a Store equal to what the server holds: list in pages, then watch, and begin again when that breaks.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
The official package's watch has no back-off, retries 410 at the same version and notices a silent peer late;
hence this one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.kube.backoff import Backoff
from aurora_tui.kube.connection import Query, Silent, decode
from aurora_tui.kube.errors import ApiError, Status, Unreadable, describe_request, status_error
from aurora_tui.kube.objects import Object
from aurora_tui.kube.store import Store
from aurora_tui.text import safe

PAGE = 500
WATCH_SECONDS = (300, 600)
SHORT = 1.0
# Renewed, not failed: a quiet resource of a quiet API server gets no bookmarks, and asking again proves it alive.
SILENT = 90.0
ABSENT_RECHECK = 180.0

T = TypeVar("T", bound=Object)


class Api(Protocol):
    """What a reflector needs of a Connection."""

    async def get(self, path: str, query: Query | None = None) -> bytes:
        """The body of a GET."""
        ...

    def watch(
        self, path: str, query: Query, silent_seconds: float = ...
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The lines of a watch."""
        ...


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """A kind of object: where its lists are (`versions` in order of preference) and what is decoded of it.

    `optional`: a cluster may lack it or keep it from us, which is then no failure but an absence.
    """

    plural: str
    versions: tuple[str, ...]  # "api/v1", "apis/apps/v1"
    type: type[T]
    optional: bool = False
    field_selector: str | None = None

    def path(self, version: str, namespace: str) -> str:
        """Where its list is."""
        return f"/{version}/namespaces/{namespace}/{self.plural}"


class _Event(msgspec.Struct):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"null")


class _ListMetadata(msgspec.Struct, rename={"resource_version": "resourceVersion", "next": "continue"}):
    resource_version: str = ""
    next: str | None = None


class _Page(msgspec.Struct, Generic[T]):
    metadata: _ListMetadata
    items: list[T] | None = None


_EVENT = msgspec.json.Decoder(_Event)
_STATUS = msgspec.json.Decoder(Status)


class Reflector(Generic[T]):
    """One resource of one namespace. `run` never ends but by cancellation; failures are told, waited out, tried again.

    `changed` is called with the uids that changed, `told` whenever `failure`, `absent` or `note` changed.
    `relisting` is shared by the reflectors of one API, so that a broken one is not met by all lists at once.
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
        self._sleep, self._monotonic = sleep, monotonic
        self._chance = chance or random.Random()
        self._backoff = Backoff(self._chance)
        self._page = msgspec.json.Decoder(_Page[resource.type])  # type: ignore[name-defined]
        self._object = msgspec.json.Decoder(resource.type)
        self._version = resource.versions[0]
        self._position: str | None = None  # the resourceVersion to watch from; None: list first
        self._selected = resource.field_selector
        self._whole = False  # list without pages, after a continue token expired
        self._listed = False
        self._failure: AuroraError | None = None
        self._heard: float | None = None  # the last word, or the start of the last list
        self._opened: float | None = None  # when the present watch was answered; None while there is none
        self._current: float | None = None  # until when we last said to be current
        self._healthy_since: float | None = None

    # What is known, and until when

    @property
    def listed(self) -> bool:
        """Whether the store holds anything to go by: a list has succeeded, or the resource is absent."""
        return self._listed or self.absent

    @property
    def failure(self) -> AuroraError | None:
        """What keeps the store from being current, if anything. Over once a watch stands again."""
        return None if self._standing() else self._failure

    def current_until(self, alive: float | None) -> float | None:
        """Until when the store is known to be what the server holds; None: never yet.

        `alive` is when the API last showed life on another request. It counts only while the watch stands: an
        open watch that is merely quiet is current, a dead one is only as current as its last word. Between two
        watches the answer stays where it was; after a failure it falls back to the last word.
        """
        if self._heard is None:
            return None
        if self._standing():
            heard = max(self._heard, self._opened or 0.0)
            if self._monotonic() - heard <= SILENT:
                self._current = max(alive or 0.0, heard, self._current or 0.0)
        return max(self._current or 0.0, self._heard)

    def _standing(self) -> bool:
        return self._opened is not None and self._monotonic() - self._opened >= SHORT

    # The loop

    async def run(self) -> None:
        """List, watch, and begin again, until cancelled."""
        while True:
            try:
                if self._position is None:
                    await self._list()
                await self._watch()
            except AuroraError as error:
                await self._fail(error)

    async def _fail(self, error: AuroraError) -> None:
        if self._healthy_since is not None:
            self._backoff.healthy_for(self._monotonic() - self._healthy_since)
            self._healthy_since = None
        self._current = None
        if isinstance(error, ApiError):
            if error.expired or error.from_the_future or error.status in (400, 404):
                self._position = None
            if self.resource.optional and error.status in (403, 404):
                await self._absent(error)
                return
            if error.status == 400 and self._selected:
                self._selected = None  # "field label not supported": take all, choose later
        if self._backoff.failures or not (isinstance(error, ApiError) and error.expired):
            # A version that expired is everyday life on a busy cluster; again and again it is a failure.
            self._failure = error
            self._told()
        await self._sleep(self._backoff.next(getattr(error, "retry_after", None)))

    async def _absent(self, error: ApiError) -> None:
        """An optional resource cannot be had: remember why, look again in a few minutes."""
        versions = self.resource.versions
        following = versions.index(self._version) + 1
        if error.status == 404 and following < len(versions):
            self._version = versions[following]
            return
        self._version = versions[0]
        self.absent, self._failure, self._listed = True, None, False
        self.note = f"{self.resource.plural} are not shown: {error}" if error.status == 403 else None
        self._changed(self.store.replace(()))
        self._told()
        await self._sleep(ABSENT_RECHECK + self._chance.uniform(0.0, 30.0))

    async def _list(self) -> None:
        if not self._listed:
            await self._list_pages()
            return
        async with self._relisting:
            await self._list_pages()

    async def _list_pages(self) -> None:
        path = self.resource.path(self._version, self.namespace)
        request = describe_request("GET", path)
        began = self._monotonic()
        items: list[T] = []
        query: dict[str, str | int | bool] = {} if self._whole else {"limit": PAGE}
        if self._selected:
            query["fieldSelector"] = self._selected
        while True:
            try:
                body = await self._api.get(path, query)
            except ApiError as error:
                # The rest of the pages is gone: next time all at once, as kubectl does.
                self._whole = self._whole or (error.expired and "continue" in query)
                raise
            page = decode(self._page, body, request)
            items += page.items or ()
            if not page.metadata.next:
                break
            query["continue"] = page.metadata.next
        self._whole = False
        self._position = page.metadata.resource_version or None
        self._listed, self._heard = True, began
        if self.absent:
            self.absent, self.note = False, None
            self._told()
        self._changed(self.store.replace(items))
        if self._position is None:
            raise Unreadable(f"{request}: the list has no resourceVersion", "Is this a Kubernetes API?")

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
                self._opened = opened = self._monotonic()
                self._healthy_since = opened if self._healthy_since is None else self._healthy_since
                async for line in lines:
                    self._apply(line, request)
                    events += 1
                    self._heard = self._monotonic()
        except Silent:
            # Quiet, not broken: asked again from where we are.
            if self._monotonic() - opened < SHORT:
                raise
        finally:
            if self._standing():
                self._heard = max(self._heard or 0.0, opened)
                self._failure = None
            self._opened = None
        lasted = self._monotonic() - opened
        if lasted >= SHORT:
            return
        if events == 0:
            # Nothing in less than a second: a server that hangs up, or a version it does not have yet (restored
            # or swapped cluster), which a new list settles.
            self._position = None
            raise Unreadable(f"{request}: closed at once without a word", "It is listed again.")
        await self._sleep(SHORT - lasted)

    def _apply(self, line: bytes, request: str) -> None:
        event = decode(_EVENT, line, request)
        if event.type == "ERROR":
            raise status_error(decode(_STATUS, bytes(event.object), request), request)
        if event.type not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"):
            raise Unreadable(f"{request}: an event of type {safe(event.type, 40)!r}", "Is this a Kubernetes API?")
        item = decode(self._object, bytes(event.object), request)
        if event.type == "DELETED":
            changed = self.store.remove(item)
        elif event.type == "BOOKMARK":
            changed = frozenset()
        else:
            changed = self.store.put(item)
        self._position = item.metadata.resource_version or self._position
        if changed:
            self._changed(changed)
