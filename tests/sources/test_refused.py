"""A busy Prometheus refuses one question and answers the others: what was read stands, and its age is known."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from aurora_tui.sources import firing
from aurora_tui.sources.firing import FiringFollower
from aurora_tui.sources.following import SloFollower
from aurora_tui.sources.metrics import MetricsSource
from aurora_tui.sources.prometheus import Prometheus
from aurora_tui.sources.round import Round
from tests.servers import RunningServer, backfill, real_prometheus
from tests.sources.stand_in import page
from tests.sources.watching import watching
from tests.sources.worlds import MISSION, RTT_BUCKETS, STEP, TREATY, gauge_history, histogram_history, settings

pytestmark = pytest.mark.needs("prometheus", "promtool")

HOURS = 6 * 3600.0
LATER = math.inf  # monotonic: no limit
RTT = MISSION.slo[1]

Refuses = Callable[[str], bool]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours up to now; an alert fired for 10 min five hours ago, and fires now."""
    made = tmp_path_factory.mktemp("prometheus")
    now = math.floor(time.time() / STEP) * STEP
    times = [now - HOURS + STEP * index for index in range(round(HOURS / STEP) + 20)]
    fired = [at for at in times if now - 5 * 3600 <= at < now - 5 * 3600 + 600 or at >= now - 600]
    backfill(
        made,
        histogram_history("treaty_rtt_ms", RTT_BUCKETS, times, lambda _: 120.0)
        + gauge_history("up", times, lambda _: 1.0)
        + "# TYPE ALERTS gauge\n"
        + "".join(f'ALERTS{{alertname="Down",alertstate="firing",sev="SEV1"}} 1 {at}\n' for at in fired),
    )
    return made


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[RunningServer]:
    async with real_prometheus(folder) as made:
        yield made


class Busy:
    """A real Prometheus behind a gate that answers 503 to the queries that it `refuses`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.refuses: Refuses = lambda _: False
        self.asked: list[str] = []

    def round(self) -> Round:
        return Round(Prometheus(self.url), label="treaty_id", treaty=TREATY, scrape_interval=STEP)


@asynccontextmanager
async def busy(server: RunningServer) -> AsyncIterator[Busy]:
    async with aiohttp.ClientSession() as behind:

        async def gate(request: web.Request) -> web.StreamResponse:
            query = request.query.get("query", "")
            made.asked.append(query)
            if made.refuses(query):
                return web.json_response({"status": "error", "error": "too busy"}, status=503)
            async with behind.get(f"{server.url}{request.path_qs}") as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

        made = Busy("")
        async with page(gate) as made.url:
            yield made


async def test_one_share_that_is_refused_does_not_take_the_other_along(server: RunningServer) -> None:
    now = time.time()
    async with busy(server) as prometheus:
        slo = SloFollower(RTT)
        await slo.look(prometheus.round(), now)
        prometheus.refuses = lambda query: "[4h]" in query
        await slo.look_at_shares(prometheus.round(), now, 4 * 3600)
        seen = slo.observed()
        assert (seen.good_ratio_window, seen.good_ratio_hour[TREATY]) == ({}, 1.0)
        assert (seen.window_at, seen.hour_at) == (None, now)
        assert seen.shares_error is not None
        assert "too busy" in seen.shares_error


async def test_a_share_that_was_read_stays_with_the_time_it_was_read_at(server: RunningServer) -> None:
    now = time.time()
    async with busy(server) as prometheus:
        slo = SloFollower(RTT)
        await slo.look(prometheus.round(), now)
        await slo.look_at_shares(prometheus.round(), now, 4 * 3600)
        prometheus.refuses = lambda _: True
        await slo.look_at_shares(prometheus.round(), now + 60, 4 * 3600)
        seen = slo.observed()
    assert (seen.good_ratio_window[TREATY], seen.window_at, seen.hour_at) == (1.0, now, now)


async def test_the_query_as_written_may_fail_and_the_history_is_read_all_the_same(server: RunningServer) -> None:
    now = time.time()
    async with busy(server) as prometheus:
        prometheus.refuses = lambda query: query == RTT.as_written
        slo = SloFollower(RTT)
        await slo.look_back(prometheus.round(), now, 4 * 3600, 4 * 3600)
        seen = slo.observed()
    assert seen.as_written_value is None
    assert len(seen.history) > 230
    assert seen.history_error is None
    assert [note.partition(":")[0] for note in slo.notes] == [RTT.title]


async def test_a_history_of_alerts_is_read_stretch_by_stretch(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "MOST_POINTS", 100)
    now = time.time()
    async with busy(server) as prometheus:
        follower = FiringFollower()
        follower.restart(now - HOURS)
        looks = 0
        while follower.known_to is None or now - follower.known_to > 3 * STEP:
            known, looks = follower.known_to, looks + 1
            await follower.follow(prometheus.round(), now, 0.0)  # no time but for one stretch
            assert follower.known_to is not None
            assert known is None or follower.known_to > known
    assert looks == math.ceil((HOURS / STEP - 2) / 100)
    first, second = follower.observed()
    assert first.start == pytest.approx(now - 5 * 3600, abs=STEP)
    assert second.end >= now - 3 * STEP


async def test_a_stretch_that_is_refused_is_asked_for_again_as_a_shorter_one(server: RunningServer) -> None:
    now = time.time()
    async with busy(server) as prometheus:
        follower = FiringFollower()
        follower.restart(now - HOURS)
        prometheus.refuses = lambda _: True
        await follower.follow(prometheus.round(), now, LATER)
        assert follower.known_to is None
        assert follower.error is not None
        prometheus.refuses = lambda _: False
        prometheus.asked.clear()
        await follower.follow(prometheus.round(), now, LATER)
        assert len(prometheus.asked) == 2
    assert (follower.error, len(follower.observed())) == (None, 2)


async def test_a_history_that_begins_now_is_known_as_far_as_it_can_be() -> None:
    follower = FiringFollower()
    now = time.time()
    follower.restart(now)
    await follower.follow(Busy("http://127.0.0.1:1").round(), now, LATER)
    assert (follower.known_from, follower.known_to, follower.error) == (now, now, None)


async def test_an_alert_history_that_is_refused_is_told_and_comes_back(server: RunningServer) -> None:
    async with busy(server) as prometheus:
        prometheus.refuses = lambda query: "ALERTS" in query
        async with watching(MetricsSource(settings(prometheus.url, interval=0.3))) as watch:
            refused = await watch.metrics(lambda seen: seen.firing_error is not None)
            assert "too busy" in (refused.firing_error or "")
            assert refused.firing_known_to is None
            prometheus.refuses = lambda _: False
            read = await watch.metrics(lambda seen: seen.firing_known_to is not None)
    assert read.firing_error is None
    assert read.firing_known_from is not None
    assert read.firing_known_to is not None
    assert time.time() - read.firing_known_to < 4 * STEP
