"""From Kubernetes objects to the rows that are shown: what did not change is not judged again, nor sorted again."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from operator import itemgetter

import msgspec

from aurora_tui.kube.objects import Deployment, Event, HttpRoute, ReplicaSet, RouteRule, TrafficSplit
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.pod import sickest_first, unix
from aurora_tui.situation.rollout import deployment_status, in_order, role_of, with_traffic
from aurora_tui.situation.workload import (
    DeploymentStatus,
    PodStatus,
    Role,
    RouteWeights,
    WarningEvent,
    WorkloadsObserved,
)
from aurora_tui.sources.kept import KeptPod
from aurora_tui.sources.redating import redated_deployment, redated_event, redated_pod
from aurora_tui.text import safe

MOST_EVENTS = 200
SLICE = 1000  # rows made between two breaths of the event loop, some 3 ms

Owner = tuple[str | None, int | None]
_NOBODY: Owner = (None, None)
Place = tuple[int, float, str, str, str]


@dataclass(slots=True, kw_only=True)
class Seen:
    """All objects of all watched namespaces but the pods, as they are held now."""

    deployments: Iterable[Deployment] = ()
    replicasets: Iterable[ReplicaSet] = ()
    events: Iterable[Event] = ()
    routes: Iterable[HttpRoute] = ()
    splits: Iterable[TrafficSplit] = ()


class PodRows:
    """The rows of all pods, the sick first; each is made anew only when its pod, or whose it is, changed."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[KeptPod, PodStatus, Place]] = {}
        self._order: list[Place] = []  # sorted; it ends in the uid
        self._owned: defaultdict[str, set[str]] = defaultdict(set)  # by ReplicaSet uid: its pods
        self._owners: dict[str, Owner] = {}
        self._restarts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.ahead = 0.0

    def owned_by(self, owners: dict[str, Owner]) -> set[str]:
        """Learn whose the ReplicaSets are; the uids of the pods that this changes."""
        before, self._owners = self._owners, owners
        return {
            uid
            for owner in before.keys() | owners.keys()
            if before.get(owner) != owners.get(owner)
            for uid in self._owned.get(owner, ())
        }

    def put(self, uid: str, pod: KeptPod | None) -> None:
        """The pod as it is now; None: it is gone."""
        known = self._rows.pop(uid, None)
        if known is not None:
            self._forget(*known)
        if pod is None:
            return
        owner, revision = self._owners.get(pod.controller or "", _NOBODY)
        row = pod.row
        if self.ahead:
            row = redated_pod(row, self.ahead)
        if owner is not None or revision is not None:
            row = msgspec.structs.replace(row, owner=owner, revision=revision)
        place = (*sickest_first(row), uid)
        self._rows[uid] = (pod, row, place)
        insort(self._order, place)
        if pod.controller is not None:
            self._owned[pod.controller].add(uid)
        if owner is not None:
            self._restarts[row.namespace, owner] += row.restarts

    def _forget(self, pod: KeptPod, row: PodStatus, place: Place) -> None:
        del self._order[bisect_left(self._order, place)]
        if pod.controller is not None:
            self._owned[pod.controller].discard(row.uid)
            if not self._owned[pod.controller]:
                del self._owned[pod.controller]
        if row.owner is not None:
            self._restarts[row.namespace, row.owner] -= row.restarts

    def restarts(self, namespace: str, owner: str) -> int:
        """The restarts of all pods of a deployment."""
        return self._restarts.get((namespace, owner), 0)

    def uids(self) -> set[str]:
        """Who is known."""
        return set(self._rows)

    def in_order(self) -> tuple[PodStatus, ...]:
        """All rows, the sick first."""
        rows = self._rows
        return tuple([rows[place[4]][1] for place in self._order])


class Projection:
    """Makes rows. `ahead`: how far the API's clock is ahead of ours, seconds; what it dated is dated back by that."""

    def __init__(self, roles: WorkloadRoles, namespace: str) -> None:
        self._roles, self._namespace = roles, namespace
        self._pods = PodRows()
        self._changed: set[str] = set()

    @property
    def ahead(self) -> float:
        """See above."""
        return self._pods.ahead

    def date(self, ahead: float) -> None:
        """Learn how far the API's clock is ahead: all rows are dated anew."""
        self._pods.ahead = ahead
        self._changed |= self._pods.uids()

    def pods_changed(self, uids: Iterable[str]) -> None:
        """These are made anew by the next `catch_up`."""
        self._changed.update(uids)

    async def catch_up(self, seen: Seen, pod: Callable[[str], KeptPod | None]) -> None:
        """Make the rows that changed, a slice at a time: thousands at once would hold up the screen."""
        self._changed |= self._pods.owned_by(_owners(seen))
        count = 0
        while self._changed:
            uid = self._changed.pop()
            self._pods.put(uid, pod(uid))
            count += 1
            if count % SLICE == 0:
                await asyncio.sleep(0)

    def project(self, seen: Seen) -> WorkloadsObserved:
        """Everything as rows, in a stable order, of pods that were caught up with."""
        rows = [self._deployment_row(item) for item in seen.deployments]
        ordered = in_order(rows, self._roles, self._namespace)
        routes = [*map(route_weights, seen.routes), *map(split_weights, seen.splits)]
        events = warning_events(seen.events)
        if self.ahead:
            ordered = [redated_deployment(row, self.ahead) for row in ordered]
            events = tuple(redated_event(event, self.ahead) for event in events)
        return WorkloadsObserved(
            deployments=tuple(with_traffic(ordered, routes, self._roles, self._namespace)),
            pods=self._pods.in_order(),
            events=events,
        )

    def _deployment_row(self, item: Deployment) -> DeploymentStatus:
        metadata = item.metadata
        role = role_of(metadata.name, self._roles) if metadata.namespace == self._namespace else Role.OTHER
        row = deployment_status(item, role, self._pods.restarts(metadata.namespace, metadata.name))
        return msgspec.structs.replace(
            row,
            image=row.image and safe(row.image, 300),
            rollout_detail=row.rollout_detail and safe(row.rollout_detail, 300),
        )


def _owners(seen: Seen) -> dict[str, Owner]:
    """By ReplicaSet uid: its deployment's name, and its revision."""
    names: Mapping[str, str] = {item.metadata.uid: item.metadata.name for item in seen.deployments}
    return {
        item.metadata.uid: (names.get(item.metadata.controller or ""), item.metadata.revision)
        for item in seen.replicasets
    }


def warning_events(events: Iterable[Event]) -> tuple[WarningEvent, ...]:
    """The newest warnings, newest first; both the old (count, lastTimestamp) and the new form (series) are read."""
    # Chosen before they are made into rows: a restless cluster holds thousands.
    dated = [(-(unix(_last(event)) or 0.0), event.metadata.uid, event) for event in events if event.type == "Warning"]
    return tuple(_warning(event) for _, _, event in nsmallest(MOST_EVENTS, dated, key=itemgetter(0, 1)))


def route_weights(route: HttpRoute) -> RouteWeights:
    """The weights of the rule that splits most: rules that match a header for testers send all to one backend."""
    rules: Iterator[RouteRule] = iter(route.spec.rules or ())
    backends = max((rule.backend_refs or () for rule in rules), key=len, default=())
    weights: dict[str, int] = {}
    for backend in backends:
        if backend.kind in (None, "Service"):
            weights[backend.name] = weights.get(backend.name, 0) + (1 if backend.weight is None else backend.weight)
    return RouteWeights(kind="HTTPRoute", name=route.metadata.name, weights=weights)


def split_weights(split: TrafficSplit) -> RouteWeights:
    """The weights of a TrafficSplit, quantities (`500m`) in thousandths like the whole numbers beside them."""
    thousandths = {backend.service: _thousandths(backend.weight) for backend in split.spec.backends or ()}
    return RouteWeights(kind="TrafficSplit", name=split.metadata.name, weights=thousandths)


def _thousandths(weight: int | str | None) -> int:
    text = str(weight or 0)
    number, factor = (text[:-1], 1) if text.endswith("m") else (text, 1000)
    return int(number) * factor if number.isascii() and number.isdigit() else 0


def _first(event: Event) -> datetime | None:
    return event.first_timestamp or event.event_time or event.metadata.creation_timestamp


def _last(event: Event) -> datetime | None:
    series = event.series
    return (series.last_observed_time if series else None) or event.last_timestamp or _first(event)


def _warning(event: Event) -> WarningEvent:
    about, series = event.involved_object, event.series
    return WarningEvent(
        uid=event.metadata.uid,
        namespace=event.metadata.namespace,
        about=safe(f"{about.kind}/{about.name}", 300),
        reason=safe(event.reason or "", 100),
        message=safe(event.message or "", 1000),
        count=(series.count if series else 0) or event.count or 1,
        first_at=unix(_first(event)),
        last_at=unix(_last(event)),
    )
