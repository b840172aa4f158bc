"""Waiting: for a rollout and pods as kubectl judges them, for a page and a query as the console judges them."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.operation import Changed, Impossible, Reach, Standing
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.operations.crew import label_selector
from aurora_tui.actions.operations.wait import WaitOperation
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.drill.bridge import bridge_app
from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.loopback import Server
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STANDBY, canary, image
from aurora_tui.kube import writes
from aurora_tui.kube.writes import PatchType
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import Credentials, HttpSource, Probe, ProbeKind
from aurora_tui.situation.runbook import Wait, WaitFor
from tests.actions.typed import typed
from tests.actions.worlds import ADMIN, World, world
from tests.servers import real_prometheus

DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
BROKEN = "vaultmesh/aurora-bridge:broken"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def rollout(name: str = CANARY) -> Wait:
    return Wait(until=WaitFor.ROLLOUT, deployment=name)


def pods(name: str = CANARY) -> Wait:
    return Wait(until=WaitFor.PODS, deployment=name)


async def planned(step: Wait, reach: Reach) -> PlannedStep:
    return await WaitOperation().plan(step, 1, reach)


async def standing(one: PlannedStep, here: World) -> Standing:
    return await WaitOperation().standing(one, here.reach)


async def merge(here: World, body: Any, name: str = CANARY) -> None:
    await writes.patch(here.connection, f"{DEPLOYMENTS}/{name}", body, PatchType.MERGE)


async def roll_out(here: World, to: str) -> None:
    container = {**canary()[0]["spec"]["template"]["spec"]["containers"][0], "image": to}
    await merge(here, {"spec": {"template": {"spec": {"containers": [container]}}}})


async def scale(here: World, replicas: int, name: str) -> None:
    await merge(here, {"spec": {"replicas": replicas}}, name)


async def test_a_wait_is_not_done_before_its_turn_even_if_all_is_well_now(here: World) -> None:
    for step in (rollout(), pods()):
        one = await planned(step, here.reach)
        assert isinstance(operation_of(step), WaitOperation)
        assert not one.already
        assert not one.changes
        assert one.refusals == one.warnings == ()
        assert (await standing(one, here)).done


async def test_a_plan_to_wait_means_the_same_however_far_a_rollout_is(here: World) -> None:
    before = await planned(rollout(), here.reach)
    await roll_out(here, image("1.0.0-rc2"))
    here.pass_time(3)
    after = await planned(rollout(), here.reach)
    assert before.subject is not None
    assert after.subject is not None
    assert msgspec.structs.replace(after.subject, version=None) == msgspec.structs.replace(before.subject, version=None)
    assert msgspec.structs.replace(after, subject=None) == msgspec.structs.replace(before, subject=None)


async def test_it_is_typed_as_kubectl_takes_it(here: World) -> None:
    one = await planned(Wait(until=WaitFor.ROLLOUT, deployment=CANARY, limit=Duration(240.0)), here.reach)
    assert one.kubectl == f"kubectl -n {NAMESPACE} rollout status deployment/{CANARY} --timeout=4m"
    assert one.limit == 240


@pytest.mark.needs("kubectl")
async def test_kubectl_agrees_that_a_rollout_is_done(here: World) -> None:
    one = await planned(rollout(), here.reach)
    assert "successfully rolled out" in await typed(one.kubectl, here)
    assert (await standing(one, here)).done


async def test_nothing_is_written(here: World) -> None:
    for step in (rollout(), pods()):
        one = await planned(step, here.reach)
        await WaitOperation().rehearse(one, here.reach)
        await WaitOperation().carry_out(one, here.reach)
        assert WaitOperation().inverse(one) == ()
    assert not here.writes


async def test_what_it_reads_is_what_it_asks_permission_for(here: World) -> None:
    one = await planned(pods(), here.reach)
    await standing(one, here)
    read = {asked.path.rpartition(f"/{NAMESPACE}/")[2].partition("/")[0] for asked in here.asked}
    assert read == {right.resource for right in WaitOperation().permissions(one)}


async def test_a_rollout_is_waited_for_until_all_pods_are_new(here: World) -> None:
    one = await planned(rollout(), here.reach)
    await roll_out(here, image("1.0.0-rc2"))
    assert (await standing(one, here)).words == "the controller has not seen the last edit yet"
    here.pass_time(2)
    on_its_way = await standing(one, here)
    assert not on_its_way.done
    assert on_its_way.words == "1 of 3 updated"
    here.pass_time(120)
    ended = await standing(one, here)
    assert (ended.done, ended.words) == (True, "3 of 3 updated")
    assert [subject.uid for subject in ended.subjects] == [here.deployment()["metadata"]["uid"]]


async def test_while_it_waits_it_says_what_is_wrong_with_the_new_pods(here: World) -> None:
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.crash_loop(after=1), image=BROKEN)  # before it is ready
    one = await planned(rollout(), here.reach)
    await roll_out(here, BROKEN)
    here.pass_time(90)
    words = (await standing(one, here)).words
    assert words.startswith("1 of 3 updated; 1 pod CrashLoopBackOff since 2026-01-01T00:0")


async def test_a_rollout_that_misses_its_deadline_fails_with_the_reason(here: World) -> None:
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.IMAGE_PULL_ERROR, image=BROKEN)
    one = await planned(rollout(), here.reach)
    await roll_out(here, BROKEN)
    here.pass_time(900)
    with pytest.raises(Impossible) as failed:
        await standing(one, here)
    assert failed.value.what.startswith(f'the rollout of {CANARY} failed: ReplicaSet "{CANARY}-')
    assert '" has timed out progressing; 1 pod ' in failed.value.what
    assert "ImagePull" in failed.value.what
    assert "another revision" in failed.value.remedy


async def test_a_missed_deadline_is_not_held_against_the_revision_that_came_after(here: World) -> None:
    """The controller keeps the condition through an undo, until it has seen the pods get further."""
    one = await planned(rollout(), here.reach)
    sets = await writes.read_all(here.connection, f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets", f"app={CANARY}")
    revision = "deployment.kubernetes.io/revision"
    before, now = sorted((each["metadata"] for each in sets), key=lambda meta: int(meta["annotations"][revision]))

    async def late(name: str) -> None:
        words = f'ReplicaSet "{name}" has timed out progressing.'
        missed = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": words}
        status = {"status": {"conditions": [missed]}}
        await writes.patch(here.as_user(ADMIN), f"{DEPLOYMENTS}/{CANARY}/status", status, PatchType.MERGE)

    await late(before["name"])
    found = await standing(one, here)
    assert (found.done, found.words) == (False, "3 of 3 updated")
    await late(now["name"])
    with pytest.raises(Impossible, match="timed out progressing"):
        await standing(one, here)


async def test_a_rollout_is_not_done_while_its_new_pods_crash(here: World) -> None:
    one = await planned(rollout(), here.reach)
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.crash_loop(after=5), nth=0)
    here.pass_time(60)
    found = await standing(one, here)
    assert not found.done
    assert "1 pod CrashLoopBackOff" in found.words


async def test_a_paused_rollout_says_so(here: World) -> None:
    one = await planned(rollout(), here.reach)
    await merge(here, {"spec": {"paused": True}})
    await roll_out(here, image("1.0.0-rc2"))
    here.pass_time(60)
    found = await standing(one, here)
    assert not found.done
    assert found.words == "0 of 3 updated; paused: it goes on when somebody resumes it"


async def test_pods_are_waited_for_until_as_many_are_ready_as_wanted(here: World) -> None:
    one = await planned(pods(STANDBY), here.reach)
    await scale(here, 3, STANDBY)
    assert not (await standing(one, here)).done
    here.pass_time(1)
    assert (await standing(one, here)).words == "0 of 3 ready"
    here.pass_time(60)
    found = await standing(one, here)
    assert (found.done, found.words) == (True, "3 of 3 ready")


async def test_no_pods_are_enough_where_none_are_wanted(here: World) -> None:
    assert (await standing(await planned(pods(STANDBY), here.reach), here)).words == "0 of 0 ready"


async def test_pods_that_ran_again_just_now_are_not_trusted_yet(here: World) -> None:
    one = await planned(pods(), here.reach)
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.crash_loop(exit_code=0, after=30), nth=0)
    said = []
    while len(said) < 60 and not (said and said[-1].startswith("3 of 3 ready; 1 pod restarted ")):
        here.pass_time(1)
        found = await standing(one, here)
        said.append(found.words)
    assert said[-1].endswith(" s ago"), said
    assert not found.done
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.HEALTHY)
    here.pass_time(10)
    assert (await standing(one, here)).done


async def test_pods_that_crash_are_not_well_whatever_their_number(here: World) -> None:
    one = await planned(pods(), here.reach)
    here.cluster.behave(NAMESPACE, CANARY, Behaviour.crash_loop(after=5), nth=0)
    here.pass_time(120)
    found = await standing(one, here)
    assert not found.done
    assert found.words.startswith("2 of 3 ready; 1 pod CrashLoopBackOff since 20")


async def test_another_deployment_of_the_name_is_another_one(here: World) -> None:
    for step in (rollout(), pods()):
        one = await planned(step, here.reach)
        uid = here.deployment()["metadata"]["uid"]
        await writes.delete(here.connection, f"{DEPLOYMENTS}/{CANARY}", uid=uid)
        here.pass_time(60)
        with pytest.raises(Changed, match="was deleted"):
            await standing(one, here)
        here.cluster.apply_manifests(canary()[:1])
        here.pass_time(60)
        with pytest.raises(Changed, match="another one"):
            await standing(one, here)


async def test_a_deployment_that_an_earlier_step_makes_is_waited_for(here: World) -> None:
    one = await planned(pods("aurora-bridge-v2"), here.reach)
    assert one.warnings == ("there is no deployment aurora-bridge-v2 now",)
    assert (await standing(one, here)).words == "there is no deployment aurora-bridge-v2 yet"
    made = canary()[0]
    made["metadata"] = {**made["metadata"], "name": "aurora-bridge-v2"}
    made["spec"]["selector"] = {"matchLabels": {"app": "v2"}}
    made["spec"]["template"]["metadata"] = {"labels": {"app": "v2"}}
    here.cluster.apply_manifests([made])
    here.pass_time(60)
    assert (await standing(one, here)).done


async def test_a_wait_without_its_object_is_refused(here: World) -> None:
    for until, word in zip(WaitFor, ("deployment", "deployment", "probe", "query"), strict=True):
        one = await planned(Wait(until=until), here.reach)
        assert f'{word} = "…"' in one.refusals[0]


# Pages and queries


HEALTH = Wait(until=WaitFor.HEALTH, probe="bridge")


async def test_a_health_page_is_judged_as_the_console_judges_it(tmp_path: Path) -> None:
    server = Server("bridge")
    async with world(tmp_path, urls={"bridge": server.url}) as here:
        one = await planned(HEALTH, here.reach)
        assert "is well" in one.title
        silent = await standing(one, here)
        assert not silent.done
        assert server.address in silent.words
        await server.start(lambda: bridge_app(here.cluster))
        try:
            assert (await standing(one, here)).words.endswith(": ok")
            here.cluster.behave(NAMESPACE, CANARY, Behaviour.NEVER_READY)
            here.pass_time(60)
            degraded = await standing(one, here)
            assert not degraded.done
            assert degraded.words.endswith(": degraded")
        finally:
            await server.stop()


async def test_a_probe_that_this_environment_lacks_is_skipped_and_the_plan_says_so(here: World) -> None:
    one = await planned(Wait(until=WaitFor.HEALTH, probe="lighthouse"), here.reach)
    assert one.warnings == ("this environment has no probe lighthouse: skipped",)
    found = await standing(one, here)
    assert (found.done, found.words) == (True, "skipped: this environment has no probe lighthouse")


async def test_a_probe_that_went_after_the_plan_was_made_is_not_skipped(here: World) -> None:
    one = await planned(HEALTH, here.reach)
    without = _with_environment(here.reach, probe=())
    with pytest.raises(Impossible, match="no longer in the settings"):
        await WaitOperation().standing(one, without)


@pytest.mark.needs("prometheus")
async def test_a_query_is_waited_for_until_it_gives_a_sample(here: World, tmp_path: Path) -> None:
    async with real_prometheus(tmp_path / "prometheus") as server:
        reach = _with_environment(here.reach, prometheus=HttpSource(url=server.url))

        async def ask(text: str) -> Standing:
            one = await planned(Wait(until=WaitFor.QUERY, query=text), reach)
            assert one.warnings == one.refusals == ()
            return await WaitOperation().standing(one, reach)

        assert await ask("vector(1) > 2") == Standing(done=False, words="no sample yet")
        assert await ask("vector(3) > 2") == Standing(done=True, words="1 sample")
        assert (await ask('absent(up{treaty="$treaty"})')).done
        with pytest.raises(Impossible, match="refuses the query"):
            await ask("vector(3) >")
    gone = await ask("vector(3) > 2")
    assert not gone.done
    assert "127.0.0.1" in gone.words


async def test_a_secret_that_cannot_be_read_is_told_while_it_waits(here: World) -> None:
    """It may be on its way: tokens are written anew while somebody reads."""
    auth = Credentials(bearer_file=str(here.folder / "no-such-token"))
    page = Probe(id="bridge", title="bridge", kind=ProbeKind.HEALTH, url="http://127.0.0.1:9", auth=auth)
    reach = _with_environment(here.reach, prometheus=HttpSource(url="http://127.0.0.1:9", auth=auth), probe=(page,))
    for step in (HEALTH, Wait(until=WaitFor.QUERY, query="up")):
        found = await WaitOperation().standing(await planned(step, reach), reach)
        assert not found.done
        assert "no-such-token cannot be read" in found.words


async def test_a_query_without_a_prometheus_is_skipped_and_one_with_a_window_refused(here: World) -> None:
    reach = _with_environment(here.reach, prometheus=None)
    one = await planned(Wait(until=WaitFor.QUERY, query="up"), reach)
    assert one.warnings == ("this environment has no Prometheus: skipped",)
    assert (await WaitOperation().standing(one, reach)).done
    windowed = await planned(Wait(until=WaitFor.QUERY, query="rate(x[$window])"), here.reach)
    assert "window" in windowed.refusals[0]


def test_a_selector_reads_as_a_query_asks_for_it() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
        {"key": "app", "operator": "Exists"},
        {"key": "zone", "operator": "NotIn", "values": ["x"]},
    ]
    found = label_selector({"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": expressions})
    assert found == "a=1,b=2,tier in (a,b),!old,app,zone notin (x)"


def _with_environment(reach: Reach, **changes: Any) -> Reach:
    environment = msgspec.structs.replace(reach.settings.environment, **changes)
    return dataclasses.replace(reach, settings=dataclasses.replace(reach.settings, environment=environment))
