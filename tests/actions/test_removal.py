"""Deleting an overlay: what was approved and nothing else, workloads first, resumable between any two deletions."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.actions.operation import Changed
from aurora_tui.actions.operations.overlay import subjects_in
from aurora_tui.actions.operations.removal import DeleteOperation
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY, before_canary, canary
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import ApiAnswer, Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType, create, patch, read
from aurora_tui.situation.runbook import Delete, Restore
from tests.actions.typed import typed
from tests.actions.worlds import ADMIN, World, world

DELETE = DeleteOperation()
HOME = f"/api/v1/namespaces/{NAMESPACE}"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{CANARY}"
Object = dict[str, Any]


class Killed(BaseException):
    """The process ends here."""


class Mortal(Connection):
    """A connection of a process that is killed when it has deleted so much."""

    def __init__(self, access: Access, deletions: int) -> None:
        super().__init__(access)
        self._left = deletions

    async def request(self, method: str, path: str, *rest: Any, **more: Any) -> ApiAnswer:
        self._left -= method == "DELETE"
        if self._left < 0:
            raise Killed
        return await super().request(method, path, *rest, **more)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest.fixture
async def ruled(tmp_path: Path) -> AsyncIterator[World]:
    """The same, as an administrator, who may see secrets."""
    async with world(tmp_path, user=ADMIN) as made:
        yield made


def overlay(here: World, *more: Object, without: tuple[str, ...] = ("Namespace",)) -> str:
    """The drill's manifests as a file of plain YAML."""
    things = [one for one in (*before_canary()[:1], *before_canary()[2:], *canary()) if one["kind"] not in without]
    file = here.folder / "overlay.yaml"
    file.write_text(yaml.safe_dump_all([*things, *more]))
    return str(file)


async def planned(here: World, path: str) -> PlannedStep:
    return await DELETE.plan(Delete(path=path), 2, here.reach)


def config(name: str) -> Object:
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "1"}}


def deletions(here: World) -> list[str]:
    return [one.path for one in here.writes if one.method == "DELETE"]


async def finished(step: PlannedStep, here: World) -> None:
    """Let time pass until it is done, as an executor waits."""
    for _ in range(40):
        if (await DELETE.standing(step, here.reach)).done:
            return
        here.pass_time(5)
    pytest.fail((await DELETE.standing(step, here.reach)).words)


async def test_the_plan_names_every_object_and_the_hash_of_what_was_rendered(here: World) -> None:
    step = await planned(here, overlay(here))
    assert [change.what for change in step.changes] == [
        f"Deployment {STABLE}", f"Deployment {STANDBY}", f"Deployment {CANARY}", f"HTTPRoute {CANARY}",
        f"Service {CANARY}", f"Service {STABLE}", f"Service {STANDBY}",
    ]  # fmt: skip
    assert {change.after for change in step.changes} == {"gone"}
    assert step.goal["sha256"] in step.why
    assert not step.refusals
    assert not here.writes


async def test_workloads_go_first_each_guarded_by_its_uid(here: World) -> None:
    step = await planned(here, overlay(here))
    await DELETE.carry_out(step, here.reach)
    assert deletions(here) == [one.path for one in subjects_in(step.before)]
    guards = [json.loads(one.body)["preconditions"] for one in here.writes]
    assert guards == [{"uid": one.uid} for one in subjects_in(step.before)]


async def test_it_is_done_when_the_pods_are_gone_too(here: World) -> None:
    step = await planned(here, overlay(here))
    await DELETE.carry_out(step, here.reach)
    standing = await DELETE.standing(step, here.reach)
    assert not standing.done
    assert "6 pods still stopping" in standing.words
    await finished(step, here)
    assert not here.cluster.pods(NAMESPACE)
    assert (await DELETE.standing(step, here.reach)).words == "all 7 gone: 3 Deployment, 1 HTTPRoute, 3 Service"


async def test_the_pods_of_all_workloads_are_looked_for_in_one_list(here: World) -> None:
    step = await planned(here, overlay(here))
    selector = f"app in ({CANARY},{STANDBY},{STABLE})"
    assert step.goal["pods"] == [{"namespace": NAMESPACE, "selector": selector}]


async def test_what_the_overlay_does_not_name_stays(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("theirs"))
    step = await planned(here, overlay(here))
    await DELETE.carry_out(step, here.reach)
    await finished(step, here)
    assert await read(here.connection, f"{HOME}/configmaps/theirs") is not None
    assert await read(here.connection, HOME) is not None


async def test_killed_after_each_deletion_and_resumed_it_deletes_everything_once(here: World) -> None:
    step = await planned(here, overlay(here))
    for _ in subjects_in(step.before):
        mortal = Mortal(here.connection.access, deletions=1)
        here.others.append(mortal)
        with contextlib.suppress(Killed):
            await DELETE.carry_out(step, dataclasses.replace(here.reach, connection=mortal))
        assert (await DELETE.standing(step, here.reach)).done is False
    await DELETE.carry_out(step, here.reach)
    await finished(step, here)
    assert deletions(here) == [one.path for one in subjects_in(step.before)]


async def test_another_object_of_the_same_name_stops_it_before_anything_is_deleted(here: World) -> None:
    step = await planned(here, overlay(here))
    await here.connection.request("DELETE", BRIDGE)
    here.pass_time(60)
    here.cluster.apply_manifests(canary()[:1])
    so_far = len(here.writes)
    with pytest.raises(Changed, match=f"Deployment {CANARY} was deleted and created anew"):
        await DELETE.carry_out(step, here.reach)
    with pytest.raises(Changed):
        await DELETE.standing(step, here.reach)
    assert len(here.writes) == so_far


async def test_an_object_that_was_not_there_when_it_was_approved_is_left_alone(here: World) -> None:
    step = await planned(here, overlay(here, config("later")))
    await create(here.connection, f"{HOME}/configmaps", config("later"))
    with pytest.raises(Changed, match="ConfigMap later was not there"):
        await DELETE.carry_out(step, here.reach)


async def test_with_nothing_there_it_is_done_already(here: World) -> None:
    step = await planned(here, overlay(here))
    await DELETE.carry_out(step, here.reach)
    await finished(step, here)
    assert (await planned(here, overlay(here))).already


async def test_a_finalizer_is_told_before_and_while_it_holds_an_object(here: World) -> None:
    held = {"metadata": {"finalizers": ["aurora.example/hold"]}}
    await patch(here.connection, f"{HOME}/services/{CANARY}", held, PatchType.MERGE)
    step = await planned(here, overlay(here))
    assert step.warnings == (f"Service {CANARY} goes only when its finalizers are done: aurora.example/hold",)
    await DELETE.carry_out(step, here.reach)
    here.pass_time(60)
    standing = await DELETE.standing(step, here.reach)
    assert not standing.done
    assert standing.words == f"Service {CANARY} is being deleted: finalizers aurora.example/hold"


async def test_who_would_make_it_anew_is_told(here: World) -> None:
    marked = {"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "aurora"}}}
    await patch(here.connection, f"{HOME}/services/{CANARY}", marked, PatchType.MERGE)
    step = await planned(here, overlay(here))
    assert step.warnings == (f"Service {CANARY} is kept by Flux aurora, which may make it anew",)


@pytest.mark.needs("kubectl")
async def test_what_a_person_would_type_does_the_same(here: World) -> None:
    step = await planned(here, overlay(here))
    # kubectl waits until each is gone, which in this world takes no time.
    assert (await typed(step.kubectl, here)).count("deleted") == 7
    await finished(step, here)


async def test_an_overlay_of_another_namespace_is_refused(here: World) -> None:
    other = {**config("x"), "metadata": {"name": "x", "namespace": "kube-system"}}
    step = await planned(here, overlay(here, other))
    assert step.refusals == (f"ConfigMap x is in namespace kube-system, and the environment's is {NAMESPACE}",)


async def test_a_kind_that_the_cluster_does_not_have_is_refused(here: World) -> None:
    strange = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    step = await planned(here, overlay(here, strange))
    assert step.refusals == ("Widget w: this cluster has no example.com/v1 of that kind",)


async def test_a_file_that_is_not_there_is_refused_in_words(here: World) -> None:
    step = await planned(here, str(here.folder / "nothing.yaml"))
    (refusal,) = step.refusals
    assert "nothing.yaml cannot be read: No such file or directory" in refusal


async def test_what_may_not_be_read_is_not_planned(here: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": NAMESPACE}}
    with pytest.raises(ApiError) as refused:
        await planned(here, overlay(here, secret))
    assert refused.value.status == 403


async def test_a_rehearsal_is_a_dry_run_of_every_deletion(here: World) -> None:
    step = await planned(here, overlay(here))
    await DELETE.rehearse(step, here.reach)
    asked = [one for one in here.asked if one.method == "DELETE"]
    assert [json.loads(one.body)["dryRun"] for one in asked] == [["All"]] * 7
    assert len(here.cluster.pods(NAMESPACE)) == 6
    assert await read(here.connection, BRIDGE) is not None


async def test_it_needs_get_and_delete_of_each_by_name(here: World) -> None:
    step = await planned(here, overlay(here))
    needed = {(one.verb, one.resource, one.group, one.name) for one in DELETE.permissions(step)}
    assert ("delete", "httproutes", "gateway.networking.k8s.io", CANARY) in needed
    assert ("get", "deployments", "apps", STABLE) in needed
    assert ("list", "pods", "", "") in needed


async def test_its_inverse_is_to_restore(here: World) -> None:
    step = await planned(here, overlay(here))
    assert DELETE.inverse(step) == (Restore(limit=step.step.limit),)


async def test_a_namespace_goes_last_and_says_who_else_lives_there(ruled: World) -> None:
    await create(ruled.connection, f"{HOME}/configmaps", config("theirs"))
    step = await planned(ruled, overlay(ruled, without=()))
    assert step.changes[-1].what == f"Namespace {NAMESPACE}"
    assert step.goal["namespace"] == NAMESPACE
    assert step.goal["others"] == ["ConfigMap theirs"]
    await DELETE.carry_out(step, ruled.reach)
    assert deletions(ruled)[-1] == HOME
    await finished(step, ruled)
    assert await read(ruled.connection, HOME) is None


async def test_a_namespace_whose_contents_cannot_all_be_seen_is_refused(here: World) -> None:
    step = await planned(here, overlay(here, without=()))
    assert step.refusals == ("what of secrets lives in the namespace cannot be seen",)


async def test_who_moves_into_the_namespace_after_the_consent_stops_its_deletion(ruled: World) -> None:
    step = await planned(ruled, overlay(ruled, without=()))
    await create(ruled.connection, f"{HOME}/configmaps", config("late"))
    with pytest.raises(Changed, match=r"1 more live in namespace .*: ConfigMap late"):
        await DELETE.carry_out(step, ruled.reach)
    assert await read(ruled.connection, HOME) is not None


async def test_a_namespace_that_does_not_end_is_told_with_its_conditions(ruled: World) -> None:
    held = {**config("held"), "metadata": {**config("held")["metadata"], "finalizers": ["aurora.example/hold"]}}
    await create(ruled.connection, f"{HOME}/configmaps", held)
    step = await planned(ruled, overlay(ruled, without=()))
    await DELETE.carry_out(step, ruled.reach)
    ruled.pass_time(60)
    said = {
        "NamespaceContentRemaining": "Some resources are remaining: configmaps. has 1 resource instances",
        "NamespaceFinalizersRemaining": "Some content in the namespace has finalizers remaining: "
        "aurora.example/hold in 1 resource instances",
    }
    # As the namespace controller of a real cluster writes them.
    conditions = [{"type": type_, "status": "True", "message": words} for type_, words in said.items()]
    conditions.append({"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all deleted"})
    await patch(ruled.connection, f"{HOME}/status", {"status": {"conditions": conditions}}, PatchType.MERGE)
    standing = await DELETE.standing(step, ruled.reach)
    assert not standing.done
    assert standing.words == f"Namespace {NAMESPACE} is being deleted: {'; '.join(said.values())}"
