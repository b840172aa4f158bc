"""Two small changes of a deployment's pod template: another image for a container, and new pods for old.

Both name the run in the deployment's change-cause, so that `kubectl rollout history` tells who did it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aurora_tui.actions.operation import Changed, Impossible, Permission, Reach, Standing
from aurora_tui.actions.operations import deployment as deployments
from aurora_tui.actions.operations.owners import other_owners
from aurora_tui.actions.operations.revisions import CHANGE_CAUSE
from aurora_tui.actions.operations.template_diff import RESTARTED_AT
from aurora_tui.actions.plan import Change, PlannedStep, Subject
from aurora_tui.clock import iso
from aurora_tui.kube.writes import Object, PatchType, patch
from aurora_tui.situation.runbook import AnyStep, Restart, SetImage
from aurora_tui.text import safe

_LONGEST_IMAGE = 512
_PLACES = ("containers", "initContainers")


class SetImageOperation:
    """The image of one container. `before` and `goal` hold `image`."""

    async def plan(self, step: SetImage, number: int, reach: Reach) -> PlannedStep:
        """Image now → after; refused when there is no such deployment or container."""
        found = await deployments.read_deployment(reach, step.deployment)
        now = None if found is None else _image(found, step.container)
        after = safe(step.image, _LONGEST_IMAGE)
        return PlannedStep(
            number=number,
            step=step,
            title=f"Set the image of {safe(step.container, 120)} in {safe(step.deployment, 120)}",
            subject=deployments.subject(reach.namespace, step.deployment, found),
            changes=() if now is None else (Change(what="image", now=safe(now, _LONGEST_IMAGE), after=after),),
            kubectl=(
                f"kubectl -n {reach.namespace} set image deployment/{step.deployment} {step.container}={step.image}"
            ),
            before={} if now is None else {"image": now},
            goal={"image": step.image},
            already=now == step.image,
            warnings=() if found is None else _warnings(found),
            refusals=_missing(step, reach, found, now),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the deployment."""
        return _permissions(planned)

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run."""
        await self._write(planned, reach, dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when the container has the image; Changed when it has neither this nor the one of before."""
        return self._judge(planned, await deployments.read_again(reach, planned))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """One JSON patch; 409 when the deployment was written to since it was read."""
        await self._write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """The image of before."""
        step = planned.step
        assert isinstance(step, SetImage)
        if planned.already or "image" not in planned.before:
            return ()
        return (msgspec.structs.replace(step, image=planned.before["image"]),)

    async def _write(self, planned: PlannedStep, reach: Reach, *, dry_run: bool) -> None:
        found = await deployments.read_again(reach, planned)
        if self._judge(planned, found).done:
            return
        step = planned.step
        assert isinstance(step, SetImage)
        place, index = _place(found, step.container) or ("containers", 0)
        change = {"op": "replace", "path": f"/spec/template/spec/{place}/{index}/image", "value": planned.goal["image"]}
        cause = f"aurora-tui run {reach.run}: image of {step.container} is {step.image}"
        await _send(planned, reach, found, [change, _cause(found, cause)], dry_run)

    def _judge(self, planned: PlannedStep, found: Object) -> Standing:
        step, about = planned.step, deployments.about(planned)
        assert isinstance(step, SetImage)
        now = _image(found, step.container)
        if now is None or now not in (planned.goal["image"], planned.before["image"]):
            what = "has no such container any more" if now is None else f"was set to {safe(now, 120)}"
            who = deployments.last_word(found, "spec", "template")
            raise Changed(f"{step.container} of {about} {what} after the plan was approved{who}", "Plan again.")
        return Standing(
            done=now == planned.goal["image"],
            words=f"{about.name} runs {safe(now, 120)}",
            subjects=(_as_read(about, found),),
        )


class RestartOperation:
    """New pods for a deployment, as `kubectl rollout restart` asks for them.

    `before` holds `restartedAt`, "" for never. It is done when that is another one and the deployment's change-cause
    names this step of this run: so a plan means the same a minute later, and a restart by someone else is told apart.
    """

    async def plan(self, step: Restart, number: int, reach: Reach) -> PlannedStep:
        """Refused when there is no such deployment, or when it is paused."""
        found = await deployments.read_deployment(reach, step.deployment)
        name, now = safe(step.deployment, 120), ""
        refusals = []
        if found is None:
            refusals.append(deployments.absent(step.deployment, reach.namespace))
        else:
            now = _restarted_at(found)
            if deployments.paused(found):  # kubectl refuses it too
                refusals.append(f"{name} is paused: `kubectl rollout resume deployment/{name}` first")
        change = Change(what="restarted at", now=safe(now, 60) or "never", after="when it is carried out")
        return PlannedStep(
            number=number,
            step=step,
            title=f"Restart {name}",
            subject=deployments.subject(reach.namespace, step.deployment, found),
            changes=() if found is None else (change,),
            kubectl=f"kubectl -n {reach.namespace} rollout restart deployment/{step.deployment}",
            before={"restartedAt": now},
            goal={"restarted": True},
            warnings=() if found is None else (*deployments.rollout_cautions(found), *other_owners(found)),
            refusals=tuple(refusals),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the deployment."""
        return _permissions(planned)

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run."""
        await self._write(planned, reach, dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when this run has restarted it; Changed when someone else has since."""
        return self._judge(planned, reach, await deployments.read_again(reach, planned))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """One JSON patch; 409 when the deployment was written to since it was read."""
        await self._write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """None: what ran before does not come back."""
        return ()

    async def _write(self, planned: PlannedStep, reach: Reach, *, dry_run: bool) -> None:
        found = await deployments.read_again(reach, planned)
        if self._judge(planned, reach, found).done:
            return
        noted = dict(deployments.annotations_of(deployments.template(found)))
        noted[RESTARTED_AT] = iso(reach.clock.now())
        if (
            noted[RESTARTED_AT] == planned.before["restartedAt"]
        ):  # the template would stay the same, as kubectl says too
            raise Impossible(f"{deployments.about(planned)} was restarted within this second", "Plan again.")
        mark = {"op": "add", "path": "/spec/template/metadata/annotations", "value": noted}
        await _send(planned, reach, found, [mark, _cause(found, _restart_cause(planned, reach))], dry_run)

    def _judge(self, planned: PlannedStep, reach: Reach, found: Object) -> Standing:
        about, now = deployments.about(planned), _restarted_at(found)
        subjects = (_as_read(about, found),)
        if now == planned.before["restartedAt"]:
            return Standing(done=False, words=f"{about.name} is not restarted yet", subjects=subjects)
        if deployments.annotations_of(found).get(CHANGE_CAUSE) == _restart_cause(planned, reach):
            return Standing(done=True, words=f"{about.name} was restarted at {safe(now, 60)}", subjects=subjects)
        who = deployments.last_word(found, "spec", "template")
        raise Changed(f"{about} was restarted, not by this run, after the plan was approved{who}", "Plan again.")


async def _send(planned: PlannedStep, reach: Reach, found: Object, changes: list[Object], dry_run: bool) -> None:
    """Write the changes, if the deployment is still as it was read."""
    version = deployments.metadata(found).get("resourceVersion")
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    path = deployments.about(planned).path
    await patch(reach.cluster, path, [guard, *changes], PatchType.JSON, dry_run=dry_run)


def _cause(found: Object, words: str) -> Object:
    """The deployment's annotations with the change-cause among them."""
    noted = {**deployments.annotations_of(found), CHANGE_CAUSE: words}
    return {"op": "add", "path": "/metadata/annotations", "value": noted}


def _restart_cause(planned: PlannedStep, reach: Reach) -> str:
    return f"aurora-tui run {reach.run}: restarted in step {planned.number}"


def _restarted_at(found: Object) -> str:
    return str(deployments.annotations_of(deployments.template(found)).get(RESTARTED_AT, ""))


def _place(found: Object, container: str) -> tuple[str, int] | None:
    """Where the container stands: which list of the pod's spec, and its index there."""
    spec = deployments.template(found).get("spec") or {}
    for place in _PLACES:
        for index, one in enumerate(spec.get(place) or []):
            if one.get("name") == container:
                return place, index
    return None


def _image(found: Object, container: str) -> str | None:
    where = _place(found, container)
    if where is None:
        return None
    place, index = where
    return str(deployments.template(found)["spec"][place][index].get("image") or "")


def _missing(step: SetImage, reach: Reach, found: Object | None, image: str | None) -> tuple[str, ...]:
    if found is None:
        return (deployments.absent(step.deployment, reach.namespace),)
    if image is None:
        return (f"{safe(step.deployment, 120)} has no container {safe(step.container, 120)}",)
    return ()


def _warnings(found: Object) -> tuple[str, ...]:
    paused = ("it is paused: no pod changes until it is resumed",) if deployments.paused(found) else ()
    return (*paused, *deployments.rollout_cautions(found), *other_owners(found))


def _permissions(planned: PlannedStep) -> Sequence[Permission]:
    return [deployments.permission(planned, verb) for verb in ("get", "patch")]


def _as_read(about: Subject, found: Object) -> Subject:
    return msgspec.structs.replace(about, version=deployments.metadata(found).get("resourceVersion"))
