"""Two hundred treaties with histograms over 72 h: questions of one and of all look at what they need, once."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from aurora_tui.drill.prometheus import Storage, query, series, windows

START = 1_700_000_000.0
STEP = 60.0
COUNT = int(72 * 3600 / STEP)
END = START + (COUNT - 1) * STEP
TREATIES = 200
BOUNDS = ("5", "10", "25", "50", "100", "150", "200", "250", "300", "350", "400", "500", "1000", "+Inf")
ONE = 'histogram_quantile(0.95, sum by (treaty_id, le) (rate(rtt_bucket{treaty_id=~"T-007"}[5m])))'
ALL = "sum by (treaty_id, le) (rate(rtt_bucket[5m]))"
GOOD = (
    'sum by (treaty_id) (increase(rtt_bucket{le=~"350([.]0)?"}[72h]))'
    ' / sum by (treaty_id) (increase(rtt_bucket{le="+Inf"}[72h]))'
)


def histograms() -> Iterator[tuple[dict[str, str], array[float]]]:
    """Each treaty's buckets: the same shape, counted from another moment."""
    random, total = Random(1), 0.0
    counts = array("d")
    for index in range(COUNT):
        total = 0.0 if index % 1000 == 999 else total + random.randint(0, 9)
        counts.append(total)
    columns = [array("d", (value * share for value in counts)) for share in range(1, len(BOUNDS) + 1)]
    for treaty in range(TREATIES):
        for bound, column in zip(BOUNDS, columns, strict=True):
            yield {"__name__": "rtt_bucket", "treaty_id": f"T-{treaty:03d}", "le": bound, "job": "bridge"}, column


def loaded() -> Storage:
    storage = Storage()
    times = array("d", (START + index * STEP for index in range(COUNT)))
    assert storage.load(times, histograms()) == TREATIES * len(BOUNDS) * COUNT
    return storage


@pytest.fixture
def storage() -> Storage:
    return loaded()


@dataclass
class Work:
    """What queries looked at: series cut into windows, columns of times walked, values searched for counter resets."""

    series: int = 0
    columns: int = 0
    searched: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()
    cut, walk, falls = windows.WindowCutter.cut, windows.Windows.__init__, series.falls

    def counting_cut(cutter: windows.WindowCutter, one: series.Series) -> windows.Ranged | None:
        done.series += 1
        return cut(cutter, one)

    def counting_walk(self: windows.Windows, *arguments: Any) -> None:
        done.columns += 1
        walk(self, *arguments)

    def counting_falls(values: Sequence[float], first: int) -> tuple[list[int], list[float]]:
        done.searched += len(values)
        return falls(values, first)

    monkeypatch.setattr(windows.WindowCutter, "cut", counting_cut)
    monkeypatch.setattr(windows.Windows, "__init__", counting_walk)
    monkeypatch.setattr(series, "falls", counting_falls)
    return done


def test_one_treatys_quantile_over_72_hours_looks_at_its_own_series_once(storage: Storage, work: Work) -> None:
    assert query.over_range(storage, ONE, START, END, STEP).series
    assert (work.series, work.columns) == (len(BOUNDS), 1), "series scraped together share their times' windows"
    assert work.searched <= len(BOUNDS) * COUNT
    work.searched = 0
    assert query.over_range(storage, ONE, START, END, STEP).series
    assert work.searched == 0, "where a counter fell is remembered"


def test_five_minutes_of_all_treaties_are_not_72_hours_of_them(storage: Storage, work: Work) -> None:
    assert len(query.instant(storage, ALL, END).series) == TREATIES * len(BOUNDS)
    assert (work.series, work.columns) == (TREATIES * len(BOUNDS), 1)
    assert work.searched <= TREATIES * len(BOUNDS) * 6


def test_the_share_of_good_events_of_all_treaties_searches_each_sample_once(work: Work) -> None:
    storage = loaded()
    for searched in (TREATIES * 2 * COUNT, 0):
        work.series = work.columns = work.searched = 0
        assert len(query.instant(storage, GOOD, END).series) == TREATIES
        assert (work.series, work.columns, work.searched) == (2 * TREATIES, 2, searched)


@pytest.mark.slow
def test_the_first_asking_takes_under_300_ms_of_processor_time(record_property: Callable[[str, object], None]) -> None:
    """When nothing of the history has been looked at yet; a measurement, for a machine with nothing else to do."""
    storage, taken = loaded(), []
    for text, span in (
        (ONE, (START, END, STEP)),
        (ALL, None),
        (f"histogram_quantile(0.95, {ALL})", None),
        (GOOD, None),
    ):
        began = time.thread_time()
        answer = query.over_range(storage, text, *span) if span else query.instant(storage, text, END)
        taken.append(1000 * (time.thread_time() - began))
        assert answer.series
    shown = ", ".join(f"{each:.0f}" for each in taken)
    record_property("measured", f"Prometheus: 72 h of {TREATIES} treaties asked in {shown} ms of CPU")
    assert max(taken) < 300
