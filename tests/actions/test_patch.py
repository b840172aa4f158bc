"""A patch is shown as the server would carry it out, written once under guard, and known again by what it touches."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_tui.actions.operation import Changed, Standing
from aurora_tui.actions.operations import differences, operation_of
from aurora_tui.actions.operations.patch import PatchOperation
from aurora_tui.actions.plan import Change, Plan, PlannedStep, as_data, from_data
from aurora_tui.drill.kubernetes.patch import json_patch, merge_patch
from aurora_tui.drill.manifests import CANARY, NAMESPACE
from aurora_tui.kube import writes
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType
from aurora_tui.situation.runbook import Patch, PatchKind
from tests.actions.typed import typed
from tests.actions.worlds import ADMIN, VIEWER, World, world

MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
Object = dict[str, Any]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """With a ConfigMap; as the administrator, who may write it."""
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policy"}, "data": {"a": "1", "b": "2"}}
    async with world(tmp_path, user=ADMIN) as made:
        await writes.create(made.connection, MAPS, settings)
        made.asked.clear()
        yield made


def merge(resource: str, name: str, body: Any) -> Patch:
    return Patch(resource=resource, name=name, body=json.dumps(body))


def by_json(resource: str, name: str, *operations: Object) -> Patch:
    return Patch(resource=resource, name=name, kind=PatchKind.JSON, body=json.dumps(operations))


async def planned(step: Patch, here: World) -> PlannedStep:
    return await PatchOperation().plan(step, 1, here.reach)


async def standing(one: PlannedStep, here: World) -> Standing:
    return await PatchOperation().standing(one, here.reach)


async def data(here: World) -> dict[str, str]:
    found = await writes.read(here.connection, f"{MAPS}/policy")
    assert found is not None
    return dict(found["data"])


async def test_a_merge_patch_is_shown_written_once_and_taken_back(here: World) -> None:
    step = merge("configmaps", "policy", {"data": {"a": "5", "b": None, "c": "3"}})
    assert isinstance(operation_of(step), PatchOperation)
    one = await planned(step, here)
    assert one.changes == (
        Change(what="/data/a", now="1", after="5"),
        Change(what="/data/b", now="2", after="not set"),
        Change(what="/data/c", now="not set", after="3"),
    )
    assert one.kubectl.startswith(f"kubectl -n {NAMESPACE} patch configmaps policy --type=merge -p '")
    assert not (await standing(one, here)).done
    await PatchOperation().rehearse(one, here.reach)
    assert not here.writes
    for _ in range(2):
        await PatchOperation().carry_out(one, here.reach)
    assert len(here.writes) == 1
    assert await data(here) == {"a": "5", "c": "3"}
    assert (await standing(one, here)).done
    (back,) = PatchOperation().inverse(one)
    assert isinstance(back, Patch)
    await PatchOperation().carry_out(await planned(back, here), here.reach)
    assert await data(here) == {"a": "1", "b": "2"}


async def test_a_json_patch_is_done_once_though_it_would_apply_again(here: World) -> None:
    container = {"name": "extra", "image": "vaultmesh/extra:1"}
    add = {"op": "add", "path": "/spec/template/spec/containers/-", "value": container}
    one = await planned(by_json("deployments.apps", CANARY, add), here)
    assert [change.what for change in one.changes] == ["/spec/template/spec/containers"]
    assert any("extra" in line for line in one.diff)
    for _ in range(2):
        await PatchOperation().carry_out(one, here.reach)
        here.pass_time(120)
    containers = here.deployment()["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in containers] == ["bridge", "extra"]
    assert len(here.writes) == 1
    assert (await standing(one, here)).done
    (back,) = PatchOperation().inverse(one)
    assert isinstance(back, Patch)
    await PatchOperation().carry_out(await planned(back, here), here.reach)
    assert len(here.deployment()["spec"]["template"]["spec"]["containers"]) == 1


@pytest.mark.needs("kubectl")
async def test_what_a_person_would_type_does_the_same(here: World) -> None:
    one = await planned(merge("configmaps", "policy", {"data": {"a": "it's $5"}}), here)
    assert "patched" in await typed(one.kubectl, here)
    assert (await standing(one, here)).done


async def test_what_is_so_already_is_not_written(here: World) -> None:
    one = await planned(merge("configmaps", "policy", {"data": {"a": "1"}}), here)
    assert one.already
    assert one.changes == ()
    assert (await standing(one, here)).done
    assert PatchOperation().inverse(one) == ()


async def test_controllers_that_write_elsewhere_do_not_disturb_it(here: World) -> None:
    """A new template gives the deployment a new revision, and its status changes for a minute."""
    body = {"spec": {"template": {"metadata": {"annotations": {"team": "night"}}}}}
    one = await planned(merge("deployments", CANARY, body), here)
    await PatchOperation().carry_out(one, here.reach)
    here.pass_time(120)
    assert here.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert (await standing(one, here)).done


async def test_another_s_edit_of_the_same_place_stops_it_and_one_elsewhere_does_not(here: World) -> None:
    one = await planned(merge("configmaps", "policy", {"data": {"a": "5"}}), here)
    await writes.patch(here.connection, f"{MAPS}/policy", {"data": {"b": "9"}}, PatchType.MERGE)
    assert not (await standing(one, here)).done
    await writes.patch(here.connection, f"{MAPS}/policy", {"data": {"a": "7"}}, PatchType.MERGE)
    with pytest.raises(Changed, match="ConfigMap policy was changed after the plan was approved, at /data/a"):
        await standing(one, here)
    with pytest.raises(Changed):
        await PatchOperation().carry_out(one, here.reach)
    assert await data(here) == {"a": "7", "b": "9"}


@pytest.mark.parametrize("kind", list(PatchKind))
async def test_a_write_between_reading_and_writing_is_a_conflict(
    here: World, kind: PatchKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = {"op": "replace", "path": "/data/a", "value": "5"}
    steps = {
        PatchKind.MERGE: merge("configmaps", "policy", {"data": {"a": "5"}}),
        PatchKind.JSON: by_json("configmaps", "policy", replace),
    }
    one = await planned(steps[kind], here)
    stale = await writes.read(here.connection, f"{MAPS}/policy")
    await writes.patch(here.connection, f"{MAPS}/policy", {"data": {"b": "9"}}, PatchType.MERGE)

    async def read_before(*_: object) -> Any:
        return stale

    monkeypatch.setattr(writes, "read", read_before)
    with pytest.raises(ApiError) as conflict:
        await PatchOperation().carry_out(one, here.reach)
    assert conflict.value.status == 409


async def test_an_object_made_anew_is_another_one(here: World) -> None:
    one = await planned(merge("configmaps", "policy", {"data": {"a": "5"}}), here)
    assert one.subject is not None
    await writes.delete(here.connection, f"{MAPS}/policy", uid=str(one.subject.uid))
    with pytest.raises(Changed, match="is gone"):
        await standing(one, here)
    fresh = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policy"}, "data": {"a": "1"}}
    await writes.create(here.connection, MAPS, fresh)
    with pytest.raises(Changed, match="created anew"):
        await standing(one, here)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (merge("configmaps", "nothing", {"data": {}}), f"there is no ConfigMap nothing in {NAMESPACE}"),
        (merge("widgets.example.org", "x", {"a": 1}), "this cluster has no widgets.example.org in its namespaces"),
        (merge("nodes", "node-1", {"spec": {"unschedulable": True}}), "this cluster has no nodes in its namespaces"),
        (Patch(resource="configmaps", name="policy", body="{"), "the patch is not JSON"),
        (Patch(resource="configmaps", name="policy", body="[]"), "a merge patch is an object"),
        (Patch(resource="configmaps", name="policy", kind=PatchKind.JSON, body="[{}]"), "a JSON patch is a list"),
        (merge("deployments", CANARY, {"spec": {"replicsa": 3}}), 'unknown field "spec.replicsa"'),
        (merge("deployments", CANARY, {"spec": {"replicas": -1}}), "must be greater than or equal to 0"),
        (by_json("configmaps", "policy", {"op": "remove", "path": "/data/zz"}), "the server rejected our request"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(here: World, step: Patch, why: str) -> None:
    one = await planned(step, here)
    assert why in one.refusals[0]
    assert not here.writes


async def test_who_may_not_patch_is_told_when_it_is_planned(here: World) -> None:
    seeing = dataclasses.replace(here.reach, connection=here.as_user(VIEWER))
    one = await PatchOperation().plan(merge("configmaps", "policy", {"data": {"a": "5"}}), 1, seeing)
    assert "forbidden" in one.refusals[0]
    rights = [(right.verb, right.resource, right.name) for right in PatchOperation().permissions(one)]
    assert rights == [("get", "configmaps", "policy"), ("patch", "configmaps", "policy")]


async def test_secret_values_are_neither_shown_nor_kept(here: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {"old": "aHVzaA=="}}
    await writes.create(here.connection, f"/api/v1/namespaces/{NAMESPACE}/secrets", secret)
    one = await planned(merge("secrets", "keys", {"data": {"old": None}}), here)
    assert one.changes == (Change(what="/data/old", now="(hidden)", after="not set"),)
    assert "aHVzaA" not in repr(one)
    assert PatchOperation().inverse(one) == ()
    assert "goes into the ledger" in one.warnings[0]
    await PatchOperation().carry_out(one, here.reach)
    assert (await standing(one, here)).done


async def test_a_plan_with_it_is_written_and_read_back(here: World) -> None:
    one = await planned(merge("deployments", CANARY, {"spec": {"minReadySeconds": 5}}), here)
    plan = Plan(
        run="r", runbook="x", title="x", environment="e", namespace=NAMESPACE, cluster=None, made_at="", steps=(one,)
    )
    assert from_data(json.loads(json.dumps(as_data(plan)))) == plan
    assert len(plan.meaning) == 64


# The comparing itself


_WORDS = st.sampled_from(["a", "b", "c/d", "~"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=6,
)
_NOT_NULL = _JSON.filter(lambda value: value is not None)
_SPECS = st.dictionaries(_WORDS, _NOT_NULL, max_size=4)
# A busy machine makes examples slowly, which says nothing of them.
_some = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@_some
@given(before=_SPECS, after=_SPECS)
def test_an_object_is_known_by_its_differences(before: Object, after: Object) -> None:
    now, then = {"spec": before}, {"spec": after}
    found = differences.differences(now, then)
    was, will_be = differences.facts(found)
    assert differences.facts_now(now, was) == was
    assert differences.facts_now(then, will_be) == will_be
    assert bool(found) == (json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True))
    assert all(was[pointer] != will_be[pointer] for pointer in was)


@_some
@given(before=_SPECS, patch=_SPECS)
def test_every_difference_that_a_merge_patch_makes_is_in_a_place_that_it_names(before: Object, patch: Object) -> None:
    body = {"spec": patch}
    after = merge_patch({"spec": before}, body)
    found = differences.differences({"spec": before}, after)
    assert differences.of_those(found, differences.touched(body)) == found


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/spec/list/0", "value": 9},
        {"op": "add", "path": "/spec/list/-", "value": 9},
        {"op": "remove", "path": "/spec/list/1"},
        {"op": "replace", "path": "/spec/list/1", "value": 9},
        {"op": "move", "from": "/spec/a~1b", "path": "/spec/c"},
        {"op": "copy", "from": "/spec/a~1b", "path": "/spec/c"},
    ],
)
def test_every_difference_that_a_json_patch_makes_is_in_a_place_that_it_names(operation: Object) -> None:
    before = {"spec": {"list": [1, 2, 3], "a/b": {"x": 1}}}
    after = json_patch(before, [operation])
    found = differences.differences(before, after)
    assert found
    assert differences.of_those(found, differences.touched([operation])) == found


@_some
@given(before=_SPECS, after=_SPECS)
def test_the_way_back_leads_back(before: Object, after: Object) -> None:
    now, then = {"spec": before, "metadata": {}}, {"spec": after, "metadata": {}}
    back = differences.way_back(now, then, [("spec",)])
    restored = then if back is None else merge_patch(then, json.loads(back))
    assert _without_nulls(restored) == _without_nulls(now)


def test_what_the_cluster_changes_at_an_edit_is_told_apart_from_the_patch() -> None:
    before = {"spec": {"a": 1}, "metadata": {"resourceVersion": "1", "labels": {"x": "1"}}, "status": {"n": 1}}
    after = {"spec": {"a": 2}, "metadata": {"resourceVersion": "2", "labels": {"x": "2"}}, "status": {"n": 2}}
    found = differences.differences(before, after)
    assert [one.pointer for one in found] == ["/metadata/labels/x", "/spec/a"]
    assert [one.pointer for one in differences.of_those(found, [("spec", "a")])] == ["/spec/a"]


def _without_nulls(value: Any) -> Any:
    """A merge patch cannot set a null: in the API, a field that is null is one that is not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return value
