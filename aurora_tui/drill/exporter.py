"""The exporters' /metrics pages, in the reference text format, in both generations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from aurora_tui.drill import series
from aurora_tui.drill.market import NAMES
from aurora_tui.drill.network import View
from aurora_tui.drill.series import INDEX, METRICS, PROVIDER_METRICS, SIDES, Generation, bound_name
from aurora_tui.drill.simulator import HISTOGRAMS


class Exporter(Collector):
    """The families of one job. look: gives the network as it is now."""

    def __init__(self, job: str, generation: Generation, look: Callable[[], View]) -> None:
        _, self._treaty, self._side = next(each for each in SIDES if each[0] == job)
        self._generation = generation
        self._look = look

    def collect(self) -> Iterator[Metric]:
        view = self._look()
        totals, side = view.totals[self._side], series.side_of(view.state, self._side)
        for metric in METRICS[self._generation]:
            if metric.histogram:
                yield self._histogram(metric, totals)
                continue
            value = totals[INDEX[metric.total, None]] if metric.total else getattr(side, metric.gauge)
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            yield _one(family(metric.name, metric.about, labels=["treaty_id"]), self._treaty, value)
        if self._side == "market":
            for name, about, field in PROVIDER_METRICS:
                gauge = GaugeMetricFamily(name, about, labels=["provider"])
                for provider, value in zip(NAMES, series.provider_values(view.state, field), strict=True):
                    gauge.add_metric([provider], value)
                yield gauge

    def _histogram(self, metric: series.Metric, totals: tuple[float, ...]) -> Metric:
        family = HistogramMetricFamily(metric.name, metric.about, labels=["treaty_id"])
        kind = metric.histogram
        buckets = [(bound_name(bound), totals[INDEX[kind, bound]]) for bound in HISTOGRAMS[kind]]
        family.add_metric([self._treaty], buckets, totals[INDEX[kind, None]])
        return family


def _one(family: CounterMetricFamily | GaugeMetricFamily, treaty: str, value: float) -> Metric:
    family.add_metric([treaty], value)
    return family


def exporter_app(exporter: Collector) -> web.Application:
    """One exporter: GET /metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(exporter)

    async def metrics(request: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app
