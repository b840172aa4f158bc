"""sum, avg, min, max, count, group, stddev, stdvar, quantile, topk and bottomk, by or without labels."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

from aurora_tui.drill.prometheus.columns import Column, Row, filled, join
from aurora_tui.drill.prometheus.errors import ExecutionFailed
from aurora_tui.drill.prometheus.labels import NAME, Labels, only, without
from aurora_tui.drill.prometheus.over_time import highest, lowest, running_mean
from aurora_tui.drill.prometheus.quantile import quantile
from aurora_tui.drill.prometheus.template import plain

_Grouping = Callable[[Labels], Labels]


def _spread(values: Sequence[float]) -> float:
    """Population variance that begins at the first value, so that one ±Inf alone spreads by 0."""
    average, squares = values[0], 0.0
    for count, value in enumerate(values[1:], 2):
        delta = value - average
        average += delta / count
        squares += delta * (value - average)
    return squares / len(values)


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else value


_OF_VALUES: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": lambda values: sum(values[1:], values[0]),
    "avg": running_mean,
    "min": lowest,
    "max": highest,
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
    "stddev": lambda values: _root(_spread(values)),
    "stdvar": _spread,
}
TAKES_NUMBER = frozenset({"quantile", "topk", "bottomk"})


def grouping(by: bool, names: Sequence[str]) -> _Grouping:
    """What is left of a label set to group by."""
    if by:
        kept = frozenset(names)
        return (lambda labels: only(labels, kept)) if kept else (lambda labels: ())
    dropped = frozenset(names) | {NAME}
    return lambda labels: without(labels, dropped)


def aggregate(operation: str, rows: list[Row], group_of: _Grouping, number: list[float]) -> list[Row]:
    """`number` is φ or k by step for those that take one."""
    groups: dict[Labels, list[Row]] = {}
    for row in rows:
        groups.setdefault(group_of(row[0]), []).append(row)
    if operation in ("topk", "bottomk"):
        for k in number:
            if not -(2.0**63) <= k <= 2.0**63:
                raise ExecutionFailed(f"Scalar value {plain(k)} overflows int64")
        picked = [row for members in groups.values() for row in _extreme(operation == "topk", members, number)]
        return join(picked)
    if operation == "quantile":
        return [(labels, _quantiles(number, members)) for labels, members in groups.items()]
    return [(labels, _combine(operation, [column for _, column in members])) for labels, members in groups.items()]


def _combine(operation: str, columns: list[Column]) -> Column:
    if len(columns) == 1 and operation in ("sum", "avg", "min", "max"):
        return columns[0]
    if operation == "sum" and not any(None in column for column in columns):
        result = columns[0]
        for column in columns[1:]:
            result = list(map(operator.add, result, column))
        return result
    function = _OF_VALUES[operation]
    out: Column = []
    for step in zip(*columns, strict=True):
        values = [value for value in step if value is not None]
        out.append(function(values) if values else None)
    return out


def _quantiles(number: list[float], members: list[Row]) -> Column:
    out: Column = []
    for q, step in zip(number, zip(*(column for _, column in members), strict=True), strict=True):
        values = [value for value in step if value is not None]
        out.append(quantile(q, values) if values else None)
    return out


def _extreme(top: bool, members: list[Row], number: list[float]) -> list[Row]:
    """The k largest or smallest at each step, best first where there is only one step."""
    width = len(number)
    kept: dict[int, Column] = {}
    for step, k in enumerate(number):
        heap: list[tuple[float, int]] = []
        size = min(int(k), len(members))
        if size < 1:
            continue
        for index, (_, column) in enumerate(members):
            value = column[step]
            if value is not None:
                _offer(heap, (value, index), size, top)
        for value, index in _drained(heap, top):
            kept.setdefault(index, [None] * width)[step] = value
    return [(members[index][0], column) for index, column in kept.items() if filled(column)]


def _worse(one: float, other: float, top: bool) -> bool:
    """Whether `one` leaves before `other`: NaN always does."""
    if one != one:
        return True
    return one < other if top else one > other


def _offer(heap: list[tuple[float, int]], item: tuple[float, int], size: int, top: bool) -> None:
    """Keeps the best `size`, in container/heap's way, for the same choice among equal values."""
    if len(heap) == size:
        least, value = heap[0][0], item[0]
        if not ((least < value if top else least > value) or (least != least and value == value)):
            return
        heap[0] = heap[-1]
        heap.pop()
        _sink(heap, top)
    heap.append(item)
    child = len(heap) - 1
    while child > 0:
        parent = (child - 1) // 2
        if not _worse(heap[child][0], heap[parent][0], top):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        child = parent


def _sink(heap: list[tuple[float, int]], top: bool) -> None:
    parent = 0
    while (child := 2 * parent + 1) < len(heap):
        if child + 1 < len(heap) and _worse(heap[child + 1][0], heap[child][0], top):
            child += 1
        if not _worse(heap[child][0], heap[parent][0], top):
            return
        heap[child], heap[parent] = heap[parent], heap[child]
        parent = child


def _drained(heap: list[tuple[float, int]], top: bool) -> list[tuple[float, int]]:
    missing = [item for item in heap if item[0] != item[0]]
    return sorted((item for item in heap if item[0] == item[0]), key=lambda item: item[0], reverse=top) + missing
