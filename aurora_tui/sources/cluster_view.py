"""What one connection shows of a cluster: its reflectors, its signs of life, and what is told of both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NoReturn, cast

import msgspec

from aurora_tui.clock import WALL, Clock
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.listing import Resource
from aurora_tui.kube.objects import Deployment, Event, HttpRoute, Object, Pod, ReplicaSet, TrafficSplit
from aurora_tui.kube.pace import Knock, Pace, Paced
from aurora_tui.kube.reflector import Reflector
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.observation import ClusterObserved, SourceFailed
from aurora_tui.situation.workload import WorkloadsObserved
from aurora_tui.sources.cluster_identity import Identity
from aurora_tui.sources.cluster_life import Life
from aurora_tui.sources.kept import KeptPod, PodKeeper
from aurora_tui.sources.projection import Projection, Seen
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

NAME = "cluster"
BETWEEN_TELLS = 0.2  # real seconds, as are all below
BETWEEN_FIRST = 0.02  # until all lists are there
LOOK_EVERY = 1.0
OPTIONAL_SECONDS = 2.0
# What was known to be true stays known for so long after a break, while it is asked again; no longer than that.
BRIDGED = 5.0
AHEAD_TOLERATED = 5.0  # seconds that the API's clock may be off before its times are corrected
_AHEAD_NOISE = 2.0  # the Date header has whole seconds

DEPLOYMENTS: Resource[Deployment] = Resource("deployments", ("apis/apps/v1",), Deployment)
REPLICASETS: Resource[ReplicaSet] = Resource("replicasets", ("apis/apps/v1",), ReplicaSet)
PODS = "pods"
# Without events nothing is judged otherwise: they only explain.
EVENTS: Resource[Event] = Resource("events", ("api/v1",), Event, optional=True, field_selector="type=Warning")
ROUTES: Resource[HttpRoute] = Resource(
    "httproutes",
    ("apis/gateway.networking.k8s.io/v1", "apis/gateway.networking.k8s.io/v1beta1"),
    HttpRoute,
    optional=True,
)
SPLITS: Resource[TrafficSplit] = Resource(
    "trafficsplits",
    tuple(f"apis/split.smi-spec.io/{version}" for version in ("v1alpha2", "v1alpha4", "v1alpha3", "v1alpha1")),
    TrafficSplit,
    optional=True,
)


class ClusterView:
    """One connection's reflectors, its signs of life, and what is told of both."""

    def __init__(
        self,
        connection: Connection,
        namespaces: Sequence[str],
        roles: WorkloadRoles,
        clock: Clock,
        *,
        identity: Identity,
        pace: Pace,
        renew: Callable[[], Awaitable[Access]],
        now: Callable[[], float],
    ) -> None:
        """renew: reads anew how the cluster is reached. now: the time that everything is judged at."""
        self._connection, self._namespace, self._clock, self._now = connection, namespaces[0], clock, now
        self._wake = asyncio.Event()
        self._dirty = True  # something changed that no row tells yet
        self._to_project = False  # the pods' rows are made, the answer is not
        self._began = time.monotonic()
        self._life = Life(
            connection,
            namespaces[0],
            identity=identity,
            pace=pace,
            renew=renew,
            said=self._wake.set,
            revived=self._revived,
            swapped=self._swapped,
        )
        pods: Resource[Any] = Resource(PODS, ("api/v1",), Pod, keep=PodKeeper())
        resources: tuple[Resource[Any], ...] = (DEPLOYMENTS, REPLICASETS, pods, EVENTS, ROUTES, SPLITS)
        # What is optional waits longest for its turn to ask: what is required must not wait for that, too.
        relisting, relisting_optional, knock = asyncio.Lock(), asyncio.Lock(), Knock()
        self.reflectors: list[Reflector[Any]] = [
            Reflector(
                Paced(connection, pace, optional=resource.optional),
                resource,
                name,
                changed=self._pods_changed if resource is pods else self._changed,
                told=self._wake.set,
                relisting=relisting_optional if resource.optional else relisting,
                gate=self._life.gate,
                knock=knock,
            )
            for name in dict.fromkeys(namespaces)
            for resource in resources
        ]
        if identity.known:
            self._swapped(self._began)  # who answers now may be another than before the break
        self._pods = [one for one in self.reflectors if one.resource is pods]
        self._projection = Projection(roles, namespaces[0])
        self._workloads = WorkloadsObserved()
        self._told: tuple[object, ...] = ()
        self._failing: tuple[str, float] | None = None
        self._failing_lists = 0
        self._failing_required = 0
        self._until: float | None = None
        self._until_fell: float | None = None

    async def look_forever(self) -> NoReturn:
        """Look for signs of life."""
        await self._life.run()

    def _revived(self, broken: bool) -> None:
        for one in self.reflectors:
            one.wake(broken=broken)

    def _swapped(self, since: float) -> None:
        for one in self.reflectors:
            one.start_over(since)

    # Telling

    def _changed(self, uids: frozenset[str]) -> None:
        self._dirty = True
        self._wake.set()

    def _pods_changed(self, uids: frozenset[str]) -> None:
        self._projection.pods_changed(uids)
        self._changed(uids)

    async def tell_forever(self, tell: Tell) -> NoReturn:
        """Tell what changed, never more often than every 200 ms; the first time as soon as all is there."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass  # a watch that has come to stand, or grown too quiet, says nothing by itself
            self._wake.clear()
            self._date()
            if self._dirty:
                # What changes while the rows are made comes with the next ones.
                self._dirty, self._to_project = False, True
                await self._projection.catch_up(self._seen(), self._pod)
            self._tell(tell)
            await asyncio.sleep(BETWEEN_TELLS if self._told or self._failing else BETWEEN_FIRST)

    def _tell(self, tell: Tell) -> None:
        required = [one for one in self.reflectors if not one.resource.optional]
        words = self._words(required)
        now = self._clock.now()
        if not words:
            self._failing = None
        elif self._failing is None:
            self._failing = ("", now)
        # What is optional holds nothing up for long: without it, traffic is told by replicas.
        waited = time.monotonic() - self._began > OPTIONAL_SECONDS
        settled = all(one.listed or waited for one in self.reflectors if one.resource.optional)
        observed = False
        if settled and all(one.listed for one in required) and self._life.another is None:
            observed = self._tell_observed(tell, required)
        if self._failing is not None and (observed or self._failing[0] != words):
            # Also after an answer, which by itself would put the failure out of the light.
            self._failing = (words, self._failing[1])
            disowned = self._life.another is not None
            tell(SourceFailed(source=NAME, at=self._failing[1], error=words, disowned=disowned))

    def _words(self, required: list[Reflector[Any]]) -> str:
        """What is wrong: with the cluster, with the API, or with single lists, of which the first is told whole."""
        failing = [one for one in self.reflectors if one.failure is not None]
        if len(failing) < self._failing_lists:
            self._revived(False)  # one of them works again: the others need not wait out their back-off
        needed = sum(one in required for one in failing)
        if self._failing_required and not needed:
            self._life.look_now()  # or it would be seen only up to five seconds later that all is well
        self._failing_lists, self._failing_required = len(failing), needed
        if self._life.another is not None:
            return safe(str(self._life.another), 600)
        failures = [(one.resource.plural, one.failure) for one in failing if one in required and one.failure]
        if self._life.failure is not None:
            return safe(str(self._life.failure), 600)  # which explains what the lists say, too
        if not failures:
            return ""
        (_, first), others = failures[0], dict.fromkeys(plural for plural, _ in failures[1:])
        also = f" (and {', '.join(others)})" if others else ""
        return safe(f"{first.what}{also}. {first.remedy}", 600)

    def _tell_observed(self, tell: Tell, required: list[Reflector[Any]]) -> bool:
        until = self._known_until(required)
        notes = tuple(self._notes())
        told = (until, notes, self._life.answer, self._life.version, self._life.user, self._failing is None)
        if not self._to_project and told == self._told:
            return False
        if self._to_project:
            self._to_project = False
            self._workloads = self._projection.project(self._seen())
        self._told = told
        access, found, answer = self._connection.access, self._life.identity.found, self._life.answer
        user = self._life.user
        tell(
            ClusterObserved(
                source=NAME,
                at=self._clock.now() - (time.monotonic() - until) * self._clock.speed,
                latency=answer.latency if answer else None,
                version=self._life.version,
                skew=self._skew(),
                notes=notes,
                workloads=msgspec.structs.replace(
                    self._workloads,
                    cluster=safe(access.context, 120),
                    server=safe(redact_url(access.server), 200),
                    identity=safe(user, 120) if user else None,
                    namespace_missing=found is None,
                    namespace_terminating=found is not None and found.phase == "Terminating",
                ),
            )
        )
        return True

    def _known_until(self, required: list[Reflector[Any]]) -> float:
        """Until when everything is known. What was said before a break is not unsaid while it is being mended."""
        until = min(cast(float, one.current_until(self._life.alive)) for one in required)
        now = time.monotonic()
        if self._until is None or until >= self._until:
            self._until, self._until_fell = until, None
        elif self._until_fell is None:
            self._until_fell = now
        elif now - self._until_fell > BRIDGED:
            self._until = until
        return self._until

    def _pod(self, uid: str) -> KeptPod | None:
        return next((pod for one in self._pods if (pod := one.store.get(uid)) is not None), None)

    def _seen(self) -> Seen:
        def held(resource: Resource[Any]) -> list[Object]:
            return [item for one in self.reflectors if one.resource is resource for item in one.store]

        return Seen(
            deployments=cast(list[Deployment], held(DEPLOYMENTS)),
            replicasets=cast(list[ReplicaSet], held(REPLICASETS)),
            events=cast(list[Event], held(EVENTS)),
            routes=cast(list[HttpRoute], held(ROUTES)),
            splits=cast(list[TrafficSplit], held(SPLITS)),
        )

    def _notes(self) -> Iterable[str]:
        found = self._life.identity.found
        if found is None:
            yield f"namespace {self._namespace} does not exist in this cluster"
        elif found.phase == "Terminating":
            yield f"namespace {self._namespace} is being deleted (Terminating)"
        if self._projection.ahead:
            side = "ahead" if self._projection.ahead > 0 else "behind"
            off = abs(self._projection.ahead)
            yield f"the API server's clock is {off:.0f} s {side}: ages are corrected for it. Check its NTP"
        for one in self.reflectors:
            if one.note is not None:
                yield one.note
            if one.resource.optional and one.failure is not None:
                yield safe(f"{one.resource.plural} may be old: {one.failure}", 300)

    # The API's clock

    def _skew(self) -> float | None:
        """The server's clock minus ours, from the Date header (whole seconds)."""
        answer = self._life.answer
        if answer is None or answer.date is None:
            return None
        skew = answer.date - (answer.received_at - answer.latency / 2)
        if self._clock != WALL:
            # A drill's server may tell the wall's time or the drill's; ours is whichever of the two it means.
            ago = time.time() - answer.received_at + answer.latency / 2
            return min(skew, answer.date - (self._clock.now() - ago * self._clock.speed), key=abs)
        return skew

    def _date(self) -> None:
        """Correct what the API dates, when its clock is not the one that everything is judged by."""
        skew = self._skew()
        if skew is None:
            return
        ahead = skew + self._clock.now() - self._now()
        ahead = ahead if abs(ahead) > AHEAD_TOLERATED else 0.0
        if abs(ahead - self._projection.ahead) > _AHEAD_NOISE * self._clock.speed:
            self._projection.date(ahead)
            self._dirty = True
