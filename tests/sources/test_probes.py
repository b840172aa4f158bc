"""Pages looked at directly: well, not well, and not there are three different things."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from aurora_tui.settings import Settings
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import Environment, Probe, ProbeKind
from aurora_tui.situation.observation import Observation, ProbeObserved, SourceFailed
from aurora_tui.sources.probes import ProbeSource, judge_health, probe_sources
from tests.servers import free_port, real_prometheus
from tests.situation.missions import mission
from tests.sources.stand_in import page


def probe(url: str, kind: ProbeKind, id: str = "bridge") -> ProbeSource:
    one = Probe(id=id, title="the bridge", kind=kind, url=url, interval=Duration(0.1))
    [source] = probe_sources(
        Settings(
            mission=mission(),
            environment_name="test",
            environment=Environment(probe=(one,)),
            files=(),
            ledger=Path("ledger.db"),
            theme="aurora-dark",
            read_only=False,
        )
    )
    return source


async def first(source: ProbeSource) -> Observation:
    """The first thing it tells."""
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    running = asyncio.create_task(source.run(heard.put_nowait))
    try:
        async with asyncio.timeout(20):
            return await heard.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await source.close()


async def seen(kind: ProbeKind, status: int, body: str) -> tuple[bool, str] | str:
    """(well?, detail) of an answer, or the words of a failure."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    async with page(answer) as url:
        told = await first(probe(f"http://on-call:s3cret@{url.removeprefix('http://')}/health?token=s3cret", kind))
    if isinstance(told, ProbeObserved):
        return told.probe.ok, told.probe.detail
    assert isinstance(told, SourceFailed)
    assert "s3cret" not in told.error
    return told.error.replace(url, "URL")


@pytest.mark.parametrize(
    ("status", "body", "well", "detail"),
    [
        (200, '{"status":"ok"}', True, "ok"),
        (200, '{"status":"UP","components":{}}', True, "UP"),
        (200, "OK", True, "200"),
        (204, "", True, "204"),
        (200, "{}", True, "200"),
        (200, '{"status":"degraded"}', False, "degraded"),
        (200, '{"status":"\\u001b[31mbad"}', False, "bad"),
        (503, '{"status":"draining"}', False, "503 draining"),
        (200, "<html>Log in</html>", False, "answers a web page, not a health status"),
    ],
)
async def test_a_health_page_says_whether_it_is_well(status: int, body: str, well: bool, detail: str) -> None:
    assert await seen(ProbeKind.HEALTH, status, body) == (well, detail)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "URL/health answered 401. Give credentials"),
        (404, "URL/health answered 404. Check the address"),
        (302, "URL/health answered 302. It redirects"),
        (500, "URL/health answered 500. The server is in trouble"),
        (503, "URL/health answered 503. The server is in trouble"),
    ],
)
@pytest.mark.parametrize("kind", list(ProbeKind))
async def test_an_answer_that_is_not_the_pages_own_is_a_failure(kind: ProbeKind, status: int, words: str) -> None:
    told = await seen(kind, status, "")
    assert isinstance(told, str)
    assert told.startswith(words)


@pytest.mark.parametrize(
    "body",
    [b'{"status": "\xfc"}', b"[" * 100_000, b'{"status":"o', b"}{ nonsense", b'"ok', b"\xff\xfe\x00", b"\x1b[2J"],
    ids=["Latin-1", "bottomless", "cut off", "garbage", "half a word", "binary", "control characters"],
)
def test_a_health_page_that_cannot_be_read_may_have_said_anything(body: bytes) -> None:
    url = "http://127.0.0.1/health"
    answer = httpx.Response(200, content=body, request=httpx.Request("GET", url))
    assert judge_health(answer, url) == (False, "answers something unreadable")


@pytest.mark.parametrize(
    ("body", "well", "detail"),
    [
        ('# HELP x y\n# TYPE x gauge\nx 1\ny{a="b"} 2\n', True, "2 samples"),
        ('x{a="b} 2 \\" #"} 1e-3 1700000000000\nx_bucket{le="+Inf"} 3 # {trace="1"} 0.5\n# EOF\n', True, "2 samples"),
        ("x NaN\nx +Inf\n", True, "2 samples"),
        ("x 1\ny 12", False, "answers Prometheus text that is cut off"),
        ("x 1\ny{a=\n", False, "answers no Prometheus text"),
        ('}{"status":: "nonsense" 7\n', False, "answers no Prometheus text"),
        ("", False, "answers no Prometheus text"),
        ("# only comments\n", False, "answers no Prometheus text"),
        ("<html>Log in please</html>", False, "answers no Prometheus text"),
    ],
)
async def test_an_exposition_page_must_carry_samples(body: str, well: bool, detail: str) -> None:
    assert await seen(ProbeKind.EXPOSITION, 200, body) == (well, detail)


@pytest.mark.needs("prometheus")
async def test_a_real_exposition_is_counted(tmp_path: Path) -> None:
    async with real_prometheus(tmp_path) as server:
        told = await first(probe(f"{server.url}/metrics", ProbeKind.EXPOSITION))
    assert isinstance(told, ProbeObserved)
    assert told.probe.ok
    assert int(told.probe.detail.split()[0]) > 100


async def test_a_page_without_an_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.sources.probes._LONGEST_PAGE", 1000)
    told = await seen(ProbeKind.EXPOSITION, 200, "x 1\n" * 1000)
    assert isinstance(told, str)
    assert told.startswith("URL/health answered more than 0.001 MB. That is no answer to what was asked")


async def test_a_page_that_is_not_there_is_a_failure_in_words() -> None:
    told = await first(probe(f"http://127.0.0.1:{free_port()}/health", ProbeKind.HEALTH))
    assert isinstance(told, SourceFailed)
    assert "refuses the connection" in told.error


@pytest.mark.parametrize("id", ["metrics", "am", "ledger"])
def test_a_probe_never_takes_another_sources_name(id: str) -> None:
    source = probe("http://127.0.0.1/health", ProbeKind.HEALTH, id)
    assert source.name == source.light.name == f"probe {id}"
    assert source.light.title == "the bridge"
