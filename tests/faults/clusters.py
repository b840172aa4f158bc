"""A cluster source before a fault-making proxy before a programmable API server: what it told, asked and held open."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aurora_tui.clock import WALL
from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import STALE_AFTER_INTERVALS, LightState, SourceLight
from aurora_tui.situation.mission import ClusterSource as ClusterTable
from aurora_tui.situation.mission import Environment, Mission, MissionIdentity, WorkloadRoles
from aurora_tui.situation.observation import ClusterObserved, Observation, SourceFailed
from aurora_tui.situation.picture import Frame, Picture, assess, observe
from aurora_tui.situation.verdict import Word
from aurora_tui.sources.cluster import ClusterSource
from tests.faults.http1 import Request
from tests.faults.proxy import Fault, FaultProxy, fault_proxy
from tests.kube.api_server import ApiServer, pod

PODS = "/api/v1/namespaces/prod/pods"
EVENTS = "/api/v1/namespaces/prod/events"
DEPLOYMENTS = "/apis/apps/v1/namespaces/prod/deployments"
REPLICASETS = "/apis/apps/v1/namespaces/prod/replicasets"
STALE_AFTER = STALE_AFTER_INTERVALS * 5.0
_TICK = 0.02


class Attention:
    """Seconds during which this machine attended to us: pauses of the event loop count for next to nothing.

    What must be so "within 5 s" is so, or not, on an idle machine; a busy one only makes it harder to see.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.longest_pause = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_TICK)
            now = loop.time()
            self.seconds += min(now - last, 1.5 * _TICK)
            self.longest_pause = max(self.longest_pause, now - last - _TICK)
            last = now

    async def until(self, condition: Callable[[], object], seconds: float) -> float | None:
        """The seconds it took until `condition()` was true; None when they were more than allowed."""
        began = self.seconds
        while not condition():
            if self.seconds - began > seconds:
                return None
            await asyncio.sleep(0.02)
        return self.seconds - began

    async def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass."""
        await self.until(lambda: False, seconds)


def lists(request: Request) -> bool:
    """Whether a list of objects is asked for."""
    return not request.watches and request.path.count("/") > 4 and "/namespaces/" in request.path


def watches(request: Request) -> bool:
    """Whether changes are waited for."""
    return request.watches


def of(*plurals: str) -> Callable[[Request], bool]:
    """Whether it is about one of these resources."""
    return lambda request: request.path.rpartition("/")[2] in plurals


def deployment(name: str, version: str = "1") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "prod", "uid": f"d-{name}-{version}", "generation": 1},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                   "availableReplicas": 1},
    }  # fmt: skip


def settings(folder: Path, url: str, authority: Path | None = None, user: dict[str, Any] | None = None) -> Settings:
    """A mission of one cluster and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = {"server": url} | ({"certificate-authority": str(authority)} if authority else {})
    config = {
        "current-context": "eu/prod",
        "contexts": [{"name": "eu/prod", "context": {"cluster": "k", "user": "me"}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "me", "user": user or {"token": "t"}}],
    }
    (folder / "config").write_text(json.dumps(config))
    environment = Environment(cluster=ClusterTable(namespace="prod", kubeconfig=str(folder / "config")))
    mission = Mission(
        mission=MissionIdentity(name="A", release="1", treaty="T"),
        slo=(),
        criterion=(),
        phase=(),
        environments={"test": environment},
        workloads=WorkloadRoles(canary="bridge", stable="bridge-v0"),
    )
    return Settings(
        mission=mission,
        environment_name="test",
        environment=environment,
        files=(),
        ledger=folder / "ledger",
        theme="aurora-dark",
        read_only=False,
        clock=WALL,
    )


class Screen:
    """What the console would show of what the source told."""

    def __init__(self, made: Settings, light: SourceLight) -> None:
        self._frame = Frame(
            mission=made.mission,
            environment_name="test",
            environment=made.environment,
            treaty="T",
            read_only=False,
        )
        self.picture = Picture(lights=(light,))
        self.seen: list[ClusterObserved] = []
        self.failed: list[SourceFailed] = []
        self.last: Observation | None = None

    def tell(self, observation: Observation) -> None:
        self.picture = observe(self.picture, observation, self._frame.mission)
        self.last = observation
        if isinstance(observation, ClusterObserved):
            self.seen.append(observation)
        elif isinstance(observation, SourceFailed):
            self.failed.append(observation)

    @property
    def light(self) -> SourceLight:
        return self.picture.lights[0]

    @property
    def state(self) -> LightState:
        return self.light.state(WALL.now())

    @property
    def word(self) -> Word:
        return assess(self.picture, self._frame, WALL.now()).verdict.word

    @property
    def pods(self) -> dict[str, str]:
        """Names by uid."""
        return {row.uid: row.name for row in self.seen[-1].workloads.pods} if self.seen else {}

    @property
    def deployments(self) -> set[str]:
        return {row.uid for row in self.seen[-1].workloads.deployments} if self.seen else set()


@dataclass
class Bench:
    """One case: a server, the proxy before it, the source, the screen."""

    server: ApiServer
    proxy: FaultProxy
    source: ClusterSource
    screen: Screen
    folder: Path
    attention: Attention
    task: asyncio.Task[None] = field(init=False)
    kept: dict[str, Any] = field(default_factory=dict)  # what the server had before it moved away

    def shows_the_truth(self) -> bool:
        """Whether the screen shows what the server has."""
        pods = {uid: item["metadata"]["name"] for uid, item in self.server.objects[PODS].items()}
        return self.screen.pods == pods and self.screen.deployments == set(self.server.objects[DEPLOYMENTS])

    def is_well(self, since: float) -> bool:
        """Live, without an error, and true as of some moment after `since`."""
        light = self.screen.light
        return (
            self.screen.state is LightState.LIVE
            and light.error is None
            and (light.observed_at or 0.0) >= since
            and self.shows_the_truth()
        )

    def forget(self) -> None:
        """Compaction: no watch goes on from where it was, all must list."""
        self.server.version += 10
        self.server.compacted = self.server.version
        self.server.cut()

    async def change_everything(self) -> None:
        """The truth becomes another one: pods go, come, and come again with another uid; deployments too."""
        for path, make in ((PODS, lambda: pod("p-new", f"uid-new-{self.server.version}")),
                           (DEPLOYMENTS, lambda: deployment("bridge", str(self.server.version)))):  # fmt: skip
            for uid in list(self.server.objects[path]):
                await self.server.delete(path, uid)
            await self.server.put(path, make())
        await self.server.put(PODS, pod("p0", f"uid-again-{self.server.version}"))


@asynccontextmanager
async def bench(
    folder: Path,
    attention: Attention,
    *,
    tls: ssl.SSLContext | None = None,
    authority: Path | None = None,
    user: dict[str, Any] | None = None,
    host: str = "127.0.0.1",
    prepare: Callable[[ApiServer, FaultProxy], Awaitable[None]] | None = None,
) -> AsyncIterator[Bench]:
    """A running case; the source is cancelled at its end."""
    async with ApiServer() as server:
        await server.put(DEPLOYMENTS, deployment("bridge"))
        for number in range(3):
            await server.put(PODS, pod(f"p{number}"))
        async with fault_proxy(server.url, tls) as proxy:
            if prepare is not None:
                await prepare(server, proxy)
            made = settings(folder, proxy.url.replace("127.0.0.1", host), authority, user)
            source = ClusterSource(made)
            made_bench = Bench(server, proxy, source, Screen(made, source.light), folder, attention)
            made_bench.task = asyncio.create_task(source.run(made_bench.screen.tell))
            try:
                yield made_bench
            finally:
                made_bench.task.cancel()
                await asyncio.gather(made_bench.task, return_exceptions=True)
                await source.close()


NO_FAULT = Fault()
