"""The node controllers: a node of which nothing is heard is marked, tainted, and loses its pods."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.clock import iso, parse_iso
from aurora_tui.drill.kubernetes import nodes
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

GRACE_SECONDS = 50.0
"""kube-controller-manager's node-monitor-grace-period."""
HEARTBEAT_SECONDS = 300.0
"""A kubelet's nodeStatusReportFrequency."""
_ORPHANED_SECONDS = 40.0
"""Pods of a node that is no object any more are collected after so long."""
_NODE, _EVICTION = "node-controller", "taint-eviction-controller"


class NodeLifecycle:
    """Keys are ("", node name)."""

    kinds = frozenset({NODE, POD})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._pods: dict[str, dict[Key, None]] = {}
        self._silent: dict[str, float] = {}
        """Nodes of which nothing is heard, since when."""
        self._heard: dict[str, float] = {}
        self._gone: dict[str, float] = {}
        self._seen: dict[str, dict[tuple[str, str], str]] = {}
        """By node: since when (RFC 3339) each of its NoExecute taints has been there."""
        self._marked: dict[Key, str] = {}
        """Pods that are to be evicted unless the taint goes: uid."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """A node; a pod that has come to one with taints."""
        if change.kind is NODE:
            name = change.key[1]
            if change.gone:
                self._gone[name] = self._tools.now()
            elif change.before is None:
                self._heard[name] = self._tools.now()
                self._gone.pop(name, None)
            return (change.key,)
        node = change.after.thing["spec"].get("nodeName")
        if node is None:
            return ()
        if change.gone:
            self._pods.get(node, {}).pop(change.key, None)
            self._marked.pop(change.key, None)
        elif change.before is None or "nodeName" not in change.before.thing["spec"]:
            self._pods.setdefault(node, {})[change.key] = None
            home = self._tools.store.get(NODE, "", node)
            if home is None or nodes.taints(home.thing, "NoExecute"):
                return (("", node),)
        return ()

    def lose(self, name: str) -> None:
        """Nothing is heard of the node from now on."""
        self._silent.setdefault(name, self._tools.now())
        self._tools.alarm(self, ("", name), self._silent[name] + GRACE_SECONDS)

    def is_silent(self, name: str) -> bool:
        """Whether nothing is heard of the node."""
        return name in self._silent

    def resume(self, name: str) -> None:
        """The node's kubelet reports again."""
        if self._silent.pop(name, None) is None:
            return
        entry = self._tools.registry.find(NODE, "", name)
        was_ready = nodes.is_ready(entry.thing)
        self._beat(name, entry)
        if not was_ready:
            node = self._tools.registry.find(NODE, "", name).thing
            text = f"Node {name} status is now: NodeReady"
            self._tools.events.record(NODE, node, "NodeReady", text, "kubelet", host=name)

    def sync(self, key: Key) -> None:
        """Mark or unmark the node, and evict what does not tolerate its taints."""
        name, now = key[1], self._tools.now()
        entry = self._tools.store.get(NODE, *key)
        if entry is None:
            self._collect(key, now)
            return
        dues: list[float] = []
        if name in self._silent:
            dark = self._silent[name] + GRACE_SECONDS
            if now < dark:
                dues.append(dark)
            elif nodes.is_ready(entry.thing):
                self._mark(name, entry)
        else:
            if now - self._heard.get(name, now) >= HEARTBEAT_SECONDS:
                self._beat(name, entry)
            dues.append(self._heard.setdefault(name, now) + HEARTBEAT_SECONDS)
        found = self._tools.store.get(NODE, *key)
        dues += self._evict(name, found.thing) if found is not None else []
        self._tools.alarm(self, key, min(dues, default=None))

    def _beat(self, name: str, entry: Entry) -> None:
        """The kubelet's report; with it the taints of silence go."""
        now = self._tools.now()
        self._heard[name] = now
        status = entry.thing["status"]
        spec = {k: v for k, v in entry.thing["spec"].items() if k != "taints"}
        kept = [taint for taint in entry.thing["spec"].get("taints") or () if taint["key"] != nodes.UNREACHABLE]
        if kept:
            spec["taints"] = kept
        conditions = nodes.healthy(status.get("conditions", []), now)
        self._tools.registry.write(NODE, entry, entry.but(spec=spec, status={**status, "conditions": conditions}))

    def _mark(self, name: str, entry: Entry) -> None:
        """The node has been silent for too long."""
        now, node = self._tools.now(), entry.thing
        told = [{"key": nodes.UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
        told[1]["timeAdded"] = iso(now)
        spec = {**node["spec"], "taints": [*(node["spec"].get("taints") or ()), *told]}
        status = {**node["status"], "conditions": nodes.unknown(node["status"]["conditions"], now)}
        self._tools.registry.write(NODE, entry, entry.but(spec=spec, status=status))
        text = f"Node {name} status is now: NodeNotReady"
        self._tools.events.record(NODE, node, "NodeNotReady", text, _NODE)
        for key in list(self._pods.get(name, ())):
            pod = self._tools.store.get(POD, *key)
            if pod is None:
                continue
            self._tools.events.record(POD, pod.thing, "NodeNotReady", "Node is not ready", _NODE, type="Warning")
            conditions = [_not_ready(c, now) for c in pod.thing["status"].get("conditions", ())]
            self._tools.registry.write(POD, pod, pod.but(status={**pod.thing["status"], "conditions": conditions}))

    def _evict(self, name: str, node: Object) -> list[float]:
        """Delete the pods that have tolerated the node's NoExecute taints for long enough; when the next ones have."""
        now = self._tools.now()
        taints = self._dated(name, nodes.taints(node, "NoExecute"))
        coming: list[float] = []
        for key in list(self._pods.get(name, ())):
            entry = self._tools.store.get(POD, *key)
            if entry is None or "deletionTimestamp" in entry.thing["metadata"]:
                continue
            ends = [_until(entry.thing, taint) for taint in taints]
            until = min((end for end in ends if end is not None), default=None)
            if until is None:
                self._spare(key, entry)
            elif now >= until:
                self._delete(entry)
            else:
                self._marked[key] = entry.thing["metadata"]["uid"]
                coming.append(until)
        return coming

    def _dated(self, name: str, taints: list[Object]) -> list[Object]:
        """The taints, those that do not say since when they are there with the moment they were first seen."""
        known = self._seen.get(name, {})
        now = iso(self._tools.now())
        dated = [{"timeAdded": known.get((t["key"], t.get("value", "")), now), **t} for t in taints]
        self._seen[name] = {(t["key"], t.get("value", "")): t["timeAdded"] for t in dated}
        return dated

    def _spare(self, key: Key, entry: Entry) -> None:
        """The taint is gone in time."""
        if self._marked.pop(key, None) == entry.thing["metadata"]["uid"]:
            text = f"Cancelling deletion of Pod {key[0]}/{key[1]}"
            self._tools.events.record(POD, entry.thing, "TaintManagerEviction", text, _EVICTION)

    def _delete(self, entry: Entry) -> None:
        meta, status = entry.thing["metadata"], entry.thing["status"]
        self._marked.pop((meta["namespace"], meta["name"]), None)
        text = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
        self._tools.events.record(POD, entry.thing, "TaintManagerEviction", text, _EVICTION)
        said = {"type": "DisruptionTarget", "status": "True", "lastProbeTime": None}
        said |= {"lastTransitionTime": iso(self._tools.now()), "reason": "DeletionByTaintManager"}
        said["message"] = "Taint manager: deleting due to NoExecute taint"
        conditions = [said, *(c for c in status.get("conditions", ()) if c["type"] != said["type"])]
        told = self._tools.registry.write(POD, entry, entry.but(status={**status, "conditions": conditions}))
        self._tools.registry.delete(told, DeleteOptions())

    def _collect(self, key: Key, now: float) -> None:
        """Pods of a node that is no more go without a word."""
        due = self._gone.get(key[1], now) + _ORPHANED_SECONDS
        if now < due:
            self._tools.alarm(self, key, due)
            return
        for place in list(self._pods.get(key[1], ())):
            entry = self._tools.store.get(POD, *place)
            if entry is not None:
                self._tools.registry.delete(entry, DeleteOptions(grace=0))


def _until(pod: Object, taint: Object) -> float | None:
    stays = nodes.stays(pod, taint)
    return None if stays is None else parse_iso(taint["timeAdded"]) + stays


def _not_ready(condition: Object, now: float) -> Object:
    if condition["type"] != "Ready" or condition["status"] == "False":
        return condition
    return {**condition, "status": "False", "lastTransitionTime": iso(now)}
