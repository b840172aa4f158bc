"""Which samples each step sees: the latest one within the lookback, or all of a range. Both ends belong to a window.

Series that are scraped together have equal times; what follows from times alone is worked out once for all of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from aurora_tui.drill.prometheus.columns import Column, Floats
from aurora_tui.drill.prometheus.labels import Labels
from aurora_tui.drill.prometheus.storage import Series


class Windows:
    """Per step, the first sample's index and one past the last one's, in `times` (milliseconds)."""

    __slots__ = ("ends", "extrapolation", "firsts", "range_ms", "steps", "times")

    def __init__(self, times: Floats, steps: Sequence[float], range_ms: float) -> None:
        self.times = times
        self.steps = steps
        self.range_ms = range_ms
        self.firsts: list[int] = []
        self.ends: list[int] = []
        self.extrapolation: list[tuple[int, int, float, float, float] | None] | None = None
        first = end = 0
        size = len(times)
        if len(steps) == 1:
            self.ends = [bisect_right(times, steps[0])]
            self.firsts = [bisect_left(times, steps[0] - range_ms)]
            return
        for step in steps:
            while end < size and times[end] <= step:
                end += 1
            start = step - range_ms
            while first < end and times[first] < start:
                first += 1
            self.firsts.append(first)
            self.ends.append(end)


@dataclass(slots=True)
class Ranged:
    """One series seen through windows. `resets` and `lost` as in Series.resets, as indices into `values`."""

    labels: Labels
    values: Floats
    windows: Windows
    resets: list[int]
    lost: list[float]


class WindowCutter:
    """Cuts series into windows for one range selector, sharing the windows of equal times."""

    def __init__(self, steps: Sequence[float], range_ms: float) -> None:
        self._steps = steps
        self._range_ms = range_ms
        self._known: dict[bytes, Windows] = {}

    def cut(self, series: Series) -> Ranged | None:
        """None when no step sees a sample of it."""
        times, values = series.real()
        size = min(len(times), len(values))  # another thread may be appending
        first = bisect_left(times, self._steps[0] - self._range_ms, 0, size)
        end = bisect_right(times, self._steps[-1], first, size)
        if first == end:
            return None
        part = times[first:end]
        key = part.tobytes()
        windows = self._known.get(key)
        if windows is None:
            windows = self._known[key] = Windows(part.tolist(), self._steps, self._range_ms)
        positions, lost = series.resets()
        low, high = bisect_right(positions, first), bisect_left(positions, end)
        return Ranged(
            series.labels,
            values[first:end].tolist(),
            windows,
            [position - first for position in positions[low:high]],
            lost[low:high],
        )

    def cut_points(self, labels: Labels, times: list[float], values: list[float]) -> Ranged:
        """The same for points that a subquery produced."""
        resets = [index for index in range(1, len(values)) if values[index] < values[index - 1]]
        windows = Windows(times, self._steps, self._range_ms)
        return Ranged(labels, values, windows, resets, [values[index - 1] for index in resets])


class LatestPicker:
    """The latest sample at or before each step, at most `lookback_ms` old, unless it is a stale marker."""

    def __init__(self, steps: Sequence[float], lookback_ms: float) -> None:
        self._steps = steps
        self._lookback_ms = lookback_ms
        self._known: dict[bytes, list[int]] = {}

    def pick(self, series: Series, want_time: bool = False) -> Column | None:
        """Values by step, or their times in seconds; None when no step has any."""
        steps, lookback = self._steps, self._lookback_ms
        values, times = series.values, series.times
        size = min(len(times), len(values))  # another thread may be appending
        if len(steps) == 1:
            index = bisect_right(times, steps[0], 0, size) - 1
            if index < 0 or times[index] < steps[0] - lookback or (series.stale_at and index in series.stale_at):
                return None
            return [times[index] / 1000 if want_time else values[index]]
        first = bisect_left(times, steps[0] - lookback, 0, size)
        end = bisect_right(times, steps[-1], first, size)
        if first == end:
            return None
        picks = self._picks(times[first:end])
        ended = {index - first for index in series.stale_at[bisect_left(series.stale_at, first) :]}
        source = [moment / 1000 for moment in times[first:end]] if want_time else values[first:end].tolist()
        if ended:
            return [None if index < 0 or index in ended else source[index] for index in picks]
        if min(picks) >= 0:
            return list(map(source.__getitem__, picks))
        return [None if index < 0 else source[index] for index in picks]

    def _picks(self, part: array[float]) -> list[int]:
        key = part.tobytes()
        picks = self._known.get(key)
        if picks is None:
            picks = self._known[key] = []
            times = part.tolist()
            index, size = -1, len(times)
            for step in self._steps:
                while index + 1 < size and times[index + 1] <= step:
                    index += 1
                picks.append(index if index >= 0 and times[index] >= step - self._lookback_ms else -1)
        return picks
