"""War rooms on a drill's world, with proxies before their sources; what each told, and what it held open."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aurora_tui.settings import Settings, load
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.freshness import LightState, SourceLight
from aurora_tui.situation.mission import Credentials, HttpSource, Mission, Probe, ProbeKind
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Word
from aurora_tui.warroom import Warroom
from tests.drills import served

INTERVAL = 5.0  # the drill's own: s between two looks of each source
STALE_AFTER = 3 * INTERVAL
SCENARIO = """
title = "A canary that has only just begun"
[phase]
id = "canary"
elapsed = "10m"
"""


class Told(NamedTuple):
    """A Situation, and when it was told (time.monotonic)."""

    at: float
    situation: Situation


class Room:
    """A running war room: `told` is all it said, oldest first."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.told: list[Told] = []
        self.warroom = Warroom(settings)
        self.listener: Callable[[Situation], None] | None = None
        self._news = asyncio.Event()

    def tell(self, situation: Situation) -> None:
        self.told.append(Told(time.monotonic(), situation))
        if self.listener is not None:
            self.listener(situation)
        self._news.set()

    @property
    def last(self) -> Situation:
        return self.told[-1].situation

    @property
    def word(self) -> Word | None:
        return self.last.verdict.word if self.told else None

    def light(self, name: str) -> SourceLight:
        return next(light for light in self.last.lights if light.name == name)

    def since(self, moment: float) -> list[Situation]:
        """What it told after `moment` (monotonic)."""
        return [told.situation for told in self.told if told.at >= moment]

    async def says(self, word: Word, seconds: float = 40.0) -> None:
        """Wait until the verdict is this one."""
        await self.when(lambda: self.word is word, seconds)

    async def when(self, condition: Callable[[], object], seconds: float = 40.0) -> None:
        """Wait until it is so; asked anew at each Situation. TimeoutError after so many seconds."""
        async with asyncio.timeout(seconds):
            while not self.told or not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def room(settings: Settings) -> AsyncIterator[Room]:
    """A war room that runs until the block ends."""
    made = Room(settings)
    task = asyncio.create_task(made.warroom.run(made.tell), name="warroom")
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.contextmanager
def drill(folder: Path, scenario: str = SCENARIO, options: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """A world of its own process whose phase is young, so that a first look is small. Yields its ready line."""
    file = folder / "young.toml"
    file.write_text(scenario)
    with served("--scenario", str(file), *options) as world:
        yield world


def small(mission: Mission) -> Mission:
    """One SLO and its criterion, and the criterion that any SEV1 trips."""
    slos = tuple(slo for slo in mission.slo if slo.id == "rtt")
    criteria = tuple(rule for rule in mission.criterion if rule.slo == "rtt" or rule.severity is not None)
    identity = msgspec.structs.replace(mission.mission, window=Duration(3600))
    return msgspec.structs.replace(mission, mission=identity, slo=slos, criterion=criteria)


def settings(world: dict[str, Any], *, whole: bool = False, **places: Any) -> Settings:
    """The world's settings with these sources in place of its own: `prometheus=..., probe=(...), cluster=None`."""
    made = load((Path(world["profile"]),))
    mission = made.mission if whole else small(made.mission)
    return dataclasses.replace(made, mission=mission, environment=msgspec.structs.replace(made.environment, **places))


def source(url: str, interval: float = INTERVAL, ca: Path | None = None) -> HttpSource:
    """An HTTP source at `url`; `ca` is the authority it trusts."""
    auth = Credentials(ca=str(ca)) if ca else Credentials()
    return HttpSource(url=url, interval=Duration(interval), auth=auth)


def probe(id: str, url: str, kind: ProbeKind = ProbeKind.HEALTH, ca: Path | None = None) -> Probe:
    """A probe at `url`."""
    auth = Credentials(ca=str(ca)) if ca else Credentials()
    return Probe(id=id, title=id, kind=kind, url=url, interval=Duration(INTERVAL), auth=auth)


def all_live(situation: Situation) -> bool:
    """Whether every source that is watched answers."""
    lights = [light for light in situation.lights if light.watched]
    return all(light.error is None and light.state(situation.now) is LightState.LIVE for light in lights)


class Held(NamedTuple):
    """What this process holds."""

    tasks: int
    threads: int
    sockets: int


def held() -> Held:
    """Tasks of this loop, threads but for those of the loop's own pool, which stay, and open sockets (Linux)."""
    gc.collect()
    threads = sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())
    sockets = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            sockets += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
    return Held(len(asyncio.all_tasks()), threads, sockets)
