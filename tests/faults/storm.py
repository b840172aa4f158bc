"""Random faults before every source of a war room, while the world behind them changes: seeded, so that it can be told.

The truth is asked of the simulator itself, past every proxy; the console's own judgement has no part in it.
"""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec
import yaml

from aurora_tui.situation.mission import ClusterSource, HttpSource
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import SloState
from aurora_tui.situation.verdict import Word
from tests.faults import faults
from tests.faults.answers import ClockOff, Duplicates, OutOfOrder, Vanished
from tests.faults.matrix import Lag
from tests.faults.proxy import Fault, FaultProxy, fault_proxy
from tests.faults.rooms import Room, all_live, room, settings
from tests.faults.streams import CutAfter, SilentWatch, WatchAnswers, WatchError, WithoutBookmarks
from tests.sources.certificates import Authority

SCRAPES = 15.0  # world s
PLAIN: tuple[Fault, ...] = (
    faults.Refused(),
    faults.Hang(),
    faults.HangAfterHeaders(),
    faults.SlowDrip(),
    faults.ResetAtOnce(),
    faults.ResetInBody(),
    faults.ResetInBody(reset=False),
    faults.Truncated(),
    faults.GARBAGE,
    faults.LOGIN,
    faults.EMPTY,
    faults.NO_CONTENT,
    faults.REDIRECT,
    faults.DEEP,
    faults.OTHER_JSON,
    faults.NULLS,
    faults.WrongType(),
    faults.Large(None),
    faults.GzipBomb(),
    *(faults.status(code) for code in (401, 403, 404, 429, 500, 503)),
    faults.status(429, Retry_After="30"),
)
SAMPLES: tuple[Fault, ...] = (Duplicates(), OutOfOrder(), Vanished(), ClockOff(600.0), ClockOff(-600.0))
WATCHES: tuple[Fault, ...] = (WatchAnswers(), WatchError(), WithoutBookmarks(), SilentWatch(), CutAfter(0))
BREACHES: tuple[dict[str, Any], ...] = (
    {"do": "latency-surge", "factor": 3.0},
    {"do": "fill-drop", "factor": 0.6},
    {"do": "provenance-loss", "coverage": 0.6},
    {"do": "exporter-stop"},
)


@dataclass(frozen=True)
class Plan:
    """How long, how fast and how bad. Times are real seconds (least, most) unless said otherwise."""

    seed: int
    speed: float
    minutes: float  # of world time
    healthy: tuple[float, float]  # between two faults of one source
    faulty: tuple[float, float]
    calm: tuple[float, float]  # between two breaches
    breach: tuple[float, float]  # shorter than the least hold of a criterion, or its trip would stay

    @property
    def seconds(self) -> float:
        """Real ones."""
        return self.minutes * 60.0 / self.speed

    @property
    def interval(self) -> float:
        """World seconds between two looks, as the drill's profile has it."""
        return max(5.0, math.ceil(self.speed))

    @property
    def not_go_within(self) -> float:
        """World seconds: three intervals, of looks or of scrapes, whichever are longer; and two scrapes, which it takes
        until a twentieth of a five minutes' window is bad, so that a quantile shows it."""
        return 3.0 * max(self.interval, SCRAPES) + 2.0 * SCRAPES


@dataclass
class Storm:
    """What happened."""

    told: Counter[Word] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    wrongly_go: list[str] = field(default_factory=list)
    not_go: float = 0.0  # world s
    lost: list[str] = field(default_factory=list)
    recovered: float | None = None
    last: Situation | None = None


class Truth:
    """Whether the world is well, and since when it is not (time.monotonic), as the simulator says."""

    def __init__(self, url: str, speed: float) -> None:
        self._url = f"{url}/control"
        self._speed = speed
        self.bad_since: float | None = None
        self.why = ""
        self.waited = 0.0  # s that the world let us wait: it is as busy as we are
        self.bad_for = 0.0

    async def watch(self, client: aiohttp.ClientSession) -> None:
        """Ask for ever."""
        while True:
            asked = time.monotonic()
            async with client.get(f"{self._url}/state") as answer:
                state = await answer.json()
            self.waited += time.monotonic() - asked
            self._learn(state)
            await asyncio.sleep(0.1)

    async def make(self, client: aiohttp.ClientSession, event: dict[str, Any]) -> None:
        """Let something happen in the world."""
        async with client.post(f"{self._url}/events", json=event) as answer:
            assert answer.status == 200, await answer.text()

    def _learn(self, state: dict[str, Any]) -> None:
        treaty = state["treaty"]
        # Means, and well beyond each objective: no quantile of them can meet it.
        self.why = ", ".join(
            word
            for word, bad in {
                f"RTT {treaty['rtt_ms']:.0f} ms": treaty["rtt_ms"] > 450.0,
                f"fill {treaty['fill']:.2f}": treaty["fill"] < 0.72,
                f"provenance {treaty['provenance']:.2f}": treaty["provenance"] < 0.88,
                "no exporter": not state["exporters"]["aurora"],
            }.items()
            if bad
        )
        if not self.why:
            self.bad_since = None
        elif self.bad_since is None:
            self.bad_since, self.waited = time.monotonic(), 0.0


class Weather:
    """A proxy that has one fault at a time."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self._one = asyncio.Lock()

    async def bad(self, fault: Fault, lasts: Callable[[], Awaitable[Any]], storm: Storm) -> None:
        """This fault, until `lasts` is over; it begins when the one before has ended."""
        async with self._one:
            storm.faults.append(fault.name)
            await self._proxy.switch(fault)
            await lasts()
            await self._proxy.switch(None)


async def rage(world: dict[str, Any], plan: Plan, authority: Authority, folder: Path) -> Storm:
    """The storm, and the calm after it."""
    storm = Storm()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: storm.lost.append(repr(context)))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiohttp.ClientSession())
        proxies = {
            name: await stack.enter_async_context(fault_proxy(world["urls"][name]))
            for name in ("prometheus", "alertmanager", "bridge", "exporter")
        }
        kubernetes = await stack.enter_async_context(fault_proxy(world["urls"]["kubernetes"], authority.server()))
        places = _places(world, proxies, kubernetes, authority, folder)
        one = await stack.enter_async_context(room(settings(world, whole=True, **places)))
        await one.says(Word.GO)
        truth, lag = Truth(world["urls"]["control"], plan.speed), Lag()
        watching = [asyncio.create_task(truth.watch(client)), asyncio.create_task(lag.run())]
        _judge(one, truth, lag, plan, storm)
        monitoring = Weather(proxies["prometheus"])
        weather = [
            _faults(monitoring, (*PLAIN, *SAMPLES), plan, 1, storm),
            _faults(Weather(proxies["alertmanager"]), (*PLAIN, Duplicates(), OutOfOrder()), plan, 2, storm),
            _faults(Weather(proxies["bridge"]), PLAIN, plan, 3, storm),
            _faults(Weather(proxies["exporter"]), PLAIN, plan, 4, storm),
            _faults(Weather(kubernetes), (*PLAIN, *WATCHES), plan, 5, storm),
            _breaches(truth, client, plan, monitoring, storm),
        ]
        raging = [asyncio.create_task(each) for each in weather]
        done, _ = await asyncio.wait([*raging, *watching], timeout=plan.seconds, return_when=asyncio.FIRST_EXCEPTION)
        await _end(raging)
        for proxy in (*proxies.values(), kubernetes):
            await proxy.switch(None)
        await truth.make(client, {"do": "recover"})
        began = time.monotonic()
        await one.when(lambda: _sees(one.last), 60.0)
        storm.recovered = time.monotonic() - began
        storm.last = one.last
        await _end(watching)
        for task in done:
            task.result()
    return storm


def _places(
    world: dict[str, Any], proxies: dict[str, FaultProxy], kubernetes: FaultProxy, authority: Authority, folder: Path
) -> dict[str, Any]:
    """The environment's sources, each behind its proxy."""
    made = settings(world).environment
    assert made.prometheus is not None
    assert made.alertmanager is not None
    assert made.cluster is not None

    def behind(one: HttpSource, name: str) -> HttpSource:
        return msgspec.structs.replace(one, url=proxies[name].url)

    cluster: ClusterSource = msgspec.structs.replace(
        made.cluster, kubeconfig=str(_kubeconfig(world, kubernetes, authority, folder))
    )
    paths = {"bridge": "/health", "exporter": "/metrics"}
    return {
        "prometheus": behind(made.prometheus, "prometheus"),
        "alertmanager": behind(made.alertmanager, "alertmanager"),
        "cluster": cluster,
        "probe": tuple(
            msgspec.structs.replace(one, url=proxies[one.id].url + paths[one.id])
            for one in made.probe
            if one.id in paths
        ),
    }


def _kubeconfig(world: dict[str, Any], proxy: FaultProxy, authority: Authority, folder: Path) -> Path:
    """The world's kubeconfig, with the proxy for a server."""
    document = yaml.safe_load(Path(world["kubeconfig"]).read_text())
    for item in document["clusters"]:
        item["cluster"]["server"] = proxy.url
        item["cluster"]["certificate-authority-data"] = base64.b64encode(authority.file.read_bytes()).decode()
    file = folder / "kubeconfig-behind-a-proxy"
    file.write_text(yaml.safe_dump(document))
    return file


def _judge(one: Room, truth: Truth, lag: Lag, plan: Plan, storm: Storm) -> None:
    """From now on, look at every Situation as it is told."""

    def listen(situation: Situation) -> None:
        storm.told[situation.verdict.word] += 1
        bad = truth.bad_since
        if bad is None:
            return
        lost = lag.since(bad) + truth.waited  # what a busy machine takes is not the console's
        wrong_for = (time.monotonic() - bad - lost) * plan.speed
        storm.not_go = max(storm.not_go, wrong_for + lost * plan.speed)
        if situation.verdict.word is Word.GO and wrong_for > plan.not_go_within:
            storm.wrongly_go.append(f"GO after {wrong_for:.0f} s of {truth.why}; faults: {storm.faults[-5:]}")

    one.listener = listen
    listen(one.last)


async def _faults(weather: Weather, kinds: Sequence[Fault], plan: Plan, number: int, storm: Storm) -> None:
    """One source's weather."""
    random = Random(plan.seed * 100 + number)
    while True:
        await asyncio.sleep(random.uniform(*plan.healthy))
        fault, seconds = random.choice(kinds), random.uniform(*plan.faulty)
        await weather.bad(fault, partial(asyncio.sleep, seconds), storm)


async def _breaches(truth: Truth, client: aiohttp.ClientSession, plan: Plan, monitoring: Weather, storm: Storm) -> None:
    """The world's own weather: each kind of breach in turn, in an order of the seed's.

    Every second one comes while Prometheus cannot be read: what was known last is that all was well.
    """
    random = Random(plan.seed)
    while True:
        for place, event in enumerate(random.sample(BREACHES, len(BREACHES))):
            await asyncio.sleep(random.uniform(*plan.calm))
            breach = partial(_breach, truth, client, event, random.uniform(*plan.breach), storm)
            if place % 2 == 0:
                await monitoring.bad(random.choice(PLAIN), breach, storm)
            else:
                await breach()


async def _breach(
    truth: Truth, client: aiohttp.ClientSession, event: dict[str, Any], seconds: float, storm: Storm
) -> None:
    storm.breaches.append(event["do"])
    await truth.make(client, event)
    await asyncio.sleep(seconds)
    await truth.make(client, {"do": "recover"})


def _sees(situation: Situation) -> bool:
    """Whether everything is measured again. The verdict may still be bad: a breach that a stalled machine made long
    trips a criterion, and that stays."""
    return all_live(situation) and all(slo.state is not SloState.UNKNOWN for slo in situation.slos)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
