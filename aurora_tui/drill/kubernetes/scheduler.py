"""The scheduler: every pod to the ready node with the fewest pods."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.store import Change, Key, Object

_COMPONENT = "default-scheduler"


class Scheduler:
    """Binds pods to nodes; what fits nowhere waits for a change of the nodes."""

    kinds = frozenset({POD, NODE})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._load: dict[str, int] = {}
        self._place: dict[Key, str] = {}
        self._unplaced: dict[Key, None] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """Pods without a node; all of them again when a node changes."""
        if change.kind is NODE:
            yield from list(self._unplaced)
        elif change.kind is POD:
            node = None if change.gone else change.after.thing["spec"].get("nodeName")
            self._account(change.key, node)
            if change.gone:
                self._unplaced.pop(change.key, None)
            elif node is None:
                self._unplaced[change.key] = None
                yield change.key

    def _account(self, key: Key, node: str | None) -> None:
        was = self._place.pop(key, None)
        if was is not None:
            self._load[was] -= 1
        if node is not None:
            self._place[key] = node
            self._load[node] = self._load.get(node, 0) + 1

    def sync(self, key: Key) -> None:
        """Bind the pod, or say why not."""
        entry = self._tools.store.get(POD, *key)
        if entry is None or entry.thing["spec"].get("nodeName") or "deletionTimestamp" in entry.thing["metadata"]:
            return
        pod = entry.copy()
        nodes = [node.thing for node in self._tools.store.entries(NODE)]
        fitting = [node["metadata"]["name"] for node in nodes if _takes(node)]
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        condition["lastTransitionTime"] = iso(self._tools.now())
        if fitting:
            node = min(fitting, key=lambda name: (self._load.get(name, 0), name))
            self._unplaced.pop(key, None)
            pod["spec"]["nodeName"] = node
            text, reason, type_ = f"Successfully assigned {key[0]}/{key[1]} to {node}", "Scheduled", "Normal"
        else:
            text = f"0/{len(nodes)} nodes are available: {len(nodes)} node(s) were unschedulable or not ready."
            condition |= {"status": "False", "reason": "Unschedulable", "message": text}
            reason, type_ = "FailedScheduling", "Warning"
        old = pod["status"].get("conditions", ())
        if fitting or not any(c["type"] == "PodScheduled" and c.get("message") == text for c in old):
            pod["status"]["conditions"] = [*(c for c in old if c["type"] != "PodScheduled"), condition]
            self._tools.registry.write(POD, entry, pod)
        self._tools.events.record(POD, entry.thing, reason, text, _COMPONENT, type=type_)


def _takes(node: Object) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))
    return ready and not node["spec"].get("unschedulable")
