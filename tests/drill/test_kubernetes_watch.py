"""Watches over HTTP: what comes first, what comes after, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aurora_tui.drill.kubernetes import watch
from aurora_tui.drill.kubernetes.kinds import POD
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import Api, api_of

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment(replicas=2))) as found:
        yield found


async def version(api: Api) -> str:
    text: str = (await api.get(PODS))["metadata"]["resourceVersion"]
    return text


def relabel(api: Api, label: str) -> None:
    entry = api.cluster.store.entries(POD, NAMESPACE)[0]
    thing = entry.copy()
    thing["metadata"]["labels"]["phase"] = label
    api.cluster.registry.update(POD, entry, thing)


async def test_without_a_version_it_begins_with_what_there_is(api: Api) -> None:
    events = await api.watch(f"{PODS}?watch=1&timeoutSeconds=1")
    assert [event["type"] for event in events] == ["ADDED", "ADDED"]


async def test_initial_events_end_in_a_marked_bookmark(api: Api) -> None:
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    *added, end = await api.watch(f"{PODS}?{query}", count=3)
    assert [event["type"] for event in added] == ["ADDED", "ADDED"]
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert end["object"]["spec"] == {"containers": None}


async def test_initial_events_without_their_match_are_refused(api: Api) -> None:
    status, body = await api.ask("GET", f"{PODS}?watch=1&sendInitialEvents=true")
    assert (status, body["reason"]) == (422, "Invalid")


async def test_from_a_version_it_tells_all_that_came_after(api: Api) -> None:
    since = await version(api)
    relabel(api, "one")
    listening = asyncio.create_task(api.watch(f"{PODS}?watch=1&resourceVersion={since}&timeoutSeconds=5", count=2))
    await asyncio.sleep(0)
    relabel(api, "two")
    events = await listening
    assert [(e["type"], e["object"]["metadata"]["labels"]["phase"]) for e in events] == [
        ("MODIFIED", "one"),
        ("MODIFIED", "two"),
    ]


async def test_objects_come_and_go_as_the_selector_has_it(api: Api) -> None:
    since = await version(api)
    for label in ("chosen", "chosen", "other"):
        relabel(api, label)
    query = f"watch=1&resourceVersion={since}&labelSelector=phase%3Dchosen&timeoutSeconds=1"
    events = await api.watch(f"{PODS}?{query}")
    assert [event["type"] for event in events] == ["ADDED", "DELETED"]


async def test_a_forgotten_version_is_an_error_event_inside_200(api: Api) -> None:
    since = await version(api)
    relabel(api, "x")
    api.cluster.store.compact()
    (event,) = await api.watch(f"{PODS}?watch=1&resourceVersion={since}")
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith(f"too old resource version: {since} (")


async def test_a_version_from_the_future_ends_empty(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_FUTURE_SECONDS", 0.05)
    assert await api.watch(f"{PODS}?watch=1&resourceVersion=999999") == []


async def test_its_time_ends_with_a_bookmark_of_the_latest_version(api: Api) -> None:
    since = await version(api)
    query = f"watch=1&resourceVersion={since}&timeoutSeconds=1&allowWatchBookmarks=true"
    (event,) = await api.watch(f"{PODS}?{query}")
    assert event["type"] == "BOOKMARK"
    assert event["object"]["metadata"] == {"resourceVersion": str(api.cluster.store.revision)}


async def test_bookmarks_come_while_nothing_happens(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BOOKMARK_SECONDS", 0.05)
    query = f"watch=1&resourceVersion={await version(api)}&allowWatchBookmarks=true"
    events = await api.watch(f"{PODS}?{query}", count=3)
    assert [event["type"] for event in events] == ["BOOKMARK"] * 3


async def test_many_watches_are_told_of_one_change(api: Api) -> None:
    since = await version(api)
    path = f"{PODS}?watch=1&resourceVersion={since}&timeoutSeconds=10"
    listening = [asyncio.create_task(api.watch(path, count=1)) for _ in range(20)]
    await asyncio.sleep(0)
    relabel(api, "x")
    assert [[event["type"] for event in events] for events in await asyncio.gather(*listening)] == [["MODIFIED"]] * 20


async def test_one_object_can_be_watched_alone(api: Api) -> None:
    name = api.cluster.store.entries(POD, NAMESPACE)[1].thing["metadata"]["name"]
    events = await api.watch(f"{PODS}?watch=1&fieldSelector=metadata.name%3D{name}&timeoutSeconds=1")
    assert [event["object"]["metadata"]["name"] for event in events] == [name]
