"""Scrape loops: every target over HTTP at aligned moments of world time, as Prometheus does it."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from aurora_tui.drill.prometheus.labels import NAME, Labels, labels_of
from aurora_tui.drill.prometheus.storage import STALE, Storage

_TIME_LIMIT = 10.0
_LARGEST_BODY = 64 * 1024 * 1024
_EXPORTED = "exported_"
_Sample = tuple[Labels, float, float | None]


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
    """What the last scrape of a target came to: `health` is up, down or unknown; times in Unix seconds.

    `series` is what a scrape without them would end; `known` is what is not new; `metadata` is type, help and unit
    by metric.
    """

    health: str = "unknown"
    error: str = ""
    scraped_at: float = 0.0
    took: float = 0.0
    series: frozenset[Labels] = frozenset()
    known: frozenset[Labels] = frozenset()
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

    @property
    def timeout(self) -> float:
        """Seconds of real time that a scrape may take."""
        return min(_TIME_LIMIT, self.interval)

    async def run(self) -> None:
        async with self._session() as session:
            while True:
                await self._round(session, await aligned(self.interval, self.now, self.sleep))

    async def scrape_once(self, at: float, index: int | None = None) -> None:
        """Of all targets, or of `targets[index]` alone."""
        async with self._session() as session:
            if index is None:
                await self._round(session, at)
            else:
                await self._scrape(session, index, at)

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
        samples: list[_Sample] = []
        error = text = ""
        try:
            text = await _body(session, target.url)
            families = list(text_string_to_metric_families(text))
            samples = list(_samples(target, families))
            state.metadata = {**state.metadata, **_metadata(families)}
        except TimeoutError:
            error = f'Get "{target.url}": context deadline exceeded'
        except aiohttp.ClientConnectorError as failure:
            reason = os.strerror(failure.os_error.errno or 0).lower()
            error = f'Get "{target.url}": dial tcp {failure.host}:{failure.port}: connect: {reason}'
        except (aiohttp.ClientError, ValueError) as failure:
            error = str(failure) or type(failure).__name__
        took = time.monotonic() - began
        if text and error:
            samples = list(_samples(target, _before_the_error(text)))
            current = frozenset(labels for labels, _, _ in samples)
            self._end(state, at, state.series - current)
        else:
            current = self._store(state, at, samples)
        own = target.own_labels()
        for name, value in (
            ("up", 0.0 if error else 1.0),
            ("scrape_duration_seconds", took),
            ("scrape_samples_scraped", float(len(samples))),
            ("scrape_samples_post_metric_relabeling", float(len(samples))),
            ("scrape_series_added", float(len(current - state.known))),
        ):
            self.storage.append({NAME: name, **own}, at, value)
        if text and not error:
            state.known = current
        state.health, state.error, state.scraped_at, state.took = ("down" if error else "up"), error, at, took

    def _store(self, state: TargetState, at: float, samples: list[_Sample]) -> frozenset[Labels]:
        """Appends what was scraped; what was there the last time and is not now, ends. The series of this scrape."""
        current = set()
        for labels, value, moment in samples:
            self.storage.append(labels, at if moment is None else moment, value)
            if moment is None:
                current.add(labels)
        self._end(state, at, state.series - current)
        state.series = frozenset(current)
        return frozenset(labels for labels, _, _ in samples)

    def _end(self, state: TargetState, at: float, gone: frozenset[Labels]) -> None:
        for labels in gone:
            self.storage.append(labels, at, STALE)
        state.series -= gone


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


def _before_the_error(text: str) -> list[Metric]:
    """What can be read of a body up to its first bad line.

    None of its samples are kept, but the real server has counted them, and takes their series for still there.
    """
    read: list[Metric] = []
    for line in text.splitlines():
        try:
            read += text_string_to_metric_families(f"{line}\n")
        except ValueError:
            break
    return read


def _metadata(families: Iterable[Metric]) -> dict[str, Mapping[str, str]]:
    """Type, help and unit by metric, as /api/v1/metadata has them. What says nothing of itself is left out."""
    found: dict[str, Mapping[str, str]] = {}
    for family in families:
        if family.type == "unknown" and not family.documentation:
            continue
        counted = family.type == "counter" and any(sample.name.endswith("_total") for sample in family.samples)
        name = f"{family.name}_total" if counted else family.name  # the parser takes it away
        found[name] = {"type": family.type, "help": family.documentation, "unit": family.unit}
    return found


def _samples(target: Target, families: Iterable[Metric]) -> Iterable[_Sample]:
    """Label set, value and own time (Unix seconds, if any) of each sample, with the target's labels."""
    own = target.own_labels()
    for family in families:
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
