"""The ledger as a source of the war room: read anew when it changes, and never forgotten in silence."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aurora_tui.clock import Clock
from aurora_tui.ledger.journal import reset_criterion, start_phase, tick
from aurora_tui.ledger.log import Log
from aurora_tui.ledger.merkle import leaf_hash
from aurora_tui.ledger_source import LedgerSource
from aurora_tui.situation.observation import JournalObserved, Observation, SourceFailed

QUICK = Clock(speed=1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "remembrancer.db"


@pytest.fixture
async def told(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Queue[Observation]]:
    """What a running ledger source tells, looking often."""
    monkeypatch.setattr("aurora_tui.ledger_source.LEDGER_INTERVAL", 0.05)
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    running = asyncio.create_task(LedgerSource(path, QUICK).run(heard.put_nowait))
    yield heard
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def journal(told: asyncio.Queue[Observation], size: int) -> JournalObserved:
    """The next answer with so many entries."""
    async with asyncio.timeout(30):
        while not (isinstance(one := await told.get(), JournalObserved) and one.journal.size == size):
            pass
    return one


async def failure(told: asyncio.Queue[Observation]) -> str:
    """The next failure's words; what is told before it is passed over."""
    async with asyncio.timeout(30):
        while not isinstance(one := await told.get(), SourceFailed):
            pass
    return one.error


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
    failed = await failure(told)
    assert (
        failed == f"The ledger {path} has gone. Put it back; after restoring a backup of it, start this program anew."
    )
    await asyncio.to_thread(moved.rename, path)
    await journal(told, 1)


async def test_a_ledger_that_is_only_just_being_made_is_no_failure(
    told: asyncio.Queue[Observation], path: Path
) -> None:
    await asyncio.to_thread(path.touch)
    assert [(await journal(told, 0)).notes for _ in range(3)] == [("no entries yet",)] * 3


def in_sql(path: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


async def test_a_start_moved_by_hand_is_a_failure_and_moves_no_clock(
    told: asyncio.Queue[Observation], path: Path
) -> None:
    async with Log(path) as log:
        entry = await start_phase(log, "canary", 1_767_448_931.0, actor="eva")
        await tick(log, "canary/x", None, actor="eva")
    before = (await journal(told, 2)).journal
    forged = entry.raw.replace(b"2026-01-03T14:02:11", b"2026-01-09T14:02:11")
    assert forged != entry.raw
    await asyncio.to_thread(in_sql, path, "UPDATE audit_log SET entry = ? WHERE seq = 1", forged)
    assert "Entry 1 " in await failure(told)
    await asyncio.to_thread(in_sql, path, "UPDATE audit_log SET entry = ? WHERE seq = 1", entry.raw)
    assert (await journal(told, 2)).journal == before


async def test_a_forged_reset_is_a_failure_and_resets_nothing(told: asyncio.Queue[Observation], path: Path) -> None:
    async with Log(path) as log:
        entry = await reset_criterion(log, "rtt", "load test", actor="eva")
    before = (await journal(told, 1)).journal
    forged = entry.raw.replace(b"rtt", b"fill")
    for leaf in (bytes(32), leaf_hash(forged)):
        await asyncio.to_thread(in_sql, path, "INSERT INTO audit_log VALUES (2, ?, ?)", forged, leaf)
        assert "Entry 2 " in await failure(told)
        await asyncio.to_thread(in_sql, path, "DELETE FROM audit_log WHERE seq = 2")
        assert (await journal(told, 1)).journal == before


async def test_another_history_in_the_same_file_is_a_failure_even_if_it_holds_together(
    told: asyncio.Queue[Observation], path: Path, tmp_path: Path
) -> None:
    async with Log(path) as log:
        await reset_criterion(log, "rtt", "load test", actor="eva")
    await journal(told, 1)
    async with Log(tmp_path / "other.db") as log:
        for _ in range(2):
            await reset_criterion(log, "rtt", "never mind", actor="mallory")
    await asyncio.to_thread(lambda: path.write_bytes((tmp_path / "other.db").read_bytes()))
    assert "the ledger was rewritten" in await failure(told)


async def test_looking_at_a_file_that_does_not_change_reads_nothing(
    told: asyncio.Queue[Observation], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Log(path) as log:
        await reset_criterion(log, "rtt", "load test", actor="eva")
    await journal(told, 1)
    await journal(told, 1)  # the look before may have begun before the entry was there, and rightly reads once more
    monkeypatch.setattr("aurora_tui.ledger_source.Log", None)
    for _ in range(3):
        await journal(told, 1)


async def a_run(path: Path) -> None:
    plan = {"runbook": "rollback", "title": "rollback", "environment": "drill", "steps": [{"number": 1, "title": "go"}]}
    async with Log(path) as log:
        await log.append("run.approved", {"run": "1a2b3c4d5e", "plan": plan}, actor="eva")


async def test_while_a_runbook_is_carried_out_its_steps_are_seen_well_within_a_second(path: Path) -> None:
    await a_run(path)
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    running = asyncio.create_task(LedgerSource(path, QUICK).run(heard.put_nowait))
    looks = [await journal(heard, 1) for _ in range(4)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert looks[3].at - looks[0].at < 3 * 2.0  # at the usual pace three more looks take six seconds


async def test_an_entry_just_made_is_seen_at_once_when_told_to_hurry(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurora_tui.ledger_source.LEDGER_INTERVAL", 3600.0)
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    source = LedgerSource(path, QUICK)
    running = asyncio.create_task(source.run(heard.put_nowait))
    await journal(heard, 0)
    await a_run(path)
    source.hurry()
    assert (await journal(heard, 1)).journal.open_run is not None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
