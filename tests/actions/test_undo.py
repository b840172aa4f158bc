"""Returning a deployment to an earlier revision: pinned, shown, guarded, done once, taken back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from aurora_tui.actions.operation import Changed, Impossible
from aurora_tui.actions.operations import operation_of, undo
from aurora_tui.actions.operations.owners import other_owners
from aurora_tui.actions.operations.undo import UndoOperation
from aurora_tui.actions.plan import Plan, PlannedStep, as_data
from aurora_tui.drill.manifests import CANARY, CANDIDATE, GOOD, NAMESPACE, before_canary, canary, image
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType, patch
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import Undo
from tests.actions.worlds import VIEWER, World, world

UNDO = UndoOperation()
PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{CANARY}"
IMAGE = "/spec/template/spec/containers/0/image"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def planned(here: World, **more: Any) -> PlannedStep:
    return await UNDO.plan(Undo(deployment=CANARY, **more), 1, here.reach)


async def merge(here: World, body: dict[str, Any]) -> None:
    """Another one writes to the canary."""
    await patch(here.connection, PATH, body, PatchType.MERGE)


async def deploy(here: World, version: str, seconds: float = 60.0) -> None:
    """Another one deploys a version, and so much time passes."""
    await patch(here.connection, PATH, [{"op": "replace", "path": IMAGE, "value": image(version)}], PatchType.JSON)
    here.pass_time(seconds)


def running(here: World) -> str:
    found: str = here.deployment()["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def revision(here: World) -> str:
    found: str = here.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
    return found


async def test_the_plan_pins_a_revision_and_says_why_it_is_that_one(here: World) -> None:
    step = await planned(here)
    assert not step.refusals
    assert step.title == f"Return {CANARY} to revision 1"
    assert step.why == "revision 1 ran 7d22h; how ready its pods were then, the API no longer tells"
    assert step.goal["revision"] == 1
    assert step.before["revision"] == 2
    assert len(step.goal["template"]) == 64
    assert step.kubectl == f"kubectl -n {NAMESPACE} rollout undo deployment/{CANARY} --to-revision=1"
    assert not here.writes


async def test_the_plan_shows_what_differs(here: World) -> None:
    step = await planned(here)
    assert [(one.what, one.now, one.after) for one in step.changes] == [
        ("revision", "2", "1, which becomes 3"),
        ("change cause", "canary of 1.0.0-rc1", "release 0.9.9"),
        ("image of bridge", image(CANDIDATE), image(GOOD)),
    ]
    assert f"-  - image: {image(CANDIDATE)}" in step.diff
    assert f"+  - image: {image(GOOD)}" in step.diff


async def test_the_plan_goes_into_the_ledger_as_it_is(here: World) -> None:
    step = await planned(here)
    plan = Plan(
        run="1", runbook="r", title="t", environment="e", namespace="n", cluster=None, made_at="now", steps=(step,)
    )
    assert rfc8785.dumps(as_data(plan))


async def test_planned_again_a_minute_later_it_means_the_same(here: World) -> None:
    before = await planned(here)
    here.pass_time(61)
    assert await planned(here) == before


async def test_a_revision_of_minutes_is_passed_over(here: World) -> None:
    await deploy(here, "1.0.0-rc2", 180)
    await deploy(here, "1.0.0-rc3")
    step = await planned(here, healthy_for=Duration.parse("3h"))
    assert step.goal["revision"] == 1
    assert "revision 3 ran 3m only: skipped" in step.why
    assert (await planned(here)).goal["revision"] == 2


async def test_it_is_done_with_one_guarded_write_as_kubectl_writes_it(here: World) -> None:
    step = await planned(here)
    assert not (await UNDO.standing(step, here.reach)).done
    await UNDO.carry_out(step, here.reach)
    assert (await UNDO.standing(step, here.reach)).done
    (write,) = here.writes
    guard, template, annotations = json.loads(write.body)
    assert step.subject is not None
    assert guard == {"op": "replace", "path": "/metadata/resourceVersion", "value": step.subject.version}
    assert (template["op"], template["path"]) == ("replace", "/spec/template")
    assert "pod-template-hash" not in template["value"]["metadata"]["labels"]
    assert (annotations["op"], annotations["path"]) == ("replace", "/metadata/annotations")
    assert annotations["value"]["kubernetes.io/change-cause"] == "aurora-tui run 0123456789: back to revision 1"
    here.pass_time(60)
    assert running(here) == image(GOOD)
    assert revision(here) == "3"
    assert here.deployment()["status"]["availableReplicas"] == 3


async def test_done_again_it_writes_nothing(here: World) -> None:
    step = await planned(here)
    await UNDO.carry_out(step, here.reach)
    here.pass_time(60)
    await UNDO.carry_out(step, here.reach)
    assert len(here.writes) == 1


async def test_planned_again_afterwards_it_is_done_already_and_does_not_toggle(here: World) -> None:
    await UNDO.carry_out(await planned(here), here.reach)
    here.pass_time(60)
    again = await planned(here)
    assert again.already
    assert not again.refusals
    assert not again.changes
    assert "revision 2 was left for revision 3 (was 1) already" in again.why
    await UNDO.carry_out(again, here.reach)
    assert running(here) == image(GOOD)


async def test_its_inverse_returns_to_what_was_before_by_its_template(here: World) -> None:
    step = await planned(here)
    await UNDO.carry_out(step, here.reach)
    here.pass_time(60)
    (back,) = UNDO.inverse(step)
    operation = operation_of(back)
    there = await operation.plan(back, 1, here.reach)
    assert "this returns to what was rolled back" in there.warnings[0]
    await operation.carry_out(there, here.reach)
    assert running(here) == image(CANDIDATE)
    assert not UNDO.inverse(await planned(here, revision=2))


async def test_a_rehearsal_changes_nothing(here: World) -> None:
    await UNDO.rehearse(await planned(here), here.reach)
    assert running(here) == image(CANDIDATE)
    assert [one.query.get("dryRun") for one in here.asked if one.method == "PATCH"] == ["All"]


async def test_a_rehearsal_tells_that_it_would_be_forbidden(here: World) -> None:
    step = await planned(here)
    with pytest.raises(ApiError) as refused:
        await UNDO.rehearse(step, dataclasses.replace(here.reach, connection=here.as_user(VIEWER)))
    assert refused.value.status == 403


async def test_a_paused_deployment_is_refused(here: World) -> None:
    step = await planned(here)
    await merge(here, {"spec": {"paused": True}})
    here.pass_time(5)
    assert "is paused" in (await planned(here)).refusals[0]
    with pytest.raises(Changed, match="was paused"):
        await UNDO.carry_out(step, here.reach)


async def test_right_after_a_deploy_it_waits_for_the_controller(here: World) -> None:
    await deploy(here, "1.0.0-rc2", seconds=0)
    await merge(here, {"spec": {"minReadySeconds": 1}})
    assert "has not been acted on yet" in (await planned(here)).refusals[0]
    here.pass_time(60)
    assert not (await planned(here)).refusals


async def test_one_without_history_is_refused(here: World) -> None:
    await merge(here, {"spec": {"revisionHistoryLimit": 0}})
    here.pass_time(60)
    assert "keeps no history" in (await planned(here)).refusals[0]


async def test_one_without_an_earlier_revision_is_refused(here: World) -> None:
    step = await UNDO.plan(Undo(deployment="aurora-bridge-v0"), 1, here.reach)
    assert step.refusals == ("there is no earlier revision to return to",)


async def test_one_that_is_not_there_is_refused(here: World) -> None:
    step = await UNDO.plan(Undo(deployment="nothing"), 1, here.reach)
    assert step.refusals == (f"there is no deployment nothing in {NAMESPACE}",)


async def test_another_template_than_before_and_after_stops_it_and_says_who(here: World) -> None:
    step = await planned(here)
    await deploy(here, "1.0.0-rc2")
    with pytest.raises(Changed, match=r"Deployment aurora-bridge was changed .* by aurora-tui at 2026"):
        await UNDO.standing(step, here.reach)
    with pytest.raises(Changed):
        await UNDO.carry_out(step, here.reach)


async def test_another_change_than_of_the_template_does_not_stop_it(here: World) -> None:
    step = await planned(here)
    await merge(here, {"spec": {"replicas": 5}})
    await UNDO.carry_out(step, here.reach)
    assert running(here) == image(GOOD)
    assert here.deployment()["spec"]["replicas"] == 5


async def test_a_deployment_created_anew_stops_it(here: World) -> None:
    step = await planned(here)
    await here.connection.request("DELETE", PATH)
    here.pass_time(60)
    with pytest.raises(Changed, match="is gone"):
        await UNDO.standing(step, here.reach)
    here.cluster.apply_manifests([*before_canary(), *canary()])
    with pytest.raises(Changed, match="created anew"):
        await UNDO.carry_out(step, here.reach)


async def test_a_revision_that_has_gone_from_the_history_is_impossible(here: World) -> None:
    step = await planned(here)
    await merge(here, {"spec": {"revisionHistoryLimit": 0}})
    here.pass_time(60)
    with pytest.raises(Impossible, match="Revision 1 of Deployment aurora-bridge is gone"):
        await UNDO.carry_out(step, here.reach)


async def test_a_stale_version_is_the_apis_conflict(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    step = await planned(here)
    send = patch

    async def late(*words: Any, **more: Any) -> Any:
        await merge(here, {"metadata": {"labels": {"raced": "yes"}}})
        return await send(*words, **more)

    monkeypatch.setattr(undo, "patch", late)
    with pytest.raises(ApiError) as refused:
        await UNDO.carry_out(step, here.reach)
    assert refused.value.status == 409
    assert running(here) == image(CANDIDATE)


async def test_the_replica_sets_of_others_are_left_out(here: World) -> None:
    """Same labels, another owner: another deployment's, or nobody's."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
    listed = json.loads(await here.connection.get(path))["items"]
    own = next(one for one in listed if one["spec"]["template"]["spec"]["containers"][0]["image"] == image(CANDIDATE))
    stranger = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": "stranger",
            "namespace": NAMESPACE,
            "labels": {"app": CANARY},
            "annotations": {"deployment.kubernetes.io/revision": "7"},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": CANARY, "uid": "another", "controller": True}
            ],
        },
        "spec": {**own["spec"], "replicas": 0},
    }
    here.cluster.create(stranger)
    assert (await planned(here)).goal["revision"] == 1


async def test_who_else_owns_the_template_is_warned_of(here: World) -> None:
    owned: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {}}}}
    found = {
        "metadata": {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "managedFields": [
                {"manager": "kubectl-client-side-apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": owned},
                {"manager": "argocd-controller", "time": "2026-01-02T00:00:00Z", "fieldsV1": owned},
                {"manager": "helm", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ],
        }
    }
    warnings = other_owners(found)
    assert [one.partition(" ")[0] for one in warnings] == ["argocd-controller", "Helm"]
    assert not (await planned(here)).warnings


async def test_a_rollout_that_stops_every_pod_first_is_warned_of(here: World) -> None:
    await merge(here, {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    here.pass_time(5)
    assert (await planned(here)).warnings == (
        "its strategy is Recreate: every pod stops before the first new one starts",
    )
    await merge(here, {"spec": {"replicas": 0}})
    here.pass_time(5)
    assert (await planned(here)).warnings == ("it wants no pods: none starts before it is scaled up",)


async def test_a_rehearsal_tells_that_a_webhook_makes_another_template_of_it(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = await planned(here)

    async def rewritten(*words: Any, **more: Any) -> Any:
        answer = await patch(*words, **more)
        answer["spec"]["template"]["spec"]["containers"][0]["image"] += "@sha256:0"
        return answer

    monkeypatch.setattr(undo, "patch", rewritten)
    with pytest.raises(Impossible, match="an admission webhook rewrites it"):
        await UNDO.rehearse(step, here.reach)


async def test_it_needs_the_deployment_and_the_list_of_replica_sets(here: World) -> None:
    needed = UNDO.permissions(await planned(here))
    assert [(one.verb, one.resource, one.name) for one in needed] == [
        ("get", "deployments", CANARY),
        ("patch", "deployments", CANARY),
        ("list", "replicasets", ""),
    ]
