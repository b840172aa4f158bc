"""Whatever happens between a server and a reflector, in the end the store is what the server has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.kube import listing
from aurora_tui.kube.errors import ApiError, Unreachable
from aurora_tui.kube.objects import Pod
from aurora_tui.kube.reflector import Reflector, Resource
from tests.kube.api_server import status_body

PODS = Resource("pods", ("api/v1",), Pod)
UIDS = st.sampled_from("abcd")

# What changes on the server, unseen, and what then comes of the request that is under way.
Change = tuple[str, str]
Step = tuple[list[Change], str]
changes = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "put", "delete", "recreate"]), UIDS),
        st.tuples(st.just("compact"), st.just("")),
    ),
    max_size=4,
)
OUTCOMES = [
    "well", "well", "end", "cut", "html", "gone", "refuse", "repeat", "bookmark", "late", "late", "backwards", "nobody",
]  # fmt: skip
happenings = st.lists(st.tuples(changes, st.sampled_from(OUTCOMES)), max_size=20)


class Told:
    """An API that lives through `happenings`: one step before each page of a list and between the events of a watch."""

    def __init__(self, script: list[Step]) -> None:
        self.script = list(script)
        self.version, self.compacted, self.names = 10, 0, 0
        self.held: dict[str, tuple[str, int]] = {}
        self.history: list[tuple[int, str, tuple[str, int]]] = []
        self.backwards = False  # the next events are told newest first
        self.quiet = asyncio.Event()
        for uid in "abc":
            self._change("put", uid)

    def _live(self) -> str:
        """The next step is lived through; what comes of the request is returned."""
        if not self.script:
            return "well"
        changes, outcome = self.script.pop(0)
        for what, uid in changes:
            self._change(what, uid)
        return outcome

    def _change(self, what: str, uid: str) -> None:
        if what == "compact":
            self.compacted = self.version
            return
        key = next((known for known in self.held if known.startswith(uid)), None)
        if key is not None and what in ("delete", "recreate"):
            self.version += 1
            self.history.append((self.version, "DELETED", (key, self.version)))
            del self.held[key]
            key = None
        if what in ("put", "recreate"):
            self.version += 1
            self.names += 1
            kind, key = ("ADDED", f"{uid}{self.names}") if key is None else ("MODIFIED", key)
            self.held[key] = (key, self.version)
            self.history.append((self.version, kind, self.held[key]))

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        query = query or {}
        await asyncio.sleep(0)
        if "continue" in query:
            version, rest = json.loads(query["continue"])
        else:
            version, rest = self.version, list(self.held.values())
        happened = self._live()
        if happened in ("cut", "end", "html"):
            raise Unreachable("broke off", "")
        if happened == "refuse":
            raise ApiError("no", "", status=503)
        if happened == "gone" or ("continue" in query and version < self.compacted):
            raise ApiError("expired", "", status=410)
        here, rest = (rest[:2], rest[2:]) if "limit" in query else (rest, [])
        metadata = {"resourceVersion": str(version), "continue": json.dumps([version, rest]) if rest else ""}
        return json.dumps({"metadata": metadata, "items": [wire(*item) for item in here] or None}).encode()

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, Any], silent_seconds: float = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        await asyncio.sleep(0)
        yield self._events(int(query["resourceVersion"]))

    async def _events(self, since: int) -> AsyncIterator[bytes]:
        told = since
        if since < self.compacted:
            yield line("ERROR", status_body(410, "Expired", "too old"))
            return
        while True:
            news = [one for one in self.history if one[0] > told]
            for version, kind, item in reversed(news) if self.backwards else news:
                yield line(kind, wire(*item))
                told = max(told, version)
            self.backwards = False
            if not self.script:
                self.quiet.set()
                await asyncio.Event().wait()
            match self._live():
                case "end":
                    return
                case "cut":
                    raise Unreachable("broke off", "")
                case "html":
                    yield b"<html>502</html>"
                case "gone":
                    yield line("ERROR", status_body(410, "Expired", "too old"))
                case "refuse":
                    yield line("ERROR", status_body(500, "InternalError", "etcd"))
                case "bookmark":
                    yield line("BOOKMARK", {"metadata": {"resourceVersion": str(told)}, "spec": {"containers": None}})
                case "late":
                    # From before this watch, or before the list: what was deleted since is told as if it were there.
                    for _, kind, item in [one for one in self.history if one[0] <= told][:6][::-1]:
                        yield line(kind, wire(*item))
                case "backwards":
                    self.backwards = True
                case "nobody":
                    yield line("ADDED", {"kind": "Pod"})
                case "repeat":
                    for _, kind, item in [one for one in self.history if since < one[0] <= told][-2:]:
                        yield line(kind, wire(*item))


def wire(uid: str, version: int) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": uid, "resourceVersion": str(version)}}


def line(kind: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode()


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.3
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def live_through(script: list[Step]) -> None:
    server, clock = Told(script), Clock()
    mirror: dict[str, str] = {}
    reported_nothing: list[str] = []

    def changed(uids: frozenset[str]) -> None:
        for uid in uids:
            item = reflector.store.get(uid)
            before = mirror.pop(uid, None)
            if item is not None:
                mirror[uid] = item.metadata.resource_version
            if before == mirror.get(uid):
                reported_nothing.append(uid)

    reflector = Reflector(server, PODS, "prod", changed=changed, sleep=clock.sleep, monotonic=clock.monotonic)
    task = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(60):
            await server.quiet.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    held = {item.metadata.uid: item.metadata.resource_version for item in reflector.store}
    assert held == {uid: str(version) for uid, version in server.held.values()}
    assert mirror == held, "a change was not reported"
    assert not reported_nothing, "something was reported that had not changed"


@given(happenings)
def test_any_order_of_lists_events_and_failures_ends_in_what_the_server_has(
    script: list[Step],
) -> None:
    page, listing.PAGE = listing.PAGE, 2
    try:
        asyncio.run(live_through(script))
    finally:
        listing.PAGE = page
