"""What a kubelet reports of a pod: container states, conditions, phase, as a status (pure)."""

from __future__ import annotations

from typing import Any

from aurora_tui.clock import iso

Object = dict[str, Any]

BACKOFF_FIRST, BACKOFF_LONGEST = 10.0, 300.0


def backoff(failures: int) -> float:
    """Seconds before the next try after so many failures in a row: 10 s doubling up to 5 min."""
    return float(min(BACKOFF_FIRST * 2 ** max(0, failures - 1), BACKOFF_LONGEST))


def spoken(seconds: float) -> str:
    """10s, 2m40s, 5m0s, as Go prints durations."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"


def waiting(reason: str, message: str = "") -> Object:
    """The state of a container that does not run yet, or again."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(since: float) -> Object:
    """The state of a container that runs."""
    return {"running": {"startedAt": iso(since)}}


def terminated(exit_code: int, reason: str, since: float, until: float) -> Object:
    """The state of a container that has ended."""
    ended = {"exitCode": exit_code, "reason": reason, "startedAt": iso(since), "finishedAt": iso(until)}
    return {"terminated": ended}


def container_status(container: Object, state: Object, last: Object, ready: bool, restarts: int) -> Object:
    """One entry of containerStatuses."""
    return {
        "name": container["name"],
        "state": state,
        "lastState": last,
        "ready": ready,
        "restartCount": restarts,
        "image": container["image"],
        "imageID": "",  # simulated nodes know no digests
        "started": "running" in state,
    }


def pod_status(
    pod: Object, statuses: list[Object], phase: str, address: str, host: str, started: float, now: float
) -> Object:
    """The pod's status with these container statuses; conditions keep the time of their last change."""
    old = {c["type"]: c for c in pod["status"].get("conditions", ())}
    unready = [status["name"] for status in statuses if not status["ready"]]
    values: dict[str, tuple[str, str, str]] = {
        "PodScheduled": ("True", "", ""),
        "Initialized": ("True", "", ""),
        "ContainersReady": ("True", "", ""),
        "Ready": ("True", "", ""),
    }
    if unready:
        text = f"containers with unready status: [{' '.join(unready)}]"
        values["ContainersReady"] = values["Ready"] = ("False", "ContainersNotReady", text)
    conditions = []
    for type_, (value, reason, message) in values.items():
        same = type_ in old and old[type_]["status"] == value
        condition = {"type": type_, "status": value, "lastProbeTime": None}
        condition["lastTransitionTime"] = old[type_]["lastTransitionTime"] if same else iso(now)
        if reason:
            condition |= {"reason": reason, "message": message}
        conditions.append(condition)
    status: Object = {"phase": phase, "conditions": conditions, "hostIP": host}
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    status |= {"startTime": iso(started), "containerStatuses": statuses, "qosClass": pod["status"]["qosClass"]}
    return status
