"""What a range of samples comes to: averages, extremes, sums and quantiles over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from aurora_tui.drill.prometheus.columns import Column
from aurora_tui.drill.prometheus.quantile import quantile
from aurora_tui.drill.prometheus.windows import Ranged

_MOST_IN_TURN = 5000


def total(values: Sequence[float]) -> float:
    """The sum without rounding errors, ±Inf and NaN as IEEE has them."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return sum(values)


def mean(values: Sequence[float]) -> float:
    """The mean, rounded as Prometheus rounds it: what ceil() or == make of it depends on the last bit.

    Its way through the samples is slow here, so that of very many the exact mean is taken, which differs by 1e-15.
    """
    if len(values) > _MOST_IN_TURN:
        try:
            return math.fsum(values) / len(values)
        except (OverflowError, ValueError):
            return running_mean(values)
    result = lost = 0.0
    for count, value in enumerate(values, 1):
        if math.isinf(result) and (not math.isinf(value) or (result > 0) == (value > 0)) and value == value:
            continue
        result, lost = _added(value / count - result / count, result, lost)
    return result if math.isinf(result) else result + lost


def running_mean(values: Sequence[float]) -> float:
    """The mean step by step, which cannot overflow (promql/engine.go, avg)."""
    result = 0.0
    for count, value in enumerate(values, 1):
        if math.isinf(result) and (not math.isinf(value) or (result > 0) == (value > 0)) and value == value:
            continue
        result += value / count - result / count
    return result


def lowest(values: Sequence[float]) -> float:
    return min((value for value in values if value == value), default=math.nan)


def highest(values: Sequence[float]) -> float:
    return max((value for value in values if value == value), default=math.nan)


def variance(values: Sequence[float]) -> float:
    """Population variance by Welford's method, what rounding loses carried along (kahanSumInc)."""
    average = lost_average = squares = lost_squares = 0.0
    for count, value in enumerate(values, 1):
        delta = value - (average + lost_average)
        average, lost_average = _added(delta / count, average, lost_average)
        squares, lost_squares = _added(delta * (value - (average + lost_average)), squares, lost_squares)
    return (squares + lost_squares) / len(values)


def _added(more: float, total: float, lost: float) -> tuple[float, float]:
    """Neumaier's step of a sum: the new total, and all that rounding has lost so far."""
    new = total + more
    return new, lost + ((total - new) + more if abs(total) >= abs(more) else (more - new) + total)


def deviation(values: Sequence[float]) -> float:
    found = variance(values)
    return math.sqrt(found) if found >= 0 and found != math.inf else found


OVER_TIME: dict[str, Callable[[Sequence[float]], float]] = {
    "avg_over_time": mean,
    "min_over_time": lowest,
    "max_over_time": highest,
    "sum_over_time": total,
    "count_over_time": lambda values: float(len(values)),
    "last_over_time": lambda values: values[-1],
    "present_over_time": lambda values: 1.0,
    "stddev_over_time": deviation,
    "stdvar_over_time": variance,
}


def over_time(function: Callable[[Sequence[float]], float], ranged: Ranged) -> Column:
    """`function` of each window's values; None for an empty window."""
    values = ranged.values
    return [
        None if first == end else function(values[first:end])
        for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]


def last_over_time(ranged: Ranged) -> Column:
    values = ranged.values
    return [
        None if first == end else values[end - 1]
        for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]


def count_over_time(ranged: Ranged) -> Column:
    return [
        None if first == end else float(end - first)
        for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]


def quantile_over_time(q: list[float], ranged: Ranged) -> Column:
    values = ranged.values
    return [
        None if first == end else quantile(wanted, values[first:end])
        for wanted, first, end in zip(q, ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]
