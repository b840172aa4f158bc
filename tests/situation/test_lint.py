"""A criterion over a histogram whose buckets end before its limit can never trip, and that is said."""

from __future__ import annotations

import math

import pytest

from aurora_tui.situation.lint import cannot_trip, quantile_of
from aurora_tui.situation.mission import Comparison, Criterion

P99 = "histogram_quantile(0.99, sum by (treaty_id,le)(rate(treaty_rtt_ms_bucket[2m])))"
P05 = "histogram_quantile(0.05, sum by (treaty_id,le)(rate(treaty_fill_rate_bucket[2m])))"
INF = math.inf


def criterion(op: str, value: float) -> Criterion:
    return Criterion(id="x", title="x", then="x", op=Comparison(op), value=value)


@pytest.mark.parametrize(
    ("query", "op", "limit", "bounds", "trips"),
    [
        (P99, ">", 400.0, [100, 300, INF], False),
        (P99, ">", 300.0, [100, 300, INF], False),
        (P99, ">=", 300.0, [100, 300, INF], True),
        (P99, ">", 400.0, [100, 300, 500, INF], True),
        (P99, ">", 400.0, [INF], False),
        (P05, "<", 0.75, [0.5, 0.8, 0.9, INF], True),
        (P99, "<", 50.0, [100, 300, INF], False),  # p99 of a first bucket up to 100 is never below 99
        (P99, "<", -5.0, [-10, 10, INF], True),
        (P99, ">", 400.0, [], True),  # no data is another matter
        ("avg(treaty_rtt_ms)", ">", 400.0, [100, INF], True),
        (f"{P99} * (1000)", ">", 400.0, [100, INF], True),
    ],
)
def test_a_quantile_cannot_leave_its_buckets(
    query: str, op: str, limit: float, bounds: list[float], trips: bool
) -> None:
    said = cannot_trip(criterion(op, limit), query, bounds)
    assert (said is None) is trips
    assert said is None or said.startswith("this criterion cannot trip: ")


def test_the_words_name_the_metric_and_where_its_buckets_end() -> None:
    assert cannot_trip(criterion(">", 400.0), P99, [100, 300, INF]) == (
        "this criterion cannot trip: > 400 is beyond the buckets of treaty_rtt_ms_bucket, which end at 300"
    )


def test_the_quantile_and_its_metric_are_read_from_the_query() -> None:
    assert quantile_of(P05) == (0.05, "treaty_fill_rate_bucket")
    assert quantile_of("rate(treaty_rtt_ms_sum[2m]) / rate(treaty_rtt_ms_count[2m])") is None
