"""The real kubectl works on the embedded API unchanged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aurora_tui.drill.kubernetes import Behaviour
from tests.drill.clusters import NAMESPACE
from tests.drill.kubectl import BRIDGE, PATIENCE, Kubectl, kubectl_for

pytestmark = pytest.mark.needs("kubectl")


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with kubectl_for(tmp_path) as ready:
        yield ready


async def test_get_prints_the_tables(kubectl: Kubectl) -> None:
    pods, deployments, wide = await asyncio.gather(
        kubectl("get", "pods"), kubectl("get", "deploy,rs"), kubectl("get", "pods", "-o", "wide")
    )
    assert pods.split("\n")[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [line.split()[1:4] for line in pods.splitlines()[1:]] == [["1/1", "Running", "0"]] * 3
    assert [line.split() for line in deployments.splitlines()][1][1:4] == ["3/3", "3", "3"]
    assert "NOMINATED NODE" in wide
    assert "node-0" in wide


async def test_get_gives_json_and_describe_tells_the_story(kubectl: Kubectl) -> None:
    found, told = await asyncio.gather(kubectl("get", BRIDGE, "-o", "json"), kubectl("describe", BRIDGE))
    assert json.loads(found)["status"]["readyReplicas"] == 3
    assert "Replicas:               3 desired | 3 updated | 3 total | 3 available | 0 unavailable" in told
    assert "NewReplicaSetAvailable" in told


async def test_describe_knows_a_nodes_lease(kubectl: Kubectl) -> None:
    process = await kubectl.start("describe", "node", "node-0")
    told, wrong = await process.communicate()
    assert (process.returncode, wrong) == (0, b"")
    assert "HolderIdentity:  node-0\n" in told.decode()


async def test_a_rollout_is_set_followed_listed_and_undone(kubectl: Kubectl) -> None:
    assert "image updated" in await kubectl("set", "image", BRIDGE, "bridge=aurora/bridge:3")
    assert "annotated" in await kubectl("annotate", BRIDGE, "kubernetes.io/change-cause=third", "--overwrite")
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    history = [line.split() for line in (await kubectl("rollout", "history", BRIDGE)).splitlines()[2:] if line]
    assert history == [["1", "aurora/bridge:1"], ["2", "aurora/bridge:2"], ["3", "third"]]
    assert "rolled back" in await kubectl("rollout", "undo", BRIDGE)
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    image = await kubectl("get", BRIDGE, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    assert image == "aurora/bridge:2"


async def test_a_failed_rollout_is_told_as_such(kubectl: Kubectl) -> None:
    kubectl.cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(after=1), image="aurora/bridge:bad")
    await kubectl("patch", BRIDGE, "-p", '{"spec": {"progressDeadlineSeconds": 20}}')
    await kubectl("set", "image", BRIDGE, "bridge=aurora/bridge:bad")
    assert "exceeded its progress deadline" in await kubectl("rollout", "status", BRIDGE, fails=True)
    async with asyncio.timeout(20):
        while "CrashLoopBackOff" not in await kubectl("get", "pods"):  # between two back-offs it runs, and errs again
            pass


async def test_it_scales_restarts_pauses_and_deletes(kubectl: Kubectl) -> None:
    assert "scaled" in await kubectl("scale", BRIDGE, "--replicas=1", "--current-replicas=3")
    assert "restarted" in await kubectl("rollout", "restart", BRIDGE)
    assert "successfully rolled out" in await kubectl("rollout", "status", BRIDGE)
    assert "paused" in await kubectl("rollout", "pause", BRIDGE)
    assert "resumed" in await kubectl("rollout", "resume", BRIDGE)
    assert "deleted" in await kubectl("delete", BRIDGE, "--cascade=foreground")
    assert await kubectl("get", "rs,pods") == ""


async def test_it_prints_logs(kubectl: Kubectl) -> None:
    assert (await kubectl("logs", BRIDGE, "--tail=1")).count("\n") == 1


async def test_it_prints_a_logs_end_with_times_and_the_one_before_a_crash(kubectl: Kubectl) -> None:
    words = ("panic: no route",)
    kubectl.cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(exit_code=3, after=5, says=words))
    backing_off: list[str] = []
    kubectl.cluster.listen(
        lambda _, kind, event: (
            backing_off.append(event["involvedObject"]["name"])
            if kind == "Event" and event["reason"] == "BackOff"
            else None
        )
    )
    await kubectl.until(lambda: bool(backing_off))
    pod = backing_off[0]
    timed, before, told = await asyncio.gather(
        kubectl("logs", pod, "--timestamps", "--tail=1"),
        kubectl("logs", pod, "--previous", "--tail=1"),
        kubectl("describe", "pod", pod),
    )
    assert timed.split(" ")[0].endswith("Z")
    assert before.strip() == words[0]
    assert "Exit Code:    3" in told
    assert "Back-off restarting failed container" in told


async def test_it_selects_by_labels_and_fields_and_prints_yaml(kubectl: Kubectl) -> None:
    by_label, by_field, none, yaml, node = await asyncio.gather(
        kubectl("get", "pods", "-l", "app in (aurora-bridge)", "-o", "name"),
        kubectl("get", "pods", "--field-selector", "status.phase=Running,spec.nodeName!=x", "-o", "name"),
        kubectl("get", "pods", "-l", "app!=aurora-bridge", "-o", "name"),
        kubectl("get", BRIDGE, "-o", "yaml"),
        kubectl("describe", "node", "node-0"),
    )
    assert by_label == by_field
    assert by_label.count("pod/aurora-bridge-") == 3
    assert none == ""
    assert "  replicas: 3\n" in yaml
    assert "managedFields" not in yaml
    assert "KubeletReady" in node


async def test_it_follows_a_log(kubectl: Kubectl) -> None:
    following = await kubectl.start("logs", "-f", BRIDGE, "--tail=0")
    assert following.stdout is not None
    async with asyncio.timeout(PATIENCE):
        lines = [await following.stdout.readline() for _ in range(2)]
    following.terminate()
    await following.wait()
    assert all(b'msg="alive"' in line for line in lines)


async def test_it_asks_who_it_is_and_what_it_may(kubectl: Kubectl) -> None:
    scale = ("auth", "can-i", "patch", "deployments/aurora-bridge", "--subresource=scale")
    may, may_not, who, everything, other = await asyncio.gather(
        kubectl(*scale, "--context=olga"),
        kubectl(*scale, "--context=vic", "-q", fails=True),
        kubectl("auth", "whoami", "--context=vic"),
        kubectl("auth", "can-i", "--list", "--context=olga"),
        kubectl(*scale, "--as=olga"),
    )
    assert (may, may_not, other) == ("yes\n", "", "yes\n")
    assert "vic" in who
    assert "deployments.apps/scale" in everything


async def test_those_who_may_not_are_told_so(kubectl: Kubectl) -> None:
    secrets = await kubectl("get", "secrets", "--context=vic", fails=True)
    # Only now: it tells no reason when it may not even ask which resources there are.
    scale, other = await asyncio.gather(
        kubectl("scale", BRIDGE, "--replicas=1", "--context=vic", fails=True),
        kubectl("get", "pods", "--as=admin", "--context=olga", fails=True),
    )
    assert 'User "vic" cannot list resource "secrets"' in secrets
    assert 'User "vic" cannot patch resource "deployments/scale"' in scale
    assert 'User "olga" cannot impersonate resource "users"' in other


async def test_what_is_not_there_it_says_as_on_a_real_cluster(kubectl: Kubectl) -> None:
    top, jobs = await asyncio.gather(kubectl("top", "pods", fails=True), kubectl("get", "jobs", fails=True))
    assert top == "error: Metrics API not available\n"
    assert jobs == 'error: the server doesn\'t have a resource type "jobs"\n'


async def test_it_explains_fields_and_types(kubectl: Kubectl) -> None:
    deployment, probe = await asyncio.gather(
        kubectl("explain", "deployment.spec"),
        kubectl("explain", "pod.spec.containers.readinessProbe.httpGet", "--recursive"),
    )
    assert "progressDeadlineSeconds\t<integer>" in deployment
    assert "template\t<PodTemplateSpec> -required-" in deployment
    assert "FIELD: httpGet <HTTPGetAction>" in probe


async def test_get_watch_sees_a_pod_go_and_another_come(kubectl: Kubectl) -> None:
    watching = await kubectl.start("get", "pods", "-w")
    assert watching.stdout is not None
    lines = [(await watching.stdout.readline()).decode() for _ in range(4)]
    name = lines[1].split()[0]
    await kubectl("delete", "pod", name, "--wait=false")
    seen: list[list[str]] = []
    async with asyncio.timeout(PATIENCE):
        while not any(line[0] not in "".join(lines) and line[1:3] == ["1/1", "Running"] for line in seen):
            seen.append((await watching.stdout.readline()).decode().split())
    watching.terminate()
    await watching.wait()
    assert any(line[0] == name and line[2] == "Terminating" for line in seen)
