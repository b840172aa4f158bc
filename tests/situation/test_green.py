"""Green hours: since when every SLO has been met without a break."""

from __future__ import annotations

import math

import pytest

from aurora_tui.situation.green import green_since
from aurora_tui.situation.mission import Direction
from tests.situation.missions import NOW, history, mission, objective, slo_observed

MISSION = mission(
    slo=(objective("rtt"), objective("fill", direction=Direction.AT_LEAST, threshold=0.80, unit="", digits=2))
)
GOOD_RTT, GOOD_FILL = [280.0] * 120, [0.9] * 120


def since(rtt: list[float], fill: list[float], until: float = NOW) -> float | None:
    observed = [
        slo_observed("rtt", history=history(until, rtt)),
        slo_observed("fill", history=history(until, fill)),
    ]
    return green_since(MISSION, observed, NOW)


def test_all_met_is_green_since_the_first_point() -> None:
    assert since(GOOD_RTT, GOOD_FILL) == NOW - 119 * 60


def test_one_missed_point_of_one_slo_starts_the_count_anew() -> None:
    assert since(GOOD_RTT, [*[0.9] * 60, 0.79, *[0.9] * 59]) == NOW - 58 * 60


def test_missed_now_is_green_since_now() -> None:
    assert since([*GOOD_RTT, 351.0], GOOD_FILL) == NOW


def test_a_value_on_the_threshold_is_met() -> None:
    assert since([350.0] * 10, [0.80] * 10) == NOW - 9 * 60


def test_not_a_number_is_missed() -> None:
    assert since([*GOOD_RTT, math.nan], GOOD_FILL) == NOW


@pytest.mark.parametrize(("lost", "broken"), [(4, False), (5, True)])
def test_a_gap_of_more_than_five_steps_is_a_break(lost: int, broken: bool) -> None:
    whole = history(NOW, GOOD_RTT)
    kept = (*whole[:50], *whole[50 + lost :])
    observed = [slo_observed("rtt", history=kept), slo_observed("fill", history=history(NOW, GOOD_FILL))]
    expected = whole[50 + lost].time if broken else whole[0].time
    assert green_since(MISSION, observed, NOW) == expected


def test_a_history_that_ended_a_while_ago_is_green_since_now() -> None:
    assert since(GOOD_RTT, GOOD_FILL, until=NOW - 301) == NOW


def test_without_history_of_an_slo_it_is_not_known() -> None:
    assert green_since(MISSION, [slo_observed("rtt")], NOW) is None
    assert since(GOOD_RTT, []) is None
