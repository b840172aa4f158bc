"""Every fault on every kind of source, all at once: what each war room said before, during and after.

For each fault there are two war rooms, one that asks Prometheus through a faulty proxy (metrics and its alerts), one
that asks Alertmanager and a stand-in for Grafana so; one more has a probe of either kind for each fault. They share a
drill's world in a process of its own, and wait at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from aiohttp import web

from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import LightState
from aurora_tui.situation.mission import Probe, ProbeKind
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Word
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.rooms import STALE_AFTER, Held, Room, all_live, held, probe, room, settings, source
from tests.faults.rows import Row
from tests.kube.conditions import until
from tests.sources.certificates import Authority
from tests.sources.stand_in import page

LASTS = STALE_AFTER + 2.0  # s of each fault: what is known is stale by then, and every limit of a request is over
SETTLED = 3.0  # s after a fault began, when the round it met is over
WITH_METRICS = 6  # each so manieth war room for alerts asks Prometheus too: it costs more than everything else
BEGIN_AT_ONCE = 6
PATIENCE = 90.0  # s to wait, on however busy a machine, for what must come much sooner
SHOWN = 1.5  # s until a Situation is told at the latest, and some


class Lag:
    """How much later than it should everything in this process ran: what a busy machine takes from us."""

    def __init__(self) -> None:
        self._late: list[tuple[float, float]] = []
        self.memory = psutil.Process().memory_info().rss
        self.most_memory = self.memory

    async def run(self) -> None:
        mine = psutil.Process()
        while True:
            due = time.monotonic() + 0.1
            await asyncio.sleep(0.1)
            self._late.append((due, time.monotonic() - due))
            self.most_memory = max(self.most_memory, mine.memory_info().rss)

    def since(self, moment: float) -> float:
        """Seconds lost after `moment` (monotonic)."""
        return sum(late for due, late in self._late if due >= moment)


@dataclass
class Seen:
    """What became of one source that met one fault."""

    row: Row
    kind: str
    source: str
    words: str = ""  # the light's error, or the probe's detail; `{}` for the address
    state: LightState = LightState.STARTING
    last: Situation | None = None  # the last one during the fault
    beyond: list[Situation] = field(default_factory=list)  # those told when what was known had to be stale
    others: dict[str, float] = field(
        default_factory=dict
    )  # the oldest that any other source's word became, less its due
    rate: float = 0.0
    recovered: float | None = None
    lag: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.row.name} × {self.source}"


@dataclass
class Run:
    """All that was seen, and what the process held before and after."""

    seen: list[Seen]
    before: Held
    after: Held
    lost_loop: list[str]
    logged: list[str]
    grown: float  # MB
    wall: float


class Ground(NamedTuple):
    """What all cases share."""

    world: dict[str, Any]
    authority: Authority
    lag: Lag
    starting: asyncio.Semaphore
    grafana: str


class _Logged(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()}" + (" (traceback)" if record.exc_info else ""))


async def run(world: dict[str, Any], rows: Sequence[Row], authority: Authority) -> Run:
    """Everything. Whatever is not as it should be is for the test to say."""
    began = time.monotonic()
    lost: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(repr(context)))
    hook, threading.excepthook = threading.excepthook, lambda hit: lost.append(repr(hit))
    logged = _Logged()
    logging.getLogger().addHandler(logged)
    lag = Lag()
    metronome = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    before = held()
    try:
        async with _grafana() as grafana:
            ground = Ground(world, authority, lag, asyncio.Semaphore(BEGIN_AT_ONCE), grafana)
            made = await asyncio.gather(
                _probes_case(ground, [row for row in rows if not row.samples]),
                *(_prometheus_case(ground, row) for row in rows),
                *(
                    _alerts_case(ground, row, with_metrics=row.samples or place % WITH_METRICS == 0)
                    for place, row in enumerate(rows)
                ),
            )
        with contextlib.suppress(TimeoutError):
            await until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)), 20)
        after = held()
    finally:
        metronome.cancel()
        logging.getLogger().removeHandler(logged)
        threading.excepthook = hook
    grown = (lag.most_memory - lag.memory) / 1e6
    seen = [one for each in made for one in each]
    return Run(seen, before, after, lost, logged.lines, grown, time.monotonic() - began)


async def _prometheus_case(ground: Ground, row: Row) -> list[Seen]:
    """Metrics and Prometheus' own alerts through the fault; Alertmanager and a probe beside it."""
    urls = ground.world["urls"]
    async with _proxies(row, ground.authority, urls["prometheus"]) as [proxy]:
        places = settings(
            ground.world,
            prometheus=source(proxy.url, ca=ground.authority.file if row.tls else None),
            cluster=None,
            probe=(probe("bridge", urls["bridge"] + "/health"),),
        )
        seen = [Seen(row, "metrics", "metrics"), Seen(row, "alerts", "prom")]
        async with _started(places, ground) as one:
            await _case(one, seen, [proxy], ground.lag, {"am", "ledger", "probe bridge"})
        return seen


async def _alerts_case(ground: Ground, row: Row, *, with_metrics: bool) -> list[Seen]:
    """Alertmanager and Grafana through the fault; a probe beside them, and in some Prometheus, asked seldom."""
    urls = ground.world["urls"]
    async with _proxies(row, ground.authority, urls["alertmanager"], ground.grafana) as proxies:
        ca = ground.authority.file if row.tls else None
        places = settings(
            ground.world,
            prometheus=source(urls["prometheus"], interval=30.0) if with_metrics else None,
            alertmanager=source(proxies[0].url, ca=ca),
            grafana=source(proxies[1].url, ca=ca),
            cluster=None,
            probe=(probe("bridge", urls["bridge"] + "/health"),),
        )
        seen = [Seen(row, "alerts", "am"), Seen(row, "alerts", "grafana")]
        async with _started(places, ground) as one:
            beside = {"metrics", "prom"} if with_metrics else set()
            await _case(one, seen, proxies, ground.lag, beside | {"ledger", "probe bridge"})
        return seen


async def _probes_case(ground: Ground, rows: Sequence[Row]) -> list[Seen]:
    """A probe of either kind for each fault, all in one war room, beside healthy sources."""
    urls = ground.world["urls"]
    seen: list[Seen] = []
    probes: list[Probe] = []
    async with AsyncExitStack() as stack:
        proxies = []
        for row in rows:
            ca = ground.authority.file if row.tls else None
            pair = await stack.enter_async_context(_proxies(row, ground.authority, urls["bridge"], urls["exporter"]))
            for proxy, kind, path in zip(pair, ProbeKind, ("/health", "/metrics"), strict=True):
                name = f"{kind.value} {len(probes)}"
                probes.append(probe(name, proxy.url + path, kind, ca))
                seen.append(Seen(row, kind.value, f"probe {name}"))
                proxies.append(proxy)
        places = settings(ground.world, cluster=None, probe=tuple(probes))
        one = await stack.enter_async_context(_started(places, ground))
        await _case(one, seen, proxies, ground.lag, {"metrics", "prom", "am", "ledger"})
    return seen


@asynccontextmanager
async def _started(places: Settings, ground: Ground) -> AsyncIterator[Room]:
    """A war room in which all is well. Few begin at a time: what they read first is the most that they ever read."""
    async with AsyncExitStack() as stack:
        async with ground.starting:
            one = await stack.enter_async_context(room(places))
            # Without metrics a war room is blind by itself.
            word = Word.GO if places.environment.prometheus is not None else Word.BLIND
            await one.when(lambda: one.word is word and all_live(one.last), PATIENCE)
        yield one


async def _case(one: Room, seen: Sequence[Seen], proxies: Sequence[FaultProxy], lag: Lag, others: set[str]) -> None:
    """All is well; the fault; all is well again. `proxies` are those of `seen`, or one for all."""
    well = one.last.verdict.word
    rows = [each.row for each in seen]
    each_proxy = list(proxies) if len(proxies) == len(seen) else [proxies[0]] * len(seen)
    for proxy, row in dict(zip(each_proxy, rows, strict=True)).items():
        await proxy.switch(row.fault)
    began = time.monotonic()
    await asyncio.sleep(LASTS)
    with contextlib.suppress(TimeoutError):  # a busy machine is given more; the test compares
        await one.when(lambda: _told(one, seen) and _beyond(one, began, lag), PATIENCE)
    during, lost = one.since(began), lag.since(began)
    beyond = _beyond(one, began, lag)
    for mine, proxy in zip(seen, each_proxy, strict=True):
        light = one.light(mine.source)
        mine.words, mine.state, mine.last = _words(one, mine, proxy), light.state(one.last.now), one.last
        mine.beyond, mine.lag = beyond, lost
        mine.others = {
            name: max(_overdue(told, name) for told in during)
            for name in others
            if not name.startswith("probe ") or name
        }
        mine.rate = proxy.busiest(since=began + SETTLED)
    ended = time.monotonic()
    for proxy in dict.fromkeys(each_proxy):
        await proxy.switch(None)
    with contextlib.suppress(TimeoutError):
        await one.when(lambda: one.word is well and all(_well(one, mine) for mine in seen), PATIENCE)
        for mine in seen:
            mine.recovered = time.monotonic() - ended - lag.since(ended)


def _beyond(one: Room, began: float, lag: Lag) -> list[Situation]:
    """What was told when the last answer before the fault had to be stale, and that had to be shown."""
    return one.since(began + STALE_AFTER + SHOWN + lag.since(began))


def _told(one: Room, seen: Iterable[Seen]) -> bool:
    return all(
        one.light(mine.source).error is not None or not mine.row.says(mine.kind) or mine.kind in _KINDS for mine in seen
    )


def _well(one: Room, mine: Seen) -> bool:
    light = one.light(mine.source)
    return light.error is None and light.state(one.last.now) is LightState.LIVE


def _overdue(situation: Situation, name: str) -> float:
    """How much older than its interval a source's word is; s."""
    light = next(light for light in situation.lights if light.name == name)
    age = light.age(situation.now)
    return 0.0 if age is None else age - light.interval


def _words(one: Room, mine: Seen, proxy: FaultProxy) -> str:
    """What is said of the source, with `{}` for the address."""
    error = one.light(mine.source).error
    if error is None and mine.kind in _KINDS:
        status = next((status for status in one.last.probes if f"probe {status.id}" == mine.source), None)
        error = None if status is None or status.ok else status.detail
    return re.sub(rf"{re.escape(proxy.url)}[^\s:,]*", "{}", error or "")


_KINDS = {kind.value for kind in ProbeKind}


@asynccontextmanager
async def _proxies(row: Row, authority: Authority, *upstreams: str) -> AsyncIterator[list[FaultProxy]]:
    async with AsyncExitStack() as stack:
        tls = authority.server() if row.tls else None
        yield [await stack.enter_async_context(fault_proxy(upstream, tls)) for upstream in upstreams]


@asynccontextmanager
async def _grafana() -> AsyncIterator[str]:
    """A stand-in that has one alert, which is normal."""
    alert = {"labels": {"alertname": "Quiet"}, "state": "Normal", "activeAt": "0001-01-01T00:00:00Z", "value": "0"}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "success", "data": {"alerts": [alert]}})

    async with page(answer) as url:
        yield url


def same_words(said: str, expected: str) -> bool:
    """Whether a sentence is the expected one; `...` stands for anything."""
    return re.fullmatch(".+".join(map(re.escape, expected.split("..."))), said) is not None


def authorities(folder: Path) -> tuple[Authority, Authority]:
    """One that is trusted, and one that is not."""
    made = []
    for name in ("trusted", "stranger"):
        (folder / name).mkdir()
        made.append(Authority(folder / name))
    return made[0], made[1]
