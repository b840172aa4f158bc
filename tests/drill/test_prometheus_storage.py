"""Samples in memory: what is kept, found and refused, and that history loads at once."""

from __future__ import annotations

import math
import time
from array import array

import pytest

from aurora_tui.drill.prometheus import STALE, Storage
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.matchers import EQUAL, MATCHES, MATCHES_NOT, NOT_EQUAL, Matcher
from aurora_tui.drill.prometheus.storage import is_stale

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


def test_an_expression_python_cannot_read_is_a_bad_query() -> None:
    with pytest.raises(BadQuery, match="error parsing regexp"):
        names(three_jobs(), Matcher("job", MATCHES, r"\pL+"))


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


def test_history_shares_times_until_live_samples_come() -> None:
    storage = Storage()
    times = array("d", [START, START + 15])
    for name in ("a", "b"):
        storage.extend({"__name__": name}, times, [1.0, 2.0])
    first, second = storage.series({"__name__": "a"}), storage.series({"__name__": "b"})
    assert first.times is second.times
    storage.append({"__name__": "a"}, START + 30, 3.0)
    assert (len(first.times), len(second.times)) == (3, 2)
    storage.extend({"__name__": "b"}, [START + 30], [4.0])
    assert second.values.tolist() == [1.0, 2.0, 4.0]


def test_history_out_of_order_is_refused() -> None:
    storage = Storage()
    with pytest.raises(ValueError, match="rise"):
        storage.extend({"__name__": "a"}, [START, START - 15], [1.0, 2.0])
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
    assert len(series.real()[1]) == 2
    storage.append({"__name__": "a"}, START + 45, 5.0)
    assert series.real()[1].tolist()[-1] == 5.0


def test_counter_resets_are_remembered_as_samples_come() -> None:
    storage = Storage()
    series = storage.series({"__name__": "a"})
    for index, value in enumerate((1.0, 5.0, 2.0)):
        storage.append(series.labels, START + index, value)
    assert series.resets() == ([2], [5.0])
    for index, value in enumerate((3.0, 0.0)):
        storage.append(series.labels, START + 3 + index, value)
    assert series.resets() == ([2, 4], [5.0, 3.0])


def test_three_days_of_sixty_series_load_in_half_a_second() -> None:
    times = array("d", (START + index * 15 for index in range(17_280)))
    values = array("d", range(17_280))
    storage = Storage()
    began = time.thread_time()
    for index in range(60):
        storage.extend({"__name__": "a", "index": str(index)}, times, values)
    assert time.thread_time() - began < 0.5
    assert storage.bounds() == (times[0], times[-1])
