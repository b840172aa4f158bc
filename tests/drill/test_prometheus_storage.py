"""Samples in memory: what is kept, found and refused, and what history costs."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator

import psutil
import pytest

from aurora_tui.drill.prometheus import STALE, Storage
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.matchers import EQUAL, MATCHES, MATCHES_NOT, NOT_EQUAL, Matcher
from aurora_tui.drill.prometheus.series import Series, is_stale

START = 1_700_000_000.0


def names(storage: Storage, *matchers: Matcher) -> list[str]:
    return [dict(series.labels)["job"] for series in storage.select(matchers)]


def three_jobs() -> Storage:
    storage = Storage()
    for job in ("bridge", "bridge-v0", "exporter"):
        storage.append({"__name__": "up", "job": job}, START, 1.0)
    return storage


@pytest.mark.parametrize(
    ("matcher", "found"),
    [
        (Matcher("job", EQUAL, "bridge"), ["bridge"]),
        (Matcher("job", NOT_EQUAL, "bridge"), ["bridge-v0", "exporter"]),
        (Matcher("job", MATCHES, "bridge"), ["bridge"]),
        (Matcher("job", MATCHES, "bridge.*|nothing"), ["bridge", "bridge-v0"]),
        (Matcher("job", MATCHES_NOT, "bridge.*"), ["exporter"]),
        (Matcher("nowhere", EQUAL, ""), ["bridge", "bridge-v0", "exporter"]),
    ],
)
def test_matchers_choose_series_and_are_anchored(matcher: Matcher, found: list[str]) -> None:
    assert names(three_jobs(), Matcher("__name__", EQUAL, "up"), matcher) == found


def test_a_new_series_is_found_by_a_selector_already_used() -> None:
    storage = three_jobs()
    matcher = Matcher("__name__", EQUAL, "up")
    assert len(storage.select([matcher])) == 3
    storage.append({"__name__": "up", "job": "late"}, START, 1.0)
    assert names(storage, matcher)[-1] == "late"


@pytest.mark.parametrize("pattern", [r"\pL+", r"bridge\z", r"\Qbridge\E", "[[:^digit:]]+"])
def test_an_expression_python_cannot_read_is_a_bad_query(pattern: str) -> None:
    with pytest.raises(BadQuery, match="error parsing regexp"):
        names(three_jobs(), Matcher("job", MATCHES, pattern))


def test_an_empty_label_is_no_label() -> None:
    storage = Storage()
    storage.append({"__name__": "up", "job": ""}, START, 1.0)
    assert [series.labels for series in storage] == [(("__name__", "up"),)]


def test_a_sample_that_is_not_newer_is_refused() -> None:
    storage = Storage()
    assert storage.append({"__name__": "up"}, START, 1.0)
    assert not storage.append({"__name__": "up"}, START, 0.0)
    assert not storage.append({"__name__": "up"}, START - 1, 0.0)
    assert storage.series({"__name__": "up"}).values.tolist() == [1.0]


def gauge(storage: Storage, name: str) -> Series:
    return storage.series({"__name__": name})


def times_of(series: Series) -> list[float]:
    """Seconds after START."""
    return [time / 1000 - START for time in series.times[: series.size]]


def test_series_of_one_history_share_their_times_and_go_on_sharing_live() -> None:
    storage = Storage()
    assert storage.load([START, START + 15], [({"__name__": name}, [1.0, 2.0]) for name in "ab"]) == 4
    first, second = gauge(storage, "a"), gauge(storage, "b")
    for series in (first, second):
        storage.append(series.labels, START + 30, 3.0)
    assert first.times is second.times
    assert times_of(first) == times_of(second) == [0, 15, 30]
    assert second.values.tolist() == [1.0, 2.0, 3.0]


def test_series_that_miss_a_scrape_part_from_the_others_together() -> None:
    storage = Storage()
    for at, names in ((0, "abc"), (15, "a"), (30, "abc"), (45, "abc")):
        for name in names:
            storage.append({"__name__": name}, START + at, float(at))
    always, some, others = (gauge(storage, name) for name in "abc")
    assert times_of(always) == [0, 15, 30, 45]
    assert times_of(some) == times_of(others) == [0, 30, 45]
    assert some.times is others.times


def test_a_series_ends_where_its_values_end_though_its_neighbours_go_on() -> None:
    storage = Storage()
    for at, names in ((0, "ab"), (15, "a"), (30, "a")):
        for name in names:
            storage.append({"__name__": name}, START + at, 1.0)
    ended = gauge(storage, "b")
    assert ended.newest == START * 1000
    assert not storage.append(ended.labels, START, 2.0)
    storage.load([START + 60], [(ended.labels, [2.0])])
    assert times_of(ended) == [0, 60]
    assert times_of(gauge(storage, "a")) == [0, 15, 30]


def test_history_out_of_order_is_refused() -> None:
    storage = Storage()
    with pytest.raises(ValueError, match="rise"):
        storage.extend({"__name__": "a"}, [START, START - 15], [1.0, 2.0])
    with pytest.raises(ValueError, match="rise"):
        storage.extend({"__name__": "a"}, [START, START], [1.0, 2.0])
    with pytest.raises(ValueError, match="2 times for 1 values"):
        storage.extend({"__name__": "a"}, [START, START + 15], [1.0])
    storage.append({"__name__": "a"}, START, 1.0)
    with pytest.raises(ValueError, match="newest"):
        storage.extend({"__name__": "a"}, [START, START + 15], [1.0, 2.0])


def test_stale_markers_are_told_from_other_nans() -> None:
    assert is_stale(STALE)
    assert not is_stale(math.nan)
    storage = Storage()
    storage.extend({"__name__": "a"}, [START, START + 15, START + 30], [1.0, math.nan, STALE])
    series = storage.series({"__name__": "a"})
    assert series.stale_at == [2]
    storage.append({"__name__": "a"}, START + 45, STALE)
    assert series.stale_within(0, 4) == [2, 3]
    assert series.stale_within(3, 4) == [3]


def counter(*values: float) -> Series:
    storage = Storage()
    for index, value in enumerate(values):
        storage.append({"__name__": "a"}, START + index, value)
    return gauge(storage, "a")


def test_counter_resets_are_found_within_any_window() -> None:
    series = counter(1.0, 5.0, 2.0, 3.0, 0.0)
    assert series.resets(0, 3) == ([2], [5.0])
    assert series.resets(0, 5) == ([2, 4], [5.0, 3.0])
    assert series.resets(2, 5) == ([4], [3.0])
    assert series.resets(2, 4) == ([], [])


def test_a_short_window_of_a_long_history_knows_its_resets() -> None:
    series = counter(*(float(index % 1000) for index in range(5000)))
    assert series.resets(3990, 4010) == ([4000], [999.0])
    assert series.resets(0, 5000)[0] == [1000, 2000, 3000, 4000]


def test_the_same_times_are_converted_and_kept_once() -> None:
    times = array("d", (START + index * 15 for index in range(17_280)))
    values = array("d", range(17_280))
    storage = Storage()
    for index in range(60):
        storage.extend({"__name__": "a", "index": str(index)}, times, values)
    assert len({id(series.times) for series in storage}) == 1
    assert storage.bounds() == (times[0], times[-1])


def canary(treaties: int, series: int, samples: int) -> Iterator[tuple[dict[str, str], array[float]]]:
    for treaty in range(treaties):
        for index in range(series):
            yield {"__name__": f"metric_{index}", "treaty_id": f"T-{treaty:03d}"}, array("d", range(samples))


def test_three_days_of_two_hundred_treaties_take_eight_bytes_a_sample() -> None:
    count = 72 * 60
    times = array("d", (START + index * 60 for index in range(count)))
    storage = Storage()
    before = psutil.Process().memory_info().rss
    assert storage.load(times, canary(200, 20, count)) == 4000 * count
    for series in storage:
        storage.append(series.labels, times[-1] + 60, 1.0)
    assert psutil.Process().memory_info().rss - before < 250e6


@pytest.mark.slow
def test_three_days_of_two_hundred_treaties_load_in_seconds(record_property: Callable[[str, object], None]) -> None:
    count = 72 * 60
    times = array("d", (START + index * 60 for index in range(count)))
    storage = Storage()
    began = time.thread_time()
    assert storage.load(times, canary(200, 20, count)) == 4000 * count
    taken = time.thread_time() - began
    record_property("measured", f"Prometheus: {4000 * count / 1e6:.0f} million samples loaded in {taken:.1f} s of CPU")
    assert taken < 6


def test_one_of_many_treaties_is_found_without_looking_at_the_others() -> None:
    storage = Storage()
    storage.load([START], canary(200, 20, 1))
    one = [Matcher("__name__", EQUAL, "metric_7"), Matcher("treaty_id", MATCHES, "T-00[79]")]
    assert [dict(series.labels)["treaty_id"] for series in storage.select(one)] == ["T-007", "T-009"]
    none = [Matcher("__name__", EQUAL, "metric_7"), Matcher("treaty_id", EQUAL, "T-999")]
    assert storage.select(none) == []
