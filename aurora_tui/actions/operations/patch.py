"""Patch: one object of the namespace, by merge or JSON patch, guarded by uid and resourceVersion.

What it will be is not computed here: the server is asked, by a dry run, and the places that the patch names are
compared. They make it done, whatever else of the object controllers or other people change in the meantime.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Any

import msgspec

from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations import differences
from aurora_tui.actions.operations.deployment import about, last_word, metadata, the_same
from aurora_tui.actions.operations.kinds import Kind, Kinds
from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.kube import writes
from aurora_tui.kube.decoding import read_json
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, PatchType
from aurora_tui.situation.runbook import AnyStep, Patch, PatchKind
from aurora_tui.text import safe

_REFUSED = range(400, 500)  # by the API, for good
_PASSING = (401, 408, 409, 425, 429)  # or not
_BODY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_HIDDEN = "secrets"


class PatchOperation:
    """`before` and `goal` hold hashes of what is at each place that the patch changes; `back` takes it back."""

    async def plan(self, step: Patch, number: int, reach: Reach) -> PlannedStep:
        """What the server says it would change; refused when it would not do it, or there is no such object."""
        planned = PlannedStep(
            number=number,
            step=step,
            title=f"Patch {safe(step.resource, 120)} {safe(step.name, 120)}",
            kubectl=f"kubectl -n {reach.namespace} patch {shlex.quote(step.resource)} {shlex.quote(step.name)}"
            f" --type={step.kind.value} -p {shlex.quote(step.body)}",
            limit=max(1, math.ceil(step.limit)),
        )
        body = _body(step)
        if isinstance(body, str):
            return _refused(planned, body)
        kind = await _kind(step.resource, reach)
        if isinstance(kind, str):
            return _refused(planned, kind)
        path = kind.path(reach.namespace, step.name)
        now = await writes.read(reach.cluster, path)
        if now is None:
            there = f"there is no {kind.name} {safe(step.name, 120)} in {safe(reach.namespace, 120)}"
            return _refused(planned, there)
        planned = msgspec.structs.replace(planned, subject=_subject(kind, path, step, now, reach))
        try:
            after = await _send(planned, now, body, reach, dry_run=True)
        except ApiError as error:
            if error.status not in _REFUSED or error.status in _PASSING:
                raise
            return _refused(planned, str(error))
        return _compared(planned, now, after, body, hidden=kind.plural == _HIDDEN)

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the object."""
        if planned.subject is None:
            return ()
        resource, _, group = planned.subject.resource.partition(".")
        return [
            Permission(verb=verb, group=group, resource=resource, name=planned.subject.name)
            for verb in ("get", "patch")
        ]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run."""
        await _write(planned, reach, dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when every place is as the patch makes it; Changed when they are neither so nor as before."""
        return _judge(planned, await _read_again(planned, reach))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch, once; 409 when the object was written to since it was read."""
        await _write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """A merge patch to what was there; none for what is hidden or too long to keep."""
        step, back = planned.step, planned.before.get("back")
        assert isinstance(step, Patch)
        if planned.already or not back:
            return ()
        return (Patch(resource=step.resource, name=step.name, kind=PatchKind.MERGE, body=back, limit=step.limit),)


def _compared(planned: PlannedStep, now: Object, after: Object, body: Any, *, hidden: bool) -> PlannedStep:
    """The step with what differs between the object now and the server's answer to the dry run."""
    places = differences.touched(body)
    everything = differences.differences(now, after)
    found = differences.of_those(everything, places)
    before, goal = differences.facts(found)
    back = None if hidden else differences.way_back(now, after, places)
    long = any(isinstance(value, (dict, list)) for one in found for value in (one.before, one.after))
    others = len(everything) - len(found)
    warnings = [f"the cluster itself would change {others} more places of it at this edit"] if others else []
    if hidden:
        warnings.append("the patch's text goes into the ledger as it stands in the runbook")
    return msgspec.structs.replace(
        planned,
        changes=differences.changes(everything, hidden=hidden),
        diff=differences.diff(now, after) if long and not hidden else (),
        before={"places": before} | ({"back": back} if back else {}),
        goal={"places": goal},
        already=not found,
        warnings=tuple(warnings),
    )


def _body(step: Patch) -> Any:
    """The patch; words when it is none."""
    try:
        body = read_json(_BODY, step.body.encode("utf-8", "replace"))
    except msgspec.DecodeError as error:
        return f"the patch is not JSON: {safe(str(error), 200)}"
    if step.kind is PatchKind.MERGE:
        return body if isinstance(body, dict) else "a merge patch is an object (RFC 7386)"
    right = isinstance(body, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("path"), str)
        and (one.get("op") != "move" or isinstance(one.get("from"), str))
        for one in body
    )
    return body if right else "a JSON patch is a list of operations, each with a path (RFC 6902)"


async def _kind(resource: str, reach: Reach) -> Kind | str:
    """The kind that kubectl would take `resource` for: of the core when no group is named, else the only one."""
    kinds, unanswered = await Kinds(reach.cluster).living()
    found = [kind for kind in kinds if resource in (kind.resource, kind.plural)]
    exact = [kind for kind in found if kind.resource == resource]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        several = ", ".join(sorted(kind.resource for kind in found))
        return f"{safe(resource, 120)} may be any of {several}: write which"
    silent = f" (these did not answer: {', '.join(safe(one, 120) for one in unanswered)})" if unanswered else ""
    return f"this cluster has no {safe(resource, 120)} in its namespaces{silent}"


def _subject(kind: Kind, path: str, step: Patch, found: Object, reach: Reach) -> Subject:
    meta = metadata(found)
    return Subject(
        kind=kind.name,
        resource=kind.resource,
        path=path,
        name=safe(step.name, 253),
        namespace=reach.namespace,
        uid=meta.get("uid"),
        version=meta.get("resourceVersion"),
    )


def _refused(planned: PlannedStep, why: str) -> PlannedStep:
    return msgspec.structs.replace(planned, refusals=(why,))


async def _read_again(planned: PlannedStep, reach: Reach) -> Object:
    return the_same(planned, await writes.read(reach.cluster, about(planned).path))


def _judge(planned: PlannedStep, thing: Object) -> Standing:
    which, goal = about(planned), planned.goal["places"]
    now = differences.facts_now(thing, goal)
    if now not in (goal, planned.before["places"]):
        before = planned.before["places"]
        other = [pointer for pointer in goal if now[pointer] not in (goal[pointer], before[pointer])]
        where = ", ".join(safe(pointer, 120) for pointer in (other or list(goal))[:3])
        raise Changed(f"{which} was changed after the plan was approved, at {where}{last_word(thing)}", "Plan again.")
    done = now == goal
    return Standing(
        done=done,
        words=f"{which} is patched" if done else f"{which} is not patched yet",
        subjects=(msgspec.structs.replace(which, version=metadata(thing).get("resourceVersion")),),
    )


async def _write(planned: PlannedStep, reach: Reach, *, dry_run: bool) -> None:
    step = planned.step
    assert isinstance(step, Patch)
    thing = await _read_again(planned, reach)
    if _judge(planned, thing).done:
        return
    await _send(planned, thing, _body(step), reach, dry_run=dry_run)


async def _send(planned: PlannedStep, thing: Object, body: Any, reach: Reach, *, dry_run: bool) -> Object:
    """The patch with its guard: the API answers 409 when the object is no longer as it was read."""
    meta, path = metadata(thing), about(planned).path
    if isinstance(body, list):
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": meta.get("resourceVersion")}
        return await writes.patch(reach.cluster, path, [guard, *body], PatchType.JSON, dry_run=dry_run)
    given = body.get("metadata")
    guarded = {
        **(given if isinstance(given, dict) else {}),
        "uid": meta.get("uid"),
        "resourceVersion": meta.get("resourceVersion"),
    }
    return await writes.patch(reach.cluster, path, {**body, "metadata": guarded}, PatchType.MERGE, dry_run=dry_run)
