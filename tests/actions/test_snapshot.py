"""Halt and resume: what is deleted is kept first, whole, and comes back as it was; what is there is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.actions.operation import Changed, Operation, Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.operations.overlay import subjects_in
from aurora_tui.actions.operations.restoring import RestoreOperation
from aurora_tui.actions.operations.snapshot import SnapshotOperation
from aurora_tui.actions.operations.snapshot_file import Damaged, OnDisk, of_run
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.drill.kubernetes import roles
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY, before_canary, canary
from aurora_tui.errors import AuroraError
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import ApiAnswer, Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType, create, patch, read, read_all
from aurora_tui.situation.runbook import AnyStep, Delete, Restore, Snapshot
from tests.actions.worlds import ADMIN, OPERATOR, USERS, World, world

SNAPSHOT, RESTORE = SnapshotOperation(), RestoreOperation()
HOME = f"/api/v1/namespaces/{NAMESPACE}"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
ROUTES = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"
Object = dict[str, Any]


class Killed(BaseException):
    """The process ends here."""


class Mortal(Connection):
    """A connection of a process that is killed when it has written so much."""

    def __init__(self, access: Access, writes: int) -> None:
        super().__init__(access)
        self._left = writes

    async def request(self, method: str, path: str, *rest: Any, **more: Any) -> ApiAnswer:
        self._left -= method == "POST" and "selfsubject" not in path
        if self._left < 0:
            raise Killed
        return await super().request(method, path, *rest, **more)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, user=ADMIN) as made:
        yield made


def overlay(here: World, *more: Object, namespace: bool = False) -> str:
    """The drill's manifests as a file of plain YAML."""
    things = [*before_canary()[0 if namespace else 1 :], *canary()[1:]]
    file = here.folder / "overlay.yaml"
    file.write_text(yaml.safe_dump_all([*things, *more]))
    return str(file)


def reach_of(here: World, run: str) -> Reach:
    return dataclasses.replace(here.reach, run=run)


async def carried_out(here: World, run: str, *steps: AnyStep) -> list[PlannedStep]:
    """The steps planned first, then done one after the other, as an executor does it."""
    reach, made = reach_of(here, run), []
    operations: list[Operation] = [operation_of(step) for step in steps]
    for number, (step, operation) in enumerate(zip(steps, operations, strict=True), 1):
        made.append(await operation.plan(step, number, reach))
        assert not made[-1].refusals
    for one, operation in zip(made, operations, strict=True):
        await operation.rehearse(one, reach)
    for one, operation in zip(made, operations, strict=True):
        if not (await operation.standing(one, reach)).done:
            await operation.carry_out(one, reach)
        for _ in range(40):
            if (await operation.standing(one, reach)).done:
                break
            here.pass_time(5)
        assert (await operation.standing(one, reach)).done
    return made


async def halted(here: World, path: str, run: str = "halt") -> list[PlannedStep]:
    return await carried_out(here, run, Snapshot(path=path), Delete(path=path))


async def resumed(here: World, run: str = "resume") -> PlannedStep:
    (step,) = await carried_out(here, run, Restore())
    here.pass_time(120)
    return step


def kept(here: World, run: str = "halt") -> OnDisk:
    found = of_run(here.reach.folder, run)
    assert found is not None
    return found


async def everything(here: World) -> dict[str, Object]:
    """What the namespace holds, but for what no two objects have alike, and pods, which are other ones."""
    found = {}
    for path in (DEPLOYMENTS, DEPLOYMENTS.replace("deployments", "replicasets"), ROUTES, f"{HOME}/services"):
        for thing in await read_all(here.connection, path):
            plain = copy.deepcopy(thing)
            plain.pop("status", None)
            for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
                plain["metadata"].pop(field, None)
            for owner in plain["metadata"].get("ownerReferences", ()):
                owner.pop("uid")
            found[f"{path}/{plain['metadata']['name']}"] = plain
    return found


def config(name: str, **meta: Any) -> Object:
    told = {"name": name, "namespace": NAMESPACE, **meta}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": told, "data": {"a": "1"}}


async def test_halt_then_resume_gives_everything_back_as_it_was(here: World) -> None:
    before = await everything(here)
    await halted(here, overlay(here))
    assert await everything(here) == {}
    await resumed(here)
    assert await everything(here) == before
    for name, replicas in ((CANARY, 3), (STABLE, 3), (STANDBY, 0)):
        assert here.deployment(name)["status"].get("readyReplicas", 0) == replicas


async def test_after_a_resume_the_canary_can_still_be_rolled_back(here: World) -> None:
    await halted(here, overlay(here))
    await resumed(here)
    uid = here.deployment(CANARY)["metadata"]["uid"]
    owned = {
        one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one["spec"]["replicas"]
        for one in await read_all(here.connection, DEPLOYMENTS.replace("deployments", "replicasets"))
        if one["metadata"]["ownerReferences"][0]["uid"] == uid
    }
    assert owned == {"1": 0, "2": 3}


async def test_traffic_and_replicas_come_back_as_they_were_not_as_the_overlay_has_them(here: World) -> None:
    rules = [{"backendRefs": [{"name": CANARY, "port": 80, "weight": 50}, {"name": STABLE, "port": 80, "weight": 50}]}]
    await patch(here.connection, f"{ROUTES}/{CANARY}", {"spec": {"rules": rules}}, PatchType.MERGE)
    await patch(here.connection, f"{DEPLOYMENTS}/{STABLE}", {"spec": {"replicas": 1}}, PatchType.MERGE)
    here.pass_time(60)
    await halted(here, overlay(here))
    await resumed(here)
    route = await read(here.connection, f"{ROUTES}/{CANARY}")
    assert route is not None
    assert [one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]] == [50, 50]
    assert here.deployment(STABLE)["spec"]["replicas"] == 1


async def test_the_file_is_its_owner_s_alone_and_sha256sum_verifies_it(here: World) -> None:
    await halted(here, overlay(here))
    file = kept(here).file
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    pipe, check = asyncio.subprocess.PIPE, f"{file.name}.sha256"
    sums = await asyncio.create_subprocess_exec("sha256sum", "-c", check, cwd=file.parent, stdout=pipe)
    assert (await sums.communicate())[0].decode() == f"{file.name}: OK\n"
    assert sorted(one.name for one in file.parent.iterdir()) == [file.name, f"{file.name}.sha256"]


async def test_what_is_kept_is_told_with_its_hash(here: World) -> None:
    (snapshot, _) = await halted(here, overlay(here))
    told = await SNAPSHOT.standing(snapshot, reach_of(here, "halt"))
    file = kept(here).file
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert told.words == f"3 Deployment, 3 Service, 1 HTTPRoute kept in {file}, SHA-256 {digest}"


async def test_objects_are_kept_raw_with_those_that_they_make(here: World) -> None:
    await halted(here, overlay(here))
    written = json.loads(kept(here).file.read_text())
    canary_kept = next(one for one in written["objects"] if one["path"] == f"{DEPLOYMENTS}/{CANARY}")
    assert canary_kept["object"]["metadata"]["uid"]
    assert canary_kept["object"]["status"]["readyReplicas"] == 3
    made = [one["resource"] for one in written["dependents"]]
    assert made.count("replicasets.apps") == 4
    assert made.count("pods") == 6


async def test_the_snapshot_is_taken_once_in_a_run(here: World) -> None:
    reach = reach_of(here, "halt")
    step = await SNAPSHOT.plan(Snapshot(path=overlay(here)), 1, reach)
    assert not (await SNAPSHOT.standing(step, reach)).done
    await SNAPSHOT.carry_out(step, reach)
    first = kept(here).file.read_bytes()
    await patch(here.connection, f"{DEPLOYMENTS}/{STABLE}", {"spec": {"replicas": 1}}, PatchType.MERGE)
    await SNAPSHOT.carry_out(step, reach)
    assert kept(here).file.read_bytes() == first


async def test_a_file_without_its_hash_was_never_finished_and_is_taken_anew(here: World) -> None:
    reach = reach_of(here, "halt")
    step = await SNAPSHOT.plan(Snapshot(path=overlay(here)), 1, reach)
    await SNAPSHOT.carry_out(step, reach)
    file = kept(here).file
    file.with_name(file.name + ".sha256").unlink()
    assert not (await SNAPSHOT.standing(step, reach)).done
    await SNAPSHOT.carry_out(step, reach)
    assert (await SNAPSHOT.standing(step, reach)).done


async def test_what_went_away_after_the_approval_stops_the_snapshot(here: World) -> None:
    step = await SNAPSHOT.plan(Snapshot(path=overlay(here)), 1, here.reach)
    await here.connection.request("DELETE", f"{HOME}/services/{CANARY}")
    with pytest.raises(Changed, match=f"Service {CANARY} is gone"):
        await SNAPSHOT.carry_out(step, here.reach)
    assert of_run(here.reach.folder, here.reach.run) is None


async def test_where_nothing_is_deployed_there_is_nothing_to_halt(here: World) -> None:
    path = overlay(here)
    await halted(here, path)
    step = await SNAPSHOT.plan(Snapshot(path=path), 1, reach_of(here, "again"))
    assert step.refusals == (f"nothing of {path} is in the cluster",)


async def test_a_disk_that_takes_no_file_is_found_in_the_rehearsal(here: World) -> None:
    (here.folder / "blocked").write_text("no folder")
    reach = dataclasses.replace(here.reach, folder=here.folder / "blocked")
    step = await SNAPSHOT.plan(Snapshot(path=overlay(here)), 1, reach)
    with pytest.raises(AuroraError, match="No snapshot can be written"):
        await SNAPSHOT.rehearse(step, reach)


async def test_a_halt_after_one_that_was_broken_off_keeps_what_the_first_has_taken(here: World) -> None:
    before, path = await everything(here), overlay(here)
    reach = reach_of(here, "first")
    await SNAPSHOT.carry_out(await SNAPSHOT.plan(Snapshot(path=path), 1, reach), reach)
    await here.connection.request("DELETE", f"{DEPLOYMENTS}/{CANARY}")
    here.pass_time(60)
    (snapshot, _) = await halted(here, path, "second")
    assert snapshot.changes[1].after == "1 that are gone"
    await resumed(here)
    assert await everything(here) == before


async def test_what_belongs_to_what_is_deleted_comes_back_to_its_new_owner(here: World) -> None:
    owner = here.deployment(CANARY)["metadata"]
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": CANARY, "uid": owner["uid"]}
    await create(here.connection, f"{HOME}/configmaps", config("owned", ownerReferences=[reference]))
    await halted(here, overlay(here))
    assert await read(here.connection, f"{HOME}/configmaps/owned") is None
    await resumed(here)
    back = await read(here.connection, f"{HOME}/configmaps/owned")
    assert back is not None
    assert back["metadata"]["ownerReferences"][0]["uid"] == here.deployment(CANARY)["metadata"]["uid"]


async def test_a_namespace_comes_back_with_all_that_lived_in_it(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("theirs"))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": NAMESPACE},
        "data": {"k": "dg=="},
    }
    await create(here.connection, f"{HOME}/secrets", secret)
    before = await everything(here)
    (snapshot, _) = await halted(here, overlay(here, namespace=True))
    assert snapshot.warnings == ("1 Secrets are kept with their data, in a file that only you can read",)
    assert await read(here.connection, HOME) is None
    await resumed(here)
    assert await everything(here) == before
    assert (await read(here.connection, f"{HOME}/configmaps/theirs") or {})["data"] == {"a": "1"}
    assert (await read(here.connection, f"{HOME}/secrets/s") or {})["data"] == {"k": "dg=="}


async def test_what_is_there_already_is_left_alone_and_told(here: World) -> None:
    await halted(here, overlay(here))
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": CANARY, "namespace": NAMESPACE}}
    theirs |= {"spec": {"selector": {"app": "mine"}, "ports": [{"port": 9}]}}
    await create(here.connection, f"{HOME}/services", theirs)
    step = await resumed(here)
    (told,) = [change for change in step.changes if change.what == f"Service {CANARY}"]
    assert (told.now, told.after) == ("there", "left alone")
    service = await read(here.connection, f"{HOME}/services/{CANARY}")
    assert service is not None
    assert service["spec"]["selector"] == {"app": "mine"}


async def test_killed_after_each_creation_and_resumed_it_creates_everything_once(here: World) -> None:
    before = await everything(here)
    await halted(here, overlay(here))
    reach = reach_of(here, "resume")
    step = await RESTORE.plan(Restore(), 1, reach)
    so_far = len(here.writes)
    for _ in subjects_in(step.goal):
        mortal = Mortal(here.connection.access, writes=1)
        here.others.append(mortal)
        with contextlib.suppress(Killed):
            await RESTORE.carry_out(step, dataclasses.replace(reach, connection=mortal))
    assert (await RESTORE.standing(step, reach)).done
    assert len(here.writes) - so_far == len(subjects_in(step.goal))
    here.pass_time(120)
    assert await everything(here) == before


async def test_with_everything_there_a_restore_is_done_already(here: World) -> None:
    await halted(here, overlay(here))
    await resumed(here)
    assert (await RESTORE.plan(Restore(), 1, reach_of(here, "again"))).already


async def test_without_a_snapshot_nothing_can_be_restored(here: World) -> None:
    (refusal,) = (await RESTORE.plan(Restore(), 1, here.reach)).refusals
    assert refusal.startswith("there is no snapshot of drill in this cluster")


async def test_a_snapshot_of_another_cluster_is_never_restored(here: World, tmp_path: Path) -> None:
    await halted(here, overlay(here))
    async with world(tmp_path / "other", user=ADMIN, seed=2) as other:
        reach = dataclasses.replace(other.reach, folder=here.reach.folder)
        (refusal,) = (await RESTORE.plan(Restore(), 1, reach)).refusals
    assert kept(here).file.name in refusal
    assert "is of another" in refusal


async def test_a_snapshot_that_was_changed_is_refused_and_no_older_one_taken_for_it(here: World) -> None:
    await halted(here, overlay(here), "first")
    await resumed(here)
    await halted(here, overlay(here), "second")
    file = kept(here, "second").file
    file.write_text(file.read_text().replace("1.0.0-rc1", "6.6.6"))
    with pytest.raises(Damaged):
        of_run(here.reach.folder, "second")
    (refusal,) = (await RESTORE.plan(Restore(), 1, reach_of(here, "resume"))).refusals
    assert "is not what was written" in refusal


async def test_of_several_snapshots_the_newest_is_restored(here: World) -> None:
    await halted(here, overlay(here), "first")
    await resumed(here, "back")
    await patch(here.connection, f"{DEPLOYMENTS}/{STABLE}", {"spec": {"replicas": 2}}, PatchType.MERGE)
    here.pass_time(60)
    await halted(here, overlay(here), "second")
    await resumed(here)
    assert here.deployment(STABLE)["spec"]["replicas"] == 2


async def test_what_is_still_being_deleted_is_waited_for_first(here: World) -> None:
    held = {"metadata": {"finalizers": ["aurora.example/hold"]}}
    await patch(here.connection, f"{HOME}/services/{CANARY}", held, PatchType.MERGE)
    reach, path = reach_of(here, "halt"), overlay(here)
    await SNAPSHOT.carry_out(await SNAPSHOT.plan(Snapshot(path=path), 1, reach), reach)
    delete = operation_of(Delete(path=path))
    await delete.carry_out(await delete.plan(Delete(path=path), 2, reach), reach)
    step = await RESTORE.plan(Restore(), 1, reach_of(here, "resume"))
    assert f"Service {CANARY} is still being deleted: wait until it is gone" in step.refusals


async def test_who_may_not_create_replica_sets_is_told_that_revisions_are_lost(tmp_path: Path) -> None:
    operator = USERS[OPERATOR]
    rules = tuple(rule for rule in operator.rules if rule.resources != ("replicasets",))
    users = {**USERS, OPERATOR: dataclasses.replace(operator, rules=rules)}
    async with world(tmp_path, users=users) as here:
        await halted(here, overlay(here))
        step = await resumed(here)
        assert any("no undo after this" in warning for warning in step.warnings)
        assert here.deployment(CANARY)["status"]["readyReplicas"] == 3


async def test_what_workloads_need_is_made_before_them_and_traffic_is_led_to_them_last(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await halted(here, overlay(here))
        so_far = len(here.writes)
        step = await resumed(here)
        assert not step.warnings
        kinds = [one.path.rpartition("/")[2] for one in here.writes[so_far:] if "selfsubject" not in one.path]
        assert kinds == ["services"] * 3 + ["replicasets"] + ["deployments"] * 3 + ["httproutes"]


async def test_who_may_create_nothing_finds_out_in_the_rehearsal(tmp_path: Path) -> None:
    users = {**USERS, OPERATOR: roles.admin("ada"), "viewer": roles.viewer("vic")}
    async with world(tmp_path, users=users) as here:
        await halted(here, overlay(here))
        reach = dataclasses.replace(reach_of(here, "resume"), connection=here.as_user("viewer"))
        step = await RESTORE.plan(Restore(), 1, reach)
        with pytest.raises(ApiError) as refused:
            await RESTORE.rehearse(step, reach)
        assert refused.value.status == 403
        assert {(one.verb, one.resource) for one in RESTORE.permissions(step)} == {
            ("create", "deployments"), ("create", "services"), ("create", "httproutes"),
        }  # fmt: skip
