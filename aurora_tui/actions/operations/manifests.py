"""Applying manifests as they stand in a file: server-side apply, never by force, so that other owners are told of.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import copy
import difflib
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations.kinds import Kinds
from aurora_tui.actions.operations.overlay import (
    Found,
    Overlay,
    as_facts,
    each,
    look_up,
    subjects_in,
    uid_of,
    unplannable,
)
from aurora_tui.actions.operations.removal import NAMESPACE, order
from aurora_tui.actions.operations.rendering import place_of, render
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import MANAGER, Object, PatchType, patch
from aurora_tui.situation.runbook import AnyStep, Apply, Delete
from aurora_tui.text import safe

_LONGEST_DIFF = 400
_ITS_OWN = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
# Annotations that controllers write, and kubectl's copy of the whole object, secrets and all.
_NOT_OURS = ("deployment.kubernetes.io/", "kubectl.kubernetes.io/last-applied-configuration")
_REFUSED = (400, 403, 409, 422)  # answers about the object; every other one is about the API


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """What the API says to applying one object. `after` None: it cannot say, for the namespace is not there yet."""

    found: Found
    after: Object | None
    refusal: str = ""

    @property
    def so_already(self) -> bool:
        """Whether applying it would change nothing."""
        live = self.found.live
        return self.after is not None and live is not None and content(live) == content(self.after)


class ApplyOperation:
    """Every object as the manifests have it.

    `before`: `objects` with their uids, `digests` of what was there, by path; `goal`: `path` and the `sha256` of what
    was rendered: another text is another plan, and no secret of it needs to be kept.
    """

    async def plan(self, step: Apply, number: int, reach: Reach) -> PlannedStep:
        """What the API says would change; refused where it would refuse, or where another one owns a field."""
        path = place_of(step.path, reach)
        title = f"Apply {path.name}"
        try:
            rendered = await render(path)
        except AuroraError as error:
            return unplannable(step, number, title, error)
        overlay = await look_up(rendered, Kinds(reach.cluster), reach)
        trials = await _tried(overlay, reach)
        return PlannedStep(
            number=number,
            step=step,
            title=title,
            changes=tuple(_change(one) for one in trials),
            diff=tuple(line for one in trials for line in _diff(one))[:_LONGEST_DIFF],
            why=f"what was rendered has SHA-256 {rendered.sha256}",
            kubectl=f"kubectl -n {reach.namespace} apply --server-side --field-manager={MANAGER} "
            f"{rendered.flag} {shlex.quote(str(path))}",
            before={
                "objects": as_facts([one.found.subject for one in trials]),
                "digests": {one.found.path: _digest(one.found.live) for one in trials if one.found.live is not None},
            },
            goal={"path": str(path), "sha256": rendered.sha256},
            already=bool(trials) and not overlay.refusals and all(one.so_already for one in trials),
            refusals=(*overlay.refusals, *(one.refusal for one in trials if one.refusal)),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of each object, create where it is not there."""
        needed = []
        for one in subjects_in(planned.before):
            plural, _, group = one.resource.partition(".")
            home = one.name if one.resource == NAMESPACE else one.namespace
            verbs = ("get", "patch") if one.uid is not None else ("get", "patch", "create")
            # Who may create may not be limited to names: the API does not know them yet.
            needed += [
                Permission(
                    verb=verb, group=group, resource=plural, name="" if verb == "create" else one.name, namespace=home
                )
                for verb in verbs
            ]
        return needed

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Every apply as a dry run."""
        for one in await self._again(planned, reach):
            if one.refusal:
                raise Changed(one.refusal, "Plan again.")

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when applying would change nothing. Changed when the files or the objects are not those approved."""
        trials = await self._again(planned, reach)
        lacking = [one for one in trials if not one.so_already]
        told = f"{len(trials) - len(lacking)} of {len(trials)} applied"
        if lacking:
            told += f", lacking {', '.join(str(one.found.subject) for one in lacking[:5])}"
        return Standing(done=not lacking, words=told, subjects=tuple(one.found.subject for one in trials))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Apply what is not so yet: the namespace first, workloads late; 409 when one was written to meanwhile."""
        for one in await self._again(planned, reach):
            if one.refusal:
                raise Changed(one.refusal, "Plan again.")
            if not one.so_already:
                await _apply(one.found, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """Deleting it, where nothing of it was there before. What was there is in no file."""
        step = planned.step
        assert isinstance(step, Apply)
        new = all(one.uid is None for one in subjects_in(planned.before))
        return (Delete(path=step.path, limit=step.limit),) if new and not planned.already else ()

    async def _again(self, planned: PlannedStep, reach: Reach) -> list[_Trial]:
        """The trials anew, each of an object that is as it was approved, or as it is to be."""
        rendered = await render(Path(planned.goal["path"]))
        if rendered.sha256 != planned.goal["sha256"]:
            raise Changed(f"{rendered.path} is not what was approved: its SHA-256 is {rendered.sha256}", "Plan again.")
        trials = await _tried(await look_up(rendered, Kinds(reach.cluster), reach), reach)
        uids = {one.path: one.uid for one in subjects_in(planned.before)}
        for one in trials:
            live, uid = one.found.live, uids.get(one.found.path)
            if uid is None:
                continue
            if live is None or uid_of(live) != uid:
                what = "is gone" if live is None else "was deleted and created anew"
                raise Changed(f"{one.found.subject} {what} after the plan was approved", "Plan again.")
            if not one.so_already and _digest(live) != planned.before["digests"][one.found.path]:
                raise Changed(f"{one.found.subject} was changed by another after the plan was approved", "Plan again.")
        return trials


def content(thing: Object) -> Object:
    """`thing` without its status and what the API and the controllers write by themselves; secrets as their hash."""
    made = {key: value for key, value in thing.items() if key not in ("status", "apiVersion", "kind")}
    meta = {key: value for key, value in made.get("metadata", {}).items() if key not in _ITS_OWN}
    notes = {key: value for key, value in (meta.get("annotations") or {}).items() if not key.startswith(_NOT_OURS)}
    meta.pop("annotations", None)
    made["metadata"] = {**meta, "annotations": notes} if notes else meta
    if thing.get("kind") == "Secret":
        for field in ("data", "stringData"):
            if isinstance(made.get(field), dict):
                made[field] = {key: f"SHA-256 {_hash(value)[:16]}" for key, value in made[field].items()}
    return made


async def _tried(overlay: Overlay, reach: Reach) -> list[_Trial]:
    """The answer to a dry run of each object, in the order in which they are applied."""
    ordered = sorted(overlay.found, key=lambda one: -order(one.subject))
    homeless = any(one.kind.resource == NAMESPACE and one.live is None for one in ordered)
    return await each(ordered, lambda one: _try(one, reach, homeless=homeless))


async def _try(found: Found, reach: Reach, *, homeless: bool) -> _Trial:
    if homeless and found.kind.namespaced:
        return _Trial(found=found, after=None)
    try:
        return _Trial(found=found, after=await _apply(found, reach, dry_run=True))
    except ApiError as error:
        if error.status not in _REFUSED:
            raise
        return _Trial(found=found, after=None, refusal=f"{found.subject}: {error.what}")


async def _apply(found: Found, reach: Reach, *, dry_run: bool) -> Object:
    body = copy.deepcopy(found.manifest)
    body.pop("status", None)
    if found.namespace is not None:
        body["metadata"]["namespace"] = found.namespace
    if found.live is not None and not dry_run:
        body["metadata"]["resourceVersion"] = found.live["metadata"]["resourceVersion"]
    return await patch(reach.cluster, found.path, body, PatchType.APPLY, dry_run=dry_run)


def _change(one: _Trial) -> Change:
    told = str(one.found.subject)
    if one.refusal:
        return Change(what=told, now="there" if one.found.live else "not there", after="cannot be applied")
    if one.found.live is None:
        return Change(what=told, now="not there", after="created")
    return Change(what=told, now="there", after="as it is" if one.so_already else "changed")


def _diff(one: _Trial) -> list[str]:
    if one.found.live is None or one.after is None or one.so_already:
        return []
    name = str(one.found.subject)
    lines = difflib.unified_diff(
        _lines(one.found.live), _lines(one.after), f"{name}, now", f"{name}, after", "", "", 2, ""
    )
    return [safe(line, 200) for line in lines]


def _lines(thing: Object) -> list[str]:
    import yaml  # 30 ms that only this needs

    text: str = yaml.safe_dump(content(thing), width=160)
    return text.splitlines()


def _digest(thing: Object | None) -> str:
    return _hash(_lines(thing or {}))


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
