"""The metrics source against a real Prometheus that holds 72 h of history at 15 s."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from aiohttp import web

from aurora_tui.clock import Clock, iso
from aurora_tui.situation.criterion import CriterionObserved, CriterionState, Fold, state_of
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import Direction, Reading
from aurora_tui.situation.observation import MetricsObserved, SourceFailed
from aurora_tui.situation.slo import SloObserved
from aurora_tui.sources import following
from aurora_tui.sources.metrics import MetricsSource
from tests.servers import RunningServer, backfill, real_prometheus
from tests.sources.stand_in import page
from tests.sources.watching import watching
from tests.sources.worlds import (
    MISSION,
    POLICY_BUCKETS,
    RTT_BUCKETS,
    STEP,
    TREATY,
    WHOLE_CANARY,
    criterion,
    gauge,
    gauge_history,
    histogram_history,
    objective,
    settings,
)

pytestmark = pytest.mark.needs("prometheus", "promtool")

WINDOW = 72 * 3600.0
POLL = 0.3
OK = CriterionState.OK


class World(NamedTuple):
    """72 h that end a quarter of an hour from now, so that "now" stays inside.

    RTT is at 450 ms for 20 min from `surge` on; fill rate and provenance are gauges, RTT and policy
    histograms; an alert fired for 10 min from `alert` on and again 40 min later; 20 other
    treaties have a provenance gauge; `gone` ended 10 min ago; `upgraded` was a gauge until `upgrade`
    and a histogram from then on.
    """

    folder: Path
    now: float
    begin: float
    surge: float
    alert: float
    upgrade: float


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    now = math.floor(time.time() / STEP) * STEP
    begin = now - WINDOW
    made = World(tmp_path_factory.mktemp("prometheus"), now, begin, now - 7200, now - 3600, now - 1800)
    count = round(WINDOW / STEP) + 60
    times = [begin + STEP * index for index in range(count + 1)]
    recent = [moment for moment in times if moment >= now - 5400]
    surge_end, alert_end = made.surge + 1200, made.alert + 600
    backfill(
        made.folder,
        gauge_history("treaty_fill_rate", times, lambda t: 0.85)
        + gauge_history("treaty_provenance_coverage", times, lambda t: 0.97)
        + "".join(
            f'treaty_provenance_coverage{{treaty_id="T{index}"}} 0.5 {moment}\n'
            for index in range(20)
            for moment in recent
        )
        + histogram_history(
            "treaty_rtt_ms", RTT_BUCKETS, times, lambda t: 450.0 if made.surge <= t < surge_end else 120.0
        )
        + histogram_history("policy_decision_ms", POLICY_BUCKETS, times, lambda t: 4.0)
        + gauge_history("gone", [t for t in times if now - 7200 < t < now - 600], lambda t: 1.0)
        + gauge_history("upgraded", [t for t in recent if t < made.upgrade], lambda t: 500.0)
        + histogram_history("upgraded_ms", RTT_BUCKETS, [t for t in recent if t >= made.upgrade], lambda t: 120.0)
        + "# TYPE ALERTS gauge\n"
        + "".join(
            f'ALERTS{{alertname="RTTHigh",alertstate="firing",sev="SEV1"}} 1 {t}\n'
            for t in times
            if made.alert <= t < alert_end or made.alert + 2400 <= t < alert_end + 2400
        ),
    )
    return made


@pytest.fixture
async def prometheus(world: World) -> AsyncIterator[RunningServer]:
    async with real_prometheus(world.folder) as server:
        yield server


def slo(answer: MetricsObserved, id: str) -> SloObserved:
    return next(item for item in answer.slos if item.slo == id)


def followed(answer: MetricsObserved, id: str) -> CriterionObserved:
    return next(item for item in answer.criteria if item.criterion == id)


def fold_of(answer: MetricsObserved, id: str) -> Fold:
    fold = followed(answer, id).fold
    assert fold is not None
    return fold


def complete(answer: MetricsObserved) -> bool:
    """Everything of the past is known."""
    return all(item.fold is not None and item.fold.to is not None for item in answer.criteria) and all(
        item.history for item in answer.slos
    )


async def test_values_come_from_the_best_reading_that_has_data(prometheus: RunningServer) -> None:
    async with watching(MetricsSource(settings(prometheus.url))) as watch:
        answer = await watch.metrics()
    statistics = {item.slo: (item.statistic, item.values[TREATY]) for item in answer.slos}
    assert statistics["fill"] == ("avg gauge", 0.85)
    assert statistics["rtt"] == ("p95", 195.0)  # of observations at 120, in the bucket from 100 to 200
    assert statistics["provenance"] == ("avg gauge", 0.97)
    assert statistics["policy"] == ("p99", pytest.approx(4.95))
    assert len(slo(answer, "provenance").values) == 21
    assert 0 <= answer.at - slo(answer, "rtt").newest[TREATY] < STEP + 1
    assert answer.version is not None
    assert answer.version.startswith("2.")
    assert answer.skew == pytest.approx(0.0, abs=0.5)


async def test_the_present_is_told_before_the_past_is_read(prometheus: RunningServer) -> None:
    async with watching(MetricsSource(settings(prometheus.url))) as watch:
        first = await watch.metrics()
        assert all(item.values for item in first.slos)
        assert all(item.fold is None and item.error is None for item in first.criteria)
        await watch.metrics(complete)


async def test_the_past_gives_history_shares_and_the_query_as_written(prometheus: RunningServer) -> None:
    async with watching(MetricsSource(settings(prometheus.url, mission=WHOLE_CANARY))) as watch:
        answer = await watch.metrics(complete)
    rtt = slo(answer, "rtt")
    assert 4315 <= len(rtt.history) <= 4320
    assert rtt.good_ratio_window[TREATY] == pytest.approx(1 - 1200 / WINDOW, abs=1e-4)
    assert rtt.good_ratio_hour[TREATY] == 1.0
    assert rtt.as_written_value == pytest.approx(195.4, abs=0.1)  # a lifetime's quantile: the surge is gone in it


async def test_a_breach_of_twenty_minutes_two_hours_ago_has_tripped_and_stays_so(
    prometheus: RunningServer, world: World
) -> None:
    async with watching(MetricsSource(settings(prometheus.url, mission=WHOLE_CANARY))) as watch:
        answer = await watch.metrics(complete)
    fold = fold_of(answer, "rtt")
    # Observations first stand at 450 in the scrape at `surge`; a rate over 2 min shows them there at once.
    assert fold.tripped_at == world.surge + 900
    assert fold.bad_since is None
    assert state_of(fold_of(answer, "fill")) is CriterionState.OK
    assert fold.to is not None
    assert 30 <= answer.at - fold.to < 50


async def test_an_operators_reset_clears_the_trip(prometheus: RunningServer, world: World) -> None:
    source = MetricsSource(settings(prometheus.url, interval=POLL))
    source.set_start(world.surge, {})
    async with watching(source) as watch:
        tripped = await watch.metrics(complete)
        assert state_of(fold_of(tripped, "rtt")) is CriterionState.TRIPPED
        source.set_start(world.surge, {"rtt": (world.now - 600,)})
        answer = await watch.metrics(lambda seen: complete(seen) and fold_of(seen, "rtt").tripped_at is None)
    assert state_of(fold_of(answer, "rtt")) is CriterionState.OK
    assert fold_of(answer, "fill").start == world.surge


async def test_a_source_that_folded_piece_by_piece_has_the_fold_of_one_started_now(
    prometheus: RunningServer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folds: dict[tuple[str, float | None], list[Fold]] = {}

    def remember(answer: MetricsObserved) -> bool:
        for item in answer.criteria:
            if item.fold is not None and item.fold.to is not None:
                folds.setdefault((item.criterion, item.fold.to), []).append(item.fold)
        return complete(answer)

    watched, started_now = (MetricsSource(settings(prometheus.url, interval=POLL)) for _ in range(2))
    for source in (watched, started_now):
        source.set_start(world.surge + 300, {})
    with monkeypatch.context() as patch:
        patch.setattr(following, "MOST_POINTS", 37)
        async with watching(watched) as watch:
            await watch.metrics(remember)
    async with watching(started_now) as watch:
        await watch.metrics(remember)
    assert any(len(same) > 1 for same in folds.values())
    assert all(fold == same[0] for same in folds.values() for fold in same)


async def test_alerts_that_fired_are_told_as_spans(prometheus: RunningServer, world: World) -> None:
    async with watching(MetricsSource(settings(prometheus.url))) as watch:
        answer = await watch.metrics(complete)
    first, second = answer.firing_history
    assert first.labels == second.labels == {"alertname": "RTTHigh", "sev": "SEV1"}
    assert (first.start, second.start) == (world.alert, world.alert + 2400)
    # Backfilled samples carry no staleness marker: the last one is seen for the lookback of 5 min.
    assert first.end - first.start == 600 - STEP + 300


async def test_data_that_ended_leaves_missing_points_and_no_fresh_sample(prometheus: RunningServer) -> None:
    gone = (gauge("gone"),)
    mission = msgspec.structs.replace(
        MISSION,
        slo=(objective("gone", gone, Direction.AT_LEAST, 0.5),),
        criterion=(criterion("gone", gone, "<", 0.5, "5m"),),
    )
    async with watching(MetricsSource(settings(prometheus.url, mission=mission))) as watch:
        answer = await watch.metrics(complete)
    assert (slo(answer, "gone").values, slo(answer, "gone").newest) == ({}, {})
    assert state_of(fold_of(answer, "gone")) is CriterionState.TRIPPED_UNVERIFIED


async def test_where_a_better_reading_has_no_point_the_next_one_gives_it(
    prometheus: RunningServer, world: World
) -> None:
    newer = Reading(
        statistic="p95",
        value="histogram_quantile(0.95, sum by (treaty_id,le)(rate(upgraded_ms_bucket[2m])))",
        newest="max by (treaty_id)(timestamp(upgraded_ms_count))",
    )
    mission = msgspec.structs.replace(
        MISSION, slo=(), criterion=(criterion("upgraded", (newer, gauge("upgraded")), ">", 400.0, "15m"),)
    )
    source = MetricsSource(settings(prometheus.url, mission=mission))
    source.set_start(world.upgrade - 1200, {})
    async with watching(source) as watch:
        answer = await watch.metrics(complete)
    assert fold_of(answer, "upgraded").tripped_at == world.upgrade - 300
    assert fold_of(answer, "upgraded").bad_since is None
    assert followed(answer, "upgraded").statistic == "p95"


async def test_a_criterion_beyond_its_buckets_is_told_to_be_unable_to_trip(prometheus: RunningServer) -> None:
    async with watching(MetricsSource(settings(prometheus.url, interval=POLL))) as watch:
        answer = await watch.metrics(lambda seen: followed(seen, "policy").cannot_trip is not None)
    assert followed(answer, "policy").cannot_trip == (
        "this criterion cannot trip: > 50 is beyond the buckets of policy_decision_ms_bucket, which end at 40"
    )
    assert followed(answer, "rtt").cannot_trip is None


async def test_a_wrong_query_marks_only_what_needs_it(prometheus: RunningServer) -> None:
    wrong = (msgspec.structs.replace(gauge("treaty_fill_rate"), value="sum(treaty_fill_rate) by by (x)"),)
    mission = msgspec.structs.replace(
        MISSION,
        slo=(objective("wrong", wrong, Direction.AT_LEAST, 0.5), *MISSION.slo),
        criterion=(criterion("wrong", wrong, "<", 0.5, "5m"), *MISSION.criterion),
    )
    async with watching(MetricsSource(settings(prometheus.url, mission=mission))) as watch:
        answer = await watch.metrics(lambda seen: followed(seen, "wrong").error is not None)
        answer = await watch.metrics(lambda seen: bool(slo(seen, "rtt").history))
    for error in (slo(answer, "wrong").error, followed(answer, "wrong").error):
        assert error is not None
        assert "answered 400: " in error
        assert "parse error" in error
    assert [item.slo for item in answer.slos if item.error is None] == ["fill", "rtt", "provenance", "policy"]
    assert fold_of(answer, "rtt").to is not None


async def test_a_server_that_goes_down_is_told_and_one_that_comes_back_is_followed_on(
    prometheus: RunningServer,
) -> None:
    async with watching(MetricsSource(settings(prometheus.url, interval=POLL))) as watch:
        before = await watch.metrics(complete)
        await prometheus.stop()
        failed = await watch.failure()
        assert failed.error.startswith(f"{prometheus.url} refuses the connection. Is it running")
        await prometheus.start()
        after = await watch.metrics()
    assert all(isinstance(told, SourceFailed | MetricsObserved) for told in watch.told)
    assert fold_of(after, "rtt").tripped_at == fold_of(before, "rtt").tripped_at
    assert after.slos[1].history[:100] == before.slos[1].history[:100]


async def test_a_look_asks_as_much_for_one_treaty_as_for_twenty_one(prometheus: RunningServer) -> None:
    async def steady(mission_treaty: str) -> int:
        identity = msgspec.structs.replace(MISSION.mission, treaty=mission_treaty)
        only = msgspec.structs.replace(
            MISSION, mission=identity, slo=MISSION.slo[2:3], criterion=MISSION.criterion[2:3]
        )
        source = MetricsSource(settings(prometheus.url, mission=only, interval=POLL))
        async with watching(source) as watch:
            await watch.metrics(complete)
            await watch.metrics()
            before = source.requests
            await watch.metrics()
            return source.requests - before

    # time, up, value and newest; and when the grid has a new point: value and alerts for it.
    assert 4 <= await steady(TREATY) <= 6
    assert 4 <= await steady("T7") <= 6


async def test_a_clock_that_is_wrong_by_more_than_five_seconds_is_noted(prometheus: RunningServer) -> None:
    behind = Clock(world_origin=-120.0)
    async with watching(MetricsSource(settings(prometheus.url, clock=behind))) as watch:
        answer = await watch.metrics(complete)
    assert answer.skew == pytest.approx(120.0, abs=0.5)
    assert answer.notes == ("this machine's clock is 120 s behind the server's: check NTP on both",)
    fold = fold_of(answer, "rtt")
    assert fold.to is not None
    assert fold.to > answer.at, "judged in the server's time"


async def test_a_slash_after_the_address_does_no_harm(prometheus: RunningServer) -> None:
    async with watching(MetricsSource(settings(f"{prometheus.url}/"))) as watch:
        assert (await watch.metrics()).slos[0].values


async def test_closing_does_not_wait_for_a_request_under_way(prometheus: RunningServer) -> None:
    source = MetricsSource(settings(prometheus.url))
    async with watching(source) as watch:
        await watch.metrics()
    began = time.monotonic()
    await source.close()
    assert time.monotonic() - began < 6.0, "a request may take 8 s"
    for _ in range(20):  # what was cancelled ends within a few turns of the loop
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


EXPOSITION = """\
# TYPE treaty_fill_rate gauge
treaty_fill_rate{treaty_id="AURORA-AKASH-001"} 0.9
"""


async def test_an_exporter_that_fails_takes_the_value_away_and_is_named(tmp_path: Path) -> None:
    well = True

    def says(answer: MetricsObserved, state: CriterionState) -> bool:
        fold = followed(answer, "fill").fold
        return fold is not None and state_of(fold) is state

    async def exporter(_: web.Request) -> web.StreamResponse:
        return web.Response(text=EXPOSITION) if well else web.Response(status=500)

    fill = (gauge("treaty_fill_rate"),)
    mission = msgspec.structs.replace(
        MISSION,
        mission=msgspec.structs.replace(MISSION.mission, scrape_interval=Duration(0.2), window=Duration(120)),
        slo=(objective("fill", fill, Direction.AT_LEAST, 0.8),),
        criterion=(criterion("fill", fill, "<", 0.75, "15m"),),
    )
    async with page(exporter) as url:
        config = (
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            f"scrape_configs: [{{job_name: treaty, static_configs: [{{targets: ['{url.removeprefix('http://')}']}}]}}]\n"
        )
        async with real_prometheus(tmp_path, config) as server:
            source = MetricsSource(settings(server.url, mission=mission, interval=0.1))
            async with watching(source) as watch:
                present = await watch.metrics(lambda seen: slo(seen, "fill").values == {TREATY: 0.9})
                source.set_start(present.at, {})
                await watch.metrics(lambda seen: says(seen, OK))
                well = False
                gone = await watch.metrics(lambda seen: bool(seen.targets_down) and not slo(seen, "fill").newest)
                assert gone.targets_down == (f"treaty {url.removeprefix('http://')}",)
                await watch.metrics(lambda seen: says(seen, CriterionState.NO_DATA))
                well = True
                await watch.metrics(lambda seen: not seen.targets_down and says(seen, OK))


async def test_what_the_server_was_not_there_to_see_is_not_held_against_anybody(
    prometheus: RunningServer, world: World
) -> None:
    """Its record of this begins 90 min ago, a phase 3 h ago; a later hole would count."""
    mission = msgspec.structs.replace(
        MISSION, slo=(), criterion=(criterion("upgraded", (gauge("upgraded"),), ">", 600.0, "15m"),)
    )
    source = MetricsSource(settings(prometheus.url, mission=mission))
    source.set_start(world.now - 3 * 3600, {})
    async with watching(source) as watch:
        answer = await watch.metrics(complete)
    fold = fold_of(answer, "upgraded")
    assert fold.start == world.now - 5400
    assert answer.notes == (f"the server's record begins at {iso(world.now - 5400)}: nothing before it is judged",)
    assert fold.tripped_unverified_at == world.upgrade + 3 * STEP + 900  # the gauge ended with the upgrade


async def test_a_server_without_any_sample_gives_no_fold_and_says_so(tmp_path: Path) -> None:
    async with real_prometheus(tmp_path) as server, watching(MetricsSource(settings(server.url))) as watch:
        answer = await watch.metrics(lambda seen: followed(seen, "rtt").error is not None)
    assert followed(answer, "rtt").fold is None
    assert followed(answer, "rtt").error == (
        "Prometheus holds no sample of it, nor of any target. Check its scrape configuration."
    )


async def test_a_server_that_does_not_tell_its_time_is_no_prometheus() -> None:
    async def empty(request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    async with page(empty) as url, watching(MetricsSource(settings(url))) as watch:
        failed = await watch.failure()
        assert failed.error == f"{url} does not tell its time. Check that this address is a Prometheus."
