"""What of very many deployments and pods is listed, and what only counted: the worst in sight, the well in a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aurora_tui.situation.pod import is_broken
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Role, Rollout

_FEW = 8  # deployments beside the mission's that are listed one by one, well or not
_PODS = 6  # sick ones listed beneath a deployment
_PODS_OF_MANY = 3  # broken ones listed beneath one of many deployments
_PASSING = "Error"  # between a crash and what follows from it: worth a row, not a place


Place = tuple[str, str]
"""A deployment's namespace and name: two namespaces may have namesakes."""


class Part(NamedTuple):
    """A deployment (None: pods of none), the pods listed beneath it, and how many more are not well.

    `compact`: one of many, which takes no row for what its own one tells already.
    """

    deployment: DeploymentStatus | None
    pods: Sequence[PodStatus]
    more: int = 0
    compact: bool = False


class Listing(NamedTuple):
    """What has rows, in their order, and the deployments that are well and only counted."""

    parts: Sequence[Part]
    well: Sequence[DeploymentStatus] = ()


def listed(
    deployments: Sequence[DeploymentStatus], by_owner: Mapping[Place | None, list[PodStatus]], *, everything: bool
) -> Listing:
    """`by_owner` are the pods to list, the sickest first, by their deployment (None: of none)."""
    strays = by_owner.get(None, [])
    if everything:
        parts = [Part(item, by_owner.get(_place(item), ())) for item in deployments]
        return Listing([*parts, Part(None, strays)] if strays else parts)
    ours = [item for item in deployments if item.role is not Role.OTHER]
    others = [item for item in deployments if item.role is Role.OTHER]
    if len(others) <= _FEW:
        ours, others = list(deployments), []
    parts = [_cut(item, by_owner.get(_place(item), ())) for item in ours]
    worst: list[Part] = []
    short: list[Part] = []
    well: list[DeploymentStatus] = []
    for item in others:
        broken = [pod for pod in by_owner.get(_place(item), ()) if is_broken(pod)]
        part = Part(item, broken[:_PODS_OF_MANY], max(0, len(broken) - _PODS_OF_MANY), compact=True)
        if _is_down(item) or any(pod.reason != _PASSING for pod in broken):
            worst.append(part)
        elif broken or item.ready < item.desired or item.rollout is Rollout.PAUSED:
            short.append(part)
        else:
            well.append(item)
    # Two classes and no finer order: rows that change places all the time cannot be read.
    parts += [*worst, *short]
    return Listing([*parts, _cut(None, strays)] if strays else parts, well)


def _place(item: DeploymentStatus) -> Place:
    return item.namespace, item.name


def _cut(item: DeploymentStatus | None, pods: Sequence[PodStatus]) -> Part:
    return Part(item, pods[:_PODS], max(0, len(pods) - _PODS))


def _is_down(item: DeploymentStatus) -> bool:
    return item.rollout is Rollout.FAILED or (item.desired > 0 and item.ready == 0)
