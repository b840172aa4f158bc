"""What a drill's ledger holds when it begins: as if the phase had run, and its people had kept to the protocol."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from aurora_tui.clock import Clock, iso
from aurora_tui.commands import drill_world
from aurora_tui.drill.scenario import find, read
from aurora_tui.drill.world import World, WorldOptions
from aurora_tui.errors import UsageError
from aurora_tui.ledger.log import Entry, Log
from aurora_tui.settings import load
from aurora_tui.situation.checkpoint import Ground, TimerState, timers
from aurora_tui.situation.journal import project

SCENARIOS = Path(__file__).resolve().parents[2] / "ops/scenarios"


def seeded(folder: Path, began: str) -> tuple[World, list[Entry]]:
    """A world of the calm scenario (a canary for 31h12m) that began at this time, and its ledger."""

    async def make() -> tuple[World, list[Entry]]:
        world = await World.start(WorldOptions(scenario=read(find("calm", (SCENARIOS,))), directory=folder))
        origin = datetime.fromisoformat(began).timestamp()
        world.clock = Clock(origin, origin, 1.0)
        try:
            await drill_world._record(world)
        finally:
            await world.close()
        async with Log(world.ledger, create=False) as log:
            await log.verify()
            return world, await log.entries()

    return asyncio.run(make())


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        (
            "2026-01-03T14:00:00Z",
            [
                ("2026-01-02T06:48:00Z", None),
                ("2026-01-02T09:00:00Z", "daily/morning/2026-01-02"),
                ("2026-01-02T12:00:00Z", "daily/midday/2026-01-02"),
                ("2026-01-02T18:00:00Z", "daily/evening/2026-01-02"),
                ("2026-01-02T23:59:00Z", "daily/night/2026-01-02"),
                ("2026-01-03T06:59:00Z", "canary/h24-report"),
                ("2026-01-03T09:00:00Z", "daily/morning/2026-01-03"),
                ("2026-01-03T12:00:00Z", "daily/midday/2026-01-03"),
            ],
        ),
        (
            "2026-01-03T00:00:30Z",
            [
                ("2026-01-01T16:48:30Z", None),
                ("2026-01-01T18:00:00Z", "daily/evening/2026-01-01"),
                ("2026-01-01T23:59:00Z", "daily/night/2026-01-01"),
                ("2026-01-02T09:00:00Z", "daily/morning/2026-01-02"),
                ("2026-01-02T12:00:00Z", "daily/midday/2026-01-02"),
                ("2026-01-02T16:59:30Z", "canary/h24-report"),
                ("2026-01-02T18:00:00Z", "daily/evening/2026-01-02"),
                ("2026-01-02T23:59:00Z", "daily/night/2026-01-02"),
            ],
        ),
    ],
)
def test_every_round_due_before_the_drill_was_done_when_it_was_due(
    tmp_path: Path, began: str, expected: list[tuple[str, str | None]]
) -> None:
    world, entries = seeded(tmp_path, began)
    assert [(iso(entry.at), entry.data.get("key")) for entry in entries] == expected
    rounds = [entry for entry in entries if str(entry.data.get("key")).startswith("daily/")]
    assert {entry.data["evidence"] for entry in rounds} == {"done before the drill"}
    settings = load([Path(str(world.ready()["profile"]))])
    rows = timers(
        Ground(
            mission=settings.mission,
            journal=project(entries),
            slos=(),
            alerts=(),
            firing_history=(),
            green_since=None,
            now=world.clock.world_origin,
        )
    )
    assert [row.id for row in rows if row.state is TimerState.OVERDUE] == []


@pytest.mark.parametrize("phase", ["rollout", "no-such-phase"])
def test_a_phase_without_a_daily_protocol_has_none_done(tmp_path: Path, phase: str) -> None:
    scenario = read(find("calm", (SCENARIOS,)))
    started = type(scenario.phase)(id=phase)
    scenario = type(scenario)(name="test", phase=started)

    async def make() -> list[Entry]:
        world = await World.start(WorldOptions(scenario=scenario, directory=tmp_path))
        try:
            await drill_world._record(world)
        finally:
            await world.close()
        async with Log(world.ledger, create=False) as log:
            return await log.entries()

    assert [entry.action for entry in asyncio.run(make())] == ["phase.started"]


def test_a_folder_that_may_not_be_written_to_is_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(UsageError, match="may not be written to"):
        drill_world._directory(tmp_path)
