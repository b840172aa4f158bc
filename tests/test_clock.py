"""Time is Unix seconds, written in UTC; a drill's clock runs faster for everybody alike."""

from __future__ import annotations

import time

import pytest

from aurora_tui.clock import WALL, Clock, iso, iso_micro, parse_iso


def test_the_plain_clock_is_the_walls() -> None:
    assert WALL.now() == pytest.approx(time.time(), abs=1.0)
    assert WALL.real_seconds(60.0) == 60.0


def test_two_processes_with_the_same_three_numbers_tell_the_same_faster_time() -> None:
    began = time.time() - 10
    first, second = Clock(began, 5000.0, 20.0), Clock(began, 5000.0, 20.0)
    assert first.now() == pytest.approx(5200.0, abs=20.0)
    assert second.now() - first.now() < 20.0
    assert first.real_seconds(60.0) == 3.0


@pytest.mark.parametrize("moment", [0.0, 1_767_448_931.0, 1_767_448_931.123456])
def test_what_is_written_is_read_back(moment: float) -> None:
    assert parse_iso(iso_micro(moment)) == moment
    assert parse_iso(iso(moment)) == int(moment)


def test_times_as_servers_write_them_are_read() -> None:
    assert parse_iso("2026-01-03T14:02:11.123456789Z") == 1_767_448_931.123456
    assert parse_iso("2026-01-03T15:02:11+01:00") == 1_767_448_931.0


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone; write for example 2026-01-03T14:02:11Z"):
        parse_iso("2026-01-03T14:02:11")
