"""The embedded Prometheus and Alertmanager of a world: history, scrapes, rules, and alerts over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Protocol

from aurora_tui.bundled import bundled_dir
from aurora_tui.clock import Clock
from aurora_tui.drill.alert_post import AlertPost
from aurora_tui.drill.alertmanager import Alerts, Silences, alertmanager_app, shipped
from aurora_tui.drill.history import History
from aurora_tui.drill.loopback import Server, check_loopback
from aurora_tui.drill.prometheus import RuleEngine, Scraper, Storage, Target, prometheus_app
from aurora_tui.drill.prometheus.rule_file import read_rules
from aurora_tui.drill.series import AURORA_JOB, SIMULATOR_JOB, Generation
from aurora_tui.drill.simulator import TICK


class Monitoring(Protocol):
    """What watches the exporters: embedded or real."""

    @property
    def urls(self) -> Mapping[str, str]:
        """Of "prometheus" and "alertmanager"."""
        ...

    def load(self, history: History, instances: Mapping[str, str]) -> None:
        """Take in what was scraped before the world began. instances: host:port by job."""
        ...

    async def start(self, clock: Clock) -> list[Awaitable[None]]:
        """Serve; what it returns must run as long as the world lives."""
        ...

    async def close(self) -> None:
        """End it, and whatever it started."""
        ...


def rules_folder() -> Path:
    """The rule files that production uses; drills use the very same, on both generations of exporters."""
    return bundled_dir("ops/prometheus/rules")


def targets(exporters: Mapping[str, Server]) -> list[Target]:
    """What ops/prometheus/prometheus.yml scrapes. honor_labels, since the exporters label their treaty themselves.

    exporters: by job.
    """
    return [
        Target(
            AURORA_JOB, f"{exporters[AURORA_JOB].url}/metrics", {"treaty_id": "AURORA-AKASH-001"}, honor_labels=True
        ),
        Target(SIMULATOR_JOB, f"{exporters[SIMULATOR_JOB].url}/metrics", {"component": "simulator"}, honor_labels=True),
    ]


class EmbeddedMonitoring:
    """The default: both servers inside the world's process, on its clock."""

    def __init__(self, exporters: Mapping[str, Server], generation: Generation, port: int, seed: int) -> None:
        """port: of Prometheus; 0 is any free one. UsageError when it is taken."""
        self._targets = targets(exporters)
        self._generation = generation
        self._seed = seed
        self._storage = Storage()
        self._prometheus = Server("Prometheus", port)
        self._alertmanager = Server("Alertmanager")
        self._post: AlertPost | None = None

    @property
    def urls(self) -> Mapping[str, str]:
        return {"prometheus": self._prometheus.url, "alertmanager": self._alertmanager.url}

    def load(self, history: History, instances: Mapping[str, str]) -> None:
        """Fill the storage with what was scraped before the world began."""
        for labels, values in history.series(self._generation, instances):
            self._storage.extend(labels, history.times, values)

    async def start(self, clock: Clock) -> list[Awaitable[None]]:
        for target in self._targets:
            check_loopback(target.url)
        alerts = Alerts(shipped(), Silences(clock.now, self._seed), clock.now)
        self._post = AlertPost(self._alertmanager.url, clock.now)
        scraper = Scraper(self._storage, self._targets, TICK, clock.now, clock.sleep)
        rules = RuleEngine(self._storage, read_rules(rules_folder()), TICK, clock.now, clock.sleep, self._post.notify)
        await self._alertmanager.start(lambda: alertmanager_app(alerts, clock.now))
        await self._prometheus.start(lambda: prometheus_app(self._storage, clock.now, rules, scraper))
        return [scraper.run(), rules.run()]

    async def close(self) -> None:
        if self._post is not None:
            await self._post.close()
        await self._prometheus.stop()
        await self._alertmanager.stop()
