"""Two hundred treaties with histograms over 72 h: questions of one and of all are answered at once."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from random import Random

import pytest

from aurora_tui.drill.prometheus import Storage, query

START = 1_700_000_000.0
STEP = 60.0
COUNT = int(72 * 3600 / STEP)
END = START + (COUNT - 1) * STEP
TREATIES = 200
BOUNDS = ("5", "10", "25", "50", "100", "150", "200", "250", "300", "350", "400", "500", "1000", "+Inf")
ONE = 'histogram_quantile(0.95, sum by (treaty_id, le) (rate(rtt_bucket{treaty_id=~"T-007"}[5m])))'
ALL = "sum by (treaty_id, le) (rate(rtt_bucket[5m]))"


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


@pytest.fixture(scope="module")
def storage() -> Storage:
    storage = Storage()
    times = array("d", (START + index * STEP for index in range(COUNT)))
    assert storage.load(times, histograms()) == TREATIES * len(BOUNDS) * COUNT
    return storage


def milliseconds(storage: Storage, text: str, *span: float) -> float:
    """Processor time of the first asking, when nothing of the history has been looked at yet."""
    began = time.thread_time()
    answer = query.over_range(storage, text, *span) if span else query.instant(storage, text, END)
    assert answer.series
    return (time.thread_time() - began) * 1000


def test_one_treatys_quantile_over_72_hours_takes_under_300_ms(storage: Storage) -> None:
    assert milliseconds(storage, ONE, START, END, STEP) < 300


def test_all_treaties_at_once_take_under_300_ms(storage: Storage) -> None:
    assert milliseconds(storage, ALL) < 300
    assert milliseconds(storage, f"histogram_quantile(0.95, {ALL})") < 300


def test_the_share_of_good_events_of_all_treaties_over_72_hours_takes_under_300_ms(storage: Storage) -> None:
    good = 'sum by (treaty_id) (increase(rtt_bucket{le=~"350([.]0)?"}[72h]))'
    assert milliseconds(storage, f'{good} / sum by (treaty_id) (increase(rtt_bucket{{le="+Inf"}}[72h]))') < 300
