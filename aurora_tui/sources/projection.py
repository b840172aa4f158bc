"""From Kubernetes objects to the rows that are shown: what did not change is not judged again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from aurora_tui.kube.objects import Deployment, Event, HttpRoute, Pod, ReplicaSet, RouteRule, TrafficSplit
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.pod import pod_status, sickest_first, unix
from aurora_tui.situation.rollout import deployment_status, in_order, restarts_by_deployment, role_of, with_traffic
from aurora_tui.situation.workload import (
    Container,
    DeploymentStatus,
    PodStatus,
    Role,
    RouteWeights,
    WarningEvent,
    WorkloadsObserved,
)
from aurora_tui.text import safe

MOST_EVENTS = 200
SLICE = 100  # pods judged between two breaths of the event loop, some 5 ms

Owner = tuple[str | None, int | None]


@dataclass(slots=True, kw_only=True)
class Seen:
    """All objects of all watched namespaces, as they are held now."""

    deployments: Iterable[Deployment] = ()
    replicasets: Iterable[ReplicaSet] = ()
    pods: Iterable[Pod] = ()
    events: Iterable[Event] = ()
    routes: Iterable[HttpRoute] = ()
    splits: Iterable[TrafficSplit] = ()


@dataclass(slots=True)
class Projection:
    """Makes rows. A pod is judged again only when it, or whose it is, changed (uid and resourceVersion)."""

    roles: WorkloadRoles
    namespace: str
    _pods: dict[str, tuple[tuple[str, str | None, int | None], PodStatus]] = field(default_factory=dict)

    def project(self, seen: Seen) -> WorkloadsObserved:
        """Everything as rows, in a stable order: the sick first, the newest event first."""
        pods = self._pod_rows(seen)
        restarts = restarts_by_deployment(pods)
        rows = [self._deployment_row(item, restarts) for item in seen.deployments]
        ordered = in_order(rows, self.roles, self.namespace)
        routes = [*map(route_weights, seen.routes), *map(split_weights, seen.splits)]
        return WorkloadsObserved(
            deployments=tuple(with_traffic(ordered, routes, self.roles, self.namespace)),
            pods=tuple(pods),
            events=warning_events(seen.events),
        )

    def _deployment_row(self, item: Deployment, restarts: Mapping[tuple[str, str], int]) -> DeploymentStatus:
        metadata = item.metadata
        role = role_of(metadata.name, self.roles) if metadata.namespace == self.namespace else Role.OTHER
        row = deployment_status(item, role, restarts.get((metadata.namespace, metadata.name), 0))
        return msgspec.structs.replace(
            row,
            image=row.image and safe(row.image, 300),
            rollout_detail=row.rollout_detail and safe(row.rollout_detail, 300),
        )

    async def judge_ahead(self, seen: Seen) -> None:
        """Judge the pods that changed, a slice at a time: thousands at once would hold up the screen."""
        owners = _owners(seen)
        fresh = 0
        for pod in seen.pods:
            fresh += self._pod_row(pod, owners)[1]
            if fresh >= SLICE:
                fresh = 0
                await asyncio.sleep(0)

    def _pod_rows(self, seen: Seen) -> list[PodStatus]:
        owners = _owners(seen)
        rows = [self._pod_row(pod, owners)[0] for pod in seen.pods]
        if len(self._pods) > len(rows):
            present = {row.uid for row in rows}
            self._pods = {uid: entry for uid, entry in self._pods.items() if uid in present}
        rows.sort(key=sickest_first)
        return rows

    def _pod_row(self, pod: Pod, owners: Mapping[str, Owner]) -> tuple[PodStatus, bool]:
        """The row of one pod, and whether it had to be judged anew."""
        owner, revision = owners.get(pod.metadata.controller or "", (None, None))
        key = (pod.metadata.resource_version, owner, revision)
        known = self._pods.get(pod.metadata.uid)
        if known is not None and known[0] == key:
            return known[1], False
        row = _safe_pod(pod_status(pod, owner, revision))
        self._pods[pod.metadata.uid] = (key, row)
        return row, True


def _owners(seen: Seen) -> dict[str, Owner]:
    """By ReplicaSet uid: its deployment's name, and its revision."""
    names = {item.metadata.uid: item.metadata.name for item in seen.deployments}
    return {
        item.metadata.uid: (names.get(item.metadata.controller or ""), item.metadata.revision)
        for item in seen.replicasets
    }


def warning_events(events: Iterable[Event]) -> tuple[WarningEvent, ...]:
    """The newest warnings, newest first; both the old (count, lastTimestamp) and the new form (series) are read."""
    warnings = [_warning(event) for event in events if event.type == "Warning"]
    warnings.sort(key=lambda event: (-(event.last_at or 0.0), event.uid))
    return tuple(warnings[:MOST_EVENTS])


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


def _warning(event: Event) -> WarningEvent:
    about, series = event.involved_object, event.series
    first = event.first_timestamp or event.event_time or event.metadata.creation_timestamp
    last: datetime | None = (series.last_observed_time if series else None) or event.last_timestamp or first
    return WarningEvent(
        uid=event.metadata.uid,
        namespace=event.metadata.namespace,
        about=safe(f"{about.kind}/{about.name}", 300),
        reason=safe(event.reason or "", 100),
        message=safe(event.message or "", 1000),
        count=(series.count if series else 0) or event.count or 1,
        first_at=unix(first),
        last_at=unix(last),
    )


def _safe_pod(pod: PodStatus) -> PodStatus:
    """Names are checked by the API; what kubelets and images say is not."""
    return msgspec.structs.replace(
        pod,
        reason=_clean(pod.reason, 100),
        containers=tuple(map(_safe_container, pod.containers)),
        conditions=tuple(
            msgspec.structs.replace(one, message=_clean(one.message, 1000)) if one.message else one
            for one in pod.conditions
        ),
    )


def _clean(text: str, limit: int) -> str:
    """`safe`, but what is plainly safe passes at once: thousands of image names are."""
    return text if len(text) <= limit and text.isascii() and text.isprintable() else safe(text, limit)


def _safe_container(one: Container) -> Container:
    return msgspec.structs.replace(
        one,
        image=_clean(one.image, 300),
        reason=one.reason and _clean(one.reason, 100),
        message=one.message and _clean(one.message, 1000),
        last_reason=one.last_reason and _clean(one.last_reason, 100),
    )
