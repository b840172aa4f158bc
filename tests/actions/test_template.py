"""Another image for one container; new pods for a deployment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.operation import Changed
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.drill.manifests import CANARY, CANDIDATE, GOOD, NAMESPACE, image
from aurora_tui.kube.writes import PatchType, patch
from aurora_tui.situation.runbook import AnyStep, Restart, SetImage
from tests.actions.worlds import World, world

PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{CANARY}"
STEPS: list[AnyStep] = [SetImage(deployment=CANARY, container="bridge", image=image(GOOD)), Restart(deployment=CANARY)]
STAMP = "kubectl.kubernetes.io/restartedAt"
each_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def planned(here: World, step: AnyStep) -> PlannedStep:
    return await operation_of(step).plan(step, 1, here.reach)


async def merge(here: World, body: dict[str, Any]) -> None:
    await patch(here.connection, PATH, body, PatchType.MERGE)


def template(here: World) -> dict[str, Any]:
    found: dict[str, Any] = here.deployment()["spec"]["template"]
    return found


@each_step
async def test_it_is_done_with_one_guarded_write_that_names_the_run(here: World, step: AnyStep) -> None:
    operation, plan = operation_of(step), await planned(here, step)
    assert not plan.refusals
    assert not (await operation.standing(plan, here.reach)).done
    await operation.carry_out(plan, here.reach)
    await operation.carry_out(plan, here.reach)
    assert (await operation.standing(plan, here.reach)).done
    (write,) = here.writes
    assert plan.subject is not None
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": plan.subject.version}
    assert json.loads(write.body)[0] == guard
    assert "run 0123456789" in here.deployment()["metadata"]["annotations"]["kubernetes.io/change-cause"]
    here.pass_time(60)
    assert here.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert here.deployment()["status"]["availableReplicas"] == 3


@each_step
async def test_a_rehearsal_changes_nothing(here: World, step: AnyStep) -> None:
    await operation_of(step).rehearse(await planned(here, step), here.reach)
    assert not here.writes
    assert [one.query.get("dryRun") for one in here.asked if one.method == "PATCH"] == ["All"]
    assert here.deployment()["metadata"]["generation"] == 2


@each_step
async def test_planned_again_a_minute_later_it_means_the_same(here: World, step: AnyStep) -> None:
    plan = await planned(here, step)
    here.pass_time(61)
    assert await planned(here, step) == plan


@each_step
async def test_a_deployment_that_is_not_there_is_refused(here: World, step: AnyStep) -> None:
    missing = await planned(here, msgspec.structs.replace(step, deployment="nothing"))
    assert missing.refusals == (f"there is no deployment nothing in {NAMESPACE}",)


@each_step
async def test_a_deployment_that_has_gone_stops_it(here: World, step: AnyStep) -> None:
    plan = await planned(here, step)
    await here.connection.request("DELETE", PATH)
    here.pass_time(60)
    with pytest.raises(Changed, match="is gone"):
        await operation_of(step).carry_out(plan, here.reach)


@each_step
async def test_it_needs_get_and_patch(here: World, step: AnyStep) -> None:
    needed = operation_of(step).permissions(await planned(here, step))
    assert [(one.verb, one.resource, one.name) for one in needed] == [
        ("get", "deployments", CANARY),
        ("patch", "deployments", CANARY),
    ]


async def test_the_image_is_shown_now_and_after(here: World) -> None:
    plan = await planned(here, STEPS[0])
    assert plan.changes == (Change(what="image", now=image(CANDIDATE), after=image(GOOD)),)
    assert plan.kubectl == f"kubectl -n {NAMESPACE} set image deployment/{CANARY} bridge={image(GOOD)}"
    assert not plan.already


async def test_the_image_that_it_has_is_done_already(here: World) -> None:
    same = SetImage(deployment=CANARY, container="bridge", image=image(CANDIDATE))
    plan = await planned(here, same)
    assert plan.already
    assert not operation_of(same).inverse(plan)


async def test_a_container_that_is_not_there_is_refused(here: World) -> None:
    plan = await planned(here, SetImage(deployment=CANARY, container="sidecar", image="x"))
    assert plan.refusals == (f"{CANARY} has no container sidecar",)


async def test_a_third_image_stops_it(here: World) -> None:
    plan = await planned(here, STEPS[0])
    change = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other:1"}
    await patch(here.connection, PATH, [change], PatchType.JSON)
    with pytest.raises(Changed, match="was set to other:1 after the plan was approved, by aurora-tui"):
        await operation_of(STEPS[0]).carry_out(plan, here.reach)


async def test_an_images_inverse_is_the_one_of_before(here: World) -> None:
    plan = await planned(here, STEPS[0])
    await operation_of(STEPS[0]).carry_out(plan, here.reach)
    (back,) = operation_of(STEPS[0]).inverse(plan)
    await operation_of(back).carry_out(await planned(here, back), here.reach)
    assert template(here)["spec"]["containers"][0]["image"] == image(CANDIDATE)


async def test_a_restart_marks_the_template_as_kubectl_does(here: World) -> None:
    here.pass_time(5)
    plan = await planned(here, STEPS[1])
    await operation_of(STEPS[1]).carry_out(plan, here.reach)
    assert template(here)["metadata"]["annotations"] == {STAMP: "2026-01-01T00:00:05Z"}
    assert not operation_of(STEPS[1]).inverse(plan)


async def test_a_restart_by_someone_else_stops_it(here: World) -> None:
    plan = await planned(here, STEPS[1])
    await merge(here, {"spec": {"template": {"metadata": {"annotations": {STAMP: "2026-01-01T09:00:00Z"}}}}})
    with pytest.raises(Changed, match="was restarted, not by this run"):
        await operation_of(STEPS[1]).standing(plan, here.reach)


async def test_a_paused_deployment_is_not_restarted(here: World) -> None:
    await merge(here, {"spec": {"paused": True}})
    assert "is paused" in (await planned(here, STEPS[1])).refusals[0]
    assert "is paused" in (await planned(here, STEPS[0])).warnings[0]
