"""Returning a deployment to an earlier revision, as `kubectl rollout undo` does it, but to a revision that is pinned.

What is approved is the template (its hash) and the deployment's uid: numbers move, these do not. The write is
kubectl's own JSON patch (kubectl/pkg/polymorphichelpers/rollback.go) with a guard before it and a change-cause in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from aurora_tui.actions.operation import Changed, Impossible, Permission, Reach, Standing
from aurora_tui.actions.operations import deployment as deployments
from aurora_tui.actions.operations.owners import other_owners
from aurora_tui.actions.operations.revisions import (
    CHANGE_CAUSE,
    History,
    Pick,
    Revision,
    pick,
    pinned,
    revisions_of,
)
from aurora_tui.actions.operations.template_diff import images, template_diff, template_hash, without_hash
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.kube.writes import Object, PatchType, patch, read_all
from aurora_tui.situation.runbook import AnyStep, Undo
from aurora_tui.text import safe

# Annotations of the deployment that stay its own; the others become the ReplicaSet's.
_KEPT = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)


class UndoOperation:
    """An earlier revision's pods. `before` and `goal` hold `template` (its hash) and `revision`."""

    async def plan(self, step: Undo, number: int, reach: Reach) -> PlannedStep:
        """The revision picked and why, and what differs; refused when it cannot be picked safely."""
        found = await deployments.read_deployment(reach, step.deployment)
        if found is None:
            refusal = deployments.absent(step.deployment, reach.namespace)
            return _planned(step, number, reach, None, refusals=(refusal,))
        against = _against(found)
        if against:
            return _planned(step, number, reach, found, refusals=against)
        sets = await _replica_sets(reach, found)
        history = _history(found, sets, reach.clock.now())
        picked = _picked(step, history)
        if picked.target is None:
            return _planned(step, number, reach, found, why=picked.why, refusals=(picked.refusal,))
        return _towards(_planned(step, number, reach, found), found, sets, history.present, picked, picked.target)

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the deployment, list of ReplicaSets."""
        namespace = deployments.about(planned).namespace
        return [
            deployments.permission(planned, "get"),
            deployments.permission(planned, "patch"),
            Permission(verb="list", group="apps", resource="replicasets", namespace=namespace),
        ]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run; Impossible when something on the server's way makes another template of it."""
        result = await _write(planned, reach, dry_run=True)
        if result is not None and template_hash(deployments.template(result)) != planned.goal["template"]:
            raise Impossible(
                f"{deployments.about(planned)} would not get the template of revision {planned.goal['revision']}: "
                "an admission webhook rewrites it",
                "Roll back with the tool that the webhook belongs to.",
            )

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when the deployment has the pinned template; how far its rollout is, a wait step tells."""
        return _judge(planned, await deployments.read_again(reach, planned))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """One JSON patch; 409 when the deployment was written to since it was read just now."""
        await _write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """An undo to what was current before, pinned by its template: its number will be another one by then."""
        step = planned.step
        assert isinstance(step, Undo)
        if planned.already or "template" not in planned.before:
            return ()
        before = {"template": planned.before["template"], "revision": planned.before.get("revision")}
        return (msgspec.structs.replace(step, **before),)


def _planned(step: Undo, number: int, reach: Reach, found: Object | None, **more: Any) -> PlannedStep:
    return PlannedStep(
        number=number,
        step=step,
        title=f"Return {safe(step.deployment, 120)} to an earlier revision",
        subject=deployments.subject(reach.namespace, step.deployment, found),
        kubectl=f"kubectl -n {reach.namespace} rollout history deployment/{step.deployment}",
        limit=int(step.limit),
        **more,
    )


def _against(found: Object) -> tuple[str, ...]:
    """Why no revision can be picked now."""
    against = []
    name = safe(str(deployments.metadata(found).get("name")), 120)
    if deployments.paused(found):
        against.append(f"{name} is paused: `kubectl rollout resume deployment/{name}` first")
    if deployments.unobserved(found):
        against.append(
            f"the last change of {name} has not been acted on yet, so its revisions are not numbered: "
            "wait some seconds, then plan again"
        )
    if (found.get("spec") or {}).get("revisionHistoryLimit") == 0:
        against.append(f"{name} keeps no history (revisionHistoryLimit is 0)")
    return tuple(against)


def _picked(step: Undo, history: History) -> Pick:
    if step.template is not None or step.revision is not None:
        return pinned(history, step.template, step.revision)
    return pick(history, float(step.healthy_for))


def _towards(
    planned: PlannedStep,
    found: Object,
    sets: Sequence[Object],
    present: Revision | None,
    picked: Pick,
    target: Revision,
) -> PlannedStep:
    """`planned` with its target."""
    now, after = deployments.template(found), _template_of(sets, target.template)
    about = deployments.about(planned)
    name = about.name
    number = None if present is None else present.number
    becomes = "" if number is None or picked.already else f", which becomes {number + 1}"
    changes = [Change(what="revision", now=str(number or "not known"), after=f"{target.number}{becomes}")]
    if target.cause:
        changes.append(Change(what="change cause", now=present.cause if present else "", after=target.cause))
    old, new = images(now), images(after)
    changes += [
        Change(what=f"image of {safe(one, 120)}", now=safe(old.get(one, "none")), after=safe(new.get(one, "none")))
        for one in sorted({*old, *new})
        if old.get(one) != new.get(one)
    ]
    warnings = [*picked.warnings, *other_owners(found)]
    if not picked.already:
        warnings += deployments.rollout_cautions(found)
    if old == new and not picked.already:
        warnings.append("every image stays the same: see what else differs")
    return msgspec.structs.replace(
        planned,
        title=f"Return {name} to revision {target.number}",
        changes=() if picked.already else tuple(changes),
        diff=template_diff(now, after),
        why=picked.why,
        kubectl=f"kubectl -n {about.namespace} rollout undo deployment/{name} --to-revision={target.number}",
        before={"template": template_hash(now), **({} if number is None else {"revision": number})},
        goal={"template": target.template, "revision": target.number},
        already=picked.already,
        warnings=tuple(warnings),
    )


async def _write(planned: PlannedStep, reach: Reach, *, dry_run: bool) -> Object | None:
    """The deployment as the server answers; None when nothing was to be done."""
    found = await deployments.read_again(reach, planned)
    if _judge(planned, found).done:
        return None
    replica_set = _with_template(await _replica_sets(reach, found), planned.goal["template"])
    if replica_set is None:
        raise Impossible(
            f"Revision {planned.goal['revision']} of {deployments.about(planned)} is gone from its history",
            "Plan again, or apply the older manifest.",
        )
    body = _patch_of(found, replica_set, f"aurora-tui run {reach.run}: back to revision {planned.goal['revision']}")
    path = deployments.about(planned).path
    return await patch(reach.cluster, path, body, PatchType.JSON, dry_run=dry_run)


def _patch_of(found: Object, replica_set: Object, cause: str) -> list[Object]:
    """What kubectl sends, guarded: a stale resourceVersion is a 409, where a `test` would be a bare 422."""
    own = deployments.annotations_of(found)
    annotations = {key: own[key] for key in _KEPT if key in own}
    theirs = deployments.annotations_of(replica_set)
    annotations |= {key: value for key, value in theirs.items() if key not in _KEPT}
    annotations[CHANGE_CAUSE] = cause
    template = without_hash(deployments.template(replica_set))
    return [
        {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": deployments.metadata(found).get("resourceVersion"),
        },
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace" if own else "add", "path": "/metadata/annotations", "value": annotations},
    ]


def _judge(planned: PlannedStep, found: Object) -> Standing:
    about = deployments.about(planned)
    now = template_hash(deployments.template(found))
    subject = msgspec.structs.replace(about, version=deployments.metadata(found).get("resourceVersion"))
    if now == planned.goal["template"]:
        words = f"{about.name} has the template of revision {planned.goal['revision']}"
        return Standing(done=True, words=words, subjects=(subject,))
    if now != planned.before["template"]:
        who = deployments.last_word(found, "spec", "template")
        raise Changed(f"The pod template of {about} was changed after the plan was approved{who}", "Plan again.")
    if deployments.paused(found):
        raise Changed(f"{about} was paused after the plan was approved", "Resume it, then plan again.")
    return Standing(done=False, words=f"{about.name} is as it was", subjects=(subject,))


async def _replica_sets(reach: Reach, found: Object) -> list[Object]:
    """The ReplicaSets that the deployment controls."""
    path = deployments.deployments(reach.namespace).removesuffix("deployments") + "replicasets"
    uid = deployments.metadata(found).get("uid")
    listed = await read_all(reach.cluster, path, deployments.selector(found))
    return [
        one
        for one in listed
        if any(
            owner.get("controller") and owner.get("uid") == uid
            for owner in deployments.metadata(one).get("ownerReferences") or []
        )
    ]


def _history(found: Object, sets: Sequence[Object], now: float) -> History:
    return History(revisions_of(sets), template_hash(deployments.template(found)), now)


def _with_template(sets: Sequence[Object], template: str) -> Object | None:
    return next((one for one in sets if template_hash(deployments.template(one)) == template), None)


def _template_of(sets: Sequence[Object], template: str) -> Object:
    replica_set = _with_template(sets, template)
    assert replica_set is not None, "the target was picked from these"
    return deployments.template(replica_set)
