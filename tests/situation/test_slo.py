"""An SLO's row: met or missed on fresh data only, its budget, and its last hour."""

from __future__ import annotations

import math
from typing import Any

import pytest

from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Colours, Direction, MissionIdentity, Objective
from aurora_tui.situation.slo import HOUR, SHARES_LAST, Level, Point, SloObserved, SloState, SloStatus, judge, spark

NOW = 1_800_000_000.0
TREATY = "AURORA-AKASH-001"
IDENTITY = MissionIdentity(name="Aurora GA", release="1.0.0", treaty=TREATY)
LIVE = SourceLight(name="metrics", title="metrics", interval=15.0, observed_at=NOW)

FILL = Objective(
    id="fill",
    title="Fill rate",
    direction=Direction.AT_LEAST,
    threshold=0.80,
    budget=0.95,
    reading=(),
    colours=Colours(good=0.85, warn=0.80),
)
RTT = Objective(
    id="rtt",
    title="RTT",
    direction=Direction.AT_MOST,
    threshold=350.0,
    budget=0.95,
    reading=(),
    colours=Colours(good=300.0, warn=350.0),
)


def seen(
    value: float | None = 0.9, *, age: float = 5.0, objective: Objective = FILL, light: SourceLight = LIVE, **more: Any
) -> SloStatus:
    """The row at NOW for a value whose newest sample is `age` old."""
    values = {} if value is None else {TREATY: value}
    given = {"values": values, "newest": {TREATY: NOW - age}, "statistic": "p05", "query": "q", **more}
    return judge(objective, SloObserved(slo=objective.id, **given), TREATY, NOW, light, IDENTITY)


def minutes(*values: float | None, last: float = NOW) -> tuple[Point, ...]:
    """One point a minute, the last at `last`; None leaves a gap."""
    first = last - 60.0 * (len(values) - 1)
    return tuple(Point(first + 60.0 * step, value) for step, value in enumerate(values) if value is not None)


# --- the value


@pytest.mark.parametrize(
    ("objective", "value", "state", "level"),
    [
        (FILL, 0.85, SloState.MEETS, Level.GOOD),
        (FILL, 0.80, SloState.MEETS, Level.WARN),
        (FILL, 0.79, SloState.MISSES, Level.BAD),
        (RTT, 300.0, SloState.MEETS, Level.GOOD),
        (RTT, 350.0, SloState.MEETS, Level.WARN),
        (RTT, 350.1, SloState.MISSES, Level.BAD),
        (RTT, math.inf, SloState.MISSES, Level.BAD),
    ],
)
def test_a_fresh_value_meets_or_misses(objective: Objective, value: float, state: SloState, level: Level) -> None:
    row = seen(value, objective=objective)
    assert (row.state, row.level, row.value, row.why_unknown) == (state, level, value, None)


def test_the_row_names_its_statistic_and_when_it_was_measured() -> None:
    row = seen(0.9, age=12.0)
    assert (row.statistic, row.query, row.measured_at) == ("p05", "q", NOW - 12.0)


# --- what cannot be known


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (seen(None), f"no data for treaty {TREATY}"),
        (seen(None, values={"OTHER": 0.9}), f"no data for treaty {TREATY}, but for 1 other treaties"),
        (seen(math.nan), "not a number: nothing was observed in its window"),
        (seen(0.9, newest={}), "no fresh sample: the exporter is gone or the scrape fails"),
        (seen(0.9, age=46.0), "its newest sample was 46 s old, more than 3 scrape intervals"),
        (seen(0.9, error="it answered 422. See the query."), "it answered 422. See the query."),
    ],
)
def test_absent_stale_or_unreadable_data_is_unknown_and_says_why(row: SloStatus, why: str) -> None:
    assert (row.state, row.level, row.why_unknown) == (SloState.UNKNOWN, Level.UNKNOWN, why)


def test_an_unknown_value_is_still_shown_with_its_time_but_never_as_a_number_it_is_not() -> None:
    assert (seen(0.9, age=600.0).value, seen(0.9, age=600.0).measured_at) == (0.9, NOW - 600.0)
    assert seen(math.nan).value is None


def test_a_source_that_is_not_trusted_makes_every_value_unknown() -> None:
    stale = SourceLight(name="metrics", title="metrics", interval=15.0, observed_at=NOW - 46.0, error="refused. Start.")
    row = seen(0.9, age=50.0, light=stale)
    assert (row.state, row.why_unknown) == (SloState.UNKNOWN, "refused. Start.")


def test_between_two_looks_a_value_does_not_grow_stale() -> None:
    slow = SourceLight(name="metrics", title="metrics", interval=60.0, observed_at=NOW - 55.0)
    assert seen(0.9, age=70.0, light=slow).state is SloState.MEETS


def test_before_the_first_answer_it_is_unknown() -> None:
    row = judge(FILL, None, TREATY, NOW, LIVE, IDENTITY)
    assert (row.state, row.why_unknown) == (SloState.UNKNOWN, "no answer from the metrics yet")


# --- the budget


def test_compliance_comes_from_the_share_of_good_events() -> None:
    row = seen(good_ratio_window={TREATY: 0.98}, good_ratio_hour={TREATY: 0.90}, window_at=NOW, hour_at=NOW)
    assert (row.compliance, row.compliance_basis) == (0.98, "events")
    assert row.budget_left == pytest.approx(0.6)
    assert row.burn_rate == pytest.approx(2.0)


def test_an_overspent_budget_is_below_zero() -> None:
    assert seen(good_ratio_window={TREATY: 0.90}, window_at=NOW).budget_left == pytest.approx(-1.0)


def test_a_share_that_is_old_is_not_known_and_no_minutes_stand_in_for_it() -> None:
    shares: dict[str, Any] = {"good_ratio_window": {TREATY: 0.98}, "good_ratio_hour": {TREATY: 0.90}}
    row = seen(**shares, window_at=NOW - SHARES_LAST - 1, hour_at=NOW, history=minutes(0.9, 0.9))
    assert (row.compliance, row.budget_left, row.burn_rate) == (None, None, None)
    row = seen(**shares, window_at=NOW - SHARES_LAST, hour_at=NOW - SHARES_LAST - 1)
    assert (row.compliance, row.burn_rate) == (0.98, None)


def test_a_share_lasts_three_looks_where_looks_are_rare() -> None:
    rare = SourceLight(name="metrics", title="metrics", interval=300.0, observed_at=NOW)
    assert seen(good_ratio_window={TREATY: 0.98}, window_at=NOW - 900, light=rare).compliance == 0.98


def test_a_share_that_could_never_be_read_is_not_known() -> None:
    assert seen(shares_error="503", history=minutes(0.9, 0.9)).compliance is None


def test_without_events_it_comes_from_the_minutes_that_have_data() -> None:
    history = minutes(*[0.9] * 57, 0.7, None, 0.7, 0.9)
    row = seen(history=history, history_start=NOW - float(IDENTITY.window))
    assert row.compliance_basis == "minutes"
    assert row.compliance == pytest.approx(58 / 60)
    assert row.burn_rate == pytest.approx((2 / 60) / 0.05)
    assert row.completeness == pytest.approx(60 / (72 * 60))


def test_a_ratio_that_is_not_a_number_falls_back_to_minutes() -> None:
    row = seen(good_ratio_window={TREATY: math.nan}, history=minutes(0.9, 0.9))
    assert (row.compliance, row.compliance_basis) == (1.0, "minutes")


def test_without_history_nothing_is_known_of_the_budget() -> None:
    row = seen()
    assert (row.compliance, row.compliance_basis, row.completeness) == (None, None, None)
    assert (row.budget_left, row.burn_rate) == (None, None)


# --- the last hour

WIDTH = HOUR / 16


def test_the_spark_holds_sixteen_means_of_the_last_hour_with_its_gaps() -> None:
    now = NOW - NOW % WIDTH + 200.0
    history = minutes(*[1.0] * 120, *[None] * 10, 5.0, last=now)
    buckets = spark(history, now, 60.0)
    assert len(buckets) == 16
    assert buckets[0] == 1.0
    assert buckets[-2] is None
    assert buckets[-1] == 5.0


def test_the_newest_bucket_is_left_out_while_no_point_of_it_can_be_there() -> None:
    edge = NOW - NOW % WIDTH
    history = minutes(*[1.0] * 120, last=edge - 1.0)
    assert None not in spark(history, edge + 30.0, 60.0)
    assert spark(history, edge + 150.0, 60.0)[-1] is None


def test_old_buckets_keep_their_value_as_time_goes_on() -> None:
    edge = NOW - NOW % WIDTH
    history = minutes(*[float(step) for step in range(120)], last=edge + 100.0)
    assert spark(history, edge + 110.0, 60.0) == spark(history, edge + 220.0, 60.0)
