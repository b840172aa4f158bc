"""Instant and range queries over a Storage: parse, check, evaluate."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser as promql

from aurora_tui.drill.prometheus.columns import Row
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.evaluate import KNOWN_FUNCTIONS, LOOKBACK_MS, Evaluator, is_scalar, matchers_of, unwrap
from aurora_tui.drill.prometheus.labels import Labels
from aurora_tui.drill.prometheus.matchers import MATCHES, MATCHES_NOT, anchored
from aurora_tui.drill.prometheus.storage import Storage

QUERY_TIMEOUT = 120.0
"""Seconds of real time, Prometheus' --query.timeout."""
MOST_POINTS = 11_000

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
    try:
        tree = promql.parse(text)
    except ValueError as error:
        raise BadQuery(f"1:1: parse error: {error}") from error
    promql.walk(tree, _check)
    return tree


def _check(node: Any) -> bool:
    if isinstance(node, promql.Call) and node.func.name not in KNOWN_FUNCTIONS:
        raise BadQuery(f'1:1: parse error: unknown function with name "{node.func.name}"')
    if isinstance(node, promql.VectorSelector):
        if node.matchers.or_matchers:
            raise BadQuery('1:1: parse error: unexpected identifier "or" in label matching, expected "," or "}"')
        for matcher in matchers_of(node):
            if matcher.kind in (MATCHES, MATCHES_NOT):
                anchored(matcher.value)
    return True


def instant(storage: Storage, text: str, at: float, lookback_ms: float = LOOKBACK_MS) -> Answer:
    """The answer at `at` (Unix seconds). QueryError when there is none."""
    tree = parse(text)
    step = float(round(at * 1000))
    evaluator = Evaluator(storage, [step], (step, step), lookback_ms, time.monotonic() + QUERY_TIMEOUT)
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
    storage: Storage, text: str, start: float, end: float, step: float, lookback_ms: float = LOOKBACK_MS
) -> Answer:
    """The matrix from `start` to `end` every `step` seconds. The caller has checked the number of points."""
    tree = parse(text)
    plain = unwrap(tree)
    if isinstance(plain, promql.MatrixSelector | promql.SubqueryExpr | promql.StringLiteral):
        kind = "string" if isinstance(plain, promql.StringLiteral) else "range vector"
        raise BadQuery(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
    first, last, width = round(start * 1000), round(end * 1000), round(step * 1000)
    steps = [float(moment) for moment in range(first, last + 1, width)]
    evaluator = Evaluator(storage, steps, (float(first), float(last)), lookback_ms, time.monotonic() + QUERY_TIMEOUT)
    rows: list[Row] = [((), list(evaluator.scalar(plain)))] if is_scalar(plain) else evaluator.vector(plain)
    seconds = [moment / 1000 for moment in steps]
    series = [(labels, _points(seconds, column)) for labels, column in rows]
    return Answer("matrix", sorted(series, key=lambda each: each[0]))


def _points(seconds: list[float], column: list[float | None]) -> Points:
    return [(at, value) for at, value in zip(seconds, column, strict=True) if value is not None]
