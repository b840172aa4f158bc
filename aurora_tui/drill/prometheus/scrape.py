"""Scrape loops: every target over HTTP at aligned moments of world time, as Prometheus does it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from aurora_tui.drill.prometheus.labels import NAME, Labels, labels_of
from aurora_tui.drill.prometheus.storage import STALE, Storage

_TIME_LIMIT = 10.0
_LARGEST_BODY = 64 * 1024 * 1024
_EXPORTED = "exported_"


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint. `labels` are added to every series; `instance` defaults to host:port of `url`."""

    job: str
    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    honor_labels: bool = False
    instance: str = ""

    def own_labels(self) -> dict[str, str]:
        return {"job": self.job, "instance": self.instance or urlsplit(self.url).netloc, **self.labels}


@dataclass(slots=True)
class TargetState:
    """What the last scrape of a target came to: `health` is up, down or unknown; times in Unix seconds."""

    health: str = "unknown"
    error: str = ""
    scraped_at: float = 0.0
    took: float = 0.0
    series: frozenset[Labels] = frozenset()
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


async def aligned(interval: float, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> float:
    """Sleeps to the next whole multiple of `interval` and returns it."""
    moment = (math.floor(now() / interval) + 1) * interval
    while (left := moment - now()) > 0:
        await sleep(left)
    return moment


class Scraper:
    """`await run()` scrapes until cancelled; `await scrape_once(at)` does one round, at `at` in Unix seconds."""

    def __init__(
        self,
        storage: Storage,
        targets: Sequence[Target],
        interval: float,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.storage = storage
        self.targets = tuple(targets)
        self.interval = interval
        self.now = now
        self.sleep = sleep
        self._by_index = [TargetState() for _ in self.targets]

    def state(self, index: int) -> TargetState:
        """The state of `targets[index]`."""
        return self._by_index[index]

    async def run(self) -> None:
        async with self._session() as session:
            while True:
                await self._round(session, await aligned(self.interval, self.now, self.sleep))

    async def scrape_once(self, at: float) -> None:
        async with self._session() as session:
            await self._round(session, at)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIME_LIMIT),
            headers={"Accept": "text/plain;version=0.0.4", "User-Agent": "Prometheus/embedded"},
        )

    async def _round(self, session: aiohttp.ClientSession, at: float) -> None:
        await asyncio.gather(*(self._scrape(session, index, at) for index in range(len(self.targets))))

    async def _scrape(self, session: aiohttp.ClientSession, index: int, at: float) -> None:
        target, state = self.targets[index], self._by_index[index]
        began = time.monotonic()
        samples: list[tuple[Labels, float, float | None]] = []
        error = ""
        try:
            samples = list(_samples(target, await _body(session, target.url)))
        except TimeoutError:
            error = "context deadline exceeded"
        except (aiohttp.ClientError, ValueError) as failure:
            error = str(failure) or type(failure).__name__
        took = time.monotonic() - began
        self._store(target, state, at, samples)
        own = target.own_labels()
        for name, value in (
            ("up", 0.0 if error else 1.0),
            ("scrape_duration_seconds", took),
            ("scrape_samples_scraped", float(len(samples))),
        ):
            self.storage.append({NAME: name, **own}, at, value)
        state.health, state.error, state.scraped_at, state.took = ("down" if error else "up"), error, at, took

    def _store(
        self, target: Target, state: TargetState, at: float, samples: list[tuple[Labels, float, float | None]]
    ) -> None:
        """Appends what was scraped; what was there the last time and is not now, ends."""
        current = set()
        for labels, value, moment in samples:
            self.storage.append(labels, at if moment is None else moment, value)
            if moment is None:
                current.add(labels)
        for labels in state.series - current:
            self.storage.append(labels, at, STALE)
        state.series = frozenset(current)


async def _body(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as answer:
        if answer.status != 200:
            raise ValueError(f"server returned HTTP status {answer.status} {answer.reason}")
        data = await answer.content.read(_LARGEST_BODY)
        while not answer.content.at_eof():
            more = await answer.content.read(_LARGEST_BODY)
            if len(data) + len(more) > _LARGEST_BODY:
                raise ValueError("body size limit exceeded")
            data += more
    return data.decode("utf-8")


def _samples(target: Target, text: str) -> Iterable[tuple[Labels, float, float | None]]:
    """Label set, value and own time (Unix seconds, if any) of each sample, with the target's labels."""
    own = target.own_labels()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            for name, value in own.items():
                if name in labels:
                    if target.honor_labels:
                        continue
                    exported = _EXPORTED + name
                    while exported in labels:
                        exported = _EXPORTED + exported
                    labels[exported] = labels[name]
                labels[name] = value
            labels[NAME] = sample.name
            moment = None if sample.timestamp is None else float(sample.timestamp)
            yield labels_of(labels), float(sample.value), moment
