"""The proxy itself: without a fault it changes nothing, with one it makes that one, and none outlives its end."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.faults import faults
from tests.faults.faults import (
    GARBAGE,
    NO_CONTENT,
    REDIRECT,
    GzipBomb,
    Hang,
    HangAfterHeaders,
    Large,
    Only,
    Refused,
    ResetAtOnce,
    ResetInBody,
    SlowDrip,
    Truncated,
    WrongType,
)
from tests.faults.http1 import Request
from tests.faults.proxy import Cut, Fault, FaultProxy, fault_proxy
from tests.faults.streams import CutAfter, Lines, SilentWatch, WatchAnswers, WatchError, WithoutBookmarks
from tests.kube.conditions import until
from tests.sources.stand_in import page

PAGE = {"status": "success", "data": list(range(100))}
EVENTS = [b'{"type":"ADDED","object":{}}', b'{"type":"BOOKMARK","object":{}}', b'{"type":"DELETED","object":{}}']


async def server(request: web.Request) -> web.StreamResponse:
    if request.query.get("watch"):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for event in EVENTS:
            await answer.write(event[:10])
            await answer.write(event[10:] + b"\n")
        return answer
    if request.method == "POST":
        return web.Response(body=(await request.read())[::-1])
    return web.json_response(PAGE)


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async with page(server) as url, fault_proxy(url) as made:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as made:
        yield made


async def test_without_a_fault_it_changes_nothing_and_counts(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    for _ in range(3):
        async with client.get(f"{proxy.url}/a?b=c") as answer:
            assert await answer.json() == PAGE
    async with client.post(f"{proxy.url}/a", data=b"abc") as answer:
        assert await answer.read() == b"cba"
    assert [request.target for request in proxy.requests] == ["/a?b=c"] * 3 + ["/a"]
    assert len(proxy.accepted) == proxy.connections == 1
    assert proxy.busiest() == pytest.approx(4 / 5)


async def test_refused_means_that_nothing_listens_until_it_is_over(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    await proxy.switch(Refused())
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.get(proxy.url)
    await proxy.switch(None)
    async with client.get(proxy.url) as answer:
        assert await answer.json() == PAGE


@pytest.mark.parametrize("fault", [Hang(), HangAfterHeaders(), SlowDrip(rate=5.0)], ids=lambda fault: fault.name)
async def test_who_waits_on_a_silent_server_waits_in_vain_even_when_it_is_over(
    proxy: FaultProxy, client: aiohttp.ClientSession, fault: Fault
) -> None:
    async def read() -> bytes:
        async with client.get(proxy.url) as answer:
            return await answer.read()

    await proxy.switch(fault)
    waiting = asyncio.ensure_future(read())
    await until(lambda: proxy.requests or proxy.accepted)
    await proxy.switch(None)
    async with client.get(proxy.url) as answer:
        assert await answer.json() == PAGE
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize(
    "fault", [ResetAtOnce(), ResetInBody(), ResetInBody(reset=False)], ids=lambda fault: fault.name
)
async def test_a_reset_breaks_the_answer_off(proxy: FaultProxy, client: aiohttp.ClientSession, fault: Fault) -> None:
    await proxy.switch(fault)
    with pytest.raises(aiohttp.ClientError):
        async with client.get(proxy.url) as answer:
            await answer.read()


async def test_bodies_are_as_they_are_called(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async def read(fault: Fault) -> tuple[int, str, bytes]:
        await proxy.switch(fault)
        async with client.get(proxy.url, allow_redirects=False) as answer:
            return answer.status, answer.content_type, await answer.read()

    whole = json.dumps(PAGE).encode()
    assert await read(Truncated()) == (200, "application/json", whole[: len(whole) // 2])
    assert await read(WrongType()) == (200, "image/png", whole)
    assert await read(GARBAGE) == (200, "application/json", GARBAGE.body)
    assert (await read(NO_CONTENT))[0] == 204
    assert (await read(REDIRECT))[0] == 302
    assert len((await read(Large(50_000_000)))[2]) == 50_000_000
    assert (await read(faults.status(503, Retry_After="7")))[0] == 503
    assert await read(Only(GARBAGE, lambda request: request.path == "/elsewhere")) == (200, "application/json", whole)


async def test_a_gzip_bomb_unpacks_to_a_thousand_times_its_size(proxy: FaultProxy) -> None:
    await proxy.switch(GzipBomb())
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.get(proxy.url) as answer,
    ):
        start = await answer.content.readexactly(100_000)
    with pytest.raises(EOFError):
        gzip.decompress(start)
    unpacked = gzip.zlib.decompressobj(31).decompress(start, 50_000_000)  # type: ignore[attr-defined]
    assert len(unpacked) == 50_000_000


async def test_an_answer_without_end_ends_with_its_reader(proxy: FaultProxy) -> None:
    await proxy.switch(Large(None))
    async with aiohttp.ClientSession() as client, client.get(proxy.url) as answer:
        assert await answer.content.readexactly(10_000_000)
    await until(lambda: not proxy.connections)


class Twice(Lines):
    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        yield line
        yield line


@pytest.mark.parametrize(
    ("fault", "lines"),
    [
        (Lines(), EVENTS),
        (Twice(), [event for event in EVENTS for _ in range(2)]),
        (WatchAnswers(), []),
        (WatchAnswers((b"{}",)), [b"{}"]),
        (WithoutBookmarks(), [EVENTS[0], EVENTS[2]]),
    ],
    ids=["nothing changed", "twice", "closed at once", "other lines", "no bookmarks"],
)
async def test_lines_of_a_watch_are_changed(
    proxy: FaultProxy, client: aiohttp.ClientSession, fault: Fault, lines: list[bytes]
) -> None:
    await proxy.switch(fault)
    async with client.get(f"{proxy.url}/pods?watch=true") as answer:
        assert (await answer.read()).splitlines() == lines
    async with client.get(f"{proxy.url}/pods") as answer:
        assert await answer.json() == PAGE


async def test_a_watch_may_end_in_an_error_in_a_reset_or_never(
    proxy: FaultProxy, client: aiohttp.ClientSession
) -> None:
    watch = f"{proxy.url}/pods?watch=true"
    await proxy.switch(WatchError())
    async with client.get(watch) as answer:
        assert json.loads(await answer.read())["object"]["code"] == 410
    await proxy.switch(CutAfter(2))
    with pytest.raises(aiohttp.ClientError):
        async with client.get(watch) as answer:
            await answer.read()
    await proxy.switch(SilentWatch())
    async with client.get(watch) as answer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await answer.content.readany()


async def test_a_fault_of_ones_own_is_a_class_with_one_method(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    class Late(Fault):
        def concerns(self, request: Request) -> bool:
            return request.query.get("query") == "up"

        async def answer(self, exchange: object) -> None:
            raise Cut(reset=False)

    await proxy.switch(Late())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.post(proxy.url, data={"query": "up"})
    began = time.monotonic()
    async with client.post(proxy.url, data={"query": "time()"}) as answer:
        assert answer.status == 200
    assert time.monotonic() - began < 20
