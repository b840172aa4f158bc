"""Ticks: on what evidence, by whom; and taking them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.desk import Desk


@pytest.fixture
def canary(desk: Desk) -> Desk:
    desk.type("phase", "start", "canary")
    return desk


def test_a_tick_is_an_entry_with_its_evidence(canary: Desk) -> None:
    answer = canary.type("checklist", "tick", "h24-report", "--evidence", "report.md")
    assert (answer.code, answer.out) == (0, f"canary/h24-report done, entry 2 of {canary.ledger}\n")
    assert canary.entries()[-1].data == {"key": "canary/h24-report", "evidence": "report.md"}


def test_a_second_tick_does_not_overwrite_who_did_it(canary: Desk) -> None:
    canary.type("checklist", "tick", "h24-report")
    answer = canary.type("checklist", "tick", "h24-report")
    assert answer.code == 2
    assert "canary/h24-report is done already, by " in answer.err
    assert len(canary.entries()) == 2


def test_a_tick_can_be_taken_back_with_a_reason_and_both_stay(canary: Desk) -> None:
    canary.type("checklist", "tick", "h24-report")
    answer = canary.type("checklist", "untick", "h24-report", "--reason", "wrong window")
    assert (answer.code, answer.out) == (0, f"canary/h24-report open again, entry 3 of {canary.ledger}\n")
    assert canary.actions() == ["phase.started", "tick.set", "tick.cleared"]
    assert canary.type("checklist", "tick", "h24-report").code == 0


def test_what_is_not_ticked_cannot_be_taken_back(canary: Desk) -> None:
    answer = canary.type("checklist", "untick", "h24-report", "--reason", "x")
    assert answer.code == 2
    assert "canary/h24-report is not ticked" in answer.err


def test_a_tick_of_an_earlier_run_of_the_phase_is_neither_done_nor_taken_back(canary: Desk) -> None:
    canary.type("checklist", "tick", "h24-report")
    canary.type("phase", "end", "--outcome", "rolled back")
    canary.type("phase", "start", "canary")
    assert canary.type("checklist", "untick", "h24-report", "--reason", "x").code == 2
    assert canary.type("checklist", "tick", "h24-report").code == 0


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("success-rtt", "success-rtt is judged automatically"),
        ("nonsense", "There is no item 'nonsense' in phase canary. Name one of: h24-report, h48-report"),
        ("staging-deployed", "There is no item 'staging-deployed' in phase canary"),
    ],
)
def test_what_cannot_be_ticked_is_refused_with_what_can(canary: Desk, item: str, words: str) -> None:
    answer = canary.type("checklist", "tick", item)
    assert answer.code == 2
    assert words in answer.err


def test_without_a_phase_nothing_can_be_ticked(desk: Desk) -> None:
    answer = desk.type("checklist", "tick", "h24-report")
    assert answer.code == 2
    assert "No phase runs, so there is nothing to tick" in answer.err


def test_evidence_that_is_no_text_is_refused_in_words(canary: Desk) -> None:
    answer = canary.type("checklist", "tick", "h24-report", "--evidence", "report-\udcff")
    assert answer.code == 1
    assert "Entry 'tick.set' cannot be written" in answer.err
    assert len(canary.entries()) == 1


# The daily protocol


@pytest.fixture
def soak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(tmp_path, capsys, now="2026-01-01T08:00:00Z")
    desk.type("phase", "start", "soak")
    return desk


def test_a_round_is_ticked_for_today_also_before_it_is_due(soak: Desk) -> None:
    assert soak.type("checklist", "tick", "morning").out.startswith("daily/morning/2026-01-01 done")


def test_the_night_round_ticked_after_midnight_is_that_of_the_night(soak: Desk) -> None:
    soak.pass_time(hours=16.1)
    assert soak.type("checklist", "tick", "night").out.startswith("daily/night/2026-01-01 done")
    assert soak.type("checklist", "tick", "night").out.startswith("daily/night/2026-01-02 done")


def test_a_round_can_be_ticked_for_a_day_by_its_date(soak: Desk) -> None:
    soak.pass_time(hours=48)
    assert soak.type("checklist", "tick", "morning", "--day", "2026-01-02").out.startswith("daily/morning/2026-01-02")
    answer = soak.type("checklist", "tick", "morning", "--day", "yesterday")
    assert answer.code == 2
    assert "Write the day as 2026-01-03" in answer.err
    assert soak.type("checklist", "tick", "time-stamps", "--day", "2026-01-02").code == 2


def test_taking_a_round_back_takes_the_newest(soak: Desk) -> None:
    soak.type("checklist", "tick", "morning")
    soak.pass_time(hours=24)
    soak.type("checklist", "tick", "morning")
    answer = soak.type("checklist", "untick", "morning", "--reason", "smoke test failed")
    assert answer.out.startswith("daily/morning/2026-01-02 open again")


def test_rounds_of_another_phase_are_not_offered(desk: Desk) -> None:
    desk.type("phase", "start", "rollout")
    answer = desk.type("checklist", "tick", "morning")
    assert answer.code == 2
    assert "There is no item 'morning' in phase rollout" in answer.err


# Showing


def test_the_list_shows_every_item_and_what_cannot_be_known(soak: Desk) -> None:
    soak.type("checklist", "tick", "time-stamps", "--evidence", "two tokens")
    answer = soak.type("checklist", "show", "--wait", "1")
    lines = answer.out.splitlines()
    assert lines[0] == "7-day soak"
    assert any(line.startswith("  done     time-stamps ") and line.endswith("two tokens") for line in lines)
    assert any(line.startswith("  open     dry-run-rollback ") for line in lines)
    assert any(line.startswith("  unknown  green-hours ") and "not known" in line for line in lines)
    assert any("Hour 72 governance report" in line for line in lines)


def test_without_a_phase_there_is_no_list(desk: Desk) -> None:
    answer = desk.type("checklist", "show", "--wait", "1")
    assert answer.code == 2
    assert "No phase runs, so there is no checklist" in answer.err
