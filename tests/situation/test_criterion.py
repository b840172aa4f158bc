"""What a criterion says: points graded, two clocks folded, and the state shown, never healthy on old data."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.criterion import (
    CriterionObserved,
    CriterionState,
    CriterionStatus,
    Fold,
    Grade,
    advance,
    grade,
    grade_all,
    start,
    state_of,
    status,
    worst,
)
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.fold import begin, settled_points
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Comparison, Criterion

G = 15.0
HOLD = 8 * G
T0 = 1_000_000 * G

FILL = Criterion(
    id="fill", title="Fill rate", then="rollback", op=Comparison.LESS, value=0.75, hold=Duration(HOLD), reading=()
)


def folded(points: str, hold: float = HOLD) -> Fold:
    """The fold of points written as b (bad), g (good) and . (missing)."""
    return advance(begin(hold, T0, G), codes(points))


def codes(points: str) -> bytes:
    return bytes({"g": Grade.GOOD, "b": Grade.BAD, ".": Grade.MISSING}[point] for point in points)


def at(point: int) -> float:
    return T0 + point * G


# --- one point


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("<", 0.74, Grade.BAD),
        ("<", 0.75, Grade.GOOD),
        ("<=", 0.75, Grade.BAD),
        (">", 0.76, Grade.BAD),
        (">", 0.75, Grade.GOOD),
        (">=", 0.75, Grade.BAD),
        (">", math.inf, Grade.BAD),
        (">", -math.inf, Grade.GOOD),
        ("<", math.inf, Grade.GOOD),
        ("<", -math.inf, Grade.BAD),
        ("<", math.nan, Grade.MISSING),
        (">", math.nan, Grade.MISSING),
        ("<", None, Grade.MISSING),
    ],
)
def test_a_value_is_compared_and_nothing_is_missing(op: str, value: float | None, expected: Grade) -> None:
    criterion = Criterion(id="x", title="x", then="x", op=Comparison(op), value=0.75, hold=Duration(HOLD))
    assert grade(value, True, criterion) is expected
    assert grade_all([value], criterion) == bytes([expected])


def test_a_value_without_a_fresh_sample_behind_it_is_missing() -> None:
    assert grade(0.1, False, FILL) is Grade.MISSING


@pytest.mark.parametrize(("events", "expected"), [(None, Grade.MISSING), (9.0, Grade.MISSING), (10.0, Grade.BAD)])
def test_a_value_of_too_few_events_is_missing(events: float | None, expected: Grade) -> None:
    assert grade(0.1, True, FILL, events=events, min_events=10.0) is expected


def test_of_two_values_of_one_point_the_worse_counts_and_a_number_before_nan() -> None:
    assert worst(0.7, 0.9, FILL) == 0.7
    assert worst(math.nan, 0.9, FILL) == 0.9


# --- the two clocks


@pytest.mark.parametrize(
    ("points", "state"),
    [
        ("", CriterionState.NO_DATA),
        ("g", CriterionState.OK),
        ("b", CriterionState.BREACHING),
        (".", CriterionState.NO_DATA),
        ("bg", CriterionState.OK),
        ("g.", CriterionState.NO_DATA),
        ("b.", CriterionState.BREACHING),  # bridged
        ("b...", CriterionState.BREACHING),  # three points: the longest gap that is bridged
        ("b....", CriterionState.NO_DATA),
        ("b....b", CriterionState.BREACHING),
        ("bbbbbbbb", CriterionState.BREACHING),
        ("bbbbbbbbb", CriterionState.TRIPPED),  # the ninth point is one hold after the first
        ("bb...bb.b", CriterionState.TRIPPED),
        ("bb....bbb", CriterionState.TRIPPED_UNVERIFIED),
        (".........", CriterionState.TRIPPED_UNVERIFIED),
        ("bbbb.....", CriterionState.TRIPPED_UNVERIFIED),
        ("bbbbbbbbbggggg", CriterionState.TRIPPED),  # latched
        (".........ggggg", CriterionState.TRIPPED_UNVERIFIED),  # latched
        (".........bbbbbbbbb", CriterionState.TRIPPED),  # proved later
        ("bbbbgbbbbgbbbbgbbbb", CriterionState.BREACHING),  # flapping never trips
    ],
)
def test_states(points: str, state: CriterionState) -> None:
    assert state_of(folded(points)) is state


def test_the_confirmed_clock_starts_at_the_first_bad_point_and_anew_after_a_long_gap() -> None:
    assert folded("gb...b").bad_since == at(1)
    assert folded("gb....b").bad_since == at(6)
    assert folded("gb....b").possible_since == at(1)


def test_a_trip_only_missing_points_lead_to_is_verified_by_the_next_bad_one() -> None:
    fold = folded("bbbbbbb..")
    assert (fold.tripped_at, fold.tripped_unverified_at) == (None, at(8))
    assert advance(fold, codes("b")).tripped_at == at(9)


def test_flapping_shows_as_the_share_of_bad_points_in_the_last_hold() -> None:
    assert folded("ggggggggbgbgbgbg").bad_share == 0.5
    assert folded("bbbb....").bad_share == 1.0
    assert folded("........").bad_share is None


def test_an_operators_reset_starts_the_fold_anew_and_clears_the_latch() -> None:
    assert start(FILL, T0, G, resets=(at(3), at(20))).start == at(20)
    assert start(FILL, T0, G, resets=(at(-5),)).start == T0
    fold = advance(start(FILL, T0, G, resets=(at(20),)), codes("g"))
    assert state_of(fold) is CriterionState.OK


def test_points_stand_on_the_grid_between_the_start_and_two_steps_ago() -> None:
    fold = begin(HOLD, T0 + 1.0, G)
    assert settled_points(fold, at(3)) == 1  # T0 itself is before the start; now − 30 s is the point T0 + 15 s
    assert settled_points(fold, at(2.9)) == 0
    assert advance(fold, codes("g")).to == at(1)


def test_a_grid_of_fractions_of_a_second_does_not_drift() -> None:
    fold = begin(80.0, 1e9, 0.1)
    for _ in range(1000):
        fold = advance(fold, codes("b"))
    assert fold.to == pytest.approx(1e9 + 99.9)
    assert fold.tripped_at == pytest.approx(1e9 + 80.0)


# --- laws

POINTS = st.lists(st.sampled_from([Grade.GOOD, Grade.BAD, Grade.BAD, Grade.BAD, Grade.MISSING]), max_size=80)


def by_definition(points: list[Grade], hold: int) -> tuple[int | None, int | None, int | None, int | None]:
    """Clocks and trips straight from the definition, looking back from each point."""
    bad = possible = tripped = unverified = None
    for index, point in enumerate(points):
        bad = possible = None
        gap = 0
        for back in range(index, -1, -1):
            if points[back] is Grade.GOOD:
                break
            possible = back
            gap = gap + 1 if points[back] is Grade.MISSING else 0
            if gap > 3:
                break
            if points[back] is Grade.BAD:
                bad = back
        for back in range(index, -1, -1):
            if points[back] is Grade.GOOD:
                break
            possible = back
        if tripped is None and point is Grade.BAD and bad is not None and index - bad >= hold:
            tripped = index
        if unverified is None and tripped is None and possible is not None and index - possible >= hold:
            unverified = index
    return bad, possible, tripped, unverified


@given(POINTS)
def test_the_fold_is_what_the_definition_says(points: list[Grade]) -> None:
    fold = advance(begin(HOLD, T0, G), points)
    expected = [None if step is None else at(step) for step in by_definition(points, 8)]
    assert [fold.bad_since, fold.possible_since, fold.tripped_at, fold.tripped_unverified_at] == expected


@given(POINTS, st.lists(st.integers(0, 80), max_size=6))
def test_any_chunking_and_any_restart_give_the_same_fold(points: list[Grade], cuts: list[int]) -> None:
    fold = begin(HOLD, T0, G)
    edges = [0, *sorted(cuts), len(points)]
    for low, high in pairwise(edges):
        fold = advance(fold, points[low:high])
    assert fold == advance(begin(HOLD, T0, G), points)


@given(POINTS)
def test_good_always_clears_both_clocks(points: list[Grade]) -> None:
    fold = advance(begin(HOLD, T0, G), [*points, Grade.GOOD])
    assert (fold.bad_since, fold.possible_since, fold.missing_since) == (None, None, None)


HEALTH = list(CriterionState)


@given(POINTS)
def test_another_missing_point_never_makes_it_healthier(points: list[Grade]) -> None:
    before = advance(begin(HOLD, T0, G), points)
    after = advance(before, [Grade.MISSING])
    assert HEALTH.index(state_of(after)) >= HEALTH.index(state_of(before))


@given(POINTS, st.data())
def test_losing_a_point_never_turns_bad_news_into_good(points: list[Grade], data: st.DataObject) -> None:
    if not points:
        return
    lost = data.draw(st.integers(0, len(points) - 1))
    with_all = state_of(advance(begin(HOLD, T0, G), points))
    with_less = state_of(advance(begin(HOLD, T0, G), [*points[:lost], Grade.MISSING, *points[lost + 1 :]]))
    trips = (CriterionState.TRIPPED, CriterionState.TRIPPED_UNVERIFIED)
    assert with_all is CriterionState.OK or with_less is not CriterionState.OK
    assert with_all not in trips or with_less in trips


@given(POINTS, POINTS)
def test_a_trip_never_un_trips_without_a_reset(points: list[Grade], more: list[Grade]) -> None:
    before = advance(begin(HOLD, T0, G), points)
    after = advance(before, more)
    assert before.tripped_at is None or after.tripped_at == before.tripped_at
    assert before.tripped_unverified_at is None or after.tripped_unverified_at == before.tripped_unverified_at


# --- as shown

NOW = at(100)
LIVE = SourceLight(name="metrics", title="metrics", interval=15.0, observed_at=NOW)


def shown(points: str, *, now: float = NOW, light: SourceLight = LIVE, error: str | None = None) -> CriterionStatus:
    """The status when `points` end where a healthy look at NOW leaves them: two steps ago."""
    fold = advance(begin(HOLD, at(99 - len(points)), G), codes(points))
    return status(FILL, CriterionObserved(criterion="fill", fold=fold, value=0.7, error=error), now, light)


def test_a_breach_tells_when_it_began_and_when_it_trips() -> None:
    seen = shown("gbb")
    assert (seen.state, seen.since, seen.trips_at) == (CriterionState.BREACHING, at(97), at(97) + HOLD)


def test_a_gap_tells_when_it_began_and_when_it_counts_as_a_trip() -> None:
    seen = shown("gg..")
    assert (seen.state, seen.since, seen.trips_at) == (CriterionState.NO_DATA, at(97), at(97) + HOLD)
    assert seen.detail is not None


@pytest.mark.parametrize("points", ["ggg", "gbb"])
def test_data_older_than_three_looks_is_no_data_with_its_age(points: str) -> None:
    fresh, old = NOW + 3 * 15.0, NOW + 3 * 15.0 + 16.0
    assert shown(points, now=fresh).state is not CriterionState.NO_DATA
    seen = shown(points, now=old)
    assert seen.state is CriterionState.NO_DATA
    assert seen.since == seen.folded_to == at(98)
    assert seen.detail is not None
    assert seen.detail.startswith("last known 91 s ago")


def test_a_trip_stays_however_old_the_data() -> None:
    seen = shown("bbbbbbbbb", now=NOW + 3600)
    assert (seen.state, seen.tripped_at) == (CriterionState.TRIPPED, at(98))
    assert seen.detail == "last known 60 min ago"


def test_a_failed_query_is_told_and_changes_no_clock() -> None:
    seen = shown("gbb", error="it answered 422. See the query.")
    assert seen.source_error == "it answered 422. See the query."
    assert (seen.state, seen.since) == (CriterionState.BREACHING, at(97))


def test_a_dead_source_is_told_too() -> None:
    dead = SourceLight(name="metrics", title="metrics", interval=15.0, observed_at=NOW, error="refused. Start it.")
    assert shown("ggg", light=dead).source_error == "refused. Start it."


@pytest.mark.parametrize("observed", [None, CriterionObserved(criterion="fill", fold=None)])
def test_before_the_history_is_read_nothing_is_known(observed: CriterionObserved | None) -> None:
    seen = status(FILL, observed, NOW, LIVE)
    assert (seen.state, seen.detail) == (CriterionState.NO_DATA, "its history is being read")


def test_right_after_a_reset_nothing_has_settled_yet() -> None:
    reset = CriterionObserved(criterion="fill", fold=begin(HOLD, NOW - 20.0, G))
    seen = status(FILL, reset, NOW, LIVE)
    assert (seen.state, seen.detail) == (
        CriterionState.NO_DATA,
        "counting has just begun: no point has settled yet",
    )
