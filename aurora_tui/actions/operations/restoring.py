"""Making anew what a snapshot holds: what is missing, as it was; what is there already is never touched."""

from __future__ import annotations

import asyncio
import copy
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aurora_tui.actions.identity import identify
from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations.overlay import as_facts, counted, each, going, subjects_in, uid_of
from aurora_tui.actions.operations.removal import NAMESPACE, order
from aurora_tui.actions.operations.snapshot_file import (
    Damaged,
    Kept,
    OnDisk,
    Snapshot,
    age,
    newest,
    newest_elsewhere,
    read,
)
from aurora_tui.actions.plan import Change, PlannedStep, Subject
from aurora_tui.kube import writes
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.questions import may
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import AnyStep, Restore
from aurora_tui.text import safe

Object = dict[str, Any]
# What the API says of an object, and nobody may tell it.
_ITS_OWN = (
    "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "managedFields", "selfLink", "ownerReferences",
)  # fmt: skip
_HASH = "pod-template-hash"
_REPLICA_SETS = "replicasets.apps"
_OF_A_JOB = ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name")
# What the cluster hands out, and may have handed to another one since.
_HANDED_OUT = ("clusterIP", "clusterIPs", "healthCheckNodePort")
_LEADING = frozenset(
    {
        "horizontalpodautoscalers.autoscaling", "httproutes.gateway.networking.k8s.io", "ingresses.networking.k8s.io",
        "trafficsplits.split.smi-spec.io",
    }
)  # fmt: skip
_OLD = 24 * 3600.0
_JQ = (
    '{apiVersion:"v1",kind:"List",items:[.objects[].object|del(.status,.metadata.uid,.metadata.resourceVersion,'
    ".metadata.ownerReferences)]}"
)


class RestoreOperation:
    """What the newest snapshot holds is there. `goal`: `file`, `sha256`, and `objects`: what is to be made, in order.

    The revisions that a deployment had come back too, where one may create ReplicaSets: without them nothing could be
    rolled back to.
    """

    async def plan(self, step: Restore, number: int, reach: Reach) -> PlannedStep:
        """What would be made and what is left alone; refused without a snapshot of this very cluster."""
        cluster = await identify(reach.cluster)
        try:
            found = await asyncio.to_thread(newest, reach.folder, reach.settings.environment_name, cluster)
            other = None
            if found is None:
                other = await asyncio.to_thread(
                    newest_elsewhere, reach.folder, reach.settings.environment_name, cluster
                )
        except Damaged as error:
            return _refused(step, number, str(error))
        if found is None:
            where = f"{reach.settings.environment_name} in this cluster"
            told = f"there is no snapshot of {where} beside the ledger ({reach.folder})"
            if other is not None:
                theirs = other.snapshot.cluster
                told += f"; the newest one, {other.file.name}, is of another ({theirs.context}, {theirs.server})"
            return _refused(step, number, told)
        return await self._plan_of(found, step, number, reach)

    async def _plan_of(self, found: OnDisk, step: Restore, number: int, reach: Reach) -> PlannedStep:
        snapshot, warnings, refusals = found.snapshot, [], []
        history = revisions_of(snapshot)
        if history and not await _may_make_revisions(snapshot, reach):
            history = ()
            warnings.append(
                "earlier revisions do not come back, for you may not create ReplicaSets: no undo after this"
            )
        wanted = sorted((*snapshot.objects, *history), key=_later)
        live = await each(wanted, lambda one: writes.read(reach.cluster, one.path))
        missing = [one for one, thing in zip(wanted, live, strict=True) if thing is None]
        for one, thing in zip(wanted, live, strict=True):
            if thing is not None and going(thing):
                refusals.append(f"{one.kind} {safe(one.name, 253)} is still being deleted: wait until it is gone")
        since = age(snapshot, reach.clock.now())
        if since > _OLD:
            warnings.append(f"the snapshot is {Duration(int(since) // 3600 * 3600)} old")
        if snapshot.namespace != reach.namespace:
            refusals.append(f"it is of namespace {snapshot.namespace}, and the environment's is {reach.namespace}")
        return PlannedStep(
            number=number,
            step=step,
            title=f"Restore the snapshot of {snapshot.taken_at}",
            changes=tuple(_change(one, thing) for one, thing in zip(wanted, live, strict=True)),
            why=f"{found.file}, SHA-256 {found.sha256}, of run {safe(snapshot.run, 40)}",
            kubectl=f"jq '{_JQ}' {shlex.quote(str(found.file))} | kubectl -n {reach.namespace} create -f -",
            before={},
            goal={
                "file": str(found.file),
                "sha256": found.sha256,
                "objects": as_facts([_subject(one) for one in missing]),
            },
            already=not missing and not refusals,
            warnings=tuple(warnings),
            refusals=tuple(refusals),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """create of each kind. (Who may create may not be limited to names: the API does not know them yet.)"""
        kinds = dict.fromkeys((one.resource, one.namespace) for one in subjects_in(planned.goal))
        return [
            Permission(verb="create", group=group, resource=plural, namespace=namespace)
            for (resource, namespace) in kinds
            for plural, _, group in (resource.partition("."),)
        ]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Every creation as a dry run; when the namespace itself is missing, that one alone: nothing can be in it."""
        kept = await _kept(planned)
        missing = [kept[one.path] for one in subjects_in(planned.goal)]
        spaces = [one for one in missing if one.resource == NAMESPACE]
        await each(spaces or missing, lambda one: _make(one, reach, owners=(), dry_run=True))

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when everything that was to be made is there."""
        subjects = subjects_in(planned.goal)
        live = await each(subjects, lambda one: writes.read(reach.cluster, one.path))
        there = [thing is not None and not going(thing) for thing in live]
        told = f"all {len(subjects)} there: {counted(one.kind for one in subjects)}"
        if not all(there):
            lacking = [str(one) for one, is_there in zip(subjects, there, strict=True) if not is_there]
            told = f"{sum(there)} of {len(subjects)} there, lacking {', '.join(lacking[:5])}"
        return Standing(done=all(there), words=told, subjects=subjects)

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Make what is missing: namespace, what workloads need, workloads, routes, whatever belongs to another one."""
        kept = await _kept(planned)
        uids: dict[str, str] = {}  # of what was kept → of what is there now
        paths = {uid_of(one.object): one.path for one in kept.values()}
        for subject in subjects_in(planned.goal):
            one = kept[subject.path]
            found = await writes.read(reach.cluster, one.path)
            if found is not None and going(found):
                raise Changed(f"{subject} is being deleted again", "Wait until it is gone, then plan again.")
            if found is None:
                owners = await _owners(one, paths, uids, reach)
                await _make(one, reach, owners=owners, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """None: what was made is what had been there."""
        return ()


def as_new(thing: Object, owners: Sequence[Object] = ()) -> Object:
    """`thing` as it can be created: without what the API says of it, and without what belongs to one that is gone."""
    made = copy.deepcopy(thing)
    made.pop("status", None)
    meta = made["metadata"]
    for field in _ITS_OWN:
        meta.pop(field, None)
    if owners:
        meta["ownerReferences"] = list(owners)
    spec: Object = made.get("spec") or {}
    if made.get("kind") == "Pod":
        spec.pop("nodeName", None)
    elif made.get("kind") == "Namespace":
        made.pop("spec", None)
    elif made.get("kind") == "Job" and not spec.get("manualSelector"):
        spec.pop("selector", None)
        for labels in (meta.get("labels"), (spec["template"].get("metadata") or {}).get("labels")):
            for name in _OF_A_JOB:
                (labels or {}).pop(name, None)
    return made


def revisions_of(snapshot: Snapshot) -> tuple[Kept, ...]:
    """The ReplicaSets of earlier revisions, without pods: the deployment adopts them, and can be rolled back to them.

    The one that it runs it makes by itself.
    """
    owners = {uid_of(one.object): one for one in snapshot.objects if one.resource == "deployments.apps"}
    found = []
    for one in snapshot.dependents:
        told = one.object["metadata"].get("ownerReferences") or ()
        owner = next((owners[its["uid"]] for its in told if its.get("uid") in owners), None)
        if one.resource != _REPLICA_SETS or owner is None:
            continue
        if _bare(one.object) != _bare(owner.object):
            quiet = {**one.object, "spec": {**one.object["spec"], "replicas": 0}}
            found.append(Kept(path=one.path, resource=one.resource, object=quiet))
    return tuple(found)


def _bare(thing: Object) -> Object:
    """A pod template without the hash that tells its ReplicaSet."""
    template: Object = copy.deepcopy(thing["spec"]["template"])
    ((template.get("metadata") or {}).get("labels") or {}).pop(_HASH, None)
    return template


async def _may_make_revisions(snapshot: Snapshot, reach: Reach) -> bool:
    answer = await may(reach.cluster, "create", "replicasets", group="apps", namespace=snapshot.namespace)
    return answer.allowed


async def _make(one: Kept, reach: Reach, *, owners: Sequence[Object], dry_run: bool) -> None:
    """Create it; what another one has created meanwhile is left alone."""
    collection = one.path.rpartition("/")[0]
    thing = as_new(one.object, owners)
    try:
        await writes.create(reach.cluster, collection, thing, dry_run=dry_run)
    except ApiError as error:
        if error.status == 409 and error.reason == "AlreadyExists":
            return
        if error.status != 422 or one.resource != "services":
            raise
        # Its address or a port of the nodes is another one's by now: it gets a new one.
        for field in _HANDED_OUT:
            thing["spec"].pop(field, None)
        for port in thing["spec"].get("ports") or ():
            port.pop("nodePort", None)
        await writes.create(reach.cluster, collection, thing, dry_run=dry_run)


async def _owners(one: Kept, paths: dict[str, str], uids: dict[str, str], reach: Reach) -> list[Object]:
    """Whom it belonged to, as far as they are there again, by the uids that they have now."""
    found = []
    for owner in one.object["metadata"].get("ownerReferences") or ():
        was = owner.get("uid", "")
        if was in paths and was not in uids:
            there = await writes.read(reach.cluster, paths[was])
            if there is not None:
                uids[was] = uid_of(there)
        if was in uids and one.resource != _REPLICA_SETS:  # which the deployment adopts by itself
            found.append({**owner, "uid": uids[was]})
    return found


async def _kept(planned: PlannedStep) -> dict[str, Kept]:
    """What the snapshot holds, by path. Changed when the file is another one than was approved."""
    found = await asyncio.to_thread(read, Path(planned.goal["file"]))
    if found.sha256 != planned.goal["sha256"]:
        raise Changed(f"The snapshot {found.file} was written anew after the plan was approved", "Plan again.")
    return {one.path: one for one in (*found.snapshot.objects, *revisions_of(found.snapshot))}


def _later(one: Kept) -> tuple[bool, bool, int]:
    """Its place when things are made: the reverse of a deletion's; traffic is led to workloads once they are there,
    and whoever belongs to another one comes last."""
    owned = bool(one.object["metadata"].get("ownerReferences")) and one.resource != _REPLICA_SETS
    return owned, one.resource in _LEADING, -order(_subject(one))


def _subject(one: Kept) -> Subject:
    namespace = one.object["metadata"].get("namespace")
    return Subject(kind=one.kind, resource=one.resource, path=one.path, name=safe(one.name, 253), namespace=namespace)


def _change(one: Kept, live: Object | None) -> Change:
    told = f"{one.kind} {safe(one.name, 253)}"
    if live is not None:
        return Change(what=told, now="there", after="left alone")
    replicas = (one.object.get("spec") or {}).get("replicas")
    many = f", {replicas} replicas" if isinstance(replicas, int) and one.resource != _REPLICA_SETS else ""
    return Change(what=told, now="not there", after=f"as it was{many}")


def _refused(step: Restore, number: int, words: str) -> PlannedStep:
    return PlannedStep(number=number, step=step, title="Restore", refusals=(words,), limit=int(step.limit))
