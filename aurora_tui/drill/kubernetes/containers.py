"""What a kubelet reports of a pod: container states, conditions, phase, as a status (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aurora_tui.drill.kubernetes.moments import stamp

if TYPE_CHECKING:
    from aurora_tui.drill.kubernetes.life import Init

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
    return {"running": {"startedAt": stamp(since)}}


def terminated(exit_code: int, reason: str, since: float, until: float) -> Object:
    """The state of a container that has ended."""
    ended = {"exitCode": exit_code, "reason": reason, "startedAt": stamp(since), "finishedAt": stamp(until)}
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


def init_statuses(pod: Object, init: Init) -> list[Object]:
    """initContainerStatuses: those that are done, the one that runs, those that have not had their turn."""
    found = []
    for place, container in enumerate(pod["spec"]["initContainers"]):
        state, last, restarts = waiting("PodInitializing"), {}, 0
        if place < len(init.done):
            state = init.done[place]
        elif place == len(init.done):
            state, last, restarts = init.state, init.last, init.restarts
        status = container_status(container, state, last, place < len(init.done), restarts)
        found.append(status)
    return found


def _conditions(statuses: list[Object], init: list[Object], phase: str) -> dict[str, tuple[str, str, str]]:
    """The kubelet's conditions: type → status, reason, message."""
    true = ("True", "", "")
    values = dict.fromkeys(("PodScheduled", "Initialized", "ContainersReady", "Ready"), true)
    unready = [status["name"] for status in statuses if not status["ready"]]
    if unready:
        text = f"containers with unready status: [{' '.join(unready)}]"
        values["ContainersReady"] = values["Ready"] = ("False", "ContainersNotReady", text)
    if phase == "Succeeded":
        values["Initialized"] = ("True", "PodCompleted", "")
        values["ContainersReady"] = values["Ready"] = ("False", "PodCompleted", "")
    elif phase == "Failed":
        values["ContainersReady"] = values["Ready"] = ("False", "PodFailed", "")
    incomplete = [status["name"] for status in init if not status["ready"]]
    if incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        values["Initialized"] = ("False", "ContainersNotInitialized", text)
    return values


def pod_status(
    pod: Object, statuses: list[Object], init: list[Object], phase: str, *,
    place: tuple[str, str], began: float, now: float,
) -> Object:  # fmt: skip
    """The pod's status with these container statuses; conditions keep the time of their last change.

    place: the pod's address ("" before it has one) and its host's.
    """
    old = {c["type"]: c for c in pod["status"].get("conditions", ())}
    conditions = []
    for type_, (value, reason, message) in _conditions(statuses, init, phase).items():
        before = old.pop(type_, None)
        same = before is not None and before["status"] == value
        if same and before is not None and before.get("message", "") == message and before.get("reason", "") == reason:
            conditions.append(before)
            continue
        since = before["lastTransitionTime"] if same and before is not None else stamp(now)
        condition = {"type": type_, "status": value, "lastProbeTime": None, "lastTransitionTime": since}
        if reason:
            condition["reason"] = reason
        if message:
            condition["message"] = message
        conditions.append(condition)
    address, host = place
    status: Object = {"phase": phase, "conditions": [*old.values(), *conditions], "hostIP": host}
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    status["startTime"] = stamp(began)
    if init:
        status["initContainerStatuses"] = init
    return {**status, "containerStatuses": statuses, "qosClass": pod["status"]["qosClass"]}
