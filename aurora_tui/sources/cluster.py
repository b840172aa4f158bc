"""The cluster as a source: workloads of the environment's namespaces, and until when they are known to be true."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.kube.access import Access
from aurora_tui.kube.backoff import LONGEST, Backoff
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.kubeconfig import load_access
from aurora_tui.kube.pace import Pace
from aurora_tui.kube.questions import may
from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.observation import SourceFailed
from aurora_tui.sources.cluster_identity import Identity
from aurora_tui.sources.cluster_life import PROBE_EVERY
from aurora_tui.sources.cluster_view import NAME, ClusterView
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

SOON = 3.0
_REQUIRED_RIGHTS = (
    *((verb, "apps", resource, "") for resource in ("deployments", "replicasets") for verb in ("list", "watch")),
    *((verb, "", resource, "") for resource in ("pods", "events") for verb in ("list", "watch")),
    ("get", "", "pods", "log"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One thing the console must be allowed, and whether it is."""

    verb: str
    resource: str
    namespace: str
    allowed: bool
    reason: str = ""


class ClusterSource:
    """Reflects deployments, ReplicaSets, pods, events and traffic routes; tells at most five times a second.

    An answer's `at` is the time until which every required reflector is known to be current: /readyz keeps it
    moving only while the watches stand.
    """

    name = NAME

    def __init__(self, settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
        cluster = settings.environment.cluster
        if cluster is None:
            raise UsageError("No cluster is configured", "Name one in the environment's [cluster] table.")
        self._cluster = cluster
        self._clock: Clock = settings.clock
        self._environ = environ
        self._roles = settings.mission.workloads
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._pinned: Access | None = None  # the context first connected to: use-context elsewhere moves no console
        self._identity = Identity()  # the cluster first seen: another one behind the same address is refused
        self.now = self._clock.now  # the time that everything is judged at: the war room's, where there is one

    @property
    def light(self) -> SourceLight:
        """Stale after 15 real seconds without a sign of life."""
        return SourceLight(name=NAME, title="cluster", interval=PROBE_EVERY * self._clock.speed)

    async def authenticate(self) -> None:
        """Read the kubeconfig and run its exec plugin before the screen opens, where its failure can be read.

        AuroraError when there is no credential; a plugin that hangs is cut (credentials.PLUGIN_SECONDS). Nothing is
        opened: `run` may go on in another event loop.
        """
        access = await asyncio.to_thread(self._access)
        connection = Connection(access)
        await connection.authenticate()
        self._connection, self._pinned = connection, access

    async def run(self, tell: Tell) -> None:
        """Connect and watch, again and again, until cancelled. No fault ends it: each is told and tried again."""
        backoff, pace = Backoff(), Pace()
        while True:
            began = time.monotonic()
            longest = LONGEST
            try:
                try:
                    await self._watch(await self._connect(), tell, pace)
                finally:
                    await self.close()
            except UsageError as error:
                # What stands in a file is cheap to read again: who mends it waits for us.
                longest = SOON
                tell(SourceFailed(source=NAME, at=self._clock.now(), error=_in_words(error)))
            except Exception as error:  # noqa: BLE001 - a source outlives every fault: it is told, not hidden
                tell(SourceFailed(source=NAME, at=self._clock.now(), error=_in_words(error)))
            backoff.healthy_for(time.monotonic() - began)
            await asyncio.sleep(min(longest, backoff.next()))

    async def pod_log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        """The last `lines` of a container's log, safe to show; AuroraError when it cannot be read."""
        return await (await self._connect()).pod_log(namespace, pod, container, lines)

    async def close(self) -> None:
        """Cut the connections."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _connect(self) -> Connection:
        async with self._connecting:
            if self._connection is None:
                access = await asyncio.to_thread(self._access)
                connection = Connection(access)
                await connection.prepare()
                self._connection, self._pinned = connection, access
            return self._connection

    def _access(self) -> Access:
        access = load_access(
            kubeconfig=self._cluster.kubeconfig,
            context=self._pinned.context if self._pinned and not self._cluster.in_cluster else self._cluster.context,
            in_cluster=self._cluster.in_cluster,
            environ=self._environ,
        )
        if self._pinned is not None and access.server != self._pinned.server:
            raise UsageError(
                f"context {access.context!r} now points to another cluster ({redact_url(access.server)})",
                "If that is meant, restart the console.",
            )
        return access

    async def _renewed(self) -> Access:
        return await asyncio.to_thread(self._access)

    async def _watch(self, connection: Connection, tell: Tell, pace: Pace) -> None:
        view = ClusterView(
            connection,
            (self._cluster.namespace, *self._cluster.extra_namespaces),
            self._roles,
            self._clock,
            identity=self._identity,
            pace=pace,
            renew=self._renewed,
            now=self.now,
        )
        async with asyncio.TaskGroup() as tasks:
            for reflector in view.reflectors:
                tasks.create_task(reflector.run())
            tasks.create_task(view.look_forever())
            tasks.create_task(view.tell_forever(tell))


def _in_words(error: Exception) -> str:
    """The first of our own errors that `error` is or holds; else the first there is, as one to report."""
    faults = list(_single(error))
    fault = next((one for one in faults if isinstance(one, AuroraError)), faults[0])
    if isinstance(fault, AuroraError):
        return safe(str(fault), 600)
    return f"unexpected {type(fault).__name__} while watching the cluster: {safe(str(fault), 200)}. Please report it."


def _single(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _single(one)
    else:
        yield error


async def read_rights(settings: Settings) -> list[Right]:
    """What the console needs to read, each asked of the API (SelfSubjectAccessReview). Raises AuroraError."""
    source = ClusterSource(settings)
    cluster = settings.environment.cluster
    assert cluster is not None  # or ClusterSource would have refused
    try:
        connection = await source._connect()

        async def ask(namespace: str, verb: str, group: str, resource: str, sub: str) -> Right:
            answer = await may(connection, verb, resource, namespace=namespace, group=group, subresource=sub)
            named = f"{resource}/{sub}" if sub else resource
            return Right(
                verb=verb, resource=named, namespace=namespace, allowed=answer.allowed, reason=safe(answer.reason, 200)
            )

        namespaces = dict.fromkeys((cluster.namespace, *cluster.extra_namespaces))
        return await asyncio.gather(*(ask(name, *right) for name in namespaces for right in _REQUIRED_RIGHTS))
    finally:
        await source.close()
