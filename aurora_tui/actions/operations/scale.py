"""Scaling a deployment through its scale subresource, guarded by uid and resourceVersion.

https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/ (zeros are left out of a Scale)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aurora_tui.actions.operation import Changed, Permission, Reach, Standing
from aurora_tui.actions.operations import deployment as deployments
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.kube.writes import Object, PatchType, patch, read
from aurora_tui.situation.runbook import AnyStep, Scale


class ScaleOperation:
    """A deployment's replicas. `before` and `goal` hold `replicas`."""

    async def plan(self, step: Scale, number: int, reach: Reach) -> PlannedStep:
        """Replicas now → after; refused when there is no such deployment, or the number is none."""
        name, namespace = step.deployment, reach.namespace
        found = await read(reach.cluster, f"{deployments.path_of(namespace, name)}/scale")
        now = None if found is None else _replicas(found)
        refusals = [] if found is not None else [deployments.absent(name, namespace)]
        if step.replicas < 0:
            refusals.append(f"{step.replicas} replicas cannot be: 0 is the fewest")
        return PlannedStep(
            number=number,
            step=step,
            title=f"Scale {name} to {step.replicas}",
            subject=deployments.subject(namespace, name, found),
            changes=() if now is None else (Change(what="replicas", now=str(now), after=str(step.replicas)),),
            kubectl=_typed(step, namespace, now),
            before={} if now is None else {"replicas": now},
            goal={"replicas": step.replicas},
            already=now == step.replicas,
            refusals=tuple(refusals),
            limit=int(step.limit),
        )

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """get and patch of the scale subresource."""
        return [deployments.permission(planned, verb, "scale") for verb in ("get", "patch")]

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """The patch as a dry run."""
        await _write(planned, reach, dry_run=True)

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done when it wants as many; Changed when it wants neither these nor those of before."""
        return await _judge(planned, reach, await _read_again(planned, reach))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """One merge patch of /scale; 409 when the deployment was written to since it was read."""
        await _write(planned, reach, dry_run=False)

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """Back to as many as it was."""
        step = planned.step
        assert isinstance(step, Scale)
        if planned.already or "replicas" not in planned.before:
            return ()
        return (Scale(deployment=step.deployment, replicas=planned.before["replicas"], limit=step.limit),)


def following(planned: PlannedStep, replicas: int, earlier: int) -> PlannedStep:
    """`planned` as it will be once step `earlier` has scaled the same deployment to `replicas`."""
    step, about = planned.step, deployments.about(planned)
    assert isinstance(step, Scale)
    return msgspec.structs.replace(
        planned,
        changes=(Change(what="replicas", now=str(replicas), after=str(step.replicas)),),
        why=f"step {earlier} makes it {replicas} first",
        kubectl=_typed(step, str(about.namespace), replicas),
        before={"replicas": replicas},
        already=replicas == step.replicas,
    )


def _typed(step: Scale, namespace: str, now: int | None) -> str:
    guard = "" if now is None else f" --current-replicas={now}"
    return f"kubectl -n {namespace} scale deployment/{step.deployment}{guard} --replicas={step.replicas}"


async def _write(planned: PlannedStep, reach: Reach, *, dry_run: bool) -> None:
    scale = await _read_again(planned, reach)
    if (await _judge(planned, reach, scale)).done:
        return
    meta = deployments.metadata(scale)
    body = {
        "metadata": {"uid": meta.get("uid"), "resourceVersion": meta.get("resourceVersion")},
        "spec": {"replicas": planned.goal["replicas"]},
    }
    path = f"{deployments.about(planned).path}/scale"
    await patch(reach.cluster, path, body, PatchType.MERGE, dry_run=dry_run)


async def _judge(planned: PlannedStep, reach: Reach, scale: Object) -> Standing:
    about = deployments.about(planned)
    wanted, there = _replicas(scale), int((scale.get("status") or {}).get("replicas") or 0)
    if wanted not in (planned.goal["replicas"], planned.before["replicas"]):
        whole = await read(reach.cluster, about.path)
        raise Changed(
            f"{about} was scaled to {wanted} after the plan was approved"
            + deployments.last_word(whole or {}, "spec", "replicas"),
            "Plan again.",
        )
    meta = deployments.metadata(scale)
    return Standing(
        done=wanted == planned.goal["replicas"],
        words=f"{about.name} wants {wanted}, {there} there",
        subjects=(msgspec.structs.replace(about, version=meta.get("resourceVersion")),),
    )


async def _read_again(planned: PlannedStep, reach: Reach) -> Object:
    path = f"{deployments.about(planned).path}/scale"
    return deployments.the_same(planned, await read(reach.cluster, path))


def _replicas(scale: Object) -> int:
    return int((scale.get("spec") or {}).get("replicas") or 0)
