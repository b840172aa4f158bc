"""The deployment controller: a ReplicaSet for each revision, rolled, scaled and cleaned up as in a real cluster."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.drill.kubernetes import progress, revisions, rollout
from aurora_tui.drill.kubernetes.adoption import Orphans, adopted, released
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, POD, REPLICA_SET
from aurora_tui.drill.kubernetes.registry import DeleteOptions, owned_by, owner_of
from aurora_tui.drill.kubernetes.replicasets import ReplicaSetController
from aurora_tui.drill.kubernetes.selectors import labels_match
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

_COMPONENT = "deployment-controller"
_RETRY_SECONDS = 10.0


class DeploymentController:
    """One sync makes one step: after it, the ReplicaSets' own changes call for the next."""

    kinds = frozenset({DEPLOYMENT, REPLICA_SET, POD})

    def __init__(self, tools: Tools, replica_sets: ReplicaSetController) -> None:
        """replica_sets: knows the pods of each ReplicaSet."""
        self._tools = tools
        self._replica_sets = replica_sets
        self._owned: dict[str, dict[str, None]] = {}
        """Names of ReplicaSets by the uid of their deployment."""
        self._orphans = Orphans()

    def concerns(self, change: Change) -> Iterable[Key]:
        """A deployment and its ReplicaSets; pods only when they are gone, for Recreate waits for that."""
        if change.kind is DEPLOYMENT:
            if change.gone:
                self._owned.pop(change.after.thing["metadata"]["uid"], None)
            return (change.key,)
        if change.kind is REPLICA_SET:
            return self._note_set(change)
        if change.kind is not POD or not change.gone:
            return ()
        owner = owner_of(change.after.thing)
        parent = self._tools.store.get(REPLICA_SET, change.key[0], owner["name"]) if owner else None
        owner = owner_of(parent.thing) if parent else None
        return ((change.key[0], owner["name"]),) if owner is not None else ()

    def _note_set(self, change: Change) -> list[Key]:
        """Keep the books of who owns what; the deployments that a ReplicaSet's change concerns."""
        namespace, name = change.key
        found: list[Key] = []
        owners = [owner_of(entry.thing) for entry in (change.before, change.after) if entry is not None]
        for owner in owners:
            if owner is not None and owner["kind"] == "Deployment":
                self._owned.setdefault(owner["uid"], {}).pop(name, None)
                found.append((namespace, owner["name"]))
        last = owners[-1]
        if last is not None and last["kind"] == "Deployment" and not change.gone:
            self._owned[last["uid"]][name] = None
        if self._orphans.note(change):
            labels = change.after.thing["metadata"].get("labels") or {}
            for entry in self._tools.store.entries(DEPLOYMENT, namespace):
                if labels_match(entry.thing["spec"]["selector"], labels):
                    found.append((namespace, entry.thing["metadata"]["name"]))  # noqa: PERF401
        return found

    def sync(self, key: Key) -> None:
        """Bring the deployment one step further."""
        entry = self._tools.store.get(DEPLOYMENT, *key)
        if entry is None:
            return self._tools.alarm(self, key, None)
        deployment = entry.thing
        if "deletionTimestamp" in deployment["metadata"]:
            self._report(key, progress.counted)
            return None
        self._claim(deployment)
        self._write_status(entry, progress.pause_condition(deployment, self._tools.now()))
        if deployment["spec"].get("paused") or self._was_scaled(key):
            self._make_or_find_new(key, make=False)
            self._scale(key)
            if deployment["spec"].get("paused"):
                self._clean_up(key, self._new_and_old(key)[1])
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
        owned = self._owned.get(self._deployment(key)["metadata"]["uid"], ())
        found = (self._tools.store.get(REPLICA_SET, key[0], name) for name in sorted(owned))
        return [entry.thing for entry in found if entry is not None]

    def _claim(self, deployment: Object) -> None:
        """Adopt ReplicaSets that the selector selects and nobody controls; release those it selects no more."""
        meta, selector = deployment["metadata"], deployment["spec"]["selector"]
        for entry in self._orphans.selected(meta["namespace"], selector):
            self._tools.registry.write(REPLICA_SET, entry, adopted(entry, DEPLOYMENT, deployment))
        for one in self._sets((meta["namespace"], meta["name"])):
            if not labels_match(selector, one["metadata"].get("labels") or {}):
                entry = self._tools.registry.find(REPLICA_SET, meta["namespace"], one["metadata"]["name"])
                self._tools.registry.write(REPLICA_SET, entry, released(entry, meta["uid"]))

    def _new_and_old(self, key: Key) -> tuple[Object | None, list[Object]]:
        sets = self._sets(key)
        new = revisions.find_new(self._deployment(key), sets)
        return new, [one for one in sets if one is not new]

    def _roll(self, key: Key) -> None:
        self._make_or_find_new(key, make=True)
        new, old = self._new_and_old(key)
        if new is None:  # it could not be made: the status says why
            return self._tools.alarm(self, key, self._tools.now() + _RETRY_SECONDS)
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
        crews = (self._replica_sets.pods_of(one["metadata"]["uid"]) for one in old)
        alive = any(crew.active or crew.leaving for crew in crews)
        if not shrinking and not alive:
            self._make_or_find_new(key, make=True)
            new, _ = self._new_and_old(key)
            deployment = self._deployment(key)
            if new is None:
                return self._tools.alarm(self, key, self._tools.now() + _RETRY_SECONDS)
            if new["spec"]["replicas"] != deployment["spec"]["replicas"]:
                self._resize(key, new, deployment["spec"]["replicas"])
            if progress.is_complete(deployment, deployment["status"]):
                self._clean_up(key, old)
        return self._report(key, progress.progressed)

    def _make_or_find_new(self, key: Key, make: bool) -> None:
        """Number the new ReplicaSet (made when `make` and there is none) and say the revision on the deployment."""
        new, old = self._new_and_old(key)
        number = max((revisions.revision(one) for one in old), default=0) + 1
        deployment, now = self._deployment(key), self._tools.now()
        if new is not None:
            number = max(number, revisions.revision(new))
            self._renumber(key, deployment, new, number)
            reason, text = "FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"'
            if progress.condition(deployment["status"], "Progressing") is not None:
                reason = ""
        elif make:
            new = self._make(key, deployment, old, number)
            if new is None:
                return
            reason, text = "NewReplicaSetCreated", f'Created new replica set "{new["metadata"]["name"]}"'
        else:
            return
        entry = self._tools.registry.find(DEPLOYMENT, *key)
        status = entry.thing["status"]
        if reason and progress.has_deadline(deployment):
            status = progress.with_condition(status, "Progressing", "True", reason, text, now)
        meta = entry.thing["metadata"]
        if meta.get("annotations", {}).get(revisions.REVISION) != str(number):
            annotations = {**meta.get("annotations", {}), revisions.REVISION: str(number)}
            meta = {**meta, "annotations": dict(sorted(annotations.items()))}
        if meta is not entry.thing["metadata"] or status is not entry.thing["status"]:
            self._tools.registry.write(DEPLOYMENT, entry, entry.but(metadata=meta, status=status))

    def _renumber(self, key: Key, deployment: Object, new: Object, number: int) -> None:
        """The new ReplicaSet says what the deployment says: its annotations, revision `number`, minReadySeconds."""
        before = self._tools.registry.find(REPLICA_SET, key[0], new["metadata"]["name"])
        annotations = revisions.set_annotations(deployment, new, number)
        patience = deployment["spec"].get("minReadySeconds")
        if annotations == new["metadata"].get("annotations") and patience == new["spec"].get("minReadySeconds"):
            return
        spec = {field: value for field, value in new["spec"].items() if field != "minReadySeconds"}
        if patience:
            spec["minReadySeconds"] = patience
        meta = {**new["metadata"], "annotations": annotations}
        self._tools.registry.write(REPLICA_SET, before, before.but(metadata=meta, spec=spec))

    def _make(self, key: Key, deployment: Object, old: list[Object], number: int) -> Object | None:
        """A ReplicaSet of the deployment's template; None when it could not be made, which the status then tells."""
        template = self._tools.registry.find(DEPLOYMENT, *key).copy()["spec"]["template"]
        digest = revisions.template_hash(template, deployment["status"].get("collisionCount", 0))
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
        try:
            made = self._tools.registry.create(REPLICA_SET, {"metadata": meta, "spec": spec}, key[0])
        except Refused as refusal:
            self._not_made(key, f"{key[1]}-{digest}", refusal)
            return None
        if size > 0:
            self._tell(key, f"Scaled up replica set {meta['name']} from 0 to {size}")
        return made.thing

    def _not_made(self, key: Key, name: str, refusal: Refused) -> None:
        """Another's ReplicaSet has the name: count the collision, the next try gets another one. Else say why not."""
        entry = self._tools.registry.find(DEPLOYMENT, *key)
        status = entry.thing["status"]
        if refusal.body.get("reason") == "AlreadyExists":
            self._write_status(entry, {**status, "collisionCount": status.get("collisionCount", 0) + 1})
            return
        text = f'Failed to create new replica set "{name}": {refusal.body["message"]}'
        if progress.has_deadline(entry.thing):
            now = self._tools.now()
            said = progress.with_condition(status, "Progressing", "False", "ReplicaSetCreateError", text, now)
            self._write_status(entry, said)
        self._tools.events.record(DEPLOYMENT, entry.thing, "ReplicaSetCreateError", text, _COMPONENT, type="Warning")

    def _resize(self, key: Key, one: Object, size: int) -> None:
        """Set a ReplicaSet's size and what it remembers of the deployment's."""
        entry = self._tools.registry.find(REPLICA_SET, key[0], one["metadata"]["name"])
        spec, meta = entry.thing["spec"], entry.thing["metadata"]
        annotations = meta.get("annotations", {}) | revisions.size_annotations(self._deployment(key))
        thing = entry.but(
            metadata={**meta, "annotations": dict(sorted(annotations.items()))}, spec={**spec, "replicas": size}
        )
        self._tools.registry.write(REPLICA_SET, entry, thing)
        if spec["replicas"] != size:
            way = "up" if size > spec["replicas"] else "down"
            self._tell(key, f"Scaled {way} replica set {meta['name']} from {spec['replicas']} to {size}")

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
        alive = [one for one in old if "deletionTimestamp" not in one["metadata"]]
        for one in sorted(alive, key=revisions.revision)[: max(0, len(alive) - limit)]:
            idle = one["spec"]["replicas"] == 0 and one["status"].get("replicas", 0) == 0
            if idle and one["metadata"]["generation"] <= one["status"].get("observedGeneration", 0):
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
            self._tools.registry.write(DEPLOYMENT, entry, entry.but(status=status))
