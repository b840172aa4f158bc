"""Green hours need more history than the window: 168 h of a soak, read back from Prometheus."""

from __future__ import annotations

import math
import time
from pathlib import Path

import msgspec
import pytest

from aurora_tui.situation.duration import Duration
from aurora_tui.situation.green import green_since
from aurora_tui.situation.mission import Direction
from aurora_tui.sources.metrics import MetricsSource
from tests.servers import real_prometheus
from tests.sources.watching import watching
from tests.sources.worlds import MISSION, gauge, gauge_history, objective, settings

HOUR = 3600.0
METRIC = "treaty_provenance_coverage"
SCRAPES = 60.0
SOAK = msgspec.structs.replace(
    MISSION,
    mission=msgspec.structs.replace(MISSION.mission, scrape_interval=Duration(SCRAPES)),
    slo=(objective("provenance", (gauge(METRIC),), Direction.AT_LEAST, 0.95),),
    criterion=(),
)


@pytest.mark.needs("prometheus", "promtool")
async def test_a_week_of_green_hours_is_counted_though_the_window_is_three_days(tmp_path: Path) -> None:
    now = math.floor(time.time() / SCRAPES) * SCRAPES
    began, missed = now - 7.2 * 24 * HOUR, now - 168.5 * HOUR
    times = [began - HOUR + SCRAPES * index for index in range(round((now - began + 2 * HOUR) / SCRAPES))]
    blocks = gauge_history(METRIC, times, lambda t: 0.9 if missed - 600 < t <= missed else 0.97)
    async with real_prometheus(tmp_path, blocks=blocks) as server:
        source = MetricsSource(settings(server.url, mission=SOAK, interval=0.3))
        async with watching(source) as watch:
            first = await watch.metrics(lambda told: bool(told.slos[0].history))
            assert first.at - first.slos[0].history[0].time < 73 * HOUR
            # The phase's start is known once the ledger is read: more is read back then.
            source.set_start(began, {})
            told = await watch.metrics(lambda told: told.at - told.slos[0].history[0].time > 100 * HOUR)
    since = green_since(SOAK, told.slos, told.at)
    assert since is not None
    assert (told.at - since) / HOUR == pytest.approx(168.5, abs=0.1)
