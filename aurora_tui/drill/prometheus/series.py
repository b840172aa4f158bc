"""One label set's samples in two columns, times and values; series that are scraped together share their times.

Times are whole milliseconds in doubles (exact up to 2**53), as Prometheus keeps them: window edges are then compared
exactly.
"""

from __future__ import annotations

import math
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import compress
from operator import lt, ne

from aurora_tui.drill.prometheus.labels import Labels

_STALE_BITS = 0x7FF0000000000002
STALE: float = struct.unpack("<d", struct.pack("<Q", _STALE_BITS))[0]
"""The NaN that says "this series ended here" (prometheus/model/value/value.go)."""
_SCANNED_AT_ONCE = 1024
"""A window of so few samples is searched for counter resets by itself, while the whole history has not been."""


def is_stale(value: float) -> bool:
    return value != value and struct.pack("<d", value) == struct.pack("<Q", _STALE_BITS)


class TimeColumns:
    """Columns of times that several series use at once: 8 bytes less for each sample but the first series'.

    A column may be longer than a series that uses it: others of its scrape have gone on, or went on without it.
    """

    def __init__(self) -> None:
        self._begun = array("d")
        self._parting: tuple[array[float], int, array[float]] = (array("d"), 0, array("d"))

    def begin(self, time_ms: float) -> array[float]:
        """The column of a series whose first sample is taken at `time_ms`."""
        if not self._begun or self._begun[0] != time_ms:
            self._begun = array("d", [time_ms])
        return self._begun

    def go_on(self, column: array[float], count: int, time_ms: float) -> array[float]:
        """The column in which `time_ms` follows the first `count` times of `column`: that one, if it can be."""
        if len(column) == count:
            column.append(time_ms)
            return column
        if column[count] == time_ms:
            return column
        # It missed a scrape of its neighbours. Those that missed the same one stay together.
        source, parted_at, other = self._parting
        if source is not column or parted_at != count or other[count] != time_ms:
            other = column[:count]
            other.append(time_ms)
            self._parting = (column, count, other)
        return other


class Series:
    """One label set's samples, oldest first: `values`, and as many of the first `times`.

    Columns only grow, so another thread reads safely while this one appends, if it takes the number of values first
    (`size`) and the columns after it.
    """

    __slots__ = ("_columns", "_lost", "_reset_at", "_resets_known", "labels", "stale_at", "times", "values")

    def __init__(self, labels: Labels, columns: TimeColumns) -> None:
        self.labels = labels
        self.times = array("d")
        self.values = array("d")
        self.stale_at: list[int] = []
        self._columns = columns
        self._resets_known = 1
        self._reset_at: list[int] = []
        self._lost: list[float] = []

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def oldest(self) -> float:
        """The first sample's time; IndexError when there is none."""
        return self.times[0]

    @property
    def newest(self) -> float:
        """The last sample's time; IndexError when there is none."""
        size = len(self.values)
        return self.times[size - 1] if size else self.times[0]

    def append(self, time_ms: float, value: float) -> bool:
        """Adds a sample; False, and nothing changes, when it is not newer than the last one."""
        count = len(self.values)
        if not count:
            self.times = self._columns.begin(time_ms)
        elif time_ms <= self.times[count - 1]:
            return False
        else:
            self.times = self._columns.go_on(self.times, count, time_ms)
        if value != value and is_stale(value):
            self.stale_at.append(count)
        self.values.append(value)
        return True

    def extend(self, times_ms: array[float], values: array[float]) -> None:
        """Adds samples in bulk. The first history of a series uses `times_ms` itself, as its neighbours may."""
        first = len(self.values)
        if math.isnan(sum(values)):  # else there is no NaN among them: much the quickest way to know
            nans = compress(range(len(values)), map(ne, values, values))
            self.stale_at += [first + index for index in nans if is_stale(values[index])]
        if not first:
            self.times, self.values = times_ms, values[:]
            return
        if len(self.times) == first:
            self.times.extend(times_ms)
        elif self.times[first : first + len(times_ms)] != times_ms:
            self.times = self.times[:first] + times_ms
        self.values.extend(values)

    def stale_within(self, first: int, end: int) -> list[int]:
        """The indices of stale markers from `first` to before `end`."""
        if not self.stale_at:
            return []
        return self.stale_at[bisect_left(self.stale_at, first) : bisect_left(self.stale_at, end)]

    def resets(self, first: int, end: int) -> tuple[list[int], list[float]]:
        """Where the counter fell between two of the samples from `first` to before `end`: the index of the lower one,
        and the value it fell from.

        Few even in long histories, and remembered: an increase over any window is two look-ups and a short sum.
        """
        if end > self._resets_known:
            if end - first <= _SCANNED_AT_ONCE and end - self._resets_known > _SCANNED_AT_ONCE:
                return falls(self.values[first:end], first)
            start = self._resets_known
            at, lost = falls(self.values[start - 1 : end], start - 1)
            self._reset_at += at
            self._lost += lost
            self._resets_known = end
        low, high = bisect_right(self._reset_at, first), bisect_left(self._reset_at, end)
        return self._reset_at[low:high], self._lost[low:high]


def falls(values: Sequence[float], first: int) -> tuple[list[int], list[float]]:
    """The indices, counted from `first`, of values lower than the one before, and that one."""
    at = list(compress(range(1, len(values)), map(lt, values[1:], values)))
    return [first + index for index in at], [values[index - 1] for index in at]
