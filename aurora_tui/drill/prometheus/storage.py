"""Samples in memory: one pair of columns (times, values) per label set, found by matchers.

Times come in as Unix seconds and are kept as whole milliseconds (in doubles, exact up to 2**53), as Prometheus
keeps them: window edges are then compared exactly.
"""

from __future__ import annotations

import asyncio
import math
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from operator import lt, ne
from typing import TypeVar

from aurora_tui.drill.prometheus.labels import NAME, Labels, labels_of
from aurora_tui.drill.prometheus.matchers import EQUAL, Matcher

_Answer = TypeVar("_Answer")
_STALE_BITS = 0x7FF0000000000002
STALE: float = struct.unpack("<d", struct.pack("<Q", _STALE_BITS))[0]
"""The NaN that says "this series ended here" (prometheus/model/value/value.go)."""


def is_stale(value: float) -> bool:
    return value != value and struct.pack("<d", value) == struct.pack("<Q", _STALE_BITS)


class Series:
    """One label set's samples, oldest first. Columns only grow, so a reader that fixes a length first reads safely
    while another thread appends."""

    __slots__ = (
        "_lost",
        "_real",
        "_reset_at",
        "_resets_known",
        "_shared_times",
        "labels",
        "stale_at",
        "times",
        "values",
    )

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.times = array("d")
        self.values = array("d")
        self.stale_at: list[int] = []
        self._shared_times = False
        self._real: tuple[int, array[float], array[float]] = (0, array("d"), array("d"))
        self._resets_known = 1
        self._reset_at: list[int] = []
        self._lost: list[float] = []

    def append(self, time_ms: float, value: float) -> bool:
        """Adds a sample; False, and nothing changes, when it is not newer than the last one."""
        times = self.times
        if times and time_ms <= times[-1]:
            return False
        if self._shared_times:
            self.times = times = times[:]
            self._shared_times = False
        times.append(time_ms)
        if value != value and is_stale(value):
            self.stale_at.append(len(self.values))
        self.values.append(value)
        return True

    def extend(self, times_ms: array[float], values: array[float]) -> None:
        """Adds samples in bulk. The first history of a series shares `times_ms` with its neighbours."""
        nans = compress(range(len(values)), map(ne, values, values))
        first = len(self.values)
        self.stale_at += [first + index for index in nans if is_stale(values[index])]
        if not self.times:
            self.times, self.values, self._shared_times = times_ms, values[:], True
            return
        if self._shared_times:
            self.times, self._shared_times = self.times[:], False
        self.times.extend(times_ms)
        self.values.extend(values)

    def real(self) -> tuple[array[float], array[float]]:
        """Times and values without stale markers: what range functions see."""
        if not self.stale_at:
            return self.times, self.values
        size = len(self.values)
        known, times, values = self._real
        if known != size:
            # Built anew as fresh arrays: another thread may still read the former ones.
            stale = frozenset(self.stale_at)
            keep = [index for index in range(known, size) if index not in stale]
            times = times + array("d", [self.times[index] for index in keep])
            values = values + array("d", [self.values[index] for index in keep])
            self._real = (size, times, values)
        return times, values

    def resets(self) -> tuple[list[int], list[float]]:
        """Where the counter fell, as indices into `real()` of the first lower sample, and the value it fell from.

        Few even in long histories, so an increase over any window is two look-ups and a short sum.
        """
        _, values = self.real()
        size = len(values)
        start = self._resets_known
        if start < size:
            recent = values[start - 1 : size]
            found = list(compress(range(start, size), map(lt, recent[1:], recent)))
            self._reset_at += found
            self._lost += [values[index - 1] for index in found]
            self._resets_known = size
        return self._reset_at, self._lost


class Storage:
    """All series. Label sets are given as mappings with the metric's name as `__name__`."""

    def __init__(self) -> None:
        self._by_labels: dict[Labels, Series] = {}
        self._by_name: dict[str, list[Series]] = {}
        self._selected: dict[tuple[Matcher, ...], tuple[int, list[Series]]] = {}
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="promql")
        self._converted: tuple[Sequence[float], array[float]] | None = None

    def __len__(self) -> int:
        return len(self._by_labels)

    def __iter__(self) -> Iterator[Series]:
        return iter(list(self._by_labels.values()))

    def series(self, labels: Mapping[str, str] | Labels) -> Series:
        """The series of a label set, made when it is new."""
        key = labels if isinstance(labels, tuple) else labels_of(labels)
        found = self._by_labels.get(key)
        if found is None:
            found = self._by_labels[key] = Series(key)
            self._by_name.setdefault(dict(key).get(NAME, ""), []).append(found)
        return found

    def append(self, labels: Mapping[str, str] | Labels, time: float, value: float) -> bool:
        """Adds a sample at `time` (Unix seconds); False when the series already has a newer or equally old one."""
        return self.series(labels).append(float(round(time * 1000)), value)

    def extend(self, labels: Mapping[str, str] | Labels, times: Sequence[float], values: Iterable[float]) -> None:
        """Adds many samples of one series, times rising and newer than what it holds; ValueError otherwise.

        Pass the same `times` object for every series of a history: it is converted and kept once.
        """
        if self._converted is None or self._converted[0] is not times or len(times) != len(self._converted[1]):
            milliseconds = array("d", [float(round(moment * 1000)) for moment in times])
            if any(map(lt, milliseconds[1:], milliseconds)):
                raise ValueError("times must rise")
            self._converted = (times, milliseconds)
        converted = self._converted[1]
        column = values if isinstance(values, array) and values.typecode == "d" else array("d", values)
        if len(column) != len(converted):
            raise ValueError(f"{len(converted)} times for {len(column)} values")
        series = self.series(labels)
        if converted and series.times and converted[0] <= series.times[-1]:
            raise ValueError(f"times start before the newest sample of {dict(series.labels)}")
        if converted:
            series.extend(converted, column)

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that every matcher accepts, sorted by labels as Prometheus sorts them."""
        key = tuple(matchers)
        size = len(self._by_labels)  # series are never taken away: as many are the same ones
        known, found = self._selected.get(key, (-1, []))
        if known != size:
            candidates = list(self._by_labels.values())
            for matcher in matchers:
                if matcher.name == NAME and matcher.kind == EQUAL and matcher.value:
                    candidates = list(self._by_name.get(matcher.value, ()))
            found = [each for each in candidates if all(matcher.accepts(each.labels) for matcher in matchers)]
            found.sort(key=lambda each: each.labels)
            self._selected[key] = (size, found)
        return found

    async def read(self, query: Callable[..., _Answer], *arguments: object) -> _Answer:
        """`query(self, *arguments)` on the one thread that all queries share, one at a time.

        The event loop goes on meanwhile: it may append, and other servers in this process answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._reader, query, self, *arguments)

    def close(self) -> None:
        """Lets the thread of `read` end."""
        self._reader.shutdown(wait=False, cancel_futures=True)

    def bounds(self) -> tuple[float, float]:
        """Oldest and newest sample's time in Unix seconds; NaN twice when there is none."""
        filled = [each.times for each in self if each.times]
        if not filled:
            return math.nan, math.nan
        return min(times[0] for times in filled) / 1000, max(times[-1] for times in filled) / 1000
