"""The drill's world: simulator, exporters, monitoring, cluster and bridge, on loopback and on one clock."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

from aurora_tui.clock import Clock, iso
from aurora_tui.drill.alert_post import AlertPost
from aurora_tui.drill.bridge import bridge_app, canary_image
from aurora_tui.drill.cluster_events import Churn, ClusterEvents, Crowd, NodeLoss, NodeReturn, PodTrouble
from aurora_tui.drill.control import control_app
from aurora_tui.drill.disturbance import Disturbances
from aurora_tui.drill.exporter import Exporter, exporter_app
from aurora_tui.drill.hindrances import ApiOutage, Busybody, DenyWrites, ExpireToken, Hindrances, Quota
from aurora_tui.drill.history import history
from aurora_tui.drill.kubernetes import Behaviour, Cluster, kubeconfig, kubernetes_app, loopback_tls, roles
from aurora_tui.drill.kubernetes.auth import Authenticator
from aurora_tui.drill.loopback import Server
from aurora_tui.drill.manifests import CANARY, NAMESPACE, before_canary, canary
from aurora_tui.drill.monitoring import EmbeddedMonitoring, Monitoring
from aurora_tui.drill.network import Network
from aurora_tui.drill.profile import CONTEXT, profile
from aurora_tui.drill.scenario import (
    EXPORTERS,
    CanaryCrash,
    Event,
    ExporterStart,
    ExporterStop,
    RaiseAlert,
    Recover,
    Scenario,
)
from aurora_tui.drill.series import AURORA_JOB, SIMULATOR_JOB, Generation
from aurora_tui.errors import UsageError

FIXED_PORTS = {"exporter": 9109, "simulator": 9110, "bridge": 8080, "prometheus": 9090}
_TOKEN = "drill"
_USERS = {
    _TOKEN: roles.operator("drill-operator", NAMESPACE),
    "drill-admin": roles.admin("drill-admin"),
    "drill-viewer": roles.viewer("drill-viewer"),
}
_JOBS = dict(zip(EXPORTERS, (AURORA_JOB, SIMULATOR_JOB), strict=True))
_LAST_RELEASE = 9 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """How to make a world. directory: where its files go; seed: None takes the scenario's."""

    scenario: Scenario
    directory: Path
    speed: float = 1.0
    generation: Generation = Generation.HISTOGRAMS
    fixed_ports: bool = False
    real_prometheus: bool = False
    seed: int | None = None


class World:
    """A running world; `World.start` makes one."""

    def __init__(self, options: WorldOptions) -> None:
        if not 0.0 < options.speed <= 600.0:
            raise UsageError(f"--speed {options.speed:g} is not possible", "Give a factor above 0 and at most 600.")
        ports = FIXED_PORTS if options.fixed_ports else dict.fromkeys(FIXED_PORTS, 0)
        self.options = options
        self.seed = options.scenario.seed if options.seed is None else options.seed
        self._exporters = {
            AURORA_JOB: Server("aurora exporter", ports["exporter"]),
            SIMULATOR_JOB: Server("simulator exporter", ports["simulator"]),
        }
        self._bridge = Server("bridge", ports["bridge"])
        self._tls = loopback_tls()
        self._kubernetes = Server("Kubernetes API", tls=self._tls.context)
        self._door = Authenticator(_USERS)
        self._control = Server("control endpoint")
        self._monitoring = self._make_monitoring(ports["prometheus"])
        self.clock = Clock()
        self.cluster = Cluster(self._now, self._sleep, self.seed)
        self._cluster_events = ClusterEvents(self.cluster)
        self._hindrances = Hindrances(self.cluster, self._door, self._kubernetes.stop, self._start_api)
        self._disturbances = Disturbances(lambda: canary_image(self.cluster))
        self._network: Network | None = None
        self._post: AlertPost | None = None
        self._tasks: list[asyncio.Future[None]] = []
        self._happened = 0

    def _make_monitoring(self, port: int) -> Monitoring:
        options = self.options
        if not options.real_prometheus:
            return EmbeddedMonitoring(self._exporters, options.generation, port, self.seed)
        from aurora_tui.drill.real import RealMonitoring

        return RealMonitoring(self._exporters, options.generation, port, options.directory, options.speed)

    def _now(self) -> float:
        return self.clock.now()

    async def _sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    @property
    def urls(self) -> dict[str, str]:
        """Every address of the world, without a trailing slash."""
        return {
            **self._monitoring.urls,
            "kubernetes": self._kubernetes.url,
            "bridge": self._bridge.url,
            "exporter": self._exporters[AURORA_JOB].url,
            "simulator": self._exporters[SIMULATOR_JOB].url,
            "control": self._control.url,
        }

    @property
    def ledger(self) -> Path:
        return self.options.directory / "remembrancer.db"

    @property
    def phase_started_at(self) -> float:
        """When the scenario's phase began, Unix seconds."""
        return self.clock.world_origin - self.options.scenario.phase.elapsed

    @classmethod
    async def start(cls, options: WorldOptions) -> World:
        """Make a world and let it live. UsageError for impossible options; nothing stays behind when it fails."""
        world = cls(options)
        try:
            await world._begin()
        except BaseException:
            await world.close()
            raise
        return world

    async def _begin(self) -> None:
        past = history(time.time(), self.seed)
        self._monitoring.load(past, {job: server.address for job, server in self._exporters.items()})
        origin = time.time()
        self.clock = Clock(origin, origin, self.options.speed)
        self._build_cluster(origin)
        self._network = Network(past, self._disturbances.effects)
        for job in self._exporters:
            await self._start_exporter(job)
        await self._bridge.start(lambda: bridge_app(self.cluster))
        await self._start_api()
        await self._control.start(lambda: control_app(self.apply, self.state))
        living: list[Awaitable[None]] = [*await self._monitoring.start(self.clock), self.cluster.run(), self._play()]
        self._post = AlertPost(self.urls["alertmanager"], self.clock.now)
        self._tasks = [asyncio.ensure_future(each) for each in living]
        self._write_files()

    def _build_cluster(self, now: float) -> None:
        """Revision 1 of some days ago, and the canary since its phase began."""
        self.cluster.apply_manifests(before_canary(), at=now - _LAST_RELEASE)
        self.cluster.settle()
        self.cluster.apply_manifests(canary(), at=self.phase_started_at)
        self.cluster.settle()

    def _write_files(self) -> None:
        directory = self.options.directory
        others = {user.name: token for token, user in _USERS.items() if token != _TOKEN}
        text = kubeconfig(self._kubernetes.url, _TOKEN, NAMESPACE, CONTEXT, self._tls.ca_pem, others)
        self.kubeconfig.write_text(text, encoding="utf-8")
        settings = profile(self.clock, self.ledger, self.kubeconfig, self.urls)
        (directory / "profile.toml").write_text(settings, encoding="utf-8")

    @property
    def kubeconfig(self) -> Path:
        return self.options.directory / "kubeconfig"

    def ready(self) -> dict[str, object]:
        """What the ready line says."""
        return {
            "urls": self.urls,
            "kubeconfig": str(self.kubeconfig),
            "profile": str(self.options.directory / "profile.toml"),
            "ledger": str(self.ledger),
            "pid": os.getpid(),
            "scenario": self.options.scenario.name,
            "speed": self.options.speed,
            "phase": {"id": self.options.scenario.phase.id, "started_at": iso(self.phase_started_at)},
        }

    async def _start_exporter(self, job: str) -> None:
        network = self._network
        assert network is not None
        exporter = Exporter(job, self.options.generation, lambda: network.look(self.clock.now()))
        await self._exporters[job].start(lambda: exporter_app(exporter))

    async def _start_api(self) -> None:
        await self._kubernetes.start(lambda: kubernetes_app(self.cluster, self._door))

    async def _play(self) -> None:
        """The scenario's events, each at its moment."""
        for event in self.options.scenario.event:
            while (left := self.clock.world_origin + event.at - self.clock.now()) > 0:
                await self.clock.sleep(left)
            try:
                await self.apply(event)
            except UsageError as error:  # somebody has deleted what it is about: the drill goes on
                print(f"The scenario's {event.__struct_config__.tag} could not happen: {error}", file=sys.stderr)

    async def apply(self, event: Event) -> None:
        """Let an event happen now."""
        match event:
            case CanaryCrash():
                self._crash_canary(event.pods)
            case ExporterStop():
                await self._exporters[_JOBS[event.exporter]].stop()
            case ExporterStart():
                await self._start_exporter(_JOBS[event.exporter])
            case RaiseAlert():
                assert self._post is not None
                await self._post.raise_alert(event)
            case Recover():
                self._cluster_events.recover()
                await self._hindrances.recover()
                self._disturbances.clear()
                for job in self._exporters:
                    await self._start_exporter(job)
            case NodeLoss() | NodeReturn() | PodTrouble() | Crowd() | Churn():
                self._cluster_events.apply(event)
            case DenyWrites() | Quota() | Busybody() | ApiOutage() | ExpireToken():
                await self._hindrances.apply(event)
            case _:
                self._disturbances.add(event)
        self._happened += 1

    def _crash_canary(self, pods: int) -> None:
        image = canary_image(self.cluster)
        crash = Behaviour.crash_loop(exit_code=1, after=6.0, says=("panic: routing table: index out of range",))
        for place in range(pods):
            self.cluster.behave(NAMESPACE, CANARY, crash, image=image, nth=place)

    def state(self) -> dict[str, object]:
        """How the world is, for the control endpoint."""
        assert self._network is not None
        now = self.clock.now()
        treaty = self._network.look(now).state.treaty
        return {
            "now": iso(now),
            "elapsed": now - self.clock.world_origin,
            "speed": self.options.speed,
            "scenario": self.options.scenario.name,
            "events": self._happened,
            "in_force": [*self._disturbances.names(), *self._cluster_events.names(), *self._hindrances.names()],
            "exporters": {name: self._exporters[job].listening for name, job in _JOBS.items()},
            "canary_image": canary_image(self.cluster),
            "treaty": {"fill": treaty.fill, "rtt_ms": treaty.rtt, "provenance": treaty.provenance},
        }

    async def run(self) -> None:
        """Live until cancelled; an error of any part of the world ends it."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """End everything."""
        self.cluster.close()
        self._cluster_events.stop()
        self._hindrances.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._post is not None:
            await self._post.close()
        await self._monitoring.close()
        for server in (*self._exporters.values(), self._bridge, self._kubernetes, self._control):
            await server.stop()
