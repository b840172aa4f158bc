"""What operators' commands write is what judgement reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_tui.ledger import journal
from aurora_tui.ledger.log import Log
from aurora_tui.situation.journal import project

T0 = 1_767_448_931.25


async def test_every_word_of_the_ledger_is_understood_by_the_journal(tmp_path: Path) -> None:
    async with Log(tmp_path / "ledger.db") as log:
        await journal.start_phase(log, "canary", T0, actor="eva")
        await journal.tick(log, "canary/a", "a link", actor="eva")
        await journal.tick(log, "canary/b", None, actor="ben")
        await journal.untick(log, "canary/a", "wrong cluster", actor="ben")
        reset = await journal.reset_criterion(log, "rtt", "load test", actor="eva")
        seen = project(await log.entries())
        assert seen.current is not None
        assert (seen.current.phase, seen.current.started_at, seen.current.started_by) == ("canary", T0, "eva")
        assert {key: (tick.by, tick.evidence) for key, tick in seen.ticks.items()} == {"canary/b": ("ben", None)}
        assert seen.resets == {"rtt": (reset.at,)}
        await journal.end_phase(log, "canary", "completed", actor="eva")
        assert project(await log.entries()).current is None


def test_the_actor_is_the_account_whatever_the_environment_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert not journal.current_actor().startswith("somebody-else@")


def test_an_account_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 3_999_999_999)
    assert journal.current_actor().startswith("uid3999999999@")
