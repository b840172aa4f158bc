"""All samples, in memory, found by matchers.

Times come in as Unix seconds and are kept as whole milliseconds, as Prometheus keeps them.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import le
from typing import TypeVar

from aurora_tui.drill.prometheus.labels import Labels, labels_of
from aurora_tui.drill.prometheus.matchers import Matcher
from aurora_tui.drill.prometheus.postings import Postings
from aurora_tui.drill.prometheus.series import STALE, Series, TimeColumns, is_stale

__all__ = ["STALE", "Series", "Storage", "is_stale"]
_Answer = TypeVar("_Answer")


class Storage:
    """All series. Label sets are given as mappings with the metric's name as `__name__`."""

    def __init__(self) -> None:
        self._by_labels: dict[Labels, Series] = {}
        self._postings = Postings()
        self._columns = TimeColumns()
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
            found = self._by_labels[key] = Series(key, self._columns)
            self._postings.add(found)
        return found

    def append(self, labels: Mapping[str, str] | Labels, time: float, value: float) -> bool:
        """Adds a sample at `time` (Unix seconds); False when the series already has a newer or equally old one."""
        return self.series(labels).append(float(round(time * 1000)), value)

    def extend(self, labels: Mapping[str, str] | Labels, times: Sequence[float], values: Iterable[float]) -> None:
        """Adds many samples of one series, times rising and newer than what it holds; ValueError otherwise.

        Pass the same `times` object for every series of a history: it is converted and kept once.
        """
        self.load(times, ((labels, values),))

    def load(
        self, times: Sequence[float], columns: Iterable[tuple[Mapping[str, str] | Labels, Iterable[float]]]
    ) -> int:
        """Takes in the history of any number of series, each given as its labels and one value for each of `times`
        (Unix seconds); the number of samples taken in. ValueError as for `extend`; what came before it is kept.

        `columns` may be a generator: only one column is held twice at a time. Values in an `array("d")` load fastest
        (4,000 series of 4,320 samples in under a second, 8 bytes a sample), and `times` are kept once for all of them.
        Live samples may follow by `append`.
        """
        converted = self._milliseconds(times)
        count = 0
        for labels, values in columns:
            column = values if isinstance(values, array) and values.typecode == "d" else array("d", values)
            if len(column) != len(converted):
                raise ValueError(f"{len(converted)} times for {len(column)} values")
            if not converted:
                continue
            series = self.series(labels)
            if series.size and converted[0] <= series.newest:
                raise ValueError(f"times start before the newest sample of {dict(series.labels)}")
            series.extend(converted, column)
            count += len(column)
        return count

    def _milliseconds(self, times: Sequence[float]) -> array[float]:
        # A column that live samples were added to is longer than the times it was made of: it is not used anew.
        if self._converted is None or self._converted[0] is not times or len(times) != len(self._converted[1]):
            milliseconds = array("d", [float(round(moment * 1000)) for moment in times])
            if any(map(le, milliseconds[1:], milliseconds)):
                raise ValueError("times must rise")
            self._converted = (times, milliseconds)
        return self._converted[1]

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that every matcher accepts, sorted by labels as Prometheus sorts them."""
        return self._postings.select(matchers)

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
        filled = [each for each in self if each.size]
        if not filled:
            return math.nan, math.nan
        return min(each.oldest for each in filled) / 1000, max(each.newest for each in filled) / 1000
