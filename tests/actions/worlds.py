"""The aurora namespace served by the embedded API, and what an operation needs to work on it.

`world()` stands still: its time passes when a test says so (`pass_time`) or when somebody sleeps by its clock, who
then wakes at once. With `speed` it lives by itself, that many times faster than the wall: for whatever has several
tasks that wait, and for programs of their own (they join it through `profile` or `kubeconfig`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from aurora_tui.actions.operation import Reach
from aurora_tui.clock import Clock
from aurora_tui.drill.kubernetes import Cluster, LoopbackTls, kubeconfig, kubernetes_app, loopback_tls, roles
from aurora_tui.drill.kubernetes.roles import User
from aurora_tui.drill.loopback import Server
from aurora_tui.drill.manifests import CANARY, NAMESPACE, before_canary, canary
from aurora_tui.drill.profile import CONTEXT, profile
from aurora_tui.kube.access import Access
from aurora_tui.kube.access import User as Who
from aurora_tui.kube.connection import Connection
from aurora_tui.settings import Overrides, Settings, load
from tests.drill.clusters import StoppedCluster

DAY = 86400.0
RELEASED = 8 * DAY  # seconds ago: the good version, in all three deployments
CANARY_SINCE = 2 * 3600.0  # seconds ago: the candidate
ADMIN, OPERATOR, VIEWER = "admin", "operator", "viewer"
USERS = {
    ADMIN: roles.admin("ada"),
    OPERATOR: roles.operator("olga", NAMESPACE),
    VIEWER: roles.viewer("vic"),
}
NOBODY = "http://127.0.0.1:9"  # the discard port: no server of ours
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SteppedClock(Clock):
    """A stopped cluster's clock: who sleeps lets the cluster's time pass, for one sleeper at a time."""

    cluster: StoppedCluster = field(kw_only=True)

    def now(self) -> float:
        return self.cluster.moments.moment

    def monotonic(self) -> float:
        return self.cluster.moments.moment

    async def sleep(self, seconds: float) -> None:
        self.cluster.pass_time(max(0.0, seconds))
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the API got it. `path` without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class World:
    """The embedded cluster, a connection to it as the operator, and the reach of a run."""

    cluster: Cluster
    clock: Clock
    server: Server
    connection: Connection
    reach: Reach
    folder: Path
    tls: LoopbackTls
    users: Mapping[str, User]
    asked: list[Asked]  # every request so far
    app: Any = None  # how `start` makes the API anew
    others: list[Connection] = field(default_factory=list)

    @property
    def kubeconfig(self) -> Path:
        """Contexts: `drill` (the operator), and one for each user by name."""
        return self.folder / "kubeconfig"

    @property
    def profile(self) -> Path:
        """A file for `--config` that makes a program join this world."""
        return self.folder / "profile.toml"

    @property
    def settings(self) -> Settings:
        return self.reach.settings

    @property
    def writes(self) -> list[Asked]:
        """What was asked that was to change something."""
        return [
            one
            for one in self.asked
            if one.method not in ("GET", "HEAD") and "dryRun" not in one.query and b'"dryRun"' not in one.body
        ]

    def pass_time(self, seconds: float) -> None:
        """Let so much world time pass (a standing world only)."""
        assert isinstance(self.cluster, StoppedCluster)
        self.cluster.pass_time(seconds)

    def as_user(self, token: str) -> Connection:
        """A connection as another of the users."""
        made = Connection(_access(self.server.url, token, self.tls))
        self.others.append(made)
        return made

    def deployment(self, name: str = CANARY) -> Object:
        """The deployment as it is now: never change it."""
        found = self.cluster.deployment(NAMESPACE, name)
        assert found is not None, f"there is no deployment {name}"
        return found

    async def stop(self) -> None:
        """The API server is gone, until `start`."""
        await self.server.stop()

    async def start(self) -> None:
        """The API server is back, on the same port."""
        await self.server.start(self.app)


@asynccontextmanager
async def world(
    folder: Path,
    *,
    manifests: Sequence[tuple[float, Sequence[Object]]] = (),
    speed: float | None = None,
    user: str = OPERATOR,
    users: Mapping[str, User] = USERS,
    urls: Mapping[str, str] | None = None,
    run: str = "0123456789",
    seed: int = 1,
) -> AsyncIterator[World]:
    """The aurora namespace as the drill begins it, settled: canary at revision 2, stable and standby at 1.

    manifests: what else was applied, and how many seconds ago, oldest first. user: the token that `connection` has.
    urls: of prometheus, alertmanager, bridge, exporter and simulator, where a test serves them.
    """
    cluster, clock = _lived(speed, seed)
    for ago, applied in ((RELEASED, before_canary()), (CANARY_SINCE, canary()), *manifests):
        cluster.apply_manifests(applied, at=clock.now() - ago)
        cluster.settle()
    tls = _tls()
    server = Server("Kubernetes API", tls=tls.context)
    connection = Connection(_access(server.url, user, tls))
    asked: list[Asked] = []
    settings = _settings(folder, clock, server.url, user, users, tls, urls or {})
    reach = Reach(
        settings=settings, connection=connection, namespace=NAMESPACE, folder=folder / "snapshots", run=run, clock=clock
    )
    made = World(
        cluster=cluster,
        clock=clock,
        server=server,
        connection=connection,
        reach=reach,
        folder=folder,
        tls=tls,
        users=users,
        asked=asked,
        app=lambda: _noted(kubernetes_app(cluster, users), asked),
    )
    living = None if speed is None else asyncio.create_task(cluster.run())
    try:
        await made.start()
        yield made
    finally:
        for one in (connection, *made.others):
            await one.close()
        await server.stop()
        cluster.close()
        if living is not None:
            await living


def _lived(speed: float | None, seed: int) -> tuple[Cluster, Clock]:
    if speed is None:
        stopped = StoppedCluster(seed)
        return stopped, SteppedClock(cluster=stopped)
    now = time.time()
    clock = Clock(now, now, speed)
    return Cluster(clock.now, clock.sleep, seed), clock


def _settings(
    folder: Path,
    clock: Clock,
    url: str,
    token: str,
    users: Mapping[str, User],
    tls: LoopbackTls,
    urls: Mapping[str, str],
) -> Settings:
    """Write kubeconfig and profile; the settings that they make, with the world's clock."""
    folder.mkdir(parents=True, exist_ok=True)
    others = {user.name: each for each, user in users.items()}
    (folder / "kubeconfig").write_text(kubeconfig(url, token, NAMESPACE, CONTEXT, tls.ca_pem, others))
    places = dict.fromkeys(("prometheus", "alertmanager", "bridge", "exporter", "simulator"), NOBODY) | dict(urls)
    plain = Clock(clock.real_origin, clock.world_origin, clock.speed)
    text = profile(plain, folder / "remembrancer.db", folder / "kubeconfig", places)
    (folder / "profile.toml").write_text(text)
    loaded = load((folder / "profile.toml",), Overrides())
    return dataclasses.replace(loaded, clock=clock)


def _noted(app: web.Application, asked: list[Asked]) -> web.Application:
    @web.middleware
    async def note(request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.read()
        asked.append(Asked(method=request.method, path=request.path, query=dict(request.query), body=body))
        answer: web.StreamResponse = await handler(request)
        return answer

    app.middlewares.append(note)
    return app


def _access(url: str, token: str, tls: LoopbackTls) -> Access:
    who = Who(name=token, token=token)
    return Access(context=CONTEXT, cluster=CONTEXT, server=url, namespace=NAMESPACE, user=who, ca_data=tls.ca_pem)


@functools.cache
def _tls() -> LoopbackTls:
    return loopback_tls()
