"""Quantiles: of plain values, and out of histogram buckets, as promql/quantile.go computes them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from aurora_tui.drill.prometheus.columns import Column, Row, join
from aurora_tui.drill.prometheus.floats import INF, NAN, divide, parse_float
from aurora_tui.drill.prometheus.labels import NAME, Labels, value_of, without

_BUCKET = "le"


def quantile(q: float, values: Sequence[float]) -> float:
    """The φ-quantile with linear interpolation; NaN sorts first; ∓Inf for φ outside 0…1."""
    if not values or q != q:
        return NAN
    if q < 0:
        return -INF
    if q > 1:
        return INF
    ordered = sorted(values)
    if any(value != value for value in values):
        missing = [value for value in values if value != value]
        ordered = missing + sorted(value for value in values if value == value)
    rank = q * (len(ordered) - 1)
    floor = math.floor(rank)
    lower = max(0, floor)
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - floor
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def bucket_quantile(q: float, bounds: Sequence[float], counts: Sequence[float]) -> float:
    """The φ-quantile of cumulative `counts` at rising, distinct upper `bounds`."""
    if q != q:
        return NAN
    if q < 0:
        return -INF
    if q > 1:
        return INF
    last = len(bounds) - 1
    if bounds[last] != INF or last < 1:
        return NAN
    total = sum(counts)
    counts = _monotonic(counts) if total != total else list(accumulate(counts, max))
    rank = q * counts[last]
    numbers = total == total and rank == rank  # 0 of infinitely many is not a number either
    index = bisect_left(counts, rank, 0, last) if numbers else _search(counts, rank, last)
    if counts[last] == 0:
        return NAN
    if index == last:
        return bounds[last - 1]
    bound, count = bounds[index], counts[index]
    if index == 0:
        return bound if bound <= 0 else bound * divide(rank, count)
    start, below = bounds[index - 1], counts[index - 1]
    return start + (bound - start) * divide(rank - below, count - below)


def _monotonic(counts: Sequence[float]) -> list[float]:
    highest = counts[0]
    out = [highest]
    for count in counts[1:]:
        if count > highest:
            highest = count
        elif count < highest:
            count = highest
        out.append(count)
    return out


def _search(counts: Sequence[float], rank: float, size: int) -> int:
    """sort.Search: NaN compares false, so its way through the halves matters."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if counts[middle] >= rank:
            high = middle
        else:
            low = middle + 1
    return low


def histogram_quantile(q: list[float], rows: list[Row]) -> list[Row]:
    """One row per label set without `le`; series without a readable `le` are left out."""
    groups: dict[Labels, list[tuple[float, Column]]] = {}
    for labels, column in rows:
        bound = parse_float(value_of(labels, _BUCKET))
        if bound is not None:
            groups.setdefault(without(labels, (_BUCKET,)), []).append((bound, column))
    return join([(without(labels, (NAME,)), _group_quantile(q, group)) for labels, group in groups.items()])


def _group_quantile(q: list[float], group: list[tuple[float, Column]]) -> Column:
    group.sort(key=lambda bucket: bucket[0])
    bounds = [bound for bound, _ in group]
    columns = [column for _, column in group]
    plain = len(set(bounds)) == len(bounds)
    out: Column = []
    for wanted, counts in zip(q, zip(*columns, strict=True), strict=True):
        if plain and None not in counts:
            out.append(bucket_quantile(wanted, bounds, counts))
            continue
        present: dict[float, float] = {}
        for bound, count in zip(bounds, counts, strict=True):
            if count is not None:
                present[bound] = present[bound] + count if bound in present else count
        out.append(bucket_quantile(wanted, list(present), list(present.values())) if present else None)
    return out
