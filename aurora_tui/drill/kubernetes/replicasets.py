"""The ReplicaSet controller: as many pods as the spec says, and a status that counts them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from aurora_tui.clock import parse_iso
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import POD, REPLICA_SET
from aurora_tui.drill.kubernetes.registry import DeleteOptions, owned_by, owner_of
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.store import Change, Key, Object

_COMPONENT = "replicaset-controller"


_moment = lru_cache(maxsize=4096)(parse_iso)


def ready_since(pod: Object) -> float | None:
    """When the pod became Ready, Unix seconds; None while it is not."""
    for condition in reversed(pod["status"].get("conditions", ())):  # Ready is the last one
        if condition["type"] == "Ready":
            return _moment(condition["lastTransitionTime"]) if condition["status"] == "True" else None
    return None


@dataclass(frozen=True, slots=True)
class _Pod:
    """What counting needs to know of one version of a pod: read once a change, not once a count."""

    thing: Object
    labels: dict[str, str]
    leaving: bool
    over: bool
    ready_since: float | None

    @staticmethod
    def of(thing: Object) -> _Pod:
        meta = thing["metadata"]
        over = thing["status"]["phase"] in ("Succeeded", "Failed")
        return _Pod(thing, meta.get("labels", {}), "deletionTimestamp" in meta, over, ready_since(thing))


def restarts(pod: Object) -> int:
    """Restarts of the pod's most restarted container."""
    return max((c["restartCount"] for c in pod["status"].get("containerStatuses", ())), default=0)


class ReplicaSetController:
    """Creates missing pods and deletes surplus ones, the least useful first."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._pods: dict[str, dict[Key, _Pod]] = {}
        """Pods by the uid of their ReplicaSet: a sync need not look at all pods of the cluster."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """A ReplicaSet and its pods."""
        if change.kind is REPLICA_SET:
            if change.gone:
                self._pods.pop(change.after.thing["metadata"]["uid"], None)
            yield change.key
        elif change.kind is POD:
            owner = owner_of(change.after.thing)
            if owner is not None and owner["kind"] == "ReplicaSet":
                known = self._pods.setdefault(owner["uid"], {})
                if change.gone:
                    known.pop(change.key, None)
                else:
                    known[change.key] = _Pod.of(change.after.thing)
                yield change.key[0], owner["name"]

    def sync(self, key: Key) -> None:
        """Create or delete pods, then count those there were."""
        entry = self._tools.store.get(REPLICA_SET, *key)
        if entry is None:
            self._tools.alarm(self, key, None)
            return
        one = entry.thing
        pods = [pod for pod in self._pods.get(one["metadata"]["uid"], {}).values() if not pod.over]
        active = [pod for pod in pods if not pod.leaving]
        if "deletionTimestamp" not in one["metadata"]:
            for _ in range(one["spec"]["replicas"] - len(active)):
                if not self._create(key, one):
                    break
            surplus = len(active) - one["spec"]["replicas"]
            for thing in self._surplus([pod.thing for pod in active], surplus):
                self._delete(one, thing)
        self._count(key, active, len(pods) - len(active))

    def _create(self, key: Key, one: Object) -> bool:
        template = self._tools.registry.find(REPLICA_SET, *key).copy()["spec"]["template"]
        meta = {
            "generateName": f"{key[1]}-",
            "labels": template["metadata"].get("labels", {}),
            "ownerReferences": owned_by(REPLICA_SET, one),
        }
        if template["metadata"].get("annotations"):
            meta["annotations"] = template["metadata"]["annotations"]
        try:
            made = self._tools.registry.create(POD, {"metadata": meta, "spec": template["spec"]}, key[0])
        except Refused as refusal:
            text = f"Error creating: {refusal.body['message']}"
            self._tools.events.record(REPLICA_SET, one, "FailedCreate", text, _COMPONENT, type="Warning")
            return False
        text = f"Created pod: {made.thing['metadata']['name']}"
        self._tools.events.record(REPLICA_SET, one, "SuccessfulCreate", text, _COMPONENT)
        return True

    def _delete(self, one: Object, pod: Object) -> None:
        entry = self._tools.registry.find(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        self._tools.registry.delete(entry, DeleteOptions())
        text = f"Deleted pod: {pod['metadata']['name']}"
        self._tools.events.record(REPLICA_SET, one, "SuccessfulDelete", text, _COMPONENT)

    def _surplus(self, active: list[Object], count: int) -> list[Object]:
        """The pods to lose: unscheduled, pending, not ready, youngest in readiness, most restarted, youngest."""
        if count <= 0:
            return []

        def usefulness(pod: Object) -> tuple[object, ...]:
            since = ready_since(pod)
            return (
                bool(pod["spec"].get("nodeName")),
                pod["status"]["phase"] != "Pending",
                since is not None,
                -(since or 0.0),
                -restarts(pod),
                -parse_iso(pod["metadata"]["creationTimestamp"]),
                pod["metadata"]["name"],
            )

        return sorted(active, key=usefulness)[:count]

    def _count(self, key: Key, active: list[_Pod], leaving: int) -> None:
        entry = self._tools.registry.find(REPLICA_SET, *key)
        one = entry.copy()
        labels = one["spec"]["template"]["metadata"].get("labels", {})
        patience = one["spec"].get("minReadySeconds", 0)
        now = self._tools.now()
        since = [pod.ready_since for pod in active if pod.ready_since is not None]
        labelled = sum(pod.labels == labels or labels.items() <= pod.labels.items() for pod in active)
        counts = {
            "fullyLabeledReplicas": labelled,
            "readyReplicas": len(since),
            "availableReplicas": sum(now - moment >= patience for moment in since),
        }
        status = {"replicas": len(active), **{name: count for name, count in counts.items() if count}}
        status |= {"terminatingReplicas": leaving, "observedGeneration": one["metadata"]["generation"]}
        soon = [moment + patience for moment in since if now - moment < patience]
        self._tools.alarm(self, key, min(soon, default=None))
        if status != one["status"]:
            self._tools.registry.write(REPLICA_SET, entry, {**one, "status": status})
