"""Which pods a ReplicaSet that has too many loses first (pure; as ActivePodsWithRanks of kube-controller-manager)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from aurora_tui.drill.kubernetes.moments import moment

Object = dict[str, Any]

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = ("Pending", "Unknown", "Running")


def ready_since(pod: Object) -> float | None:
    """When the pod became Ready, Unix seconds; None while it is not."""
    for condition in reversed(pod["status"].get("conditions", ())):  # Ready is the last one
        if condition["type"] == "Ready":
            return moment(condition["lastTransitionTime"]) if condition["status"] == "True" else None
    return None


def restarts(pod: Object) -> int:
    """Restarts of the pod's most restarted container."""
    return max((c["restartCount"] for c in pod["status"].get("containerStatuses", ())), default=0)


def deletion_cost(pod: Object) -> int:
    """What it costs to lose the pod, as its annotation says; 0 when that is missing or no whole number."""
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0")
    try:
        return max(-(2**31), min(2**31 - 1, int(text)))
    except ValueError:
        return 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What decides about a pod, read once."""

    pod: Object
    ladder: tuple[bool, int, bool, int, int]
    """assigned, phase, ready, cost, - neighbours: the smaller, the sooner it goes."""
    since: float | None
    restarts: int
    uid: str

    @staticmethod
    def of(pod: Object, neighbours: Callable[[str], int]) -> _Candidate:
        node, phase = pod["spec"].get("nodeName", ""), pod["status"]["phase"]
        step = _PHASES.index(phase) if phase in _PHASES else len(_PHASES)
        since = ready_since(pod)
        near = -neighbours(node) if node else 0
        ladder = (bool(node), step, since is not None, deletion_cost(pod), near)
        return _Candidate(pod, ladder, since, restarts(pod), pod["metadata"]["uid"])


def victims(pods: list[Object], count: int, neighbours: Callable[[str], int], now: float) -> list[Object]:
    """The `count` pods to delete, the most dispensable first.

    Unassigned before assigned, pending before running, not ready before ready, cheap before costly, from crowded nodes
    before lonely ones, lately ready before long ready, often restarted before seldom, young before old. Ages count by
    powers of two; among equals the uid decides.

    neighbours: node name → active pods of the same deployment on it.
    """
    if count <= 0:
        return []
    if count >= len(pods):
        return pods

    def first(one: _Candidate, other: _Candidate) -> int:
        return _difference(one, other, now)

    candidates = [_Candidate.of(pod, neighbours) for pod in pods]
    return [one.pod for one in heapq.nsmallest(count, candidates, key=cmp_to_key(first))]


def _difference(one: _Candidate, other: _Candidate, now: float) -> int:
    """Below 0: `one` goes first."""
    if one.ladder != other.ladder:
        return -1 if one.ladder < other.ladder else 1
    if one.since is not None and other.since is not None and one.since != other.since:
        return _younger_first(one.since, other.since, now) or _by_uid(one, other)
    if one.restarts != other.restarts:
        return other.restarts - one.restarts
    made, made_other = (moment(each.pod["metadata"]["creationTimestamp"]) for each in (one, other))
    if made != made_other:
        return _younger_first(made, made_other, now) or _by_uid(one, other)
    return _by_uid(one, other)


def _younger_first(one: float, other: float, now: float) -> int:
    """By the power of two that the age (in nanoseconds) has reached."""

    def rank(since: float) -> int:
        age = round((now - since) * 1e9)
        return int(math.log2(age)) if age > 0 else -1

    return rank(one) - rank(other)


def _by_uid(one: _Candidate, other: _Candidate) -> int:
    return -1 if one.uid < other.uid else 1
