"""What a deployment says of itself: its status, and the Available and Progressing conditions (pure)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aurora_tui.clock import iso, parse_iso
from aurora_tui.drill.kubernetes import rollout

Object = dict[str, Any]
Judge = Callable[[Object, list[Object], Object | None, float], Object]
"""deployment, its ReplicaSets, the new one among them, world time → status."""

DONE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
FAILURE = "ReplicaFailure"
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def condition(status: Object, type: str) -> Object | None:
    """The condition of that type."""
    return next((c for c in status.get("conditions", ()) if c["type"] == type), None)


def with_condition(status: Object, type: str, value: str, reason: str, message: str, now: float) -> Object:
    """`status` with the condition set; nothing changes when status and reason are the same already."""
    old = condition(status, type)
    if old is not None and old["status"] == value and old["reason"] == reason:
        return status
    since = old["lastTransitionTime"] if old is not None and old["status"] == value else iso(now)
    new = {"type": type, "status": value, "lastUpdateTime": iso(now), "lastTransitionTime": since}
    new |= {"reason": reason, "message": message}
    return {**status, "conditions": [*(c for c in status.get("conditions", ()) if c["type"] != type), new]}


def counted(deployment: Object, sets: list[Object], new: Object | None, now: float) -> Object:
    """The status as its ReplicaSets make it: counts (zeros left out) and the Available condition."""
    totals = {
        "replicas": sum(one["status"].get("replicas", 0) for one in sets),
        "updatedReplicas": new["status"].get("replicas", 0) if new else 0,
        "readyReplicas": sum(one["status"].get("readyReplicas", 0) for one in sets),
        "availableReplicas": rollout.available(sets),
    }
    totals["unavailableReplicas"] = max(0, rollout.replicas(sets) - totals["availableReplicas"])
    status: Object = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {name: totals[name] for name in _COUNTS if totals[name]}
    status["terminatingReplicas"] = sum(one["status"].get("terminatingReplicas", 0) for one in sets)
    if deployment["status"].get("collisionCount"):
        status["collisionCount"] = deployment["status"]["collisionCount"]
    if deployment["status"].get("conditions"):
        status["conditions"] = deployment["status"]["conditions"]
    enough = deployment["spec"]["replicas"] - rollout.surge_and_unavailable(deployment)[1]
    if totals["availableReplicas"] >= enough:
        text = "Deployment has minimum availability."
        return with_condition(status, "Available", "True", "MinimumReplicasAvailable", text, now)
    text = "Deployment does not have minimum availability."
    return with_condition(status, "Available", "False", "MinimumReplicasUnavailable", text, now)


def has_deadline(deployment: Object) -> bool:
    """2^31-1 seconds is how one says "no deadline"."""
    return bool(deployment["spec"].get("progressDeadlineSeconds", 2147483647) != 2147483647)


def deadline(deployment: Object, status: Object) -> float | None:
    """When the rollout will have made no progress for too long; None while it is done, paused or late already."""
    current = condition(status, "Progressing")
    if not has_deadline(deployment) or deployment["spec"].get("paused") or current is None:
        return None
    if current["reason"] in (DONE, TIMED_OUT):
        return None
    limit: int = deployment["spec"]["progressDeadlineSeconds"]
    return parse_iso(current["lastUpdateTime"]) + limit


def progressed(deployment: Object, sets: list[Object], new: Object | None, now: float) -> Object:
    """The status after a step of the rollout, with the Progressing and ReplicaFailure conditions."""
    return _with_failure(_judged(deployment, sets, new, now), sets, new, now)


def _with_failure(status: Object, sets: list[Object], new: Object | None, now: float) -> Object:
    """What a ReplicaSet (the new one rather than an old one) says of pods that it could not make."""
    told = [found for one in (*((new,) if new else ()), *sets) if (found := condition(one["status"], FAILURE))]
    if told:
        first = told[0]
        return with_condition(status, FAILURE, first["status"], first["reason"], first["message"], now)
    if condition(status, FAILURE) is None:
        return status
    return {**status, "conditions": [c for c in status["conditions"] if c["type"] != FAILURE]}


def _judged(deployment: Object, sets: list[Object], new: Object | None, now: float) -> Object:
    status = counted(deployment, sets, new, now)
    if not has_deadline(deployment):
        kept = [c for c in status.get("conditions", ()) if c["type"] != "Progressing"]
        return {**status, "conditions": kept}
    old = deployment["status"]
    current = condition(old, "Progressing")
    name = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    all_updated = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if all_updated and current is not None and current["reason"] == DONE:
        return status
    if is_complete(deployment, status):
        return with_condition(status, "Progressing", "True", DONE, f"{name} has successfully progressed.", now)
    if _moves(old, status):
        refreshed = _refreshed(status, current, f"{name} is progressing.", now)
        return refreshed
    late = deadline(deployment, status)
    if late is not None and now >= late:
        return with_condition(status, "Progressing", "False", TIMED_OUT, f"{name} has timed out progressing.", now)
    return status


def _refreshed(status: Object, current: Object | None, message: str, now: float) -> Object:
    """Progressing, as of now: the update time moves even when the reason stays."""
    since = current["lastTransitionTime"] if current and current["status"] == "True" else iso(now)
    new = {"type": "Progressing", "status": "True", "lastUpdateTime": iso(now), "lastTransitionTime": since}
    new |= {"reason": "ReplicaSetUpdated", "message": message}
    return {**status, "conditions": [*(c for c in status["conditions"] if c["type"] != "Progressing"), new]}


def is_complete(deployment: Object, status: Object) -> bool:
    """All pods are new and available, and nothing old runs."""
    wanted = deployment["spec"]["replicas"]
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return False
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status.get(count, 0) == wanted for count in counts)


def _moves(old: Object, new: Object) -> bool:
    """Whether the rollout got further between two statuses."""

    def outdated(status: Object) -> int:
        count: int = status.get("replicas", 0) - status.get("updatedReplicas", 0)
        return count

    more = any(new.get(c, 0) > old.get(c, 0) for c in ("updatedReplicas", "readyReplicas", "availableReplicas"))
    return more or outdated(new) < outdated(old)


def pause_condition(deployment: Object, now: float) -> Object:
    """The status with Progressing saying "paused" or "resumed" where that has just changed."""
    status: Object = deployment["status"]
    current = condition(status, "Progressing")
    if not has_deadline(deployment) or (current is not None and current["reason"] == TIMED_OUT):
        return status
    said = current is not None and current["reason"] == PAUSED
    if deployment["spec"].get("paused") and not said:
        return with_condition(status, "Progressing", "Unknown", PAUSED, "Deployment is paused", now)
    if not deployment["spec"].get("paused") and said:
        return with_condition(status, "Progressing", "Unknown", RESUMED, "Deployment is resumed", now)
    return status
