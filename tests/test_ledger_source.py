"""The ledger as a source of the war room: read anew when it changes, and never forgotten in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aurora_tui.clock import Clock
from aurora_tui.ledger.journal import start_phase, tick
from aurora_tui.ledger.log import Log
from aurora_tui.situation.observation import JournalObserved, Observation, SourceFailed
from aurora_tui.warroom import LedgerSource

QUICK = Clock(speed=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "remembrancer.db"


@pytest.fixture
async def told(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[Observation]]:
    """What a running ledger source tells, looking often."""
    monkeypatch.setattr("aurora_tui.warroom.LEDGER_INTERVAL", 0.05)
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    running = asyncio.create_task(LedgerSource(path, QUICK).run(heard.put_nowait))
    yield heard
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def journal(told: asyncio.Queue[Observation], size: int) -> JournalObserved:
    """The next answer with so many entries."""
    async with asyncio.timeout(10):
        while not (isinstance(one := await told.get(), JournalObserved) and one.journal.size == size):
            pass
    return one


async def test_no_ledger_yet_is_known_and_not_missing(told: asyncio.Queue[Observation]) -> None:
    assert (await journal(told, 0)).notes == ("no entries yet",)


async def test_what_others_write_is_seen(told: asyncio.Queue[Observation], path: Path) -> None:
    async with Log(path) as log:
        await start_phase(log, "canary", 1_767_448_931.0, actor="eva")
        run = (await journal(told, 1)).journal.current
        assert run is not None
        assert run.phase == "canary"
        await tick(log, "canary/x", None, actor="ben")
        seen = (await journal(told, 2)).journal
    assert seen.current == run
    assert "canary/x" in seen.ticks


async def test_a_ledger_that_goes_away_is_a_failure_and_not_an_empty_one(
    told: asyncio.Queue[Observation], path: Path
) -> None:
    async with Log(path) as log:
        await start_phase(log, "canary", 1_767_448_931.0, actor="eva")
    await journal(told, 1)
    moved = await asyncio.to_thread(path.rename, path.with_suffix(".elsewhere"))
    async with asyncio.timeout(10):
        while not isinstance(failed := await told.get(), SourceFailed):
            assert isinstance(failed, JournalObserved)
            assert failed.journal.size == 1
    assert failed.error == f"The ledger {path} has gone. Put it back, or restore its last backup; then we go on."
    await asyncio.to_thread(moved.rename, path)
    await journal(told, 1)
