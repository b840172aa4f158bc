"""`aurora-tui drill --serve`: the world alone, until it is interrupted."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aurora_tui.clock import Clock
from aurora_tui.drill.scenario import find, read
from aurora_tui.drill.series import Generation
from aurora_tui.drill.world import World, WorldOptions
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import current_actor, start_phase, tick
from aurora_tui.ledger.log import Log
from aurora_tui.settings.bundled import bundled_dir

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
    directory = _directory(served.directory)
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
        if served.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def _directory(named: Path | None) -> Path:
    if named is None:
        return Path(tempfile.mkdtemp(prefix="aurora-drill-"))
    directory = named.absolute()
    if (directory / _LEDGER).exists():
        raise UsageError(f"{directory} holds another drill's ledger", "Name another folder, or remove that one.")
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot use the folder {directory}: {error.strerror}", "Name another one.") from error
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
    async with Log(world.ledger, _clock_at(world, started_at)) as log:
        await start_phase(log, phase.id, started_at, actor=actor)
    for done in sorted(phase.done, key=lambda done: done.after):
        if started_at + done.after <= world.clock.world_origin:
            async with Log(world.ledger, _clock_at(world, started_at + done.after)) as log:
                await tick(log, f"{phase.id}/{done.item}", done.evidence, actor=actor)


def _clock_at(world: World, moment: float) -> Clock:
    """A clock that shows `moment` at the world's start."""
    return Clock(world.clock.real_origin, moment, 1.0)
