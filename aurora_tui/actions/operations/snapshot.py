"""Keeping what a deletion is about to take: the objects as they live now, in a file beside the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora_tui.actions.identity import identify
from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations.contents import Contents, Resident, contents
from aurora_tui.actions.operations.kinds import Kinds
from aurora_tui.actions.operations.overlay import (
    Overlay,
    as_facts,
    controlled,
    counted,
    each,
    look_up,
    subjects_in,
    uid_of,
    unplannable,
)
from aurora_tui.actions.operations.rendering import place_of, render
from aurora_tui.actions.operations.restoring import RestoreOperation
from aurora_tui.actions.operations.snapshot_file import (
    FOLDER,
    Damaged,
    Kept,
    OnDisk,
    Snapshot,
    newest,
    of_run,
    try_out,
    write,
)
from aurora_tui.actions.plan import Change, PlannedStep, Subject
from aurora_tui.clock import iso
from aurora_tui.errors import AuroraError
from aurora_tui.kube.writes import read
from aurora_tui.situation import runbook
from aurora_tui.situation.runbook import AnyStep

__all__ = ["RestoreOperation", "SnapshotOperation"]


class SnapshotOperation:
    """A file that holds everything the deletion of the overlay would take.

    `before`: `objects` of the overlay with their uids, `whole` (the namespace goes too), `carried`: paths of objects
    that are gone already, taken over from the newest snapshot. `goal`: `sha256` of what was rendered, and its `path`.
    """

    async def plan(self, step: runbook.Snapshot, number: int, reach: Reach) -> PlannedStep:
        """What would be kept; refused when there is nothing, or when not all of it can be seen."""
        path = place_of(step.path, reach)
        title = f"Keep everything of {path.name}"
        kinds = Kinds(reach.cluster)
        try:
            rendered = await render(path)
        except AuroraError as error:
            return unplannable(step, number, title, error)
        overlay = await look_up(rendered, kinds, reach)
        inside = await contents(reach.namespace, kinds, reach)
        kept = taken(overlay, inside)
        earlier, damage = await _earlier(reach)
        carried = _carried(overlay, earlier)
        secrets = sum(one.kind.name == "Secret" for one in kept)
        names = counted(one.kind.name for one in kept) or "nothing"
        changes = [Change(what="objects", now="in the cluster alone", after=f"{names} in a file too")]
        if carried and earlier is not None:
            when = earlier.snapshot.taken_at
            changes.append(
                Change(what="taken over", now=f"from the snapshot of {when}", after=f"{len(carried)} that are gone")
            )
        refusals = list(overlay.refusals)
        warnings = list(damage)
        if secrets:
            warnings.append(f"{secrets} Secrets are kept with their data, in a file that only you can read")
        unseen = [f"{one} cannot be seen: what of them goes too is not kept" for one in inside.unseen]
        (refusals if overlay.namespace is not None else warnings).extend(unseen)
        if not overlay.live and not refusals:
            refusals.append(f"nothing of {path} is in the cluster")
        return PlannedStep(
            number=number,
            step=step,
            title=title,
            changes=tuple(changes),
            why=f"into {reach.folder / FOLDER}, with what these have made: pods, revisions",
            before={
                "objects": as_facts([one.subject for one in overlay.live]),
                "whole": overlay.namespace is not None,
                "carried": carried,
            },
            goal={"sha256": rendered.sha256, "path": str(path)},
            warnings=tuple(warnings),
            refusals=tuple(refusals),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get of each object."""
        return [_get(one) for one in subjects_in(planned.before)]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Whether the disk takes a file. AuroraError when it does not."""
        await asyncio.to_thread(try_out, reach.folder)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when this run's file is there and its SHA-256 holds."""
        found = await asyncio.to_thread(of_run, reach.folder, reach.run)
        if found is None:
            return Standing(done=False, words="not kept yet")
        kept = counted(one.kind for one in found.snapshot.objects)
        return Standing(
            done=True,
            words=f"{kept} kept in {found.file}, SHA-256 {found.sha256}",
            subjects=subjects_in(planned.before),
        )

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Read everything anew and write the file. Changed when something is gone, or another one, by now."""
        if await asyncio.to_thread(of_run, reach.folder, reach.run) is not None:
            return
        subjects = subjects_in(planned.before)
        live = await each(subjects, lambda one: read(reach.cluster, one.path))
        for subject, thing in zip(subjects, live, strict=True):
            if thing is None or uid_of(thing) != subject.uid:
                what = "is gone" if thing is None else "is another one"
                raise Changed(f"{subject} {what} since the plan was approved: it cannot be kept", "Plan again.")
        inside = await contents(reach.namespace, Kinds(reach.cluster), reach)
        named = [
            Kept(path=subject.path, resource=subject.resource, object=thing or {})
            for subject, thing in zip(subjects, live, strict=True)
        ]
        uids = frozenset(one.uid or "" for one in subjects)
        kept, made = _with_them(uids, inside, whole=planned.before["whole"])
        named += [_kept(one) for one in kept]
        theirs, their_own = await _taken_over(planned, reach)
        snapshot = Snapshot(
            run=reach.run,
            environment=reach.settings.environment_name,
            namespace=reach.namespace,
            taken_at=iso(reach.clock.now()),
            cluster=await identify(reach.cluster),
            source=planned.goal["path"],
            sha256=planned.goal["sha256"],
            objects=(*named, *theirs),
            dependents=(*(_kept(one) for one in made), *their_own),
        )
        await asyncio.to_thread(write, reach.folder, snapshot)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """Nothing was changed."""
        return ()


def taken(overlay: Overlay, inside: Contents) -> list[Resident]:
    """What the deletion takes that nobody makes anew."""
    uids = frozenset(uid_of(one.live or {}) for one in overlay.live)
    kept, _ = _with_them(uids, inside, whole=overlay.namespace is not None)
    return [*(Resident(kind=one.kind, thing=one.live or {}) for one in overlay.live), *kept]


def _with_them(
    uids: frozenset[str], inside: Contents, *, whole: bool
) -> tuple[tuple[Resident, ...], tuple[Resident, ...]]:
    """(what goes with the objects of these uids, or with the whole namespace; what of it others make anew)."""
    if whole:
        kept = inside.others(uids)
        return kept, tuple(one for one in inside.residents if controlled(one.thing) and one.uid not in uids)
    family = tuple(one for one in inside.of(uids) if one.uid not in uids)
    kept = tuple(one for one in family if not controlled(one.thing))
    return kept, tuple(one for one in family if controlled(one.thing))


def _carried(overlay: Overlay, earlier: OnDisk | None) -> list[str]:
    """What is rendered, not there, and in the newest snapshot: a deletion that was broken off took it.

    Without it the newest snapshot, which is the one that is restored, would lack what went first.
    """
    if earlier is None or not overlay.live:
        return []
    known = {one.path for one in earlier.snapshot.objects}
    return sorted(one.path for one in overlay.found if one.live is None and one.path in known)


async def _taken_over(planned: PlannedStep, reach: Reach) -> tuple[list[Kept], list[Kept]]:
    """(what is gone already, as the newest snapshot has it; what it had made)."""
    wanted = set(planned.before["carried"])
    earlier = (await _earlier(reach))[0] if wanted else None
    theirs = [one for one in earlier.snapshot.objects if one.path in wanted] if earlier else []
    if len(theirs) < len(wanted):
        raise Changed("The newest snapshot is another one since the plan was approved", "Plan again.")
    if earlier is None:
        return [], []
    uids = {uid_of(one.object) for one in theirs}
    made = [
        one
        for one in earlier.snapshot.dependents
        if any(owner.get("uid") in uids for owner in one.object["metadata"].get("ownerReferences") or ())
    ]
    return theirs, made


async def _earlier(reach: Reach) -> tuple[OnDisk | None, tuple[str, ...]]:
    """(the newest snapshot so far, what is wrong with it)."""
    cluster = await identify(reach.cluster)
    try:
        return await asyncio.to_thread(newest, reach.folder, reach.settings.environment_name, cluster), ()
    except Damaged as error:
        return None, (error.what,)


def _kept(one: Resident) -> Kept:
    meta = one.thing["metadata"]
    path = one.kind.path(meta.get("namespace"), meta["name"])
    return Kept(path=path, resource=one.kind.resource, object=one.thing)


def _get(subject: Subject) -> Permission:
    resource, _, group = subject.resource.partition(".")
    namespace = subject.name if resource == "namespaces" else subject.namespace
    return Permission(verb="get", group=group, resource=resource, name=subject.name, namespace=namespace)
