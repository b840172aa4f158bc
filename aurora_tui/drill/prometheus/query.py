"""Instant and range queries over a Storage: parse, check, evaluate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import promql_parser as promql

from aurora_tui.drill.prometheus.columns import Row
from aurora_tui.drill.prometheus.errors import BadQuery, TimedOut
from aurora_tui.drill.prometheus.evaluate import LOOKBACK_MS, Evaluator, is_scalar, unwrap
from aurora_tui.drill.prometheus.labels import Labels
from aurora_tui.drill.prometheus.storage import Storage
from aurora_tui.drill.prometheus.syntax import check_query

QUERY_TIMEOUT = 120.0
"""Seconds of real time, Prometheus' --query.timeout."""
MOST_POINTS = 11_000


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a query may take: `seconds` of real time from when it was asked."""

    seconds: float = QUERY_TIMEOUT
    asked_at: float = field(default_factory=time.monotonic)

    def deadline(self) -> float:
        """On time.monotonic(). TimedOut when it is over before the query's turn has come."""
        end = self.asked_at + self.seconds
        if time.monotonic() >= end:
            raise TimedOut("query timed out in query " + ("execution" if self.seconds == 0 else "queue"))
        return end


Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`kind` is vector, matrix, scalar or string; each series has points (Unix seconds, value), one for a vector."""

    kind: str
    series: list[tuple[Labels, Points]]
    text: str = ""


@lru_cache(maxsize=2048)
def parse(text: str) -> Any:
    """The tree of a query. BadQuery, in Prometheus' shape, for what neither it nor this server understands."""
    check_query(text)
    try:
        return promql.parse(text)
    except ValueError as error:
        raise BadQuery(f"1:1: parse error: {error}") from error


def instant(storage: Storage, text: str, at: float, limit: Limit | None = None) -> Answer:
    """The answer at `at` (Unix seconds). QueryError when there is none."""
    tree = parse(text)
    step = float(round(at * 1000))
    evaluator = Evaluator(storage, [step], (step, step), LOOKBACK_MS, (limit or Limit()).deadline())
    plain = unwrap(tree)
    seconds = step / 1000
    if isinstance(plain, promql.StringLiteral):
        return Answer("string", [((), [(seconds, math.nan)])], plain.val)
    if is_scalar(plain):
        return Answer("scalar", [((), [(seconds, evaluator.scalar(plain)[0])])])
    if isinstance(plain, promql.MatrixSelector | promql.SubqueryExpr):
        series = []
        for ranged in evaluator.ranged(plain):
            first, end = ranged.windows.firsts[0], ranged.windows.ends[0]
            times = ranged.windows.times
            points = [(times[index] / 1000, ranged.values[index]) for index in range(first, end)]
            if points:
                series.append((ranged.labels, points))
        return Answer("matrix", sorted(series))
    return Answer("vector", [(labels, _points([seconds], column)) for labels, column in evaluator.vector(plain)])


def over_range(
    storage: Storage, text: str, start: float, end: float, step: float, limit: Limit | None = None
) -> Answer:
    """The matrix from `start` to `end` every `step` seconds. The caller has checked the number of points."""
    tree = parse(text)
    plain = unwrap(tree)
    if isinstance(plain, promql.MatrixSelector | promql.SubqueryExpr | promql.StringLiteral):
        kind = "string" if isinstance(plain, promql.StringLiteral) else "range vector"
        raise BadQuery(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
    first, last = round(start * 1000), round(end * 1000)
    width = max(1, math.trunc(round(step * 1e9) / 1e6))  # whole milliseconds: what is over is cut off
    steps = [float(moment) for moment in range(first, last + 1, width)]
    evaluator = Evaluator(storage, steps, (float(first), float(last)), LOOKBACK_MS, (limit or Limit()).deadline())
    rows: list[Row] = [((), list(evaluator.scalar(plain)))] if is_scalar(plain) else evaluator.vector(plain)
    seconds = [moment / 1000 for moment in steps]
    series = [(labels, _points(seconds, column)) for labels, column in rows]
    return Answer("matrix", sorted(series, key=lambda each: each[0]))


def _points(seconds: list[float], column: list[float | None]) -> Points:
    return [(at, value) for at, value in zip(seconds, column, strict=True) if value is not None]
