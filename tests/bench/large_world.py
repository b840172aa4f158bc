"""A world of the size that the console must bear, as a process of its own: `python -m tests.bench.large_world`.

It is a drill's world (`aurora-tui drill --serve`: same ready line, same control endpoint), with a crowd of pods in it,
with treaties beside the one in focus, and with alerts that go on firing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from aurora_tui.clock import iso_micro
from aurora_tui.commands import drill_world
from aurora_tui.commands.drill_world import Served
from aurora_tui.drill.history import History, history
from aurora_tui.drill.kubernetes import crowd
from aurora_tui.drill.monitoring import EmbeddedMonitoring
from aurora_tui.drill.prometheus import Storage
from aurora_tui.drill.series import AURORA_JOB, Generation
from aurora_tui.drill.simulator import TICK
from aurora_tui.drill.world import World

PODS, DEPLOYMENTS, ALERTS, TREATIES = 5000, 40, 1000, 200
_HISTORY = 480  # samples of each treaty beside the one in focus: two hours
_TREATY_SERIES = ("treaty_", "policy_")
# name, severity, label that tells one from another, how many of a thousand
_ALERTS = (
    ("TreatyRTTHigh", "SEV2", "treaty_id", 4),
    ("PodCrashLooping", "warning", "pod", 420),
    ("PodNotReady", "warning", "pod", 260),
    ("ProviderCapacityLow", "warning", "provider", 6),
    ("TreatyFillRateLow", "warning", "treaty_id", 150),
    ("NodeMemoryPressure", "warning", "node", 20),
    ("CertificateExpiresSoon", "info", "instance", 140),
)


def alerts(count: int, now: float) -> Iterator[dict[str, Any]]:
    """`count` alerts of a few names that have fired for different times, as POST /api/v2/alerts takes them."""
    scale = count / sum(share for *_, share in _ALERTS)
    made = 0
    for name, severity, label, share in _ALERTS:
        last = (name, severity, label, share) == _ALERTS[-1]
        for number in range(count - made if last else round(share * scale)):
            yield {
                "labels": {"alertname": name, "severity": severity, label: f"{label.removesuffix('_id')}-{number:03d}"},
                "annotations": {"summary": f"{name} of {label} {number}"},
                "startsAt": iso_micro(now - 60.0 - 37.0 * (made % 200)),
                "endsAt": iso_micro(now + 6 * 3600.0),
                "generatorURL": "http://127.0.0.1/graph",
            }
            made += 1


class Treaties:
    """Copies of the focused treaty's series under other names, which live on with the world's clock."""

    def __init__(self, storage: Storage, past: History, instances: Mapping[str, str], count: int) -> None:
        self._storage = storage
        self._living: list[tuple[dict[str, str], float, float]] = []
        times = past.times[-_HISTORY:]
        for labels, values in past.series(Generation.HISTOGRAMS, instances):
            if labels.get("job") != AURORA_JOB or not labels["__name__"].startswith(_TREATY_SERIES):
                continue
            column: array[float] = values[-_HISTORY:]
            grows = not labels["__name__"].endswith("coverage")
            step = (column[-1] - column[0]) / (len(column) - 1) if grows else 0.0
            for number in range(count):
                named = {**labels, "treaty_id": f"TREATY-{number:03d}"}
                storage.extend(named, times, column)
                self._living.append((named, column[-1], step))

    async def live(self, world: World) -> None:
        """A sample of every series each scrape interval."""
        began = world.clock.now()
        while True:
            now = world.clock.now()
            ticks = (now - began) / TICK
            for labels, value, step in self._living:
                self._storage.append(labels, now, value + step * ticks)
            await world.clock.sleep(TICK)


class LargeWorld(World):
    """A world in which much goes on."""

    size: argparse.Namespace

    def _build_cluster(self, now: float) -> None:
        super()._build_cluster(now)
        crowd.seed(self.cluster, pods=self.size.pods, deployments=self.size.deployments)

    async def _begin(self) -> None:
        await super()._begin()
        monitoring = self._monitoring
        assert isinstance(monitoring, EmbeddedMonitoring)
        past = history(self.clock.world_origin, self.seed)
        instances = {job: server.address for job, server in self._exporters.items()}
        treaties = Treaties(monitoring._storage, past, instances, self.size.treaties - 1)
        self._tasks.append(asyncio.ensure_future(treaties.live(self)))
        async with aiohttp.ClientSession() as session:
            body = list(alerts(self.size.alerts, self.clock.now()))
            async with session.post(self.urls["alertmanager"] + "/api/v2/alerts", json=body) as answer:
                assert answer.status == 200, await answer.text()


def main() -> int:
    """Serve until interrupted; the first line printed is the ready line."""
    parser = argparse.ArgumentParser(prog="tests.bench.large_world", description=__doc__)
    parser.add_argument("--pods", type=int, default=PODS)
    parser.add_argument("--deployments", type=int, default=DEPLOYMENTS)
    parser.add_argument("--alerts", type=int, default=ALERTS)
    parser.add_argument("--treaties", type=int, default=TREATIES)
    LargeWorld.size = parser.parse_args()
    vars(drill_world)["World"] = LargeWorld  # served as a drill's world is, ready line, ledger and all
    return drill_world.run(
        Served(
            scenario="calm", speed=1.0, exporter="histograms", fixed_ports=False, real_prometheus=False, seed=None,
            directory=None, end_with_stdin=False,
        )
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
