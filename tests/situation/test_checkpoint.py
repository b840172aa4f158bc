"""What is due, when, and what is done: counted from the ledger's start of the phase."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.clock import parse_iso
from aurora_tui.situation.checkpoint import Ground, PhaseStatus, Timer, TimerState, next_due, phase_status, timers
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.mission import Mission
from tests.situation.missions import (
    DAY,
    HOUR,
    NOW,
    daily,
    ended,
    item,
    journal,
    mission,
    phase,
    report_at,
    started,
    step_at,
    ticked,
)

CANARY = mission(phase(checkpoint=(report_at("h24", "24h"), report_at("h48", "48h"), report_at("h72", "72h"))))


def ground(plan: Mission, entries: Journal, now: float, **more: Any) -> Ground:
    values: dict[str, Any] = {"slos": (), "alerts": (), "firing_history": (), "green_since": None, **more}
    return Ground(mission=plan, journal=entries, now=now, **values)


def panel(plan: Mission, entries: Journal, now: float) -> dict[str, Timer]:
    return {timer.id: timer for timer in timers(ground(plan, entries, now))}


def states(plan: Mission, entries: Journal, now: float) -> dict[str, str]:
    return {id: timer.state.value for id, timer in panel(plan, entries, now).items() if id != "backup"}


def header(plan: Mission, entries: Journal, now: float, **more: Any) -> PhaseStatus:
    status = phase_status(ground(plan, entries, now, **more))
    assert status is not None
    return status


def test_without_a_phase_the_panel_says_how_to_start_one() -> None:
    row = panel(CANARY, Journal(), NOW)["phase"]
    assert (row.state, row.detail) == (TimerState.UNKNOWN, "aurora-tui phase start PHASE")
    assert phase_status(ground(CANARY, Journal(), NOW)) is None


def test_a_phase_the_mission_no_longer_knows_is_told_and_not_dropped() -> None:
    entries = journal(started(NOW, "gone"))
    assert panel(CANARY, entries, NOW)["phase"].detail == "the mission file does not know it"
    assert header(CANARY, entries, NOW).title == "gone"


def test_checkpoints_are_counted_from_the_start_and_the_first_to_come_is_next() -> None:
    entries = journal(started(NOW))
    assert states(CANARY, entries, NOW + HOUR) == {
        "canary/h24": "next",
        "canary/h48": "later",
        "canary/h72": "later",
    }
    assert panel(CANARY, entries, NOW)["canary/h48"].due_at == NOW + 2 * DAY


def test_a_checkpoint_not_done_when_due_is_overdue() -> None:
    entries = journal(started(NOW))
    assert states(CANARY, entries, NOW + DAY - 1)["canary/h24"] == "next"
    assert states(CANARY, entries, NOW + DAY)["canary/h24"] == "overdue"


def test_a_done_checkpoint_says_by_whom_when_and_on_what_evidence() -> None:
    row = panel(CANARY, journal(started(NOW), ticked(NOW + DAY, "canary/h24", "report.md")), NOW + DAY)["canary/h24"]
    assert (row.state, row.done_by, row.done_at, row.evidence) == (
        TimerState.DONE,
        "eva@bastion",
        NOW + DAY,
        "report.md",
    )


def test_a_phase_without_a_checkpoint_at_its_end_still_shows_its_end() -> None:
    plan = mission(phase(checkpoint=(report_at("h24", "24h"),)))
    row = panel(plan, journal(started(NOW)), NOW)["canary/end"]
    assert (row.title, row.due_at, row.state) == ("Canary ends", NOW + 3 * DAY, TimerState.LATER)


def test_a_repeated_phase_starts_with_an_empty_list() -> None:
    first = (started(NOW), ticked(NOW + 1, "canary/h24"), ended(NOW + 2, outcome="rolled back"))
    assert states(CANARY, journal(*first, started(NOW + 3)), NOW + 4)["canary/h24"] == "next"


# What is due next.


def test_the_next_deadline_is_the_first_to_come() -> None:
    due = next_due(timers(ground(CANARY, journal(started(NOW)), NOW + HOUR)))
    assert due is not None
    assert due.id == "canary/h24"


def test_an_overdue_one_comes_before_the_next_and_the_oldest_of_them_first() -> None:
    due = next_due(timers(ground(CANARY, journal(started(NOW)), NOW + 2 * DAY + 1)))
    assert due is not None
    assert (due.id, due.state) == ("canary/h24", TimerState.OVERDUE)


def test_with_nothing_to_wait_for_there_is_no_deadline() -> None:
    assert next_due(timers(ground(CANARY, Journal(), NOW))) is None


# The ledger's backup.


@pytest.mark.parametrize(("age", "state"), [(0.0, "done"), (900.0, "done"), (901.0, "overdue")])
def test_a_backup_older_than_the_rpo_is_overdue(age: float, state: str) -> None:
    row = panel(CANARY, journal(started(NOW), (NOW, "backup.made", {})), NOW + age)["backup"]
    assert (row.state.value, row.due_at, row.detail) == (state, NOW + 900, "RPO 15m")


def test_without_a_backup_its_state_is_not_known() -> None:
    row = panel(CANARY, journal(started(NOW)), NOW)["backup"]
    assert (row.state, row.detail) == (TimerState.UNKNOWN, "none made yet, RPO 15m")


# The daily protocol.

ROUNDS = (daily("morning", "09:00", "soak"), daily("night", "23:59", "soak"))


def soak(zone: str = "UTC", rounds: tuple[Any, ...] = ROUNDS) -> Mission:
    return mission(phase("soak", "7d"), zone=zone, rounds=rounds)


def at(text: str) -> float:
    return parse_iso(text)


SOAKING = started(at("2026-01-01T00:00:00Z"), "soak")


def test_a_round_is_due_at_its_time_each_day() -> None:
    entries = journal(SOAKING, ticked(at("2026-01-02T23:59:30Z"), "daily/night/2026-01-02"))
    seen = states(soak(), entries, at("2026-01-03T08:59:59Z"))
    assert seen["daily/morning/2026-01-03"] == "next"
    assert states(soak(), entries, at("2026-01-03T09:00:00Z"))["daily/morning/2026-01-03"] == "overdue"


def test_only_the_rounds_of_the_running_phase_are_shown() -> None:
    plan = mission(phase(), rounds=ROUNDS)
    assert not [id for id in states(plan, journal(started(NOW)), NOW) if id.startswith("daily")]


def test_a_round_from_before_the_start_is_not_asked_for() -> None:
    entries = journal(started(at("2026-01-03T10:00:00Z"), "soak"))
    assert "daily/morning/2026-01-03" not in states(soak(), entries, at("2026-01-03T10:00:00Z"))


def test_the_night_round_is_still_to_be_done_after_midnight() -> None:
    entries = journal(SOAKING)
    assert states(soak(), entries, at("2026-01-03T00:05:00Z"))["daily/night/2026-01-02"] == "overdue"
    done = journal(SOAKING, ticked(at("2026-01-03T00:06:00Z"), "daily/night/2026-01-02"))
    assert states(soak(), done, at("2026-01-03T00:07:00Z"))["daily/night/2026-01-03"] == "later"


def test_a_round_half_a_day_late_is_missed_and_makes_room_for_the_next() -> None:
    seen = states(soak(), journal(SOAKING), at("2026-01-03T12:00:00Z"))
    assert "daily/night/2026-01-02" not in seen
    assert seen["daily/night/2026-01-03"] == "next"


def test_there_is_one_row_a_round_at_any_hour() -> None:
    for hour in range(24):
        seen = states(soak(), journal(SOAKING), at("2026-01-03T00:00:00Z") + hour * HOUR)
        assert len([id for id in seen if id.startswith("daily")]) == 2


def test_the_day_begins_at_midnight_of_the_missions_zone() -> None:
    plan = soak("Asia/Tokyo", (daily("morning", "09:00"),))
    row = panel(plan, journal(SOAKING), at("2026-01-03T15:00:00Z"))["daily/morning/2026-01-04"]
    assert row.due_at == at("2026-01-04T00:00:00Z")


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-28T12:00:00Z", "2026-03-28T08:00:00Z"),  # winter
        ("2026-03-29T12:00:00Z", "2026-03-29T07:00:00Z"),  # the clocks went forward at night
        ("2026-10-25T12:00:00Z", "2026-10-25T08:00:00Z"),  # and back
    ],
)
def test_a_round_keeps_its_local_time_when_the_clocks_change(now: str, due: str) -> None:
    plan = soak("Europe/Berlin", (daily("morning", "09:00"),))
    [row] = [timer for id, timer in panel(plan, journal(SOAKING), at(now)).items() if id.startswith("daily")]
    assert row.due_at == at(due)


def test_a_round_in_the_hour_that_comes_twice_is_due_once() -> None:
    plan = soak("Europe/Berlin", (daily("early", "02:30"),))
    dues = {
        timer.due_at
        for minute in range(0, 180, 10)
        for id, timer in panel(plan, journal(SOAKING), at("2026-10-25T00:00:00Z") + 60 * minute).items()
        if id == "daily/early/2026-10-25"
    }
    assert dues == {at("2026-10-25T00:30:00Z")}


def test_a_round_in_the_hour_that_is_skipped_is_due_all_the_same() -> None:
    plan = soak("Europe/Berlin", (daily("early", "02:30"),))
    row = panel(plan, journal(SOAKING), at("2026-03-29T04:00:00Z"))["daily/early/2026-03-29"]
    assert row.state is TimerState.OVERDUE
    assert row.due_at == at("2026-03-29T01:30:00Z")


# The header.

SOAK = mission(phase("soak", "7d", checklist=(item("green", "green_hours:168"),)))


@pytest.mark.parametrize(("elapsed", "day"), [(0.0, 1), (DAY - 1, 1), (DAY, 2), (6.5 * DAY, 7), (9 * DAY, 7)])
def test_the_soak_counts_its_days(elapsed: float, day: int) -> None:
    status = header(SOAK, journal(started(NOW, "soak")), NOW + elapsed)
    assert (status.soak_day, status.soak_days) == (day, 7)


def test_a_clock_a_little_behind_the_start_is_still_day_one() -> None:
    assert header(SOAK, journal(started(NOW, "soak")), NOW - 3).soak_day == 1


def test_green_hours_count_from_the_start_at_the_earliest() -> None:
    entries = journal(started(NOW, "soak"))
    assert header(SOAK, entries, NOW + 2 * HOUR, green_since=NOW - DAY).green_hours == 2.0
    assert header(SOAK, entries, NOW + 2 * HOUR, green_since=NOW + HOUR).green_hours == 1.0
    assert header(SOAK, entries, NOW + 2 * HOUR).green_hours is None
    assert header(SOAK, entries, NOW).green_needed == 168


def test_a_phase_that_asks_for_no_green_hours_shows_none() -> None:
    status = header(CANARY, journal(started(NOW)), NOW + HOUR, green_since=NOW)
    assert (status.green_hours, status.green_needed, status.soak_day) == (None, None, None)


ROLLOUT = mission(
    phase("rollout", "24h", checkpoint=(step_at("a", "0h", 25), step_at("b", "6h", 50), step_at("c", "12h", 100)))
)


@pytest.mark.parametrize(
    ("taken", "step", "percent"),
    [((), "step 0 of 3", None), (("a",), "step 1 of 3", 25.0), (("a", "b"), "step 2 of 3", 50.0)],
)
def test_a_rollout_says_its_step_and_the_share_of_traffic(
    taken: tuple[str, ...], step: str, percent: float | None
) -> None:
    entries = journal(started(NOW, "rollout"), *(ticked(NOW + 1, f"rollout/{id}") for id in taken))
    status = header(ROLLOUT, entries, NOW + 2)
    assert (status.step, status.traffic_percent) == (step, percent)
