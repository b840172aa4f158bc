"""Deleting one pod: that very one, whose controller makes another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aurora_tui.actions.operations.pods import DeletePodOperation
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.drill.manifests import CANARY, NAMESPACE
from aurora_tui.situation.runbook import DeletePod
from tests.actions.worlds import World, world

DELETE = DeletePodOperation()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def pods(here: World) -> list[str]:
    every = here.cluster.ready_pods(NAMESPACE, {"app": CANARY})
    return sorted(pod["metadata"]["name"] for pod in every)


async def planned(here: World, pod: str) -> PlannedStep:
    return await DELETE.plan(DeletePod(pod=pod), 1, here.reach)


async def test_the_plan_names_who_will_make_another(here: World) -> None:
    pod = pods(here)[0]
    step = await planned(here, pod)
    (change,) = step.changes
    owner = pod.rpartition("-")[0]
    assert (change.now, change.after) == ("running and ready", f"made anew by ReplicaSet {owner}")
    assert step.kubectl == f"kubectl -n {NAMESPACE} delete pod {pod}"
    assert not step.refusals


async def test_that_very_pod_goes_and_another_comes(here: World) -> None:
    pod = pods(here)[0]
    step = await planned(here, pod)
    await DELETE.carry_out(step, here.reach)
    await DELETE.carry_out(step, here.reach)
    (write,) = here.writes
    assert step.subject is not None
    assert json.loads(write.body)["preconditions"] == {"uid": step.subject.uid}
    stopping = await DELETE.standing(step, here.reach)
    assert not stopping.done
    assert stopping.words == f"{pod} is stopping"
    here.pass_time(60)
    gone = await DELETE.standing(step, here.reach)
    assert gone.done
    assert gone.words.startswith(f"{pod} is gone; ReplicaSet {pod.rpartition('-')[0]} has 3, 3 ready, the newest ")
    assert pod not in pods(here)


async def test_a_pod_that_went_by_itself_is_done(here: World) -> None:
    pod = pods(here)[0]
    step = await planned(here, pod)
    await here.connection.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}")
    here.pass_time(60)
    await DELETE.carry_out(step, here.reach)
    assert (await DELETE.standing(step, here.reach)).done
    assert len(here.writes) == 1


async def test_a_rehearsal_leaves_it_running(here: World) -> None:
    before = pods(here)
    await DELETE.rehearse(await planned(here, before[0]), here.reach)
    here.pass_time(60)
    assert pods(here) == before
    assert not here.writes
    assert [one.method for one in here.asked].count("DELETE") == 1


async def test_a_pod_without_controller_is_refused(here: World) -> None:
    alone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone", "namespace": NAMESPACE},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    here.cluster.create(alone)
    assert (await planned(here, "alone")).refusals == ("alone has no controller: nothing would make another",)


async def test_a_pod_that_is_not_there_is_refused(here: World) -> None:
    assert (await planned(here, "nothing")).refusals == (f"there is no pod nothing in {NAMESPACE}",)


async def test_it_needs_get_and_delete_of_that_pod(here: World) -> None:
    pod = pods(here)[0]
    needed = DELETE.permissions(await planned(here, pod))
    assert [(one.verb, one.name) for one in needed] == [("get", pod), ("delete", pod), ("list", "")]
    assert not DELETE.inverse(await planned(here, pod))
