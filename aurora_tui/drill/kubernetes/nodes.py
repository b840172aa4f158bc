"""Nodes as objects: what they have, what they say of themselves, what taints keep pods away (pure)."""

from __future__ import annotations

from typing import Any

from aurora_tui.clock import iso

Object = dict[str, Any]

UNREACHABLE = "node.kubernetes.io/unreachable"
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_CAPACITY = {"cpu": "8", "memory": "32Gi", "pods": "250"}
_FACTORS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def manifest(name: str) -> Object:
    """A node as it registers."""
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {"metadata": {"name": name, "labels": labels}}


def status(name: str, index: int, now: float) -> Object:
    """What the `index`-th node reports."""
    addresses = [{"type": "InternalIP", "address": f"10.0.{index // 250}.{index % 250 + 1}"}]
    addresses.append({"type": "Hostname", "address": name})
    info = {"kubeletVersion": "v1.35.0", "osImage": "drill", "operatingSystem": "linux", "architecture": "amd64"}
    counts = {"capacity": _CAPACITY, "allocatable": _CAPACITY}
    return {**counts, "conditions": healthy([], now), "addresses": addresses, "nodeInfo": info}


def healthy(conditions: list[Object], now: float) -> list[Object]:
    """The conditions that a kubelet reports when all is well; times of change are kept where nothing changes."""
    values = [(type_, "False", reason, text) for type_, reason, text in _PRESSURES]
    values.append(("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    return [_condition(conditions, now, now, *value) for value in values]


def unknown(conditions: list[Object], now: float) -> list[Object]:
    """The conditions that the node controller writes when it has heard nothing for too long."""
    said = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    return [_condition(conditions, None, now, old["type"], *said) for old in conditions]


def _condition(
    old: list[Object], heard: float | None, now: float, type_: str, value: str, reason: str, text: str
) -> Object:
    before = next((c for c in old if c["type"] == type_), None)
    same = before is not None and before["status"] == value
    since = before["lastTransitionTime"] if same and before is not None else iso(now)
    heartbeat = before["lastHeartbeatTime"] if heard is None and before is not None else iso(now)
    said = {"type": type_, "status": value, "lastHeartbeatTime": heartbeat, "lastTransitionTime": since}
    return {**said, "reason": reason, "message": text}


def is_ready(node: Object) -> bool:
    """Whether the node says so of itself."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))


def taints(node: Object, *effects: str) -> list[Object]:
    """The node's taints with one of these effects."""
    return [taint for taint in node["spec"].get("taints") or () if taint["effect"] in effects]


def tolerations(pod: Object, taint: Object) -> list[Object]:
    """The pod's tolerations that cover the taint."""
    return [one for one in pod["spec"].get("tolerations") or () if _tolerates(one, taint)]


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    exists = toleration.get("operator", "Equal") == "Exists"
    return exists or bool(toleration.get("value", "") == taint.get("value", ""))


def stays(pod: Object, taint: Object) -> float | None:
    """Seconds that a pod may stay beside a NoExecute taint: 0 when it does not tolerate it; None: for good."""
    limits = [one.get("tolerationSeconds") for one in tolerations(pod, taint)]
    if not limits:
        return 0.0
    return min((max(0.0, float(limit)) for limit in limits if limit is not None), default=None)


def quantity(text: str | int | float) -> float:
    """250m, 8, 32Gi as a number."""
    if not isinstance(text, str):
        return float(text)
    if text.endswith("m"):
        return float(text[:-1]) / 1000
    for suffix, factor in _FACTORS.items():
        if text.endswith(suffix):
            return float(text[: -len(suffix)]) * factor
    return float(text)
