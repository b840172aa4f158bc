"""A latch clears only by an entry in the ledger."""

from __future__ import annotations

import pytest

from tests.commands.desk import Desk


def test_a_reset_is_an_entry_with_its_reason(desk: Desk) -> None:
    answer = desk.type("criterion", "reset", "rtt-high", "--reason", "load test")
    assert (answer.code, answer.out) == (0, f"Criterion rtt-high is judged anew, entry 1 of {desk.ledger}\n")
    [entry] = desk.entries()
    assert (entry.action, entry.data) == ("criterion.reset", {"criterion": "rtt-high", "reason": "load test"})


def test_an_unknown_criterion_is_refused_and_the_known_ones_named(desk: Desk) -> None:
    answer = desk.type("criterion", "reset", "rtt", "--reason", "x")
    assert answer.code == 2
    assert "There is no criterion 'rtt'. Name one of: fill-low, rtt-high" in answer.err
    assert desk.entries() == []


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
def test_a_reset_without_a_reason_is_refused(desk: Desk, reason: tuple[str, ...]) -> None:
    answer = desk.type("criterion", "reset", "rtt-high", *reason)
    assert answer.code == 2
    assert "--reason" in answer.err
    assert desk.entries() == []
