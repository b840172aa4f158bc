"""The ReplicaSet controller: as many pods as the spec says, and a status that counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.adoption import Orphans, adopted, released
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.crew import Crew
from aurora_tui.drill.kubernetes.kinds import POD, REPLICA_SET
from aurora_tui.drill.kubernetes.progress import FAILURE
from aurora_tui.drill.kubernetes.registry import DeleteOptions, owned_by, owner_of
from aurora_tui.drill.kubernetes.selectors import labels_match
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object
from aurora_tui.drill.kubernetes.victims import victims

_COMPONENT = "replicaset-controller"
_RETRY_SECONDS = 10.0


class ReplicaSetController:
    """Creates missing pods and deletes surplus ones, the least useful first; adopts and releases pods by their labels.

    What it knows of the pods it learns from their changes: a sync looks at no other object than its own.
    """

    kinds = frozenset({REPLICA_SET, POD})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._crews: dict[str, Crew] = {}
        """By the uid of the ReplicaSet."""
        self._patterns: dict[str, tuple[Object, Entry]] = {}
        """The first pod that was made of a ReplicaSet's template, and that template, by the ReplicaSet's uid."""
        self._orphans = Orphans()
        self._siblings: dict[str, dict[str, None]] = {}
        """uids of the ReplicaSets of a deployment, by its uid."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """A ReplicaSet and its pods; a pod of nobody concerns those that would select it."""
        if change.kind is REPLICA_SET:
            self._note_set(change)
            return (change.key,)
        if change.kind is not POD:
            return ()
        was = owner_of(change.before.thing) if change.before is not None else None
        owner = owner_of(change.after.thing)
        if owner is not None and (was is None or was["uid"] == owner["uid"]) and owner["kind"] == "ReplicaSet":
            crew = self._crews.get(owner["uid"]) or self._crews.setdefault(owner["uid"], Crew())
            if change.gone:
                crew.drop(change.key)
            else:
                crew.put(change.key, change.after.thing)
            if was is None:
                self._orphans.note(change)
            return ((change.key[0], owner["name"]),)
        return self._of_no_set(change, was)

    def _of_no_set(self, change: Change, was: Object | None) -> list[Key]:
        """A pod that no ReplicaSet controls (any more): the one that did, and those that may adopt it."""
        found: list[Key] = []
        if was is not None:
            crew = self._crews.get(was["uid"])
            if crew is not None:
                crew.drop(change.key)
            found.append((change.key[0], was["name"]))
        if self._orphans.note(change):
            labels = change.after.thing["metadata"].get("labels") or {}
            for entry in self._tools.store.entries(REPLICA_SET, change.key[0]):
                if labels_match(entry.thing["spec"]["selector"], labels):
                    found.append((change.key[0], entry.thing["metadata"]["name"]))  # noqa: PERF401
        return found

    def _note_set(self, change: Change) -> None:
        uid = change.after.thing["metadata"]["uid"]
        owner = owner_of(change.after.thing)
        if change.gone:
            self._crews.pop(uid, None)
            self._patterns.pop(uid, None)
            if owner is not None:
                self._siblings.get(owner["uid"], {}).pop(uid, None)
        elif owner is not None:
            self._siblings.setdefault(owner["uid"], {})[uid] = None

    def pods_of(self, uid: str) -> Crew:
        """The pods of the ReplicaSet with this uid."""
        return self._crews.get(uid) or Crew()

    def sync(self, key: Key) -> None:
        """Create or delete pods, then count those there were."""
        entry = self._tools.store.get(REPLICA_SET, *key)
        if entry is None:
            self._tools.alarm(self, key, None)
            return
        one = entry.thing
        uid = one["metadata"]["uid"]
        crew = self._crews.get(uid) or self._crews.setdefault(uid, Crew())
        failure = ""
        if "deletionTimestamp" not in one["metadata"]:
            self._claim(one, crew)
            before = (crew.active, crew.ready, crew.leaving, crew.labelled(_labels(one)))
            missing = one["spec"]["replicas"] - crew.active
            if missing > 0:
                failure = self._create(key, one, missing)
            elif missing < 0:
                for pod in victims(crew.active_pods(), -missing, self._neighbours(one), self._tools.now()):
                    self._delete(one, pod)
        else:
            before = (crew.active, crew.ready, crew.leaving, crew.labelled(_labels(one)))
        self._count(key, crew, before, failure)
        if failure:
            self._tools.alarm(self, key, self._tools.now() + _RETRY_SECONDS)

    def _claim(self, one: Object, crew: Crew) -> None:
        """Adopt what the selector selects and nobody controls; release what it selects no more."""
        uid, selector = one["metadata"]["uid"], one["spec"]["selector"]
        for entry in self._orphans.selected(one["metadata"]["namespace"], selector):
            self._tools.registry.write(POD, entry, adopted(entry, REPLICA_SET, one))
        if all(labels_match(selector, labels) for labels in crew.label_sets()):
            return
        for pod in crew.active_pods():
            if not labels_match(selector, pod["metadata"].get("labels") or {}):
                found = self._tools.registry.find(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
                self._tools.registry.write(POD, found, released(found, uid))

    def _create(self, key: Key, one: Object, count: int) -> str:
        """Make pods from the template: the first is understood and checked, the others are made after it.

        Returns why there are too few of them; "" when all could be made.
        """
        template = one["spec"]["template"]
        meta = {
            "generateName": f"{key[1]}-",
            "labels": template["metadata"].get("labels", {}),
            "ownerReferences": owned_by(REPLICA_SET, one),
        }
        if template["metadata"].get("annotations"):
            meta["annotations"] = template["metadata"]["annotations"]
        kept, first = self._patterns.get(one["metadata"]["uid"], (None, None))
        if kept is not one["spec"]["template"]:
            first = None
        try:
            for _ in range(count):
                if first is None:
                    made = first = self._tools.registry.create(
                        POD, {"metadata": meta, "spec": template["spec"]}, key[0]
                    )
                    self._patterns[one["metadata"]["uid"]] = (one["spec"]["template"], first)
                else:
                    made = self._tools.registry.create_like(first)
                text = f"Created pod: {made.thing['metadata']['name']}"
                self._tools.events.record(REPLICA_SET, one, "SuccessfulCreate", text, _COMPONENT)
        except Refused as refusal:
            text = f"Error creating: {refusal.body['message']}"
            self._tools.events.record(REPLICA_SET, one, "FailedCreate", text, _COMPONENT, type="Warning")
            return str(refusal.body["message"])
        return ""

    def _delete(self, one: Object, pod: Object) -> None:
        entry = self._tools.registry.find(POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        self._tools.registry.delete(entry, DeleteOptions())
        text = f"Deleted pod: {pod['metadata']['name']}"
        self._tools.events.record(REPLICA_SET, one, "SuccessfulDelete", text, _COMPONENT)

    def _neighbours(self, one: Object) -> Any:
        """Node name → active pods on it of all ReplicaSets of the same deployment."""
        owner = owner_of(one)
        related = self._siblings.get(owner["uid"], {}) if owner else {}
        crews = (self._crews.get(uid) for uid in related or {one["metadata"]["uid"]: None})
        pods = (pod for crew in crews if crew is not None for pod in crew.active_pods())
        return Counter(pod["spec"].get("nodeName", "") for pod in pods).__getitem__

    def _count(self, key: Key, crew: Crew, before: tuple[int, int, int, int], failure: str) -> None:
        """Write the status of the pods as they were `before` this sync changed their number."""
        active, ready, leaving, labelled = before
        entry = self._tools.registry.find(REPLICA_SET, *key)
        one = entry.thing
        patience = one["spec"].get("minReadySeconds", 0)
        available = ready
        if patience:
            now = self._tools.now()
            since = crew.ready_moments()
            available = sum(now - moment >= patience for moment in since)
            self._tools.alarm(self, key, min((m + patience for m in since if now - m < patience), default=None))
        counts = {"fullyLabeledReplicas": labelled, "readyReplicas": ready, "availableReplicas": available}
        status: Object = {"replicas": active, **{name: count for name, count in counts.items() if count}}
        status |= {"terminatingReplicas": leaving, "observedGeneration": one["metadata"]["generation"]}
        conditions = self._conditions(one, failure)
        if conditions:
            status["conditions"] = conditions
        if status != one["status"]:
            self._tools.registry.write(REPLICA_SET, entry, entry.but(status=status))

    def _conditions(self, one: Object, failure: str) -> list[Object]:
        """ReplicaFailure while pods cannot be made."""
        old: list[Object] = one["status"].get("conditions", [])
        if not failure:
            return [] if all(c["type"] == FAILURE for c in old) else [c for c in old if c["type"] != FAILURE]
        if any(c["type"] == FAILURE for c in old):
            return old
        said = {"type": FAILURE, "status": "True", "lastTransitionTime": iso(self._tools.now())}
        return [*old, {**said, "reason": "FailedCreate", "message": failure}]


def _labels(one: Object) -> dict[str, str]:
    labels: dict[str, str] = one["spec"]["template"]["metadata"].get("labels", {})
    return labels
