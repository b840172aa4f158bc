"""A pod's STATUS and RESTARTS as kubectl shows them (pure; after the API server's printPod)."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def _initializing(pod: Object) -> str:
    """Init:0/2, Init:CrashLoopBackOff, …; "" when no init container has anything to do any more."""
    total = len(pod["spec"].get("initContainers") or ())
    for place, container in enumerate(pod["status"].get("initContainerStatuses") or ()):
        state = container.get("state") or {}
        ended = state.get("terminated")
        if ended is not None and ended["exitCode"] == 0:
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or 'ExitCode:{}'.format(ended['exitCode'])}"
        waiting = state.get("waiting", {}).get("reason")
        return f"Init:{waiting}" if waiting and waiting != "PodInitializing" else f"Init:{place}/{total}"
    return ""


def _initialized(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(c["type"] == "Initialized" and c["status"] == "True" for c in conditions)


def pod_reason(pod: Object) -> str:
    """The STATUS that kubectl shows for a pod."""
    status = pod["status"]
    reason = str(status.get("reason") or status.get("phase") or "")
    initializing = _initializing(pod)
    if initializing and not _initialized(pod):
        reason = initializing
    else:
        runs = False
        for container in reversed(status.get("containerStatuses") or []):
            state = container.get("state") or {}
            if state.get("waiting", {}).get("reason"):
                reason = state["waiting"]["reason"]
            elif "terminated" in state:
                ended = state["terminated"]
                reason = ended.get("reason") or f"ExitCode:{ended['exitCode']}"
            runs = runs or (bool(container.get("ready")) and "running" in state)
        if reason == "Completed" and runs:
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
            reason = "Running" if ready else "NotReady"
    if "deletionTimestamp" in pod["metadata"] and status.get("phase") not in ("Succeeded", "Failed"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def restarted(pod: Object) -> list[Object]:
    """The container statuses whose restarts count now: those of init containers until they are done."""
    which = "initContainerStatuses" if _initializing(pod) and not _initialized(pod) else "containerStatuses"
    return pod["status"].get(which) or []
