"""Listing all objects of a resource, in pages; anything that is not such a list is refused whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from aurora_tui.kube.connection import Query, decode
from aurora_tui.kube.errors import Unreadable, describe_request
from aurora_tui.kube.objects import Object
from aurora_tui.text import safe

PAGE = 500
MOST_PAGES = 1000  # a server that always knows one more page is at fault
MOST_OBJECTS = 100_000
SLICE = 100  # objects decoded between two breaths of the event loop, some 2 ms

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
    `keep`: what is kept of an object that was read, all of it when left out; it must keep uid and resourceVersion.
    """

    plural: str
    versions: tuple[str, ...]  # "api/v1", "apis/apps/v1"
    type: type[Object]
    optional: bool = False
    field_selector: str | None = None
    keep: Callable[[Any], T] | None = None

    def path(self, version: str, namespace: str) -> str:
        """Where its list is."""
        return f"/{version}/namespaces/{namespace}/{self.plural}"


class _ListMetadata(msgspec.Struct, rename={"resource_version": "resourceVersion", "next": "continue"}):
    resource_version: str = ""
    next: str | None = None


class _Page(msgspec.Struct):
    metadata: _ListMetadata
    kind: str | None = None
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


_PAGE = msgspec.json.Decoder(_Page)


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """All objects, and the resourceVersion at which they were all there is."""

    items: list[T]
    version: str


async def list_all(
    api: Api, path: str, read: Callable[[bytes, str], T], selector: str | None, *, whole: bool = False
) -> Listed[T]:
    """What the server holds. ApiError, Unreachable; Unreadable when an answer is no list or has no end.

    `whole`: without pages. A list of nothing is one that says so: a Status, `{}` or a list without its version is not
    read as "there is nothing".
    """
    request = describe_request("GET", path)
    query: dict[str, str | int | bool] = {} if whole else {"limit": PAGE}
    if selector:
        query["fieldSelector"] = selector
    items: list[T] = []
    for _ in range(MOST_PAGES):
        page = _read(await api.get(path, query), request)
        raw = page.items or []
        if len(items) + len(raw) > MOST_OBJECTS:
            raise Unreadable(f"{request}: there are more than {MOST_OBJECTS:,}", "Watch a smaller namespace.")
        for start in range(0, len(raw), SLICE):
            items += [read(bytes(one), request) for one in raw[start : start + SLICE]]
            await asyncio.sleep(0)
        if not page.metadata.next:
            return Listed(items, page.metadata.resource_version)
        query["continue"] = page.metadata.next
    raise Unreadable(f"{request}: the list has no end", "It is listed again.")


def reader(resource: Resource[T]) -> Callable[[bytes, str], T]:
    """Reads one object, for a request in words, as far as it is kept.

    It raises Unreadable when it cannot be read or is nobody: without a uid it cannot be told from others.
    """
    decoder = msgspec.json.Decoder(resource.type)
    keep = resource.keep or _as_it_is

    def read(raw: bytes, request: str) -> T:
        item = decode(decoder, raw, request)
        if not item.metadata.uid:
            raise Unreadable(f"{request}: an object without metadata.uid", "Is this a Kubernetes API?")
        return keep(item)

    return read


def _as_it_is(item: Any) -> Any:
    return item


def _read(body: bytes, request: str) -> _Page:
    page = decode(_PAGE, body, request)
    if (page.kind is not None and not page.kind.endswith("List")) or page.items is msgspec.UNSET:
        what = f"a {safe(page.kind, 40)}" if page.kind else "something else"
        raise Unreadable(f"{request}: {what} instead of a list", "Is this a Kubernetes API?")
    if not page.metadata.resource_version:
        raise Unreadable(f"{request}: the list has no resourceVersion", "Is this a Kubernetes API?")
    return page
