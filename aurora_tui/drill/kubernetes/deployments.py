"""The deployment controller: a ReplicaSet for each revision, rolled, scaled and cleaned up as in a real cluster."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.drill.kubernetes import progress, revisions, rollout
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, POD, REPLICA_SET
from aurora_tui.drill.kubernetes.registry import DeleteOptions, owned_by, owner_of
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

_COMPONENT = "deployment-controller"


class DeploymentController:
    """One sync makes one step: after it, the ReplicaSets' own changes call for the next."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def concerns(self, change: Change) -> Iterable[Key]:
        """A deployment and its ReplicaSets; pods only when they are gone, for Recreate waits for that."""
        if change.kind is DEPLOYMENT:
            yield change.key
        elif change.kind is REPLICA_SET:
            owner = owner_of(change.after.thing)
            if owner is not None and owner["kind"] == "Deployment":
                yield change.key[0], owner["name"]
        elif change.kind is POD and change.gone:
            owner = owner_of(change.after.thing)
            parent = self._tools.store.get(REPLICA_SET, change.key[0], owner["name"]) if owner else None
            owner = owner_of(parent.thing) if parent else None
            if owner is not None:
                yield change.key[0], owner["name"]

    def sync(self, key: Key) -> None:
        """Bring the deployment one step further."""
        entry = self._tools.store.get(DEPLOYMENT, *key)
        if entry is None:
            return self._tools.alarm(self, key, None)
        deployment = entry.thing
        if "deletionTimestamp" in deployment["metadata"]:
            self._report(key, progress.counted)
            return None
        self._write_status(entry, progress.pause_condition(deployment, self._tools.now()))
        if deployment["spec"].get("paused") or self._was_scaled(key):
            self._make_or_find_new(key, make=False)
            self._scale(key)
            self._report(key, progress.counted)
        elif deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(key)
        else:
            self._roll(key)
        return None

    def _deployment(self, key: Key) -> Object:
        return self._tools.registry.find(DEPLOYMENT, *key).thing

    def _sets(self, key: Key) -> list[Object]:
        """The ReplicaSets that the deployment controls."""
        uid = self._deployment(key)["metadata"]["uid"]
        every = (entry.thing for entry in self._tools.store.entries(REPLICA_SET, key[0]))
        return [one for one in every if (owner := owner_of(one)) is not None and owner["uid"] == uid]

    def _new_and_old(self, key: Key) -> tuple[Object | None, list[Object]]:
        sets = self._sets(key)
        new = revisions.find_new(self._deployment(key), sets)
        return new, [one for one in sets if one is not new]

    def _roll(self, key: Key) -> None:
        self._make_or_find_new(key, make=True)
        new, old = self._new_and_old(key)
        assert new is not None
        deployment = self._deployment(key)
        size = new["spec"]["replicas"]
        wanted = deployment["spec"]["replicas"]
        target = wanted if size > wanted else rollout.new_set_size(deployment, [*old, new], size)
        if target != size:
            self._resize(key, new, target)
            return self._report(key, progress.progressed)
        shrunk = rollout.old_set_sizes(deployment, new, old)
        for one in old:
            if one["metadata"]["name"] in shrunk:
                self._resize(key, one, shrunk[one["metadata"]["name"]])
        if not shrunk and progress.is_complete(deployment, deployment["status"]):
            self._clean_up(key, old)
        return self._report(key, progress.progressed)

    def _recreate(self, key: Key) -> None:
        self._make_or_find_new(key, make=False)
        _, old = self._new_and_old(key)
        shrinking = [one for one in old if one["spec"]["replicas"] > 0]
        for one in shrinking:
            self._resize(key, one, 0)
        names = {one["metadata"]["name"] for one in old}
        pods = (entry.thing for entry in self._tools.store.entries(POD, key[0]))
        alive = any((owner := owner_of(pod)) is not None and owner["name"] in names for pod in pods)
        if not shrinking and not alive:
            self._make_or_find_new(key, make=True)
            new, _ = self._new_and_old(key)
            deployment = self._deployment(key)
            if new is not None and new["spec"]["replicas"] != deployment["spec"]["replicas"]:
                self._resize(key, new, deployment["spec"]["replicas"])
            if progress.is_complete(deployment, deployment["status"]):
                self._clean_up(key, old)
        self._report(key, progress.progressed)

    def _make_or_find_new(self, key: Key, make: bool) -> None:
        """Number the new ReplicaSet (made when `make` and there is none) and say the revision on the deployment."""
        new, old = self._new_and_old(key)
        number = max((revisions.revision(one) for one in old), default=0) + 1
        entry = self._tools.registry.find(DEPLOYMENT, *key)
        deployment = entry.copy()
        now = self._tools.now()
        if new is not None:
            number = max(number, revisions.revision(new))
            before = self._tools.registry.find(REPLICA_SET, key[0], new["metadata"]["name"])
            one = before.copy()
            one["metadata"]["annotations"] = revisions.set_annotations(deployment, new, number)
            one["spec"].pop("minReadySeconds", None)
            if deployment["spec"].get("minReadySeconds"):
                one["spec"]["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
            self._tools.registry.write(REPLICA_SET, before, one)
            reason, text = "FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"'
            if progress.condition(deployment["status"], "Progressing") is not None:
                reason = ""
        elif make:
            new = self._make(key, deployment, old, number)
            reason, text = "NewReplicaSetCreated", f'Created new replica set "{new["metadata"]["name"]}"'
        else:
            return
        if reason and progress.has_deadline(deployment):
            deployment["status"] = progress.with_condition(
                deployment["status"], "Progressing", "True", reason, text, now
            )
        annotations = deployment["metadata"].setdefault("annotations", {})
        if annotations.get(revisions.REVISION) != str(number):
            annotations[revisions.REVISION] = str(number)
            deployment["metadata"]["annotations"] = dict(sorted(annotations.items()))
        self._tools.registry.write(DEPLOYMENT, entry, deployment)

    def _make(self, key: Key, deployment: Object, old: list[Object], number: int) -> Object:
        template = self._tools.registry.find(DEPLOYMENT, *key).copy()["spec"]["template"]
        digest = revisions.template_hash(template)
        labels = dict(sorted({**template["metadata"].get("labels", {}), revisions.HASH: digest}.items()))
        template["metadata"]["labels"] = labels
        selector = dict(deployment["spec"]["selector"])
        chosen = {**(selector.get("matchLabels") or {}), revisions.HASH: digest}
        selector["matchLabels"] = dict(sorted(chosen.items()))
        size = rollout.new_set_size(deployment, old, 0)
        spec: Object = {"replicas": size, "selector": selector, "template": template}
        if deployment["spec"].get("minReadySeconds"):
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        meta = {"name": f"{key[1]}-{digest}", "labels": labels, "ownerReferences": owned_by(DEPLOYMENT, deployment)}
        meta["annotations"] = revisions.set_annotations(deployment, None, number)
        made = self._tools.registry.create(REPLICA_SET, {"metadata": meta, "spec": spec}, key[0])
        if size > 0:
            self._tell(key, f"Scaled up replica set {meta['name']} from 0 to {size}")
        return made.thing

    def _resize(self, key: Key, one: Object, size: int) -> None:
        """Set a ReplicaSet's size and what it remembers of the deployment's."""
        entry = self._tools.registry.find(REPLICA_SET, key[0], one["metadata"]["name"])
        thing = entry.copy()
        was, thing["spec"]["replicas"] = thing["spec"]["replicas"], size
        annotations = thing["metadata"].get("annotations", {}) | revisions.size_annotations(self._deployment(key))
        thing["metadata"]["annotations"] = dict(sorted(annotations.items()))
        self._tools.registry.write(REPLICA_SET, entry, thing)
        if was != size:
            way = "up" if size > was else "down"
            self._tell(key, f"Scaled {way} replica set {one['metadata']['name']} from {was} to {size}")

    def _tell(self, key: Key, message: str) -> None:
        self._tools.events.record(DEPLOYMENT, self._deployment(key), "ScalingReplicaSet", message, _COMPONENT)

    def _was_scaled(self, key: Key) -> bool:
        wanted = str(self._deployment(key)["spec"]["replicas"])
        return any(
            one["spec"]["replicas"] > 0
            and one["metadata"].get("annotations", {}).get(rollout.DESIRED, wanted) != wanted
            for one in self._sets(key)
        )

    def _scale(self, key: Key) -> None:
        """Bring a changed `spec.replicas` to the ReplicaSets without rolling further."""
        deployment = self._deployment(key)
        new, old = self._new_and_old(key)
        sets = [*old, new] if new else old
        active = [one for one in sets if one["spec"]["replicas"] > 0]
        wanted = deployment["spec"]["replicas"]
        if len(active) <= 1:
            latest = new or max(old, key=lambda one: one["metadata"]["creationTimestamp"], default=None)
            only = active[0] if active else latest
            if only is not None:
                self._resize(key, only, wanted)
        elif rollout.is_saturated(deployment, new):
            for one in active:
                if one is not new:
                    self._resize(key, one, 0)
        elif deployment["spec"]["strategy"]["type"] == "RollingUpdate":
            sizes = rollout.proportional_sizes(deployment, active)
            for one in active:
                self._resize(key, one, sizes[one["metadata"]["name"]])

    def _clean_up(self, key: Key, old: list[Object]) -> None:
        """Forget the oldest revisions beyond revisionHistoryLimit."""
        limit = self._deployment(key)["spec"].get("revisionHistoryLimit", 10)
        idle = [
            one
            for one in sorted(old, key=revisions.revision)
            if one["spec"]["replicas"] == 0
            and one["status"].get("replicas", 0) == 0
            and one["metadata"]["generation"] <= one["status"].get("observedGeneration", 0)
        ]
        for one in idle[: max(0, len(idle) - limit)]:
            entry = self._tools.registry.find(REPLICA_SET, key[0], one["metadata"]["name"])
            self._tools.registry.delete(entry, DeleteOptions())

    def _report(self, key: Key, judge: progress.Judge) -> None:
        """Write the status that `judge` finds, and come back when the progress deadline is due."""
        new, old = self._new_and_old(key)
        entry = self._tools.registry.find(DEPLOYMENT, *key)
        status = judge(entry.thing, [*old, new] if new else old, new, self._tools.now())
        self._write_status(entry, status)
        self._tools.alarm(self, key, progress.deadline(entry.thing, status))

    def _write_status(self, entry: Entry, status: Object) -> None:
        if status != entry.thing["status"]:
            self._tools.registry.write(DEPLOYMENT, entry, {**entry.copy(), "status": status})
