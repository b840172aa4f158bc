"""What one connection shows of a cluster: its reflectors, its signs of life, and what is told of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import msgspec

from aurora_tui.clock import WALL, Clock
from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import ApiAnswer, Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.objects import Deployment, Event, HttpRoute, Object, Pod, ReplicaSet, TrafficSplit
from aurora_tui.kube.questions import namespace_phase, probe, server_version, whoami
from aurora_tui.kube.reflector import Reflector, Resource
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.observation import ClusterObserved, SourceFailed
from aurora_tui.situation.workload import WorkloadsObserved
from aurora_tui.sources.projection import Projection, Seen
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

NAME = "cluster"
PROBE_EVERY = 5.0  # real seconds, as are all below: networks do not run faster in a drill
BETWEEN_TELLS = 0.2
LOOK_EVERY = 1.0
OPTIONAL_SECONDS = 2.0
NAMESPACE_EVERY = 6  # probes

DEPLOYMENTS = Resource("deployments", ("apis/apps/v1",), Deployment)
REPLICASETS = Resource("replicasets", ("apis/apps/v1",), ReplicaSet)
PODS = Resource("pods", ("api/v1",), Pod)
EVENTS = Resource("events", ("api/v1",), Event, field_selector="type=Warning")
ROUTES = Resource(
    "httproutes",
    ("apis/gateway.networking.k8s.io/v1", "apis/gateway.networking.k8s.io/v1beta1"),
    HttpRoute,
    optional=True,
)
SPLITS = Resource(
    "trafficsplits",
    tuple(f"apis/split.smi-spec.io/{version}" for version in ("v1alpha2", "v1alpha4", "v1alpha3", "v1alpha1")),
    TrafficSplit,
    optional=True,
)
RESOURCES: tuple[Resource[Any], ...] = (DEPLOYMENTS, REPLICASETS, PODS, EVENTS, ROUTES, SPLITS)


class ClusterView:
    """One connection's reflectors, its signs of life, and what is told of both."""

    def __init__(self, connection: Connection, namespaces: Sequence[str], roles: WorkloadRoles, clock: Clock) -> None:
        self._connection, self._namespace, self._clock = connection, namespaces[0], clock
        self._wake = asyncio.Event()
        self._dirty = True
        self._began = time.monotonic()
        relisting = asyncio.Lock()
        self.reflectors: list[Reflector[Any]] = [
            Reflector(connection, resource, name, changed=self._changed, told=self._wake.set, relisting=relisting)
            for name in dict.fromkeys(namespaces)
            for resource in RESOURCES
        ]
        self._projection = Projection(roles, namespaces[0])
        self._workloads = WorkloadsObserved()
        self._alive: float | None = None  # monotonic, when the last good probe was sent
        self._probe: ApiAnswer | None = None
        self._probe_failure: AuroraError | None = None
        self._version: str | None = None
        self._identity: str | None = None
        self._phase: str | None = "Active"
        self._told: tuple[object, ...] = ()
        self._failing: tuple[str, float] | None = None

    # Signs of life

    async def probe_forever(self) -> NoReturn:
        """A probe every five seconds. A 401 ends the connection: credentials are read anew."""
        count = 0
        while True:
            sent = time.monotonic()
            try:
                self._probe = await probe(self._connection, self._namespace)
                self._alive, self._probe_failure = sent, None
                await self._introduce(count)
            except AuroraError as error:
                if isinstance(error, ApiError) and error.status == 401:
                    raise
                self._probe_failure = error
            count += 1
            self._wake.set()
            await asyncio.sleep(max(0.5, PROBE_EVERY - (time.monotonic() - sent)))

    async def _introduce(self, count: int) -> None:
        """Whether the namespace is there, who they are, and who we are. What may not be asked stays unknown."""
        if count % NAMESPACE_EVERY == 0:
            with _unless_refused():
                self._phase = await namespace_phase(self._connection, self._namespace)
                # So that a namespace that is not there is known as early as what is in it.
                self._wake.set()
        if self._version is None:
            with _unless_refused():
                self._version = await server_version(self._connection)
        if self._identity is None:
            with _unless_refused():
                self._identity = await whoami(self._connection) or self._connection.access.user.name

    # Telling

    def _changed(self, uids: frozenset[str]) -> None:
        self._dirty = True
        self._wake.set()

    async def tell_forever(self, tell: Tell) -> NoReturn:
        """Tell what changed, never more often than every 200 ms."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass  # a watch that has come to stand, or grown too quiet, says nothing by itself
            self._wake.clear()
            if self._dirty:
                await self._projection.judge_ahead(self._seen())
            self._tell(tell)
            await asyncio.sleep(BETWEEN_TELLS)

    def _tell(self, tell: Tell) -> None:
        required = [one for one in self.reflectors if not one.resource.optional]
        failures = [one.failure for one in self.reflectors if one.failure is not None and not one.resource.optional]
        words = "; ".join(dict.fromkeys(safe(str(error), 300) for error in (self._probe_failure, *failures) if error))
        now = self._clock.now()
        if not words:
            self._failing = None
        elif self._failing is None:
            self._failing = ("", now)
        # What is optional holds nothing up for long: without it, traffic is told by replicas.
        waited = time.monotonic() - self._began > OPTIONAL_SECONDS
        settled = all(one.listed or waited for one in self.reflectors if one not in required)
        observed = False
        if settled and all(one.listed for one in required):
            observed = self._tell_observed(tell, required)
        if self._failing is not None and (observed or self._failing[0] != words):
            # Also after an answer, which by itself would put the failure out of the light.
            self._failing = (words, self._failing[1])
            tell(SourceFailed(source=NAME, at=self._failing[1], error=words))

    def _tell_observed(self, tell: Tell, required: list[Reflector[Any]]) -> bool:
        until = min(cast(float, one.current_until(self._alive)) for one in required)
        notes = tuple(self._notes())
        told = (until, notes, self._probe, self._failing is None)
        if not self._dirty and told == self._told:
            return False
        if self._dirty:
            self._dirty = False
            self._workloads = self._projection.project(self._seen())
        self._told = told
        access = self._connection.access
        tell(
            ClusterObserved(
                source=NAME,
                at=self._clock.now() - (time.monotonic() - until) * self._clock.speed,
                latency=self._probe.latency if self._probe else None,
                version=self._version,
                skew=self._skew(),
                notes=notes,
                workloads=msgspec.structs.replace(
                    self._workloads,
                    cluster=safe(access.context, 120),
                    server=safe(redact_url(access.server), 200),
                    identity=safe(self._identity, 120) if self._identity else None,
                    namespace_missing=self._phase is None,
                    namespace_terminating=self._phase == "Terminating",
                ),
            )
        )
        return True

    def _seen(self) -> Seen:
        def held(resource: Resource[Any]) -> list[Object]:
            return [item for one in self.reflectors if one.resource is resource for item in one.store]

        return Seen(
            deployments=cast(list[Deployment], held(DEPLOYMENTS)),
            replicasets=cast(list[ReplicaSet], held(REPLICASETS)),
            pods=cast(list[Pod], held(PODS)),
            events=cast(list[Event], held(EVENTS)),
            routes=cast(list[HttpRoute], held(ROUTES)),
            splits=cast(list[TrafficSplit], held(SPLITS)),
        )

    def _notes(self) -> Iterable[str]:
        if self._phase is None:
            yield f"namespace {self._namespace} does not exist in this cluster"
        elif self._phase == "Terminating":
            yield f"namespace {self._namespace} is being deleted (Terminating)"
        for one in self.reflectors:
            if one.note is not None:
                yield one.note
            if one.resource.optional and one.failure is not None:
                yield safe(f"{one.resource.plural} may be old: {one.failure}", 300)

    def _skew(self) -> float | None:
        """The server's clock minus ours, from the Date header (whole seconds)."""
        answer = self._probe
        if answer is None or answer.date is None:
            return None
        skew = answer.date - (answer.received_at - answer.latency / 2)
        if self._clock != WALL:
            # A drill's server may tell the wall's time or the drill's; ours is whichever of the two it means.
            ago = time.time() - answer.received_at + answer.latency / 2
            return min(skew, answer.date - (self._clock.now() - ago * self._clock.speed), key=abs)
        return skew


@contextmanager
def _unless_refused() -> Iterator[None]:
    """Lets pass that we may not ask, or that there is nothing to ask."""
    try:
        yield
    except ApiError as error:
        if error.status not in (403, 404):
            raise
