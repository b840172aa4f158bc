"""What our steps leave behind is what kubectl leaves, from the very command that the plan shows as its equivalent.

Two worlds alike; in one our step is carried out, in the other the plan's kubectl line is run. Then the deployment, its
ReplicaSets and its pods are compared, but for names, times, managers and the change-cause, which names our run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.actions.operations import operation_of
from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.manifests import CANARY, GOOD, NAMESPACE, STANDBY, canary, image
from aurora_tui.situation.runbook import AnyStep, DeletePod, Restart, Scale, SetImage, Undo
from tests.actions.worlds import World, world

PATIENCE = 60.0
HOUR = 3600.0
FORGOTTEN = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "name", "generateName", "ownerReferences"}
OURS = {"kubernetes.io/change-cause", "kubectl.kubernetes.io/restartedAt"}
Object = dict[str, Any]
Before = Callable[[World], None]


def as_it_is(here: World) -> None:
    """Nothing has happened since the canary began."""


def crashing(here: World) -> None:
    """A third revision that never becomes ready: its rollout hangs half way."""
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.crash_loop(after=1), image=image("1.0.0-rc2"))
    applied(here, "1.0.0-rc2")
    here.pass_time(120)


def applied(here: World, version: str, **annotations: str) -> None:
    """Another version, applied as manifests are."""
    manifest = json.loads(json.dumps(canary()[0]))
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image(version)
    manifest["metadata"]["annotations"] |= annotations
    here.cluster.apply_manifests([manifest])


def annotated(here: World) -> None:
    """Annotations of all kinds: some are the deployment's own, others go with the revision."""
    last = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "example.com/owner": "bridge"}
    applied(here, "1.0.0-rc2", **last)
    here.pass_time(HOUR)
    applied(here, "1.0.0-rc3", **{"example.com/owner": "someone", "example.com/new": "yes"})
    here.pass_time(120)


def back_and_forth(here: World) -> None:
    """Good, candidate, good again, and then another one: revisions have histories."""
    applied(here, GOOD)
    here.pass_time(HOUR)
    applied(here, "1.0.0-rc2")
    here.pass_time(120)


UNDO = Undo(deployment=CANARY)
CASES: list[tuple[Before, AnyStep]] = [
    (as_it_is, UNDO),
    (crashing, UNDO),
    (annotated, UNDO),
    (back_and_forth, UNDO),
    (back_and_forth, Undo(deployment=CANARY, revision=2)),
    (as_it_is, Scale(deployment=STANDBY, replicas=3)),
    (as_it_is, Scale(deployment=CANARY, replicas=0)),
    (as_it_is, SetImage(deployment=CANARY, container="bridge", image=image("1.0.0-rc2"))),
    (as_it_is, Restart(deployment=CANARY)),
]


async def ours(here: World, step: AnyStep) -> str:
    """Carry our step out; the plan's kubectl line."""
    operation = operation_of(step)
    plan = await operation.plan(step, 1, here.reach)
    assert not plan.refusals
    await operation.carry_out(plan, here.reach)
    assert (await operation.standing(plan, here.reach)).done is not isinstance(step, DeletePod)
    here.pass_time(120)
    return plan.kubectl


async def theirs(here: World, command: str) -> None:
    """Run a kubectl line."""
    environment = {"HOME": str(here.folder), "KUBECONFIG": str(here.kubeconfig), "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), env=environment, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        _, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    here.pass_time(120)


async def left(here: World) -> list[Object]:
    """Deployments, ReplicaSets by deployment and revision, pods, without what may differ."""
    found: list[Object] = []
    for path in ("apis/apps/v1", "apis/apps/v1", "api/v1"):
        kind = ("deployments", "replicasets", "pods")[len(found)]
        listed = json.loads(await here.connection.get(f"/{path}/namespaces/{NAMESPACE}/{kind}"))["items"]
        things = [compared(one) for one in listed]
        found.append({kind: sorted(things, key=lambda one: json.dumps(one, sort_keys=True))})
    return found


def compared(thing: Object) -> Object:
    meta = {key: value for key, value in thing["metadata"].items() if key not in FORGOTTEN}
    spec = {key: value for key, value in thing["spec"].items() if key not in ("nodeName", "selector")}
    status = {key: value for key, value in thing["status"].items() if isinstance(value, int)}
    return dict(without(dict(metadata=meta, spec=spec, status=status)))


def without(value: Any) -> Any:
    """The value without annotations and labels that may differ, wherever they stand."""
    if isinstance(value, dict):
        kept = {key: without(one) for key, one in value.items() if key not in OURS | {"pod-template-hash"}}
        return {key: one for key, one in kept.items() if one not in ({}, None)}
    return [without(one) for one in value] if isinstance(value, list) else value


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize(("before", "step"), CASES, ids=lambda one: getattr(one, "__name__", type(one).__name__))
async def test_our_step_leaves_what_kubectl_leaves(tmp_path: Path, before: Before, step: AnyStep) -> None:
    async with world(tmp_path / "ours") as mine, world(tmp_path / "theirs") as twin:
        for each in (mine, twin):
            before(each)
        untouched = await left(mine)
        assert untouched == await left(twin)
        command = await ours(mine, step)
        await theirs(twin, command)
        assert await left(mine) == await left(twin)
        assert await left(mine) != untouched


@pytest.mark.needs("kubectl")
async def test_a_pod_is_deleted_as_kubectl_deletes_it(tmp_path: Path) -> None:
    async with world(tmp_path / "ours") as mine, world(tmp_path / "theirs") as twin:
        names = [here.cluster.ready_pods(NAMESPACE, {"app": CANARY})[0]["metadata"]["name"] for here in (mine, twin)]
        assert names[0] == names[1]
        command = await ours(mine, DeletePod(pod=names[0]))
        await theirs(twin, f"{command} --wait=false")
        assert await left(mine) == await left(twin)


@pytest.mark.needs("kubectl")
async def test_a_rollback_is_the_patch_that_kubectl_sends_with_a_guard_before_it(tmp_path: Path) -> None:
    async with world(tmp_path / "ours") as mine, world(tmp_path / "theirs") as twin:
        for each in (mine, twin):
            annotated(each)
        await theirs(twin, await ours(mine, UNDO))
        (our_write,), (their_write,) = mine.writes, twin.writes
        guard, *patch = json.loads(our_write.body)
        assert guard["path"] == "/metadata/resourceVersion"
        assert without(patch) == without(json.loads(their_write.body))
        assert (our_write.method, our_write.path) == (their_write.method, their_write.path)


@pytest.mark.needs("kubectl")
async def test_after_a_rollback_kubectl_tells_our_run_as_the_cause(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await ours(here, UNDO)
        environment = {"HOME": str(tmp_path), "KUBECONFIG": str(here.kubeconfig), "PATH": os.environ["PATH"]}
        words = ("kubectl", "-n", NAMESPACE, "rollout", "history", f"deployment/{CANARY}")
        process = await asyncio.create_subprocess_exec(*words, env=environment, stdout=asyncio.subprocess.PIPE)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        assert "3         aurora-tui run 0123456789: back to revision 1" in out.decode()
