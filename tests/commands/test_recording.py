"""Writing into the ledger: on what it says when it is written, and at the time that health is judged on."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aurora_tui.commands.recording import Append, record
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import start_phase
from aurora_tui.settings import load
from aurora_tui.situation.journal import Journal
from tests.commands.desk import Desk
from tests.servers import real_prometheus, reserved_port


def test_of_two_operators_who_start_at_once_one_does_and_the_other_is_told(desk: Desk) -> None:
    looked = 0

    def decide(journal: Journal, now: float) -> Append:
        nonlocal looked
        looked += 1
        if journal.current is not None:
            raise UsageError(f"Phase {journal.current.phase} still runs", "")
        return lambda log, after: start_phase(log, "canary", now, actor="eva", after=after)

    async def both() -> list[object]:
        settings = load([desk.profile])
        return await asyncio.gather(record(settings, decide), record(settings, decide), return_exceptions=True)

    outcomes = asyncio.run(both())
    assert [str(one) for one in outcomes if isinstance(one, Exception)] == ["Phase canary still runs"]
    assert looked == 3
    assert desk.actions() == ["phase.started"]


@pytest.mark.parametrize(
    "words",
    [
        ("phase", "start", "canary"),
        ("phase", "end", "--outcome", "completed"),
        ("phase", "status"),
        ("checklist", "tick", "h24-report"),
        ("checklist", "untick", "h24-report", "--reason", "x"),
        ("criterion", "reset", "rtt-high", "--reason", "x"),
    ],
)
def test_nothing_is_recorded_on_a_ledger_that_was_tampered_with(desk: Desk, words: tuple[str, ...]) -> None:
    desk.type("phase", "start", "soak")
    content = desk.ledger.read_bytes()
    desk.ledger.write_bytes(content.replace(b'"soak"', b'"sink"'))
    answer = desk.type(*words)
    assert (answer.code, answer.out) == (1, "")
    assert "does not have the hash stored beside it: its content was changed" in answer.err


# The time of an entry


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with asyncio.Runner() as runner:
        server = real_prometheus(tmp_path_factory.mktemp("prometheus"))
        yield runner.run(server.__aenter__()).url
        runner.run(server.__aexit__(None, None, None))


def desk_at(hours: float, folder: Path, capsys: pytest.CaptureFixture[str], prometheus: str) -> Desk:
    """A desk whose clock is so many hours ahead."""
    desk = Desk(folder, capsys, now=datetime.fromtimestamp(time.time() + hours * 3600, UTC).isoformat())
    desk.watch(prometheus=prometheus)
    return desk


@pytest.mark.needs("prometheus")
@pytest.mark.parametrize(("hours", "side"), [(1, "ahead of"), (-1, "behind")])
def test_an_entry_carries_the_time_of_prometheus_when_this_machine_s_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prometheus: str, hours: float, side: str
) -> None:
    desk = desk_at(hours, tmp_path, capsys, prometheus)
    for words in (("phase", "start", "canary"), ("criterion", "reset", "rtt-high", "--reason", "x")):
        answer = desk.type(*words)
        assert answer.code == 0
        assert re.search(rf"This machine's clock is (3599|3600|3601) s {side} Prometheus'", answer.err)
    for entry in desk.entries():
        assert abs(entry.at - time.time()) < 60


@pytest.mark.needs("prometheus")
def test_a_start_in_the_future_of_prometheus_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prometheus: str
) -> None:
    desk = desk_at(1, tmp_path, capsys, prometheus)
    soon = datetime.fromtimestamp(time.time() + 600, UTC).isoformat()
    answer = desk.type("phase", "start", "canary", "--at", soon)
    assert (answer.code, desk.entries()) == (2, [])
    assert "is in the future" in answer.err


@pytest.mark.needs("prometheus")
def test_a_clock_that_is_right_is_taken_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prometheus: str
) -> None:
    answer = desk_at(0, tmp_path, capsys, prometheus).type("phase", "start", "canary")
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.needs("prometheus")
def test_clocks_that_are_days_apart_leave_nothing_to_believe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prometheus: str
) -> None:
    desk = desk_at(-50 * 24, tmp_path, capsys, prometheus)
    answer = desk.type("phase", "start", "canary")
    assert (answer.code, desk.entries()) == (1, [])
    assert "behind Prometheus'. Set the wrong one right (NTP)" in answer.err


def test_a_prometheus_that_does_not_answer_stops_nobody_but_is_said(desk: Desk) -> None:
    with reserved_port() as port:
        desk.watch(prometheus=f"http://127.0.0.1:{port}")
        answer = desk.type("phase", "start", "canary")
    assert answer.code == 0
    assert "Prometheus does not tell its time: " in answer.err
    assert "The entry carries this machine's." in answer.err
    assert desk.actions() == ["phase.started"]
