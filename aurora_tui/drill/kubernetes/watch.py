"""Watches: each a queue of changes that one client still has to hear of, streamed a JSON line at a time."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import msgspec
from aiohttp import web

from aurora_tui.drill.kubernetes import table
from aurora_tui.drill.kubernetes.call import Call
from aurora_tui.drill.kubernetes.kinds import KINDS, Kind
from aurora_tui.drill.kubernetes.lists import selection
from aurora_tui.drill.kubernetes.options import check_watch, number, version
from aurora_tui.drill.kubernetes.selectors import Predicate, both
from aurora_tui.drill.kubernetes.status import Refused, expired
from aurora_tui.drill.kubernetes.store import Change, Entry, ObjectStore

BOOKMARK_SECONDS = 60.0
_BEHIND = 20_000
"""A client this many events behind is let go, as a real server does."""
_BATCH = 200
"""Lines of what is there already that are made and sent at a time."""
_FUTURE_SECONDS = 3.0
_LOOK_SECONDS = 30.0
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Encoder = Callable[[Entry], bytes]


class Watch:
    """What one client watches and what it has not been told yet."""

    def __init__(self, select: Predicate) -> None:
        self.select = select
        self.pending: deque[tuple[str, Entry]] = deque()
        self.news = asyncio.Event()
        self.over = False

    def offer(self, change: Change) -> None:
        """Queue what the change means to this client: objects also come and go by (no longer) being selected."""
        was = change.before is not None and self.select(change.before.thing)
        now = not change.gone and self.select(change.after.thing)
        if now:
            self.pending.append(("MODIFIED" if was else "ADDED", change.after))
        elif was and change.gone:
            self.pending.append(("DELETED", change.after))
        elif was and change.before is not None:
            last = change.before.copy()
            last["metadata"]["resourceVersion"] = str(change.revision)
            self.pending.append(("DELETED", Entry(change.kind, last)))
        else:
            return
        self.over = self.over or len(self.pending) > _BEHIND
        self.news.set()

    def end(self) -> None:
        """No more."""
        self.over = True
        self.news.set()


class WatchHub:
    """Every open watch, told of the store's changes."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self._open: dict[Kind, set[Watch]] = {kind: set() for kind in KINDS}
        store.listen(self._changed)

    def _changed(self, change: Change) -> None:
        for watch in self._open[change.kind]:
            watch.offer(change)

    def open(self, kind: Kind, watch: Watch) -> None:
        """Begin to tell `watch`."""
        self._open[kind].add(watch)

    def close(self, kind: Kind, watch: Watch) -> None:
        """Tell it no more."""
        self._open[kind].discard(watch)

    def end_all(self) -> None:
        """Let every client go: the server stops."""
        for watches in self._open.values():
            for watch in watches:
                watch.end()
        self.store.ignore(self._changed)


def _line(type_: str, body: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), body)


def _bookmark(kind: Kind, revision: int, initial_end: bool = False) -> bytes:
    meta: dict[str, object] = {"resourceVersion": str(revision)}
    if initial_end:
        meta["annotations"] = {_INITIAL_EVENTS_END: "true"}
    return msgspec.json.encode(
        {"kind": kind.name, "apiVersion": kind.api_version, "metadata": meta, **dict(kind.empty)}
    )


def _encoder(call: Call) -> Encoder:
    form = call.wants()
    kind = call.target.kind
    if form == "Table":
        whole = call.request.query.get("includeObject") == "Object"
        first = True

        def tabled(entry: Entry) -> bytes:
            nonlocal first
            meta = {"resourceVersion": entry.thing["metadata"]["resourceVersion"]}
            shown = call.request.query.get("includeObject") != "None"
            made = table.table(kind, [entry], meta, call.cluster.now(), whole=whole, head=first)
            if not shown:
                for row in made["rows"]:
                    row.pop("object")
            first = False
            return msgspec.json.encode(made)

        return tabled
    if form == "Partial":
        return lambda entry: msgspec.json.encode(table.partial(entry))
    return lambda entry: entry.json


async def serve(call: Call, hub: WatchHub) -> web.StreamResponse:
    """Stream the changes the request asks for until its time is up, the client leaves or the server stops."""
    query, kind, namespace = call.request.query, call.target.kind, call.target.namespace
    check_watch(query)
    chosen = selection(query, kind, call.target.name)
    if namespace is not None:
        chosen = both(lambda thing: bool(thing["metadata"]["namespace"] == namespace), chosen)
    encode = _encoder(call)
    asked = version(query)
    bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
    send_initial = query.get("sendInitialEvents")
    from_state = send_initial == "true" or (send_initial is None and asked == 0)
    timeout = number(query, "timeoutSeconds") or random.randint(1800, 3600)
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
    await response.prepare(call.request)
    watch = Watch(chosen)
    hub.open(kind, watch)
    try:
        if asked > hub.store.revision:
            await _nothing(watch, min(timeout, _FUTURE_SECONDS))
        elif not from_state and asked and asked < hub.store.compacted:
            await _write(response, [_line("ERROR", _expired(asked, hub.store.compacted))])
        else:
            first = _initial(hub.store, call, watch, from_state, asked, bookmarks, encode)
            while batch := list(islice(first, _BATCH)):
                await _write(response, batch)
            await _follow(call, response, watch, encode, timeout, bookmarks, hub.store)
    except ConnectionResetError:
        pass  # the client has left: nobody to tell
    finally:
        hub.close(kind, watch)
    return response


def _expired(asked: int, compacted: int) -> bytes:
    refusal: Refused = expired(f"too old resource version: {asked} ({compacted})")
    return msgspec.json.encode(refusal.body)


def _initial(
    store: ObjectStore, call: Call, watch: Watch, from_state: bool, asked: int, bookmarks: bool, encode: Encoder
) -> Iterator[bytes]:
    """The lines before the first news: what is there already, or what has changed since the version asked for.

    All of one moment, that of the first line, but made as they are sent: thousands of objects are many megabytes.
    """
    kind = call.target.kind
    if not from_state:
        for change in store.since(kind, asked) if asked else ():
            watch.offer(change)
        return
    revision = store.revision
    entries = [entry for entry in store.entries(kind, call.target.namespace) if watch.select(entry.thing)]
    for entry in entries:
        yield _line("ADDED", encode(entry))
    if bookmarks:
        yield _line("BOOKMARK", _bookmark(kind, revision, initial_end=True))


async def _write(response: web.StreamResponse, lines: list[bytes]) -> None:
    if lines:
        await response.write(b"".join(lines))


async def _nothing(watch: Watch, seconds: float) -> None:
    """A version from the future: the real server waits a little for it to come, then closes without a word."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not watch.over and (left := end - loop.time()) > 0:
        watch.news.clear()
        await _news(watch, left)


async def _news(watch: Watch, seconds: float) -> None:
    try:
        await asyncio.wait_for(watch.news.wait(), seconds)
    except TimeoutError:
        return


async def _follow(
    call: Call,
    response: web.StreamResponse,
    watch: Watch,
    encode: Encoder,
    timeout: float,
    bookmarks: bool,
    store: ObjectStore,
) -> None:
    loop = asyncio.get_running_loop()
    end, kind = loop.time() + timeout, call.target.kind
    mark = loop.time() + BOOKMARK_SECONDS
    while not watch.over:
        watch.news.clear()
        if watch.pending:
            lines = [_line(type_, encode(entry)) for type_, entry in watch.pending]
            watch.pending.clear()
            await _write(response, lines)
            continue
        now = loop.time()
        if bookmarks and (now >= mark or now >= end):
            await _write(response, [_line("BOOKMARK", _bookmark(kind, store.revision))])
            mark = now + BOOKMARK_SECONDS
        if now >= end or call.request.transport is None or call.request.transport.is_closing():
            return
        await _news(watch, min(end - now, mark - now, _LOOK_SECONDS))
