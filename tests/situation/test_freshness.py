"""One light a source: old data never looks like new."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.situation.freshness import LightState, SourceLight
from tests.situation.missions import NOW


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"watched": False}, LightState.OFF),
        ({"watched": False, "observed_at": NOW}, LightState.OFF),
        ({"since": NOW - 45}, LightState.STARTING),
        ({"since": NOW - 46}, LightState.FAILED),
        ({"since": NOW, "error": "refused"}, LightState.FAILED),
        ({"observed_at": NOW}, LightState.LIVE),
        ({"observed_at": NOW - 45}, LightState.LIVE),
        ({"observed_at": NOW - 45, "error": "timed out"}, LightState.LIVE),
        ({"observed_at": NOW - 46}, LightState.STALE),
        ({"observed_at": NOW, "error": "another cluster answers", "disowned": True}, LightState.STALE),
        ({"observed_at": NOW + 3}, LightState.LIVE),
        ({"observed_at": NOW + 6}, LightState.STALE),  # a clock went back: its age is not known
    ],
)
def test_the_state_of_a_light(changes: dict[str, Any], state: LightState) -> None:
    light = SourceLight(name="am", title="alerts", interval=15.0, **changes)
    assert light.state(NOW) is state
    assert light.trusted(NOW) is (state is LightState.LIVE)


def test_an_age_is_never_negative_and_not_known_before_an_answer() -> None:
    assert SourceLight(name="am", title="alerts", interval=15.0).age(NOW) is None
    assert SourceLight(name="am", title="alerts", interval=15.0, observed_at=NOW + 3).age(NOW) == 0.0


def test_a_light_moves_with_the_clock_it_is_counted_on() -> None:
    light = SourceLight(
        name="am", title="alerts", interval=15.0, since=NOW, observed_at=NOW + 40, failing_since=NOW + 50
    )
    moved = light.moved(-3600.0)
    assert moved.age(NOW - 3500.0) == light.age(NOW + 100.0)
    assert (moved.since, moved.failing_since) == (NOW - 3600.0, NOW - 3550.0)
