"""The scheduler: every pod to a node that has room for it and takes it, its like spread over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from aurora_tui.drill.kubernetes import nodes
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import NODE, POD
from aurora_tui.drill.kubernetes.moments import stamp
from aurora_tui.drill.kubernetes.registry import owner_of
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

_COMPONENT = "default-scheduler"
_SLACK = 1e-9
_RESOURCES = ("cpu", "memory")
_NO_ROOM = "Too many pods"
_HELPLESS, _NO_VICTIMS = "Preemption is not helpful for scheduling", "No preemption victims found for incoming pod"


@dataclass(slots=True)
class _Node:
    """What the scheduler knows of a node: the object, and what its pods ask for."""

    thing: Object
    pods: int = 0
    kin: Counter[str] = field(default_factory=Counter)
    """Pods of each owner, by its uid."""
    room: dict[str, float] = field(default_factory=dict)
    open: bool = False
    """Neither cordoned nor tainted: only its room decides."""

    def has_room(self, asked: dict[str, float]) -> bool:
        """For one pod more, that asks for so much."""
        room = self.room
        if room.get("pods", 1.0) < 1.0:
            return False
        for resource, amount in asked.items():  # noqa: SIM110 - asked 140,000 times for 5,000 pods on 28 nodes
            if amount > room.get(resource, 0.0) + _SLACK:
                return False
        return True


class Scheduler:
    """Binds pods to nodes; what fits nowhere waits until nodes change or pods go."""

    kinds = frozenset({POD, NODE})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._nodes: dict[str, _Node] = {}
        self._asked: dict[Key, tuple[str, str, dict[str, float]]] = {}
        """Bound pods: on which node, whose they are, and what they ask for."""
        self._unplaced: dict[Key, None] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        """Pods without a node; all of them again when a node changes or a pod makes room."""
        if change.kind is NODE:
            return self._note_node(change)
        node = None if change.gone else change.after.thing["spec"].get("nodeName")
        known = self._asked.get(change.key)
        if known is not None and known[0] != node:
            self._book(*known, -1)
            del self._asked[change.key]
        if node is not None and change.key not in self._asked:
            bound = (node, _owner(change.after.thing), _requests(change.after.thing))
            self._asked[change.key] = bound
            self._book(*bound, 1)
        if change.gone:
            self._unplaced.pop(change.key, None)
            return tuple(self._unplaced) if known is not None else ()
        if node is None:
            self._unplaced[change.key] = None
            return (change.key,)
        self._unplaced.pop(change.key, None)
        return ()

    def _note_node(self, change: Change) -> Iterable[Key]:
        name, thing = change.key[1], change.after.thing
        if change.gone:
            self._nodes.pop(name, None)
        elif name in self._nodes:
            before = self._nodes[name].thing
            self._nodes[name].thing = thing
            same = thing.get("spec") == before.get("spec")
            if same and thing["metadata"].get("labels") == before["metadata"].get("labels"):
                has, had = (one["status"].get("allocatable", {}) for one in (thing, before))
                if has == had:
                    return ()  # a heartbeat
            self._measure(name)
        else:
            self._nodes[name] = _Node(thing)
            self._measure(name)
        return tuple(self._unplaced)

    def _measure(self, name: str) -> None:
        """What is left of the node's resources, counted anew."""
        node = self._nodes[name]
        allocatable = node.thing["status"].get("allocatable", {})
        here = [(owner, asked) for place, owner, asked in self._asked.values() if place == name]
        there = [asked for _, asked in here]
        node.pods, node.kin = len(here), Counter(owner for owner, _ in here)
        node.room = {
            resource: nodes.quantity(allocatable[resource]) - sum(asked.get(resource, 0.0) for asked in there)
            for resource in (*_RESOURCES, "pods")
            if resource in allocatable
        }
        if "pods" in node.room:
            node.room["pods"] -= node.pods
        node.open = not node.thing["spec"].get("unschedulable") and not node.thing["spec"].get("taints")

    def _book(self, name: str, owner: str, asked: dict[str, float], by: int) -> None:
        node = self._nodes.get(name)
        if node is None:
            return
        node.pods += by
        node.kin[owner] += by
        for resource, amount in asked.items():
            if resource in node.room:
                node.room[resource] -= by * amount
        if "pods" in node.room:
            node.room["pods"] -= by

    def sync(self, key: Key) -> None:
        """Bind the pod, or say why not."""
        entry = self._tools.store.get(POD, *key)
        if entry is None or entry.thing["spec"].get("nodeName") or "deletionTimestamp" in entry.thing["metadata"]:
            return
        asked = _requests(entry.thing)
        owner, choosy = _owner(entry.thing), bool(entry.thing["spec"].get("nodeSelector"))
        best: tuple[int, int, str] | None = None
        why: Counter[str] = Counter()
        for name, node in self._nodes.items():
            if not (node.open and not choosy and node.has_room(asked)) and (
                reasons := _refusals(entry.thing, asked, node)
            ):
                why.update(reasons)
            elif best is None or (node.kin[owner], node.pods, name) < best:
                best = (node.kin[owner], node.pods, name)
        if best is not None:
            self._bind(key, entry, best[2])
        else:
            self._refuse(entry, why)

    def _bind(self, key: Key, entry: Entry, node: str) -> None:
        pod = entry.thing
        said = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        said["lastTransitionTime"] = stamp(self._tools.now())
        spec = {**pod["spec"], "nodeName": node}
        self._tools.registry.write(POD, entry, entry.but(spec=spec, status=_with_condition(pod["status"], said)))
        text = f"Successfully assigned {key[0]}/{key[1]} to {node}"
        self._tools.events.record(POD, pod, "Scheduled", text, _COMPONENT)

    def _refuse(self, entry: Entry, why: Counter[str]) -> None:
        pod, count = entry.thing, len(self._nodes)
        text = "no nodes available to schedule pods"
        if count:
            head = f"0/{count} nodes are available: "
            room = sum(all(r.startswith(("Insufficient", _NO_ROOM)) for r in _refusals(pod, _requests(pod), node))
                       for node in self._nodes.values())  # fmt: skip
            hope = Counter({_HELPLESS: count - room, _NO_VICTIMS: room})
            text = f"{head}{_counted(why)}. no new claims to deallocate, preemption: {head}{_counted(hope)}."
        old = pod["status"].get("conditions", ())
        if not any(c["type"] == "PodScheduled" and c.get("message") == text for c in old):
            said = {"type": "PodScheduled", "status": "False", "lastProbeTime": None}
            said |= {"lastTransitionTime": stamp(self._tools.now()), "reason": "Unschedulable", "message": text}
            self._tools.registry.write(POD, entry, entry.but(status=_with_condition(pod["status"], said)))
        self._tools.events.record(POD, pod, "FailedScheduling", text, _COMPONENT, type="Warning")


def _with_condition(status: Object, said: Object) -> Object:
    others = [c for c in status.get("conditions", ()) if c["type"] != said["type"]]
    return {**status, "conditions": [*others, said]}


def _counted(reasons: Counter[str]) -> str:
    """As the scheduler words it: each with its number, in the order of the text."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items() if count))


def _owner(pod: Object) -> str:
    owner = owner_of(pod)
    return owner["uid"] if owner is not None else ""


def _requests(pod: Object) -> dict[str, float]:
    """What the pod's containers ask for together."""
    asked: dict[str, float] = {}
    for container in pod["spec"]["containers"]:
        resources = container.get("resources") or {}
        for resource, amount in {**(resources.get("limits") or {}), **(resources.get("requests") or {})}.items():
            if resource in _RESOURCES:
                asked[resource] = asked.get(resource, 0.0) + nodes.quantity(amount)
    return asked


def _refusals(pod: Object, asked: dict[str, float], node: _Node) -> list[str]:
    """Why the node does not take the pod; none: it does."""
    spec = node.thing["spec"]
    if spec.get("unschedulable"):
        return ["node(s) were unschedulable"]
    if "taints" in spec:
        for taint in nodes.taints(node.thing, "NoSchedule", "NoExecute"):
            if not nodes.tolerations(pod, taint):
                return ["node(s) had untolerated taint(s)"]
    wanted = pod["spec"].get("nodeSelector")
    if wanted and not wanted.items() <= (node.thing["metadata"].get("labels") or {}).items():
        return ["node(s) didn't match Pod's node affinity/selector"]
    room = node.room
    found = [_NO_ROOM] if room.get("pods", 1.0) < 1.0 else []
    found += [f"Insufficient {what}" for what, amount in asked.items() if amount > room.get(what, 0.0) + _SLACK]
    return found
