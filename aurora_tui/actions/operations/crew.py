"""A deployment with its pods, read now: what is waited for, and what is to be said of those that are not well."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from aurora_tui.actions.operations.deployment import RESOURCE, path_of
from aurora_tui.actions.plan import Subject
from aurora_tui.clock import iso
from aurora_tui.kube import writes
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import Unreadable
from aurora_tui.kube.objects import Deployment, Pod, ReplicaSet
from aurora_tui.situation.pod import is_broken, pod_status
from aurora_tui.situation.workload import PodStatus
from aurora_tui.text import safe

_FINISHED = ("Succeeded", "Failed")  # of pods; an evicted one stays as Failed, and another takes its place

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """A deployment and those of its pods that live: neither leaving nor at their end."""

    deployment: Deployment
    path: str
    pods: tuple[PodStatus, ...]
    newest: str | None  # the ReplicaSet of the deployment's present template; None while there is none yet

    @property
    def subject(self) -> Subject:
        """The deployment, as it was read."""
        return subject_of(self.deployment, self.path)

    @property
    def desired(self) -> int:
        """Replicas asked for."""
        return 1 if self.deployment.spec.replicas is None else self.deployment.spec.replicas

    @property
    def observed(self) -> bool:
        """Whether the controller has seen the last edit: until then the status speaks of the one before."""
        return (self.deployment.metadata.generation or 0) <= (self.deployment.status.observed_generation or 0)

    @property
    def updated(self) -> tuple[PodStatus, ...]:
        """The pods of the present template."""
        revision = self.deployment.metadata.revision
        return tuple(pod for pod in self.pods if pod.revision == revision)


async def read_deployment(connection: Connection, namespace: str, name: str) -> Deployment | None:
    """The deployment; None when there is none."""
    raw = await writes.read(connection, path_of(namespace, name))
    return None if raw is None else _converted(raw, Deployment)


async def read_crew(connection: Connection, namespace: str, name: str) -> Crew | None:
    """The deployment and its pods; None when there is none. ApiError, Unreachable, Unreadable."""
    raw = await writes.read(connection, path_of(namespace, name))
    if raw is None:
        return None
    deployment = _converted(raw, Deployment)
    selector = label_selector((raw.get("spec") or {}).get("selector") or {})
    found_sets, found_pods = await asyncio.gather(
        writes.read_all(connection, f"/apis/apps/v1/namespaces/{namespace}/replicasets", selector),
        writes.read_all(connection, f"/api/v1/namespaces/{namespace}/pods", selector),
    )
    # A selector may pick another one's: whose it is, its controller says.
    sets = [one for each in found_sets if (one := _converted(each, ReplicaSet)).metadata.controller == raw_uid(raw)]
    revisions = {one.metadata.uid: one.metadata.revision for one in sets}
    pods = [
        pod_status(pod, name, revisions[pod.metadata.controller])
        for pod in (_converted(each, Pod) for each in found_pods)
        if pod.metadata.controller in revisions and lives(pod)
    ]
    present = deployment.metadata.revision
    newest = next((one.metadata.name for one in sets if present is not None and one.metadata.revision == present), None)
    return Crew(deployment=deployment, path=path_of(namespace, name), pods=tuple(pods), newest=newest)


def raw_uid(raw: Mapping[str, Any]) -> str:
    """The uid of an object as it came."""
    return str((raw.get("metadata") or {}).get("uid") or "")


def lives(pod: Pod) -> bool:
    """Whether the pod counts: it is neither being deleted nor at its end."""
    return pod.metadata.deletion_timestamp is None and pod.status.phase not in _FINISHED


def subject_of(deployment: Deployment, path: str) -> Subject:
    """The deployment as a plan names it."""
    metadata = deployment.metadata
    return Subject(
        kind="Deployment",
        resource=RESOURCE,
        path=path,
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        version=metadata.resource_version,
    )


def complaints(pods: Iterable[PodStatus]) -> str:
    """What is wrong with those that are broken: `2 pods CrashLoopBackOff since 2026-01-03T14:02:11Z`; "" if none is.

    `since`: when the first of them was no longer ready, or was made.
    """
    sick: dict[str, list[PodStatus]] = defaultdict(list)
    for pod in pods:
        if is_broken(pod):
            sick[pod.reason].append(pod)
    return ", ".join(_complaint(reason, sick[reason]) for reason in sorted(sick))


def label_selector(selector: Mapping[str, Any]) -> str:
    """A LabelSelector as a query asks for it (`labels.Selector.String` in apimachinery)."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], ",".join(sorted(one.get("values") or ()))
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[one["operator"]]
        )
    return ",".join(parts)


def _complaint(reason: str, pods: list[PodStatus]) -> str:
    since = min((moment for pod in pods if (moment := _unwell_since(pod)) is not None), default=None)
    count = "1 pod" if len(pods) == 1 else f"{len(pods)} pods"
    return f"{count} {safe(reason, 100)}" + (f" since {iso(since)}" if since is not None else "")


def _unwell_since(pod: PodStatus) -> float | None:
    lost = (one.since for one in pod.conditions if one.type == "Ready" and one.status != "True")
    return next((moment for moment in lost if moment is not None), pod.created_at)


def _converted(raw: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"a {kind.__name__} cannot be read: {safe(str(error), 200)}", "Report it.") from error
