"""A Prometheus whose clock goes back, or that is exchanged for one that is behind: everything is read anew."""

from __future__ import annotations

import time

import pytest

from aurora_tui.sources.metrics import MetricsSource
from tests.faults.answers import ClockOff
from tests.faults.proxy import fault_proxy
from tests.servers import backfill, real_prometheus
from tests.sources.watching import watching
from tests.sources.worlds import MISSION, RTT_BUCKETS, STEP, histogram_history, settings


@pytest.mark.needs("prometheus", "promtool")
async def test_a_clock_that_goes_back_starts_every_fold_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("prometheus")
    now = time.time() // STEP * STEP
    times = [now - 3600 + STEP * index for index in range(260)]
    backfill(folder, histogram_history("treaty_rtt_ms", RTT_BUCKETS, times, lambda _: 120.0))
    async with real_prometheus(folder) as server, fault_proxy(server.url) as proxy:
        await proxy.switch(ClockOff(600.0))
        source = MetricsSource(settings(proxy.url, mission=MISSION, interval=0.3))
        async with watching(source) as watch:

            def folded(ahead: float) -> object:
                return lambda told: any(
                    item.criterion == "rtt"
                    and item.fold is not None
                    and item.fold.to is not None
                    and abs(item.fold.to - time.time() - ahead) < 4 * STEP
                    for item in told.criteria
                )

            ahead = await watch.metrics(folded(600.0))  # type: ignore[arg-type]
            assert ahead.skew == pytest.approx(600.0, abs=2.0)
            await proxy.switch(None)
            back = await watch.metrics(folded(0.0))  # type: ignore[arg-type]
    assert back.skew == pytest.approx(0.0, abs=2.0)
    assert back.firing_known_to is None or back.firing_known_to <= time.time()
    assert all(point.time <= time.time() for item in back.slos for point in item.history)
