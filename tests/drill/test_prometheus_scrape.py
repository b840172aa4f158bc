"""Scraping: labels, the series Prometheus adds itself, and what a failure or a vanished series leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aurora_tui.drill.prometheus import Scraper, Storage, Target, query

AT = 1_700_000_010.0


class Exporter:
    """Serves `text` with `status` at /metrics."""

    def __init__(self) -> None:
        self.text, self.status, self.url = "", 200, ""

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(text=self.text, status=self.status)


@pytest.fixture
async def exporter() -> AsyncIterator[Exporter]:
    exporter = Exporter()
    app = web.Application()
    app.router.add_get("/metrics", exporter.answer)
    async with TestServer(app) as server:
        exporter.url = str(server.make_url("/metrics"))
        yield exporter


def scraper(storage: Storage, *targets: Target) -> Scraper:
    return Scraper(storage, targets, 15.0, lambda: AT, asyncio.sleep)


def values(storage: Storage, text: str, at: float = AT) -> dict[str, float]:
    """Value by the other labels, written as a=b."""
    return {
        " ".join(f"{name}={value}" for name, value in labels): points[0][1]
        for labels, points in query.instant(storage, text, at).series
    }


async def test_samples_carry_the_targets_labels(exporter: Exporter) -> None:
    exporter.text = '# TYPE fill gauge\nfill{treaty_id="A"} 0.9\n'
    storage = Storage()
    target = Target("bridge", exporter.url, {"zone": "eu"}, instance="bridge:9109")
    await scraper(storage, target).scrape_once(AT)
    assert values(storage, "fill") == {"__name__=fill instance=bridge:9109 job=bridge treaty_id=A zone=eu": 0.9}
    assert values(storage, "sum(up)") == {"": 1.0}
    assert values(storage, "sum(scrape_samples_scraped)") == {"": 1.0}
    assert values(storage, "sum(scrape_duration_seconds) > 0")


@pytest.mark.parametrize(
    ("honor", "labels"),
    [(False, "__name__=x exported_job=own instance=i job=bridge"), (True, "__name__=x instance=i job=own")],
)
async def test_a_label_conflict_is_settled_by_honor_labels(exporter: Exporter, honor: bool, labels: str) -> None:
    exporter.text = 'x{job="own"} 1\n'
    storage = Storage()
    await scraper(storage, Target("bridge", exporter.url, honor_labels=honor, instance="i")).scrape_once(AT)
    assert values(storage, "x") == {labels: 1.0}


async def test_histograms_keep_their_buckets(exporter: Exporter) -> None:
    exporter.text = (
        '# TYPE rtt histogram\nrtt_bucket{le="350.0"} 3\nrtt_bucket{le="+Inf"} 4\nrtt_count 4\nrtt_sum 900\n'
    )
    storage = Storage()
    await scraper(storage, Target("bridge", exporter.url)).scrape_once(AT)
    assert sum(values(storage, "rtt_bucket").values()) == 7
    assert values(storage, "sum(rtt_count)") == {"": 4.0}


@pytest.mark.parametrize(("status", "text"), [(500, "x 1\n"), (200, "x {{ not metrics\n")])
async def test_a_failed_scrape_ends_the_targets_series(exporter: Exporter, status: int, text: str) -> None:
    exporter.text = "x 1\n"
    storage = Storage()
    scraping = scraper(storage, Target("bridge", exporter.url))
    await scraping.scrape_once(AT)
    exporter.status, exporter.text = status, text
    await scraping.scrape_once(AT + 15)
    assert values(storage, "sum(up)", AT + 15) == {"": 0.0}
    assert values(storage, "x", AT + 14.9)
    assert values(storage, "x", AT + 15) == {}
    assert scraping.state(0).health == "down"
    assert scraping.state(0).error


async def test_a_target_that_does_not_listen_is_down_and_others_are_not(exporter: Exporter) -> None:
    exporter.text = "x 1\n"
    storage = Storage()
    gone = Target("gone", "http://127.0.0.1:1/metrics")
    await scraper(storage, gone, Target("bridge", exporter.url)).scrape_once(AT)
    assert values(storage, "sum by (job) (up)") == {"job=gone": 0.0, "job=bridge": 1.0}


async def test_a_vanished_series_ends_at_once_and_may_return(exporter: Exporter) -> None:
    exporter.text = "x 1\ny 2\n"
    storage = Storage()
    scraping = scraper(storage, Target("bridge", exporter.url))
    await scraping.scrape_once(AT)
    exporter.text = "x 1\n"
    await scraping.scrape_once(AT + 15)
    assert values(storage, "sum(y)", AT + 15) == {}
    assert values(storage, "sum(x)", AT + 15) == {"": 1.0}
    exporter.text = "x 1\ny 3\n"
    await scraping.scrape_once(AT + 30)
    assert values(storage, "sum(y)", AT + 30) == {"": 3.0}


async def test_rounds_come_at_whole_multiples_of_the_interval(exporter: Exporter) -> None:
    exporter.text = "x 1\n"
    storage, world = Storage(), [AT]
    waited = asyncio.Event()

    async def sleep(seconds: float) -> None:
        world[0] += seconds
        if world[0] >= AT + 60:
            waited.set()
        await asyncio.sleep(0)

    scraping = Scraper(storage, [Target("bridge", exporter.url)], 15.0, lambda: world[0], sleep)
    task = asyncio.create_task(scraping.run())
    async with asyncio.timeout(10):
        await waited.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (up,) = query.instant(storage, "up[10m]", AT + 100).series
    assert [at % 15 for at, _ in up[1]] == [0.0] * len(up[1])
    assert len(up[1]) >= 3
