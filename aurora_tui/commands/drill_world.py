"""`aurora-tui drill --serve`: the world alone, until it is interrupted."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from time import time as wall_time
from zoneinfo import ZoneInfo

from aurora_tui.bundled import bundled_dir
from aurora_tui.clock import Clock
from aurora_tui.commands import drill_folder
from aurora_tui.drill.scenario import find, read
from aurora_tui.drill.series import Generation
from aurora_tui.drill.world import World, WorldOptions
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import current_actor, start_phase, tick
from aurora_tui.ledger.log import Log
from aurora_tui.settings import load
from aurora_tui.situation.checkpoint import rounds
from aurora_tui.situation.journal import Journal, PhaseRun

_LEDGER = "remembrancer.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the command line asked for. end_with_stdin: end when standard input does, as a child of a console."""

    scenario: str
    speed: float
    exporter: str
    fixed_ports: bool
    real_prometheus: bool
    seed: int | None
    directory: Path | None
    end_with_stdin: bool


def run(served: Served) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP; 0. Nothing stays behind but `directory`, when one was named."""
    scenario = read(find(served.scenario, (bundled_dir("ops/scenarios"),)))
    drill_folder.sweep()
    directory, held = drill_folder.make() if served.directory is None else (_directory(served.directory), None)
    options = WorldOptions(
        scenario=scenario,
        directory=directory,
        speed=served.speed,
        generation=Generation(served.exporter),
        fixed_ports=served.fixed_ports,
        real_prometheus=served.real_prometheus,
        seed=served.seed,
    )
    gc.disable()  # what is made at the start stays: looking for garbage in it is time lost
    try:
        asyncio.run(_serve(options, served.end_with_stdin))
    finally:
        gc.enable()
        if held is not None:
            drill_folder.remove(directory, held)
    return 0


def _directory(named: Path) -> Path:
    directory = named.absolute()
    try:
        if (directory / _LEDGER).exists():
            raise UsageError(f"{directory} holds another drill's ledger", "Name another folder, or remove that one.")
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot use the folder {directory}: {error.strerror}", "Name another one.") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"Cannot use the folder {directory}: it may not be written to", "Name another one.")
    return directory


async def _serve(options: WorldOptions, end_with_stdin: bool) -> None:
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, asked_to_end.set)
    if end_with_stdin:
        loop.add_reader(sys.stdin.fileno(), _watch_stdin, loop, asked_to_end.set)
    ending = asyncio.ensure_future(asked_to_end.wait())
    try:
        starting = asyncio.ensure_future(World.start(options))
        await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return
        world = starting.result()
        try:
            await _record(world)
            _announce(world)
            gc.freeze()
            gc.enable()
            living = asyncio.ensure_future(world.run())
            await asyncio.wait((living, ending), return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        finally:
            await world.close()
    finally:
        ending.cancel()


def _watch_stdin(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    """End when whoever started us has closed the pipe, or is gone."""
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        end()


def _announce(world: World) -> None:
    """The ready line."""
    sys.stdout.write(json.dumps(world.ready()) + "\n")
    sys.stdout.flush()


async def _record(world: World) -> None:
    """Write into the ledger that the phase runs, and what of it was done, each entry at its own time."""
    phase, started_at, actor = world.options.scenario.phase, world.phase_started_at, current_actor()
    async with Log(world.ledger, _clock_at(started_at)) as log:
        await start_phase(log, phase.id, started_at, actor=actor)
    for moment, key, evidence in sorted([*_done(world), *_rounds_done(world)], key=lambda done: done[0]):
        async with Log(world.ledger, _clock_at(moment)) as log:
            await tick(log, key, evidence, actor=actor)


def _done(world: World) -> Iterator[tuple[float, str, str | None]]:
    """What the scenario says was done before the world's start: when (Unix seconds), its key, on what evidence."""
    phase = world.options.scenario.phase
    for done in phase.done:
        moment = world.phase_started_at + done.after
        if moment <= world.clock.world_origin:
            yield moment, f"{phase.id}/{done.item}", done.evidence


def _rounds_done(world: World) -> Iterator[tuple[float, str, str | None]]:
    """Every round of the mission's daily protocol that fell due in the phase: in the story it was done in time."""
    mission = load([Path(str(world.ready()["profile"]))]).mission
    phase, start, end = world.options.scenario.phase.id, world.phase_started_at, world.clock.world_origin
    run = PhaseRun(phase=phase, started_at=start, started_by="", sequence=0)
    zone = ZoneInfo(mission.mission.day_zone)
    day, last = (datetime.fromtimestamp(moment, zone).date() for moment in (start, end))
    while day <= last:
        # At a day's end its rounds are the ones to be done, and none of the day before.
        evening = datetime.combine(day, time.max, zone).timestamp()
        for one in rounds(mission, Journal(phases=(run,)), evening):
            if one.due_at < end:
                yield one.due_at, one.key, "done before the drill"
        day += timedelta(days=1)


def _clock_at(moment: float) -> Clock:
    """A clock that shows `moment` now."""
    return Clock(wall_time(), moment, 1.0)
