"""Which samples each step sees: the latest one within the lookback, or all of a range. Both ends belong to a window.

Series that are scraped together have equal times; what follows from times alone is worked out once for all of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aurora_tui.drill.prometheus.columns import Column, Floats
from aurora_tui.drill.prometheus.labels import Labels
from aurora_tui.drill.prometheus.series import Series, falls


class Windows:
    """Per step, the first sample's index and one past the last one's, in `times` (milliseconds).

    Only `times` from `low` to before `high` are looked at: the column may go on, and grow meanwhile.
    """

    __slots__ = ("ends", "extrapolation", "firsts", "range_ms", "steps", "times")

    def __init__(self, times: Floats, steps: Sequence[float], range_ms: float, low: int, high: int) -> None:
        self.times = times
        self.steps = steps
        self.range_ms = range_ms
        self.firsts: list[int] = []
        self.ends: list[int] = []
        self.extrapolation: list[tuple[int, int, float, float, float] | None] | None = None
        if len(steps) == 1:
            self.ends = [bisect_right(times, steps[0], low, high)]
            self.firsts = [bisect_left(times, steps[0] - range_ms, low, high)]
            return
        part = list(times[low:high])
        first = end = 0
        size = high - low
        for step in steps:
            while end < size and part[end] <= step:
                end += 1
            start = step - range_ms
            while first < end and part[first] < start:
                first += 1
            self.firsts.append(first + low)
            self.ends.append(end + low)


@dataclass(slots=True)
class Ranged:
    """One series seen through windows. `resets` is asked by what looks at counters: Series.resets of all windows."""

    labels: Labels
    values: Floats
    windows: Windows
    resets: Callable[[], tuple[list[int], list[float]]]


class WindowCutter:
    """Cuts series into windows for one range selector, sharing the windows of equal times."""

    def __init__(self, steps: Sequence[float], range_ms: float) -> None:
        self._steps = steps
        self._range_ms = range_ms
        self._of_column: dict[tuple[int, int, int], Windows] = {}

    def cut(self, series: Series) -> Ranged | None:
        """None when no step sees a sample of it. Nothing is copied unless stale markers must be left out."""
        size = series.size
        times, values = series.times, series.values
        first = bisect_left(times, self._steps[0] - self._range_ms, 0, size)
        end = bisect_right(times, self._steps[-1], first, size)
        stale = series.stale_within(first, end)
        if end - first == len(stale):
            return None
        if stale:
            return self._without_stale(series, times[first:end], values[first:end], [at - first for at in stale])
        key = (id(times), first, end)
        windows = self._of_column.get(key)
        if windows is None:  # it holds on to `times`, so the id stays theirs
            windows = self._of_column[key] = Windows(times, self._steps, self._range_ms, first, end)
        return Ranged(series.labels, values, windows, lambda: series.resets(first, end))

    def _without_stale(self, series: Series, times: Floats, values: Floats, stale: list[int]) -> Ranged:
        ended = frozenset(stale)
        keep = [index for index in range(len(values)) if index not in ended]
        return self.cut_points(series.labels, [times[index] for index in keep], [values[index] for index in keep])

    def cut_points(self, labels: Labels, times: list[float], values: list[float]) -> Ranged:
        """The same for points in lists: a subquery's, or what is left of a series."""
        windows = Windows(times, self._steps, self._range_ms, 0, len(times))
        return Ranged(labels, values, windows, lambda: falls(values, 0))


class LatestPicker:
    """The latest sample at or before each step, at most `lookback_ms` old, unless it is a stale marker."""

    def __init__(self, steps: Sequence[float], lookback_ms: float) -> None:
        self._steps = steps
        self._lookback_ms = lookback_ms
        self._of_column: dict[tuple[int, int, int], tuple[Floats, list[int]]] = {}

    def pick(self, series: Series, want_time: bool = False) -> Column | None:
        """Values by step, or their times in seconds; None when no step has any."""
        steps, lookback = self._steps, self._lookback_ms
        size = series.size
        times, values = series.times, series.values
        if len(steps) == 1:
            index = bisect_right(times, steps[0], 0, size) - 1
            if index < 0 or times[index] < steps[0] - lookback or (series.stale_at and index in series.stale_at):
                return None
            return [times[index] / 1000 if want_time else values[index]]
        first = bisect_left(times, steps[0] - lookback, 0, size)
        end = bisect_right(times, steps[-1], first, size)
        if first == end:
            return None
        picks = self._picks(times, first, end)
        ended = {index - first for index in series.stale_within(first, end)}
        source = [moment / 1000 for moment in times[first:end]] if want_time else values[first:end].tolist()
        if ended:
            return [None if index < 0 or index in ended else source[index] for index in picks]
        if min(picks) >= 0:
            return list(map(source.__getitem__, picks))
        return [None if index < 0 else source[index] for index in picks]

    def _picks(self, column: array[float], first: int, end: int) -> list[int]:
        """By step, the index counted from `first`, or -1."""
        key = (id(column), first, end)
        known = self._of_column.get(key)
        if known is not None:
            return known[1]
        picks: list[int] = []
        times = column[first:end].tolist()
        index, size = -1, len(times)
        for step in self._steps:
            while index + 1 < size and times[index + 1] <= step:
                index += 1
            picks.append(index if index >= 0 and times[index] >= step - self._lookback_ms else -1)
        self._of_column[key] = (column, picks)  # held, so that the id stays the column's
        return picks
