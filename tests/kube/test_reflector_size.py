"""Thousands of pods and hundreds of events a second: what reading, keeping and showing them costs."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from aurora_tui.kube.objects import Pod, ReplicaSet
from aurora_tui.kube.reflector import Reflector, Resource
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.sources.kept import KeptPod, PodKeeper
from aurora_tui.sources.projection import Projection, Seen
from tests.kube.api_server import recording

PODS, PAGES, EVENTS = 5000, 10, 2000
RAW = recording("lists.json")["pods"]["items"][0]


def wire(number: int, version: int) -> dict[str, Any]:
    """A recorded pod as another one, with the fields that nobody looks at: as large as pods are."""
    item = copy.deepcopy(RAW)
    item["metadata"] |= {
        "uid": f"{number:08}-3f61-4e0a-9d7c-1b5c6a1f0d2e",
        "name": f"aurora-bridge-7cd8b9d5f-{number:05}",
        "resourceVersion": str(version),
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {"f:conditions": {"." * 3000: {}}}}}],
    }
    return item


class Large:
    """An API that lists 5,000 pods and then tells events as fast as they are read."""

    def __init__(self) -> None:
        share = PODS // PAGES
        self.pages = [
            json.dumps(
                {
                    "kind": "PodList",
                    "metadata": {"resourceVersion": "100000", "continue": str(page + 1) if page + 1 < PAGES else ""},
                    "items": [wire(number, number + 1) for number in range(page * share, (page + 1) * share)],
                }
            ).encode()
            for page in range(PAGES)
        ]
        self.events = [
            json.dumps({"type": "MODIFIED", "object": wire(number * 7 % PODS, 100001 + number)}).encode()
            for number in range(EVENTS)
        ]
        self.go, self.done = asyncio.Event(), asyncio.Event()

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> bytes:
        await asyncio.sleep(0)
        return self.pages[int((query or {}).get("continue", 0))]

    @asynccontextmanager
    async def watch(
        self, path: str, query: Mapping[str, Any], silent_seconds: float = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._told()

    async def _told(self) -> AsyncIterator[bytes]:
        await self.go.wait()
        for event in self.events:
            yield event
        self.done.set()
        await asyncio.Event().wait()


async def longest_stall(doing: asyncio.Future[Any]) -> float:
    """CPU seconds between two turns of the event loop, at most, until `doing` is done: other load does not count."""
    longest, last = 0.0, time.thread_time()
    while not doing.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    return longest


@pytest.fixture
def _nothing_else_to_collect() -> Iterator[None]:
    """What other tests left in memory is not looked through in the middle of a measurement."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


class Counted:
    """Calls of `does`, and the most of them between two turns of the event loop."""

    def __init__(self, does: Callable[[Any], Any]) -> None:
        self._does = does
        self.calls = self.at_once = 0

    def __call__(self, one: Any) -> Any:
        self.calls += 1
        return self._does(one)

    async def until(self, doing: asyncio.Future[Any]) -> None:
        """Watch until `doing` is done."""
        last = self.calls
        while not doing.done():
            await asyncio.sleep(0)
            self.at_once, last = max(self.at_once, self.calls - last), self.calls


async def test_five_thousand_pods_are_listed_followed_and_shown_a_slice_at_a_time() -> None:
    server, changed, keep = Large(), set[str](), Counted(PodKeeper())
    pods: Resource[KeptPod] = Resource("pods", ("api/v1",), Pod, keep=keep)
    reflector = Reflector(server, pods, "prod", changed=changed.update)
    listed = asyncio.Event()
    reflector._told = listed.set
    task = asyncio.create_task(reflector.run())
    await keep.until(asyncio.ensure_future(listed.wait()))
    assert (len(reflector.store), keep.calls) == (PODS, PODS)
    assert keep.at_once <= 100

    projection = Projection(WorkloadRoles(canary="aurora-bridge"), "prod")
    seen, row = Seen(replicasets=[ReplicaSet()]), Counted(reflector.store.get)
    projection.pods_changed(changed)
    await row.until(asyncio.ensure_future(projection.catch_up(seen, row)))
    assert (len(projection.project(seen).pods), row.calls) == (PODS, PODS)
    assert row.at_once <= 1000

    server.go.set()
    await server.done.wait()
    task.cancel()
    assert keep.calls == PODS + EVENTS, "an event is one pod read"
    projection.pods_changed(list(changed)[:100])
    await projection.catch_up(seen, row)
    assert len(projection.project(seen).pods) == PODS
    assert row.calls == PODS + 100, "what did not change is not judged again"


@pytest.mark.slow
@pytest.mark.usefixtures("_nothing_else_to_collect")
async def test_five_thousand_pods_take_little_processor_time(
    record_property: Callable[[str, object], None],
) -> None:
    server, changed = Large(), set[str]()
    pods: Resource[KeptPod] = Resource("pods", ("api/v1",), Pod, keep=PodKeeper())
    reflector = Reflector(server, pods, "prod", changed=changed.update)
    listed = asyncio.Event()
    reflector._told = listed.set
    task = asyncio.create_task(reflector.run())
    began = time.thread_time()
    stall = await longest_stall(asyncio.ensure_future(listed.wait()))
    listing = time.thread_time() - began
    assert len(reflector.store) == PODS

    projection = Projection(WorkloadRoles(canary="aurora-bridge"), "prod")
    seen = Seen(replicasets=[ReplicaSet()])
    projection.pods_changed(changed)
    filled = await longest_stall(asyncio.ensure_future(projection.catch_up(seen, reflector.store.get)))
    assert len(projection.project(seen).pods) == PODS

    changed.clear()
    began = time.thread_time()
    server.go.set()
    await server.done.wait()
    event = (time.thread_time() - began) / EVENTS
    task.cancel()

    few = list(changed)[:100]
    began = time.thread_time()
    projection.pods_changed(few)
    await projection.catch_up(seen, reflector.store.get)
    projection.project(seen)
    redrawn = time.thread_time() - began
    record_property(
        "measured",
        f"5,000 pods of {len(server.pages[0]) * PAGES / PODS / 1000:.1f} kB: read and judged in "
        f"{listing * 1000:.0f} ms of CPU, longest stall {max(stall, filled) * 1000:.1f} ms; an event "
        f"{event * 1e6:.0f} µs; 100 changed of 5,000 in rows again {redrawn * 1000:.1f} ms",
    )
    assert max(stall, filled) <= 0.02
    assert event <= 0.0001
    assert redrawn <= 0.05


async def test_what_is_kept_of_a_pod_is_small(record_property: Callable[[str, object], None]) -> None:
    keep, texts = PodKeeper(), [json.dumps(wire(number, 1)).encode() for number in range(500)]
    decoder = msgspec.json.Decoder(Pod)
    keep(decoder.decode(texts[0]))
    tracemalloc.start()
    try:
        kept = [keep(decoder.decode(text)) for text in texts]
        size = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    record_property("measured", f"a pod keeps {size / 1000:.1f} kB of its {len(texts[0]) / 1000:.1f} kB")
    assert size <= 3000
