"""Phases start and end because an operator says so, and the ledger remembers it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from aurora_tui.ledger.journal import start_phase
from aurora_tui.ledger.log import Log
from tests.commands.desk import Desk


def test_a_start_is_an_entry_and_says_where(desk: Desk) -> None:
    answer = desk.type("phase", "start", "canary")
    assert answer.code == 0
    assert answer.out == f"Phase canary started 2026-01-03T14:02:11Z, entry 1 of {desk.ledger}\n"
    [entry] = desk.entries()
    assert (entry.action, entry.data["phase"]) == ("phase.started", "canary")
    assert "@" in entry.actor


def test_a_start_may_be_written_down_later(desk: Desk) -> None:
    assert "started 2026-01-03T09:00:00Z" in desk.type("phase", "start", "canary", "--at", "2026-01-03T09:00:00Z").out


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("yesterday", "--at yesterday: "),
        ("2026-01-03T09:00:00", "has no time zone"),
        ("2026-01-03T14:02:12Z", "is in the future. A phase starts now (2026-01-03T14:02:11Z) or earlier"),
        ("2025-01-03T14:02:11Z", "is more than 60 days ago. Check the year"),
    ],
)
def test_a_start_at_a_time_that_cannot_be_meant_is_refused(desk: Desk, at: str, words: str) -> None:
    answer = desk.type("phase", "start", "canary", "--at", at)
    assert answer.code == 2
    assert words in answer.err
    assert desk.entries() == []


def test_an_unknown_phase_is_refused_and_the_known_ones_named(desk: Desk) -> None:
    answer = desk.type("phase", "start", "launch")
    assert answer.code == 2
    assert "There is no phase 'launch' in the mission. Name one of: perimeter, soak, canary" in answer.err


def test_a_second_start_is_refused_until_the_first_has_ended(desk: Desk) -> None:
    desk.type("phase", "start", "soak")
    answer = desk.type("phase", "start", "canary")
    assert answer.code == 2
    assert "Phase soak still runs, since 2026-01-03T14:02:11Z. End it first" in answer.err
    assert desk.actions() == ["phase.started"]


def test_an_end_is_written_down_as_the_operator_says_it(desk: Desk) -> None:
    desk.type("phase", "start", "canary")
    answer = desk.type("phase", "end", "--outcome", "rolled back")
    assert (answer.code, answer.out) == (0, f"Phase canary ended: rolled back, entry 2 of {desk.ledger}\n")
    assert desk.entries()[-1].data == {"phase": "canary", "outcome": "rolled back"}


def test_an_end_without_its_outcome_is_not_taken_for_a_success(desk: Desk) -> None:
    desk.type("phase", "start", "canary")
    answer = desk.type("phase", "end")
    assert answer.code == 2
    assert "rolled back" in answer.err
    assert desk.actions() == ["phase.started"]


def test_ending_nothing_is_refused(desk: Desk) -> None:
    answer = desk.type("phase", "end", "--outcome", "completed")
    assert (answer.code, desk.entries()) == (2, [])
    assert "No phase runs. Start one" in answer.err


def test_the_status_shows_phase_and_checkpoints_from_the_ledger_alone(desk: Desk) -> None:
    desk.type("phase", "start", "canary")
    desk.pass_time(hours=25)
    lines = desk.type("phase", "status").out.splitlines()
    assert lines[0].startswith("phase canary: Canary, 25:00:00 of 72:00:00, started 2026-01-03T14:02:11Z by ")
    assert "  overdue  T+24h report  1:00:00 overdue" in lines
    assert any(line.startswith("  later    T+48h report  in 22:59:5") for line in lines)


def test_the_status_without_a_phase_says_how_to_start_one(desk: Desk) -> None:
    answer = desk.type("phase", "status")
    assert answer.code == 0
    assert "No phase runs  aurora-tui phase start PHASE" in answer.out
    assert not desk.ledger.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("phase", "start", "canary"),
        ("phase", "end", "--outcome", "completed"),
        ("checklist", "tick", "h24-report"),
        ("checklist", "untick", "h24-report", "--reason", "x"),
        ("criterion", "reset", "rtt-high", "--reason", "x"),
    ],
)
def test_read_only_records_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    answer = desk.type(*words, "--read-only")
    assert answer.code == 2
    assert "Environment test is read-only here" in answer.err
    assert not desk.ledger.exists()


def test_a_ledger_that_is_none_is_told_without_a_traceback(desk: Desk) -> None:
    desk.ledger.write_text("something else entirely, long enough to be read\n" * 20)
    answer = desk.type("phase", "start", "canary")
    assert answer.code == 1
    assert answer.err.startswith(f"aurora-tui: The ledger {desk.ledger} cannot be opened: file is not a database.")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("words", [("phase", "status"), ("checklist", "show", "--wait", "1")])
def test_a_ledger_that_cannot_be_read_is_never_taken_for_an_empty_one(desk: Desk, words: tuple[str, ...]) -> None:
    desk.ledger.mkdir()
    answer = desk.type(*words)
    assert (answer.code, answer.out) == (1, "")
    assert f"The ledger {desk.ledger} is not a file" in answer.err


def test_a_path_through_a_file_is_told_without_a_traceback(desk: Desk) -> None:
    desk.ledger.write_text("a file, where a folder should be")
    desk.ledger /= "remembrancer.db"
    desk.pass_time(0)
    for words in (("phase", "status"), ("phase", "start", "canary")):
        answer = desk.type(*words)
        assert answer.code == 1
        assert f"The ledger {desk.ledger} cannot be read: Not a directory" in answer.err


def test_a_ledger_that_another_process_is_just_making_is_an_empty_one(desk: Desk) -> None:
    desk.ledger.touch()
    assert desk.type("phase", "status").code == 0
    assert desk.type("phase", "start", "canary").code == 0


def test_names_in_the_ledger_reach_the_terminal_without_what_it_obeys(desk: Desk) -> None:
    async def start() -> None:
        async with Log(desk.ledger) as log:
            await start_phase(log, "canary", datetime.fromisoformat("2026-01-03T14:02:11Z").timestamp(), actor=ACTOR)

    asyncio.run(start())
    first = desk.type("phase", "status").out.splitlines()[0]
    assert first.endswith("by eva· bastion")


ACTOR = "\x1b[31meva\u202e \u009b@bastion"
