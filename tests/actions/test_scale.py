"""Scaling: seen first, guarded, done once, taken back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aurora_tui.actions.operation import Changed
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.operations.scale import ScaleOperation
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY, before_canary
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType, patch
from aurora_tui.situation.runbook import Scale
from tests.actions.worlds import VIEWER, World, world

SCALE = ScaleOperation()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def planned(here: World, name: str = STANDBY, replicas: int = 3) -> PlannedStep:
    return await SCALE.plan(Scale(deployment=name, replicas=replicas), 1, here.reach)


async def scaled(here: World, name: str, replicas: int) -> None:
    """Another one scales it."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}/scale"
    await patch(here.connection, path, {"spec": {"replicas": replicas}}, PatchType.MERGE)


def wanted(here: World, name: str = STANDBY) -> int:
    replicas: int = here.deployment(name)["spec"]["replicas"]
    return replicas


async def test_the_plan_shows_replicas_now_and_after(here: World) -> None:
    step = await planned(here)
    assert step.changes == (Change(what="replicas", now="0", after="3"),)
    assert step.kubectl == f"kubectl -n {NAMESPACE} scale deployment/{STANDBY} --current-replicas=0 --replicas=3"
    assert not step.refusals
    assert not step.already
    assert step.subject is not None
    assert step.subject.uid == here.deployment(STANDBY)["metadata"]["uid"]
    assert not here.writes


async def test_as_many_as_there_are_is_done_already(here: World) -> None:
    assert (await planned(here, STABLE, 3)).already


async def test_a_deployment_that_is_not_there_is_refused(here: World) -> None:
    assert (await planned(here, "nothing")).refusals == (f"there is no deployment nothing in {NAMESPACE}",)


async def test_fewer_than_none_is_refused(here: World) -> None:
    assert (await planned(here, STABLE, -1)).refusals


async def test_it_is_carried_out_with_uid_and_version_in_one_write(here: World) -> None:
    step = await planned(here)
    assert not (await SCALE.standing(step, here.reach)).done
    await SCALE.carry_out(step, here.reach)
    assert (await SCALE.standing(step, here.reach)).done
    (write,) = here.writes
    body = json.loads(write.body)
    assert step.subject is not None
    assert body["metadata"] == {"uid": step.subject.uid, "resourceVersion": step.subject.version}
    assert write.query["fieldManager"] == "aurora-tui"
    here.pass_time(60)
    assert here.deployment(STANDBY)["status"]["readyReplicas"] == 3


async def test_to_nothing_is_understood_though_zeros_are_left_out(here: World) -> None:
    step = await planned(here, CANARY, 0)
    await SCALE.carry_out(step, here.reach)
    assert (await SCALE.standing(step, here.reach)).done
    assert wanted(here, CANARY) == 0


async def test_carried_out_again_it_writes_nothing(here: World) -> None:
    step = await planned(here)
    await SCALE.carry_out(step, here.reach)
    await SCALE.carry_out(step, here.reach)
    assert len(here.writes) == 1


async def test_a_rehearsal_changes_nothing(here: World) -> None:
    await SCALE.rehearse(await planned(here), here.reach)
    assert wanted(here) == 0
    assert [one.query.get("dryRun") for one in here.asked if one.method == "PATCH"] == ["All"]


async def test_a_rehearsal_tells_that_it_would_be_forbidden(here: World) -> None:
    seen_only = dataclasses.replace(here.reach, connection=here.as_user(VIEWER))
    with pytest.raises(ApiError) as refused:
        await SCALE.rehearse(await planned(here), seen_only)
    assert refused.value.status == 403


async def test_another_number_than_before_and_after_stops_it_and_says_who(here: World) -> None:
    step = await planned(here)
    await scaled(here, STANDBY, 1)
    with pytest.raises(Changed, match=f"{STANDBY} was scaled to 1 .*aurora-tui"):
        await SCALE.standing(step, here.reach)
    with pytest.raises(Changed):
        await SCALE.carry_out(step, here.reach)
    assert wanted(here) == 1


async def test_a_deployment_that_is_gone_or_another_one_stops_it(here: World) -> None:
    step = await planned(here)
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{STANDBY}"
    await here.connection.request("DELETE", path)
    here.pass_time(60)
    with pytest.raises(Changed, match="is gone"):
        await SCALE.carry_out(step, here.reach)
    here.cluster.apply_manifests(before_canary())
    with pytest.raises(Changed, match="created anew"):
        await SCALE.carry_out(step, here.reach)


async def test_its_inverse_is_as_many_as_before(here: World) -> None:
    step = await planned(here)
    await SCALE.carry_out(step, here.reach)
    (back,) = SCALE.inverse(step)
    operation = operation_of(back)
    await operation.carry_out(await operation.plan(back, 1, here.reach), here.reach)
    assert wanted(here) == 0


async def test_what_was_so_already_has_no_inverse(here: World) -> None:
    assert not SCALE.inverse(await planned(here, STABLE, 3))


async def test_it_needs_get_and_patch_of_that_scale(here: World) -> None:
    needed = SCALE.permissions(await planned(here))
    assert [(one.verb, one.resource, one.subresource, one.name) for one in needed] == [
        ("get", "deployments", "scale", STANDBY),
        ("patch", "deployments", "scale", STANDBY),
    ]
