"""A reflector's store is what the server holds, it asks no more than it must, and says how current it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from aurora_tui.kube import listing
from aurora_tui.kube import reflector as reflector_module
from aurora_tui.kube.access import Access, User
from aurora_tui.kube.backoff import FIRST
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.gate import Gate
from aurora_tui.kube.objects import Pod
from aurora_tui.kube.reflector import Reflector, Resource
from tests.kube.api_server import (
    ApiServer,
    closes_at_once,
    cuts,
    error_event,
    fails,
    hangs,
    open_stream,
    page,
    pod,
    recording,
    send,
    writes,
)
from tests.kube.conditions import until

PODS = Resource("pods", ("api/v1",), Pod)
PATH = "/api/v1/namespaces/prod/pods"


def access(url: str) -> Access:
    return Access(context="test", cluster="test", server=url, namespace="prod", user=User(name="ada"))


class Waits:
    """Sleeps that take no time but are counted, on a clock that only they and real time move."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.now = 1000.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    def monotonic(self) -> float:
        return self.now


class Reflected:
    def __init__(self, server: ApiServer, connection: Connection, resource: Resource[Any]) -> None:
        self.waits = Waits()
        self.changes: list[frozenset[str]] = []
        self.reflector = Reflector(
            connection,
            resource,
            "prod",
            changed=self.changes.append,
            sleep=self.waits.sleep,
            monotonic=self.waits.monotonic,
        )
        self.server = server

    def held(self) -> dict[str, str]:
        return {one.metadata.uid: one.metadata.resource_version for one in self.reflector.store}

    def equal(self) -> bool:
        there = self.server.objects[PATH]
        return self.reflector.listed and self.held() == {
            uid: item["metadata"]["resourceVersion"] for uid, item in there.items()
        }


@asynccontextmanager
async def reflecting(server: ApiServer, resource: Resource[Any] = PODS) -> AsyncIterator[Reflected]:
    connection = Connection(access(server.url))
    reflected = Reflected(server, connection, resource)
    task = asyncio.create_task(reflected.reflector.run())
    try:
        yield reflected
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with ApiServer() as made:
        for number in range(3):
            await made.put(PATH, pod(f"p{number}"))
        yield made


def asked(server: ApiServer, what: str) -> list[str]:
    return [one for one in server.requests if ("watch" in one) == (what == "watch")]


async def test_it_holds_what_was_there_and_follows_what_changes(server: ApiServer) -> None:
    async with reflecting(server) as it:
        await until(lambda: it.equal() and server.watching)
        await server.put(PATH, pod("p3"))
        await server.put(PATH, pod("p0", phase="Failed"))
        await server.delete(PATH, "uid-p1")
        await until(it.equal)
        assert it.changes[1:] == [{"uid-p3"}, {"uid-p0"}, {"uid-p1"}]


async def test_watches_ask_for_bookmarks_and_end_after_five_to_ten_minutes(server: ApiServer) -> None:
    async with reflecting(server):
        await until(lambda: server.watching)
    (path,) = asked(server, "watch")
    assert "allowWatchBookmarks=true" in path
    assert "resourceVersion=103" in path
    assert 300 <= int(path.split("timeoutSeconds=")[1].split("&")[0]) <= 600


async def test_long_lists_come_in_pages(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    async with reflecting(server) as it:
        await until(it.equal)
        assert len(asked(server, "list")) == 2


async def test_pages_that_expire_half_way_are_asked_again_all_at_once(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)

    async def first_page(request: Any) -> Any:
        return await server._list(request)

    server.misdeeds["list"] = [first_page, fails(410, "Expired")]
    async with reflecting(server) as it:
        await until(it.equal)
        assert "limit" not in asked(server, "list")[-1]


async def test_an_empty_list_may_be_null(server: ApiServer) -> None:
    server.objects[PATH].clear()
    async with reflecting(server) as it:
        await until(lambda: it.reflector.listed)
        assert it.held() == {}


async def test_a_410_inside_the_stream_lists_again_and_reports_only_what_changed(server: ApiServer) -> None:
    server.misdeeds["watch"] = [error_event(410, "Expired")]
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.equal())
        assert len(asked(server, "list")) == 2
        assert it.changes[1:] == [frozenset()]


async def test_the_recorded_410_is_understood(server: ApiServer) -> None:
    import json

    server.misdeeds["watch"] = [writes(json.dumps(recording("expired.json")["event"]).encode() + b"\n")]
    async with reflecting(server):
        await until(lambda: server.watching)
        assert len(asked(server, "list")) == 2


async def test_recorded_bookmarks_move_the_position_and_change_nothing(server: ApiServer) -> None:
    import json

    bookmark = recording("initial-events.json")[-1]
    assert bookmark["object"]["spec"] == {"containers": None}
    server.misdeeds["watch"] = [writes(json.dumps(bookmark).encode() + b"\n")]
    server.version = 604
    async with reflecting(server) as it:
        await until(lambda: server.watching)
        assert "resourceVersion=604" in asked(server, "watch")[-1]
        assert it.changes == [{"uid-p0", "uid-p1", "uid-p2"}]


@pytest.mark.parametrize(
    ("misdeed", "word"),
    [
        (page(502), "Bad Gateway"),
        (writes(b"<html><title>502 Bad Gateway</title></html>\n"), "web page"),
        (writes(b'{"type":"ADDED","obj'), "cannot be read"),
        (writes(b'{"type":"PARTY","object":{}}\n'), "PARTY"),
        (error_event(500, "InternalError"), "too old"),
        (cuts, ""),
        (fails(503), "no"),
    ],
)
async def test_a_broken_watch_is_told_waited_out_and_begun_again(server: ApiServer, misdeed: Any, word: str) -> None:
    server.misdeeds["watch"] = [misdeed]
    async with reflecting(server) as it:
        await until(lambda: it.waits.slept)
        assert word in str(it.reflector._failure)
        await until(lambda: server.watching)
        await server.put(PATH, pod("p9"))
        await until(it.equal)


async def test_a_server_that_hangs_up_at_once_is_asked_less_and_less(server: ApiServer) -> None:
    server.always["watch"] = closes_at_once
    async with reflecting(server) as it:
        await until(lambda: it.waits.now >= 1000 + 600, seconds=20)
        # Back-off reaches 30 s, so a list and a watch come each 15 s on average, after a first few.
        assert len(server.requests) <= 2 * (10 + (it.waits.now - 1000) / 8)
        assert it.reflector.failure is not None


async def test_a_server_that_says_one_thing_and_hangs_up_is_asked_once_a_second(server: ApiServer) -> None:
    server.always["watch"] = writes(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"103"}}}\n')
    async with reflecting(server) as it:
        await until(lambda: it.waits.now >= 1000 + 60, seconds=20)
        assert len(asked(server, "watch")) <= it.waits.now - 1000 + 2


async def test_retry_after_is_honoured(server: ApiServer) -> None:
    server.misdeeds["list"] = [fails(429, "TooManyRequests", Retry_After="7")]
    async with reflecting(server) as it:
        await until(it.equal)
        assert it.waits.slept[0] >= 7


async def test_no_server_keeps_us_away_for_longer_than_half_a_minute(server: ApiServer) -> None:
    server.misdeeds["list"] = [fails(429, "TooManyRequests", Retry_After="86400")]
    async with reflecting(server) as it:
        await until(it.equal)
        assert it.waits.slept[0] == 30.0


@pytest.mark.parametrize(
    "body",
    [{"kind": "Status", "metadata": {}}, {"metadata": {"resourceVersion": "7"}}, {"metadata": {}, "items": []}, {}],
)
async def test_what_is_no_list_does_not_mean_that_there_is_nothing(server: ApiServer, body: dict[str, Any]) -> None:
    async def answers(_: Any) -> Any:
        return web.json_response(body)

    async with reflecting(server) as it:
        await until(lambda: it.equal() and server.watching)
        server.misdeeds["watch"] = [error_event(410, "Expired")]
        server.misdeeds["list"] = [answers]
        server.cut()
        await until(lambda: not server.misdeeds["list"] and server.watching)
        assert it.equal()
        assert frozenset({"uid-p0", "uid-p1", "uid-p2"}) not in it.changes[1:]


async def test_a_list_without_end_is_given_up(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 3)

    async def one_more(_: Any) -> Any:
        return web.json_response({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": []})

    server.always["list"] = one_more
    async with reflecting(server) as it:
        await until(lambda: it.reflector.failure)
        assert "the list has no end" in str(it.reflector.failure)
        del server.always["list"]
        await until(it.equal)


async def test_what_cannot_be_read_at_one_version_is_passed_by_with_a_list(server: ApiServer) -> None:
    server.misdeeds["watch"] = [writes(b'{"type":"ADDED","object":{"metadata":7}}\n')]
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.equal())
        assert len(asked(server, "list")) == 2


async def test_it_is_woken_from_its_back_off_and_out_of_a_request_that_hangs(server: ApiServer) -> None:
    server.always["list"] = hangs
    connection = Connection(access(server.url))
    reflector = Reflector(connection, PODS, "prod")
    task = asyncio.create_task(reflector.run())
    await until(lambda: asked(server, "list"))
    server.always["list"] = fails(500)
    reflector.wake()
    assert reflector.failure is None, "a request that hangs is not cut unless all are"
    reflector.wake(broken=True)
    await until(lambda: reflector.failure)
    del server.always["list"]
    reflector._backoff._failures = 99  # the next rest is a long one
    for _ in range(50):
        reflector.wake()
        await asyncio.sleep(0.02)
    await until(lambda: reflector.listed)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()


async def test_a_version_from_the_future_is_settled_by_a_new_list(server: ApiServer) -> None:
    async with reflecting(server) as it:
        await until(lambda: server.watching)
        server.version, server.history = 5, []  # the cluster was restored from an old backup
        server.objects[PATH] = {"uid-old": {**pod("old"), "metadata": {"uid": "uid-old", "resourceVersion": "5"}}}
        server.cut()
        await until(it.equal)
        assert it.held() == {"uid-old": "5"}


async def test_a_restored_server_may_use_a_version_again_for_something_else(server: ApiServer) -> None:
    async with reflecting(server) as it:
        await until(it.equal)
        await server.put(PATH, pod("p2"))
        await until(it.equal)
        before, version = it.reflector.store.get("uid-p1"), it.held()["uid-p1"]
        other = pod("p1", phase="Failed")
        server.version, server.history = int(version), []  # an older backup, and other changes since
        server.objects[PATH] = {"uid-p1": {**other, "metadata": {**other["metadata"], "resourceVersion": version}}}
        it.changes.clear()
        server.cut()
        await until(it.equal)
        assert it.reflector.store.get("uid-p1") != before
        assert "uid-p1" in frozenset().union(*it.changes), "whoever shows it was not told"


async def test_a_504_about_a_too_large_version_lists_again(server: ApiServer) -> None:
    server.misdeeds["watch"] = [fails(504, "Timeout", "Too large resource version: 900, current: 103")]
    async with reflecting(server):
        await until(lambda: server.watching)
        assert len(asked(server, "list")) == 2


async def test_a_silent_watch_is_renewed_from_where_it_was(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector_module, "SILENT", 0.05)
    monkeypatch.setattr(reflector_module, "SHORT", 0.0)
    monkeypatch.setattr("aurora_tui.kube.hearing.STANDS", 0.0)
    server.misdeeds["watch"] = [hangs]
    async with reflecting(server) as it:
        await until(lambda: len(asked(server, "watch")) >= 2)
        assert len(asked(server, "list")) == 1
        assert it.reflector._failure is None


async def test_what_is_forbidden_is_told_with_verb_and_resource(server: ApiServer) -> None:
    server.always["list"] = fails(403, "Forbidden", 'pods is forbidden: User "viewer" cannot list resource "pods"')
    async with reflecting(server) as it:
        await until(lambda: it.reflector.failure)
        assert 'User "viewer" cannot list resource "pods"' in str(it.reflector.failure)
        assert "role that may list pods in prod" in str(it.reflector.failure)
        assert not it.reflector.listed


async def test_whoever_may_not_watch_lists_again_as_the_position_may_be_too_old_when_they_may(
    server: ApiServer,
) -> None:
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.equal())
        server.requests.clear()
        server.misdeeds["watch"] = [fails(403, "Forbidden")]
        await server.put(PATH, pod("p3"))
        server.version += 10
        server.compacted = server.version
        server.cut()
        await until(lambda: len(asked(server, "watch")) == 2 and server.watching and it.equal())
        assert ["watch" in path for path in server.requests] == [True, False, True]


async def test_a_watch_that_is_forbidden_for_good_is_not_listed_again_for_ever(server: ApiServer) -> None:
    server.always["watch"] = fails(403, "Forbidden")
    async with reflecting(server) as it:
        await until(lambda: sum(it.waits.slept) > reflector_module.DENIED_SOON)
        server.requests.clear()
        await until(lambda: len(asked(server, "watch")) >= 4)
        assert len(asked(server, "list")) <= 1


async def test_a_position_that_is_too_old_is_listed_anew_at_once_however_much_failed_before(server: ApiServer) -> None:
    server.misdeeds["watch"] = [fails(500)] * 8
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.equal())
        assert it.reflector._backoff.failures == 8
        it.waits.slept.clear()
        it.waits.now += 60.0
        server.version += 10
        server.compacted = server.version
        server.cut()
        await until(lambda: len(asked(server, "list")) == 2 and server.watching)
        *_, after_the_410 = it.waits.slept
        assert after_the_410 <= FIRST


async def test_what_is_absent_starts_over_too(server: ApiServer) -> None:
    """It may just be listing on the other cluster, and this one may have it."""
    gate = Gate()
    connection = Connection(access(server.url))
    reflector = Reflector(connection, Resource("pods", ("api/v1",), Pod, optional=True), "prod", gate=gate)
    server.misdeeds["list"] = [fails(404)]
    task = asyncio.create_task(reflector.run())
    await until(lambda: reflector.absent)
    gate.shut(since := reflector._monotonic())
    reflector.start_over(since)
    await until(lambda: gate.awaited)
    assert len(asked(server, "list")) == 1
    gate.open(reflector._monotonic())
    await until(lambda: reflector.listed and not reflector.absent)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connection.close()


async def test_an_optional_resource_that_is_not_there_is_absent_and_looked_for_again(server: ApiServer) -> None:
    routes = Resource("things", ("apis/x/v1", "apis/x/v1beta1"), Pod, optional=True)
    async with reflecting(server, routes) as it:
        await until(lambda: it.reflector.absent)
        assert it.reflector.listed
        assert it.reflector.failure is None
        assert it.reflector.note is None
        assert [path.split("?")[0] for path in server.requests[:2]] == [
            "/apis/x/v1/namespaces/prod/things",
            "/apis/x/v1beta1/namespaces/prod/things",
        ]
        assert 180 <= it.waits.slept[0] <= 210
        server.present.add("things")
        await until(lambda: not it.reflector.absent)


async def test_an_optional_resource_kept_from_us_is_a_note_in_words(server: ApiServer) -> None:
    server.always["list"] = fails(403, "Forbidden", 'User "viewer" cannot list resource "pods"')
    async with reflecting(server, Resource("pods", ("api/v1",), Pod, optional=True)) as it:
        await until(lambda: it.reflector.note)
        assert "pods are not shown" in str(it.reflector.note)


async def test_a_quiet_watch_is_as_current_as_the_servers_last_sign_of_life(server: ApiServer) -> None:
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.reflector._hearing.open)
        it.waits.now += 60
        assert it.reflector.current_until(alive=1058.0) == 1058.0
        it.waits.now += 600  # far too quiet: what was said before is not said again
        assert it.reflector.current_until(alive=1660.0) == 1058.0


async def test_a_dead_watch_is_only_as_current_as_its_last_word(server: ApiServer) -> None:
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.reflector._hearing.open)
        it.waits.now += 50
        assert it.reflector.current_until(alive=1050.0) == 1050.0
        server.always["watch"] = server.always["list"] = fails(500)
        server.cut()
        await until(lambda: it.reflector.failure)
        assert it.reflector.current_until(alive=it.waits.now) == 1000.0


async def test_back_off_starts_over_after_two_minutes_of_health(server: ApiServer) -> None:
    server.misdeeds["watch"] = [fails(500)] * 6
    async with reflecting(server) as it:
        await until(lambda: server.watching and it.reflector._hearing.open)
        assert it.reflector._backoff.failures == 6
        it.waits.now += 121
        server.misdeeds["watch"] = [fails(500)]
        server.cut()
        await until(lambda: server.watching == 1 and not server.misdeeds["watch"] and it.reflector._hearing.open)
        assert it.reflector._backoff.failures <= 2


async def test_a_field_selector_the_server_does_not_know_is_left_out(server: ApiServer) -> None:
    server.misdeeds["list"] = [fails(400, "BadRequest", "field label not supported: type")]
    async with reflecting(server, Resource("pods", ("api/v1",), Pod, field_selector="type=Warning")) as it:
        await until(it.equal)
        first, second = asked(server, "list")
        assert "fieldSelector" in first
        assert "fieldSelector" not in second


async def test_an_open_watch_sends_its_events_as_they_happen(server: ApiServer) -> None:
    async def slowly(request: Any) -> Any:
        response = await open_stream(request)
        await send(response, "ADDED", {**pod("half"), "metadata": {"uid": "uid-half", "resourceVersion": "200"}})
        await asyncio.Event().wait()
        return response

    server.misdeeds["watch"] = [slowly]
    async with reflecting(server) as it:
        await until(lambda: "uid-half" in it.held())
