"""Which pods a ReplicaSet that has too many loses first (pure; as ActivePodsWithRanks of kube-controller-manager)."""

from __future__ import annotations

import math
from collections.abc import Callable
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

    def first(one: Object, other: Object) -> int:
        return _difference(one, other, neighbours, now)

    return sorted(pods, key=cmp_to_key(first))[:count]


def _difference(one: Object, other: Object, neighbours: Callable[[str], int], now: float) -> int:
    """Below 0: `one` goes first."""

    def ladder(pod: Object) -> tuple[bool, int, bool, int, int]:
        node, phase = pod["spec"].get("nodeName", ""), pod["status"]["phase"]
        step = _PHASES.index(phase) if phase in _PHASES else len(_PHASES)
        return bool(node), step, ready_since(pod) is not None, deletion_cost(pod), -neighbours(node) if node else 0

    mine, others = ladder(one), ladder(other)
    if mine != others:
        return -1 if mine < others else 1
    since, since_other = ready_since(one), ready_since(other)
    if since is not None and since_other is not None and since != since_other:
        return _younger_first(since, since_other, now) or _by_uid(one, other)
    if restarts(one) != restarts(other):
        return restarts(other) - restarts(one)
    made, made_other = (moment(pod["metadata"]["creationTimestamp"]) for pod in (one, other))
    if made != made_other:
        return _younger_first(made, made_other, now) or _by_uid(one, other)
    return _by_uid(one, other)


def _younger_first(one: float, other: float, now: float) -> int:
    """By the power of two that the age (in nanoseconds) has reached."""

    def rank(since: float) -> int:
        age = round((now - since) * 1e9)
        return int(math.log2(age)) if age > 0 else -1

    return rank(one) - rank(other)


def _by_uid(one: Object, other: Object) -> int:
    return -1 if one["metadata"]["uid"] < other["metadata"]["uid"] else 1
