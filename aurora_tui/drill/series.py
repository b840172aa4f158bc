"""The metrics of both exporter generations: their names, labels, and which simulated number each one carries.

The exporter and the history are made from the same table, so that live scrapes continue the history's series.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from prometheus_client.utils import floatToGoString

from aurora_tui.drill.market import AGGREGATE, NAMES, TREATY
from aurora_tui.drill.simulator import HISTOGRAMS, TOTALS, Side, State

AURORA_JOB, SIMULATOR_JOB = "aurora-metrics", "simulator-metrics"


class Generation(Enum):
    """Which exporter is in the field: gauges only (what runs today), or histograms (what the plan's queries assume)."""

    GAUGES = "gauges"
    HISTOGRAMS = "histograms"


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. Exactly one of: `total` (a counter of the simulator), `histogram`, `gauge` (a field of a Side).

    kind is the type it is exposed with: the first generation types some of its counters as gauges.
    """

    name: str
    kind: str
    about: str
    total: str = ""
    histogram: str = ""
    gauge: str = ""


_BOTH = (
    Metric("treaty_requests_total", "counter", "Requests received.", total="requests"),
    Metric("treaty_requests_routed", "gauge", "Requests routed to a provider since the start.", total="routed"),
    Metric("treaty_provenance_coverage", "gauge", "Share of receipts with provenance.", gauge="provenance"),
    Metric("gpu_hours_total", "counter", "GPU hours sold.", total="gpu_hours"),
)
METRICS = {
    Generation.GAUGES: (
        *_BOTH,
        Metric("treaty_dropped_requests", "gauge", "Requests dropped since the start.", total="dropped"),
        Metric("treaty_fill_rate", "gauge", "Average fill rate.", gauge="fill"),
        Metric("treaty_rtt_ms", "gauge", "Average round trip in milliseconds.", gauge="rtt"),
    ),
    Generation.HISTOGRAMS: (
        *_BOTH,
        Metric("treaty_dropped_requests_total", "counter", "Requests dropped.", total="dropped"),
        Metric("treaty_fill_rate", "histogram", "Share of each request that was filled.", histogram="fill"),
        Metric("treaty_rtt_ms", "histogram", "Round trip in milliseconds.", histogram="rtt"),
        Metric("policy_decision_ms", "histogram", "Policy decision in milliseconds.", histogram="policy"),
    ),
}

PROVIDER_METRICS = (
    ("provider_capacity_ratio", "Share of the provider's capacity that is free.", "free"),
    ("provider_reputation", "Reputation in points, 0 to 100.", "reputation"),
    ("provider_price_dollars", "Price of a GPU hour.", "price"),
    ("provider_up", "Whether the provider answers.", "up"),
)
"""Gauges with the label `provider`, on the simulator's exporter: name, help, field."""

INDEX = {what: place for place, what in enumerate(TOTALS)}
WHOLE = tuple(name not in ("gpu_hours",) and (name not in HISTOGRAMS or bound is not None) for name, bound in TOTALS)
"""Which of a `Totals` count things and are shown as whole numbers (sums and GPU hours are not)."""


def bound_name(bound: float) -> str:
    """A bucket's `le` as Python's client writes it: 350.0, +Inf."""
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]


def counters(generation: Generation, treaty: str) -> Iterator[tuple[dict[str, str], int]]:
    """The series of `treaty` that carry one of a `Totals`: labels with the name, and the number's place."""
    for metric in METRICS[generation]:
        if metric.total:
            yield {"__name__": metric.name, "treaty_id": treaty}, INDEX[metric.total, None]
        if metric.histogram:
            for bound in HISTOGRAMS[metric.histogram]:
                labels = {"__name__": f"{metric.name}_bucket", "treaty_id": treaty, "le": bound_name(bound)}
                yield labels, INDEX[metric.histogram, bound]
            yield {"__name__": f"{metric.name}_count", "treaty_id": treaty}, INDEX[metric.histogram, math.inf]
            yield {"__name__": f"{metric.name}_sum", "treaty_id": treaty}, INDEX[metric.histogram, None]


def gauges(generation: Generation, treaty: str) -> Iterator[tuple[dict[str, str], str]]:
    """The series of `treaty` that carry a field of its Side."""
    for metric in METRICS[generation]:
        if metric.gauge:
            yield {"__name__": metric.name, "treaty_id": treaty}, metric.gauge


def provider_values(state: State, field: str) -> Sequence[float]:
    """A provider gauge's values, in the order of `market.NAMES`."""
    if field == "up":
        return _as_numbers(state.effects.up)
    values: Sequence[float] = getattr(state, field)
    return values


@lru_cache(maxsize=64)
def _as_numbers(up: tuple[bool, ...]) -> tuple[float, ...]:
    return tuple(float(works) for works in up)


def target_labels(job: str, instance: str) -> Mapping[str, str]:
    """What a scrape adds to the series of `job`, as the soak protocol's configuration says."""
    static = {"treaty_id": TREATY} if job == AURORA_JOB else {"component": "simulator"}
    return {"job": job, "instance": instance, **static}


SIDES: tuple[tuple[str, str, str], ...] = ((AURORA_JOB, TREATY, "treaty"), (SIMULATOR_JOB, AGGREGATE, "market"))
"""Which job exposes which treaty label, from which side of the State."""


def side_of(state: State, side: str) -> Side:
    return state.treaty if side == "treaty" else state.market


def provider_labels(name: str) -> Iterator[dict[str, str]]:
    """The label sets of a provider gauge, in the order of `market.NAMES`."""
    for provider in NAMES:
        yield {"__name__": name, "provider": provider}
