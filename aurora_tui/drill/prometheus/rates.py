"""rate, increase, delta and their instant kin, extrapolated as Prometheus 2.42 does it.

Source: extrapolatedRate and instantValue in promql/functions.go. What a step's extrapolation takes from times alone
is shared by all series with these times.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from aurora_tui.drill.prometheus.columns import Column
from aurora_tui.drill.prometheus.windows import Ranged, Windows


def _extrapolation(windows: Windows) -> list[tuple[int, int, float, float, float] | None]:
    """Per step: first and last index, sampled interval, gap before it, and the interval to extrapolate to, seconds."""
    if windows.extrapolation is not None:
        return windows.extrapolation
    times, range_ms = windows.times, windows.range_ms
    plan: list[tuple[int, int, float, float, float] | None] = []
    for first, end, step in zip(windows.firsts, windows.ends, windows.steps, strict=True):
        if end - first < 2:
            plan.append(None)
            continue
        last = end - 1
        oldest, newest = times[first], times[last]
        to_start = (oldest - (step - range_ms)) / 1000
        interval = (newest - oldest) / 1000
        plan.append(
            (first, last, interval, to_start, _stretched(interval, last - first, to_start, (step - newest) / 1000))
        )
    windows.extrapolation = plan
    return plan


def _stretched(interval: float, gaps: int, to_start: float, to_end: float) -> float:
    average = interval / gaps
    threshold = average * 1.1
    stretched = interval + (to_start if to_start < threshold else average / 2)
    return stretched + (to_end if to_end < threshold else average / 2)


def extrapolated(ranged: Ranged, counter: bool, per_second: bool) -> Column:
    """rate (counter, per second), increase (counter) or delta (neither)."""
    values, windows = ranged.values, ranged.windows
    resets, lost = ranged.resets() if counter else ([], [])
    seconds = windows.range_ms / 1000
    out: Column = []
    for step, entry in zip(windows.steps, _extrapolation(windows), strict=True):
        if entry is None:
            out.append(None)
            continue
        first, last, interval, to_start, stretched = entry
        oldest = values[first]
        change = values[last] - oldest
        if resets:
            for fallen in lost[bisect_right(resets, first) : bisect_right(resets, last)]:
                change += fallen
        if counter and change > 0 and oldest >= 0:
            to_zero = interval * (oldest / change)
            if to_zero < to_start:
                # A counter cannot have been below zero: extrapolate no further back than to there.
                stretched = _stretched(interval, last - first, to_zero, (step - windows.times[last]) / 1000)
        factor = stretched / interval
        out.append(change * (factor / seconds if per_second else factor))
    return out


def instant_change(ranged: Ranged, per_second: bool) -> Column:
    """irate (per second, counter resets) or idelta: the last two samples of the window."""
    values, times = ranged.values, ranged.windows.times
    out: Column = []
    for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True):
        if end - first < 2:
            out.append(None)
            continue
        newest, previous = values[end - 1], values[end - 2]
        change = newest if per_second and newest < previous else newest - previous
        out.append(change / ((times[end - 1] - times[end - 2]) / 1000) if per_second else change)
    return out


def resets_count(ranged: Ranged) -> Column:
    resets, _ = ranged.resets()
    return [
        None if first == end else float(bisect_left(resets, end) - bisect_right(resets, first))
        for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]


def changes_count(ranged: Ranged) -> Column:
    values = ranged.values
    changed = [
        index
        for index in range(ranged.windows.firsts[0] + 1, ranged.windows.ends[-1])
        if values[index] != values[index - 1]
        and not (values[index] != values[index] and values[index - 1] != values[index - 1])
    ]
    return [
        None if first == end else float(bisect_left(changed, end) - bisect_right(changed, first))
        for first, end in zip(ranged.windows.firsts, ranged.windows.ends, strict=True)
    ]
