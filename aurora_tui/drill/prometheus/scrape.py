"""Scrape loops: every target over HTTP at aligned moments of world time, as Prometheus would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aurora_tui.drill.prometheus.storage import Storage


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint. `labels` are added to every series; `instance` defaults to host:port of `url`."""

    job: str
    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    honor_labels: bool = False
    instance: str = ""


class Scraper:
    """`await run()` scrapes until cancelled; `await scrape_once(at)` does one round for tests and history's end."""

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

    async def run(self) -> None:
        raise NotImplementedError

    async def scrape_once(self, at: float) -> None:
        raise NotImplementedError
