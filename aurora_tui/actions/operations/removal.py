"""Deleting what was rendered, and nothing else: workloads first, each only if it is still the one that was approved.

`kubectl delete -k` begins with the Namespace, by which everything in it dies unasked; here it comes last, and needs a
second word typed (`aurora_tui.actions.consent`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations.contents import Contents, contents
from aurora_tui.actions.operations.kinds import Kinds
from aurora_tui.actions.operations.overlay import (
    Found,
    Overlay,
    as_facts,
    counted,
    each,
    going,
    look_up,
    subjects_in,
    uid_of,
    unplannable,
)
from aurora_tui.actions.operations.remains import pods_left, selectors_of, stuck
from aurora_tui.actions.operations.rendering import place_of, render
from aurora_tui.actions.plan import Change, PlannedStep, Subject
from aurora_tui.actions.preflight.owners import keeper
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, delete, read
from aurora_tui.situation.runbook import AnyStep, Delete, Restore

NAMESPACE = "namespaces"
# What makes pods goes first, who makes others before what they make; then whatever is not named here.
_FIRST = (
    "cronjobs.batch", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "replicasets.apps",
    "replicationcontrollers", "pods",
)  # fmt: skip
_LAST = ("services", "serviceaccounts", "configmaps", "secrets", "persistentvolumeclaims", NAMESPACE)
_MOST_NAMED = 200


class DeleteOperation:
    """Nothing left of the overlay.

    `before`: `objects`, each with the uid it had, in the order they are deleted; `goal`: `pods`, the label selectors
    of which no pod may be left, `sha256` of what was rendered, and for a Namespace `namespace` and `others`, who else
    lives there.
    """

    async def plan(self, step: Delete, number: int, reach: Reach) -> PlannedStep:
        """Every object with its uid; refused when it is not the environment's own, or too much would go with it."""
        path = place_of(step.path, reach)
        title = f"Delete everything of {path.name}"
        try:
            rendered = await render(path)
        except AuroraError as error:
            return unplannable(step, number, title, error)
        kinds = Kinds(reach.cluster)
        overlay = await look_up(rendered, kinds, reach)
        ordered = sorted(overlay.found, key=lambda one: order(one.subject))
        goal: dict[str, Any] = {
            "sha256": rendered.sha256,
            "pods": selectors_of(overlay.live),
        }
        refusals, warnings = list(overlay.refusals), _warnings(overlay)
        if overlay.namespace is not None:
            inside = await contents(reach.namespace, kinds, reach)
            goal |= _consent(overlay, inside)
            refusals += [f"what of {one} lives in the namespace cannot be seen" for one in inside.unseen]
        return PlannedStep(
            number=number,
            step=step,
            title=title,
            changes=tuple(Change(what=str(one.subject), now=_now(one), after="gone") for one in ordered),
            why=f"what was rendered has SHA-256 {rendered.sha256}",
            kubectl=f"kubectl -n {reach.namespace} delete {rendered.flag} {shlex.quote(str(path))}",
            before={"objects": as_facts([one.subject for one in ordered])},
            goal=goal,
            already=bool(overlay.found) and not overlay.live and not refusals,
            warnings=tuple(warnings),
            refusals=tuple(refusals),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and delete of each object, list of pods."""
        needed = [
            _right(verb, one)
            for one in subjects_in(planned.before)
            if one.uid is not None
            for verb in ("get", "delete")
        ]
        spaces = dict.fromkeys(selector["namespace"] for selector in planned.goal["pods"])
        return [*needed, *(Permission(verb="list", group="", resource="pods", namespace=one) for one in spaces)]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Every delete as a dry run. It does not show what would go with a namespace."""

        async def one(subject: Subject) -> None:
            if await _there(subject, reach) is not None:
                await delete(reach.cluster, subject.path, uid=subject.uid or "", dry_run=True)

        await each(subjects_in(planned.before), one)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when every object is gone and so are the pods. Changed when one is there that was not approved."""
        subjects = subjects_in(planned.before)
        found = await each(subjects, lambda one: _there(one, reach))
        left = [(one, thing) for one, thing in zip(subjects, found, strict=True) if thing is not None]
        told = [stuck(one, thing) for one, thing in left if going(thing)]
        waiting = [one.kind for one, thing in left if not going(thing)]
        if waiting:
            told.append(f"to delete: {counted(waiting)}")
        # While there is something to delete its pods are not asked for: they are there.
        pods = [] if waiting else await pods_left(planned.goal["pods"], reach)
        if pods:
            told.append(f"{len(pods)} pods still stopping: {', '.join(pods[:5])}")
        was = [one for one in subjects if one.uid is not None]
        return Standing(
            done=not left and not pods,
            words="; ".join(told) or f"all {len(was)} gone: {counted(one.kind for one in was)}",
            subjects=tuple(was),
        )

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Delete what is left, in order, each guarded by its uid. What is gone or going is left alone."""
        subjects = subjects_in(planned.before)
        await each(subjects, lambda one: _there(one, reach))  # nothing is deleted while anything is another one
        for subject in subjects:
            found = await _there(subject, reach)
            if found is None or going(found):
                continue
            if subject.resource == NAMESPACE:
                await _nobody_new(planned, reach)
            try:
                await delete(reach.cluster, subject.path, uid=subject.uid or "")
            except ApiError as error:
                if error.status != 404:
                    raise

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """Restore the newest snapshot, which the step before this one has taken."""
        return () if planned.already else (Restore(limit=planned.step.limit),)


def order(subject: Subject) -> int:
    """Its place in a deletion; the reverse is its place when things are made anew."""
    if subject.resource in _FIRST:
        return _FIRST.index(subject.resource)
    return len(_FIRST) + (1 + _LAST.index(subject.resource) if subject.resource in _LAST else 0)


async def _there(subject: Subject, reach: Reach) -> Object | None:
    """The object now, None when it is gone; Changed when another one stands in its place."""
    found = await read(reach.cluster, subject.path)
    if found is None or uid_of(found) == subject.uid:
        return found
    if subject.uid is None:
        raise Changed(f"{subject} was not there when the plan was approved, and is now", "Plan again.")
    raise Changed(f"{subject} was deleted and created anew after the plan was approved", "Plan again.")


async def _nobody_new(planned: PlannedStep, reach: Reach) -> None:
    """Changed when somebody lives in the namespace of whom nobody knew when its deletion was consented to."""
    inside = await contents(reach.namespace, Kinds(reach.cluster), reach)
    if inside.unseen:
        raise Changed(f"what of {', '.join(inside.unseen)} lives in the namespace cannot be seen now", "Plan again.")
    known = {one.uid or "" for one in subjects_in(planned.before)} | set(planned.goal["known"])
    if new := inside.others(known):
        told = ", ".join(map(str, new[:5]))
        raise Changed(
            f"{len(new)} more live in namespace {reach.namespace} than was consented to: {told}", "Plan again."
        )


def _consent(overlay: Overlay, inside: Contents) -> dict[str, Any]:
    """What a second consent is about: who lives in the namespace that the overlay does not name."""
    others = inside.others(uid_of(one.live or {}) for one in overlay.live)
    return {
        "namespace": overlay.namespace.name if overlay.namespace else "",
        "others": [str(one) for one in others[:_MOST_NAMED]],
        "others_count": len(others),
        "known": sorted(one.uid for one in others),
    }


def _warnings(overlay: Overlay) -> list[str]:
    told = []
    for one in overlay.live:
        live = one.live or {}
        if kept := keeper(live):
            told.append(f"{one.subject} is kept by {' '.join(filter(None, kept))}, which may make it anew")
        finalizers = live["metadata"].get("finalizers") or ()
        if finalizers:
            told.append(f"{one.subject} goes only when its finalizers are done: {', '.join(map(str, finalizers))}")
        if one.kind.name == "PersistentVolumeClaim":
            told.append(f"{one.subject}: its data may go with it, and no snapshot brings that back")
        elif one.kind.name == "CustomResourceDefinition":
            told.append(f"{one.subject}: every object of that kind goes with it, in the whole cluster, unkept")
        elif not one.kind.namespaced and one.kind.resource != NAMESPACE:
            told.append(f"{one.subject} belongs to the whole cluster")
    return told


def _now(one: Found) -> str:
    if one.live is None:
        return "not there"
    spec = one.live.get("spec") or {}
    replicas = f", {spec['replicas']} replicas" if isinstance(spec.get("replicas"), int) else ""
    return ("being deleted" if going(one.live) else "there") + replicas


def _right(verb: str, subject: Subject) -> Permission:
    resource, _, group = subject.resource.partition(".")
    # Who may do what with a namespace is asked within it.
    namespace = subject.name if subject.resource == NAMESPACE else subject.namespace
    return Permission(verb=verb, group=group, resource=resource, name=subject.name, namespace=namespace)
