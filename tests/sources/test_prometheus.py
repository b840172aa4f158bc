"""Asking Prometheus: exact grids, chunks, and an answer or a failure in words, never a wait without end."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from aurora_tui.sources import bounded
from aurora_tui.sources import prometheus as prometheus_module
from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.prometheus import THREADS, Prometheus
from aurora_tui.sources.threads import DaemonThreads
from tests.kube.conditions import until
from tests.servers import backfill, real_prometheus
from tests.sources.stand_in import page

VECTOR = {
    "status": "success",
    "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.0, "1"]}]},
}
BASE = 1_700_000_000.0


@asynccontextmanager
async def asking(answer: Callable[[web.Request], web.Response]) -> AsyncIterator[Prometheus]:
    """A client of a stand-in: for answers that no Prometheus gives."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return answer(request)

    async with page(respond) as url:
        prometheus = Prometheus(url)
        try:
            yield prometheus
        finally:
            prometheus.close()


@pytest.mark.needs("prometheus", "promtool")
async def test_a_range_stands_exactly_on_its_grid_and_is_joined_from_chunks(tmp_path: Path) -> None:
    lines = "".join(f"x {index} {BASE + 0.25 * index}\n" for index in range(400))
    backfill(tmp_path, f"# TYPE x gauge\n{lines}")
    async with real_prometheus(tmp_path) as server:
        prometheus = Prometheus(server.url)
        [series] = await prometheus.range("x", BASE + 0.25, BASE + 50.0, 0.25, chunk=37)
        prometheus.close()
    assert series.points == [(BASE + 0.25 * index, float(index)) for index in range(1, 201)]


@pytest.mark.needs("prometheus")
async def test_numbers_that_are_none_and_scalars_are_read(tmp_path: Path) -> None:
    async with real_prometheus(tmp_path) as server:
        prometheus = Prometheus(server.url)
        [infinite] = await prometheus.instant("vector(1) / 0")
        [nothing] = await prometheus.instant("vector(0) / 0")
        [scalar] = await prometheus.instant("42")
        assert await prometheus.instant("absent_metric") == []
        prometheus.close()
    assert infinite.value == float("inf")
    assert nothing.value != nothing.value
    assert scalar == ({}, 42.0)


async def test_a_login_page_is_told_as_one() -> None:
    async with asking(lambda _: web.Response(text="<!DOCTYPE html><h1>Log in</h1>", content_type="text/html")) as at:
        with pytest.raises(HttpFailure, match="answered a web page, not JSON"):
            await at.instant("1")


async def test_a_redirect_is_not_followed() -> None:
    async with asking(lambda _: web.Response(status=302, headers={"Location": "/login"})) as at:
        with pytest.raises(HttpFailure, match=r"answered 302.*It redirects") as caught:
            await at.instant("1")
    assert caught.value.status == 302


async def test_json_that_is_not_a_prometheus_answer_is_told_as_such() -> None:
    async with asking(lambda _: web.json_response({"data": [1, 2]})) as at:
        with pytest.raises(HttpFailure, match="answered JSON of another kind: not what Prometheus answers"):
            await at.instant("1")


def dripping(length: int | None) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """An answer that never ends, of a told length or in chunks."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length
        await response.prepare(request)
        while request.transport is not None:
            await response.write(b" ")
            await asyncio.sleep(0.02)
        return response

    return drip


@pytest.mark.parametrize("length", [None, 1_000_000])
async def test_a_body_that_drips_holds_no_thread(length: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_module, "WHOLE_SECONDS", 0.3)
    async with page(dripping(length)) as url:
        prometheus = Prometheus(url)
        asked = [asyncio.create_task(prometheus.instant(f"{number}")) for number in range(2 * THREADS)]
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*asked, return_exceptions=True)
        prometheus.close()
    assert {str(answer) for answer in answers} == {
        f"{url} gives no answer in time. Check the network on the way, and the server's load."
    }


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_BYTES", 2_000_000)
    async with asking(lambda _: web.Response(body=b" " * 3_000_000)) as at:
        with pytest.raises(HttpFailure, match="answered more than 2 MB"):
            await at.instant("1")


@pytest.mark.parametrize("squeezed", [False, True])
async def test_a_connection_is_used_again_whatever_an_answer_was_like(squeezed: bool) -> None:
    peers = set()

    def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        response = web.json_response(VECTOR)
        if squeezed:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async with asking(answer) as at:
        for _ in range(3 * THREADS):
            assert await at.instant("1") == [({}, 1.0)]
    assert len(peers) <= THREADS


async def test_what_a_server_warns_of_is_heard_and_hints_at_the_query_are_not() -> None:
    warnings = ["store eu-2 does not answer: partial response", "PromQL info: metric might not be a counter"]
    async with asking(lambda _: web.json_response({**VECTOR, "warnings": warnings})) as at:
        assert await at.instant("1") == [({}, 1.0)]
        assert at.warned(60) == warnings[:1]
        assert at.warned(0) == []


async def test_a_failure_is_tried_once() -> None:
    asked = 0

    def refuse(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"status": "error", "error": "query timed out"}, status=503)

    async with asking(refuse) as at:
        with pytest.raises(HttpFailure, match="answered 503: query timed out"):
            await at.instant("1")
    assert asked == 1


@pytest.mark.parametrize(("data", "version"), [({"version": "2.42.0"}, "2.42.0"), ({}, None)])
async def test_a_server_that_does_not_say_its_version_is_tolerated(data: dict[str, str], version: str | None) -> None:
    async with asking(lambda _: web.json_response({"status": "success", "data": data})) as at:
        assert await at.version() == version


def test_threads_hand_back_results_and_errors() -> None:
    threads = DaemonThreads(2, "test")
    assert [threads.submit(pow, 2, index).result(5) for index in range(5)] == [1, 2, 4, 8, 16]
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(5)
    threads.shutdown()


def test_a_thread_that_hangs_does_not_keep_the_program_from_ending() -> None:
    program = (
        "import threading, time\n"
        "from aurora_tui.sources.threads import DaemonThreads\n"
        "threads = DaemonThreads(1, 'test')\n"
        "began = threading.Event()\n"
        "threads.submit(lambda: (began.set(), time.sleep(60)))\n"
        "began.wait(5)\n"
        "threads.shutdown(wait=False, cancel_futures=True)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0


def test_the_client_library_is_loaded_only_when_something_is_asked() -> None:
    program = (
        "import sys, aurora_tui.sources.metrics\nassert not {'requests', 'prometheus_api_client'} & {*sys.modules}\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0


@pytest.fixture
def _no_read_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a busy machine may take its time, and still only what is tested ends a wait."""
    monkeypatch.setattr(prometheus_module, "_TIME_LIMITS", (20.0, 600.0))


@pytest.mark.usefixtures("_no_read_ends_by_itself")
async def test_a_question_that_is_given_up_frees_its_thread_at_once() -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        if "0" in request.query["query"]:
            await asyncio.Event().wait()
        return web.json_response(VECTOR)

    async with page(hang) as url:
        prometheus = Prometheus(url)
        for _ in range(3):
            hung = [asyncio.create_task(prometheus.instant("0")) for _ in range(THREADS)]
            done, _ = await asyncio.wait(hung, timeout=0.2)
            assert not done
            for task in hung:
                task.cancel()
            async with asyncio.timeout(60):
                assert await prometheus.instant("1") == [({}, 1.0)]
        prometheus.close()


@pytest.mark.usefixtures("_no_read_ends_by_itself")
async def test_closing_ends_threads_and_connections_whatever_is_under_way() -> None:
    here = threading.active_count()
    arrived = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        if "0" in request.query["query"]:
            arrived.set()
            await asyncio.Event().wait()
        return web.json_response(VECTOR)

    async with page(hang) as url:
        prometheus = Prometheus(url)
        assert await prometheus.instant("1") == [({}, 1.0)]
        hung = asyncio.create_task(prometheus.instant("0"))
        await arrived.wait()
        prometheus.close()
        await until(lambda: threading.active_count() <= here)
        with pytest.raises(HttpFailure, match="broke off the connection"):
            await hung


async def test_nesting_without_end_is_told_in_words() -> None:
    async with asking(lambda _: web.Response(body=b"[" * 100_000 + b"]" * 100_000)) as at:
        with pytest.raises(HttpFailure, match="nested too deeply"):
            await at.instant("1")


async def test_a_server_that_asks_to_wait_is_heard() -> None:
    async with asking(lambda _: web.Response(status=429, headers={"Retry-After": "90"})) as at:
        with pytest.raises(HttpFailure, match=r"answered 429 \(asks to wait 1m30s\)") as caught:
            await at.instant("1")
    assert (caught.value.status, caught.value.retry_after, caught.value.silent) == (429, 90.0, False)


async def test_a_head_that_drips_holds_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    monkeypatch.setattr(prometheus_module, "WHOLE_SECONDS", 0.3)
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        prometheus = Prometheus(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        asked = [asyncio.create_task(prometheus.instant(f"{number}")) for number in range(2 * THREADS)]
        async with asyncio.timeout(60):
            answers = await asyncio.gather(*asked, return_exceptions=True)
        prometheus.close()
    assert all("gives no answer in time" in str(answer) for answer in answers)
