"""The scale subresource: a workload's size as an object of its own."""

from __future__ import annotations

from typing import Any

from aurora_tui.drill.kubernetes.selectors import selector_text
from aurora_tui.drill.kubernetes.status import bad_request
from aurora_tui.drill.kubernetes.store import Entry

Object = dict[str, Any]
_KEPT = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(entry: Entry) -> Object:
    """The Scale of a Deployment or ReplicaSet. Zeros of its spec are left out, as the real server does."""
    thing = entry.thing
    wanted = thing["spec"]["replicas"]
    status = {"replicas": thing["status"].get("replicas", 0), "selector": selector_text(thing["spec"]["selector"])}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: thing["metadata"][field] for field in _KEPT if field in thing["metadata"]},
        "spec": {"replicas": wanted} if wanted else {},
        "status": status,
    }


def scaled(entry: Entry, scale: Object) -> Object:
    """The workload with what `scale` says: its size, and uid and resourceVersion to be checked."""
    if scale.get("kind", "Scale") != "Scale":
        raise bad_request(f"expected input object type to be Scale, but got {scale.get('kind')}")
    thing = entry.copy()
    thing["spec"]["replicas"] = (scale.get("spec") or {}).get("replicas", 0)
    meta = scale.get("metadata") or {}
    for field in ("uid", "resourceVersion"):
        if meta.get(field):
            thing["metadata"][field] = meta[field]
    return thing
