"""Simulated nodes bring pods up, let them crash, and take them down as real kubelets do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.kubernetes.containers import backoff, spoken
from aurora_tui.drill.kubernetes.kinds import EVENT, NODE, POD
from aurora_tui.drill.kubernetes.pod_state import pod_reason
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, namespace, settled


def only_pod(cluster: StoppedCluster) -> dict[str, Any]:
    (pod,) = cluster.pods(NAMESPACE)
    return pod


def container(cluster: StoppedCluster) -> dict[str, Any]:
    status: dict[str, Any] = only_pod(cluster)["status"]["containerStatuses"][0]
    return status


def reasons(cluster: StoppedCluster, kind: str = "Pod") -> list[str]:
    found = (entry.thing for entry in cluster.store.entries(EVENT, NAMESPACE))
    return [event["reason"] for event in found if event["involvedObject"]["kind"] == kind]


def test_a_pod_is_pending_then_creating_then_running_then_ready() -> None:
    cluster = StoppedCluster()
    told: list[str] = []

    def tell(type_: str, kind: str, thing: dict[str, Any]) -> None:
        if kind == "Pod":
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in thing["status"].get("conditions", ()))
            told.append(
                f"{pod_reason(thing)}{' ready' if ready else ''}{' bound' if 'nodeName' in thing['spec'] else ''}"
            )

    cluster.listen(tell)
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    cluster.pass_time(30)
    assert told == ["Pending", "Pending bound", "ContainerCreating bound", "Running bound", "Running ready bound"]
    assert reasons(cluster) == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]


def test_pods_are_spread_over_the_nodes() -> None:
    cluster = settled(deployment(replicas=6))
    nodes = [pod["spec"]["nodeName"] for pod in cluster.pods(NAMESPACE)]
    assert sorted(nodes) == ["node-0", "node-0", "node-1", "node-1", "node-2", "node-2"]


def test_pods_of_one_deployment_are_spread_whatever_else_runs() -> None:
    cluster = settled(deployment(replicas=4, name="first"))
    cluster.apply_manifests([deployment(replicas=3, name="second")])
    cluster.pass_time(30)
    nodes = [pod["spec"]["nodeName"] for pod in cluster.pods(NAMESPACE) if pod["metadata"]["labels"]["app"] == "second"]
    assert sorted(nodes) == ["node-0", "node-1", "node-2"]


def test_a_pod_that_fits_no_node_waits_and_says_so_until_one_is_free() -> None:
    cluster = StoppedCluster()
    for entry in cluster.store.entries(NODE):
        cluster.registry.update(NODE, entry, {**entry.copy(), "spec": {"unschedulable": True}})
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    cluster.pass_time(10)
    assert "FailedScheduling" in reasons(cluster)
    assert only_pod(cluster)["status"]["conditions"][0]["reason"] == "Unschedulable"
    entry = cluster.store.entries(NODE)[1]
    cluster.registry.update(NODE, entry, {**entry.copy(), "spec": {}})
    cluster.pass_time(30)
    assert only_pod(cluster)["spec"]["nodeName"] == "node-1"


def test_back_off_doubles_from_ten_seconds_to_five_minutes() -> None:
    assert [spoken(backoff(n)) for n in range(1, 8)] == ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]


def test_a_crash_loop_restarts_once_at_once_then_ever_later() -> None:
    cluster = settled(deployment(replicas=1))
    starts: list[str] = []

    def tell(type_: str, kind: str, thing: dict[str, Any]) -> None:
        statuses = thing["status"].get("containerStatuses", ()) if kind == "Pod" else ()
        starts.extend(s["state"]["running"]["startedAt"] for s in statuses if "running" in s["state"])

    cluster.listen(tell)
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(exit_code=3, after=5))
    cluster.pass_time(200)
    moments = sorted({int(text[14:16]) * 60 + int(text[17:19]) for text in starts})
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    # From the first restart on: 5 s of running, then 10, 20, 40, 80 s of back-off (to 5 s, for seconds are cut off).
    assert [round(gap / 5) * 5 for gap in gaps] == [15, 25, 45, 85]
    assert container(cluster)["restartCount"] == 5


def test_a_crashed_container_tells_exit_code_reason_and_back_off() -> None:
    cluster = settled(deployment(replicas=1))
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(exit_code=3, after=5))
    cluster.pass_time(15)
    state = container(cluster)
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert state["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=bridge pod=")
    assert (state["lastState"]["terminated"]["exitCode"], state["lastState"]["terminated"]["reason"]) == (3, "Error")
    assert (state["ready"], state["restartCount"]) == (False, 1)
    assert "BackOff" in reasons(cluster)


def test_running_out_of_memory_is_told_as_oom_killed_with_137() -> None:
    cluster = settled(deployment(replicas=1))
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.oom(after=5))
    cluster.pass_time(15)
    ended = container(cluster)["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


def test_an_image_that_cannot_be_pulled_alternates_between_error_and_back_off_until_it_can() -> None:
    cluster = StoppedCluster()
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.IMAGE_PULL_ERROR)
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    seen: set[str] = set()
    cluster.listen(lambda type_, kind, thing: seen.add(pod_reason(thing)) if kind == "Pod" else None)
    cluster.pass_time(60)
    assert {"ErrImagePull", "ImagePullBackOff"} <= seen
    assert only_pod(cluster)["status"]["phase"] == "Pending"
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.HEALTHY)
    cluster.pass_time(120)
    assert container(cluster)["ready"] is True


def test_a_container_made_healthy_again_stays_up_after_its_next_start() -> None:
    cluster = settled(deployment(replicas=1))
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(after=5))
    cluster.pass_time(60)
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.HEALTHY)
    cluster.pass_time(300)
    restarts = container(cluster)["restartCount"]
    cluster.pass_time(3600)
    assert container(cluster)["ready"] is True
    assert container(cluster)["restartCount"] == restarts


@pytest.mark.parametrize(
    ("match", "image", "nth", "crashed"),
    [
        ("aurora-bridge", None, None, 3),
        ("aurora-bridge", None, 1, 1),
        ({"app": "aurora-bridge"}, None, None, 3),
        ("aurora-bridge", "aurora/bridge:other", None, 0),
        ("another", None, None, 0),
    ],
)
def test_a_rule_covers_the_pods_it_names(match: Any, image: str | None, nth: int | None, crashed: int) -> None:
    cluster = settled(deployment(replicas=3))
    cluster.behave(NAMESPACE, match, Behaviour.crash_loop(after=1), image=image, nth=nth)
    cluster.pass_time(20)
    statuses = [pod["status"]["containerStatuses"][0] for pod in cluster.pods(NAMESPACE)]
    assert sum(status["restartCount"] > 0 for status in statuses) == crashed
    assert len(cluster.ready_pods(NAMESPACE, {"app": "aurora-bridge"})) == 3 - crashed


def test_a_deleted_pod_terminates_within_its_grace_and_is_replaced() -> None:
    cluster = settled(deployment(replicas=1))
    gone = only_pod(cluster)["metadata"]["name"]
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, gone), DeleteOptions())
    leaving = cluster.registry.find(POD, NAMESPACE, gone).thing
    assert pod_reason(leaving) == "Terminating"
    assert leaving["metadata"]["deletionTimestamp"] == "2026-01-01T00:01:30Z"  # now and 30 s of grace
    cluster.pass_time(30)
    assert only_pod(cluster)["metadata"]["name"] != gone
    assert container(cluster)["ready"] is True
    assert "Killing" in reasons(cluster)


def test_history_is_made_at_the_moment_asked_for() -> None:
    cluster = StoppedCluster()
    day = 86400.0
    now = cluster.now()
    cluster.apply_manifests([namespace(), deployment("aurora/bridge:1")], at=now - 5 * day)
    cluster.settle()
    cluster.apply_manifests([deployment("aurora/bridge:2")], at=now - day)
    cluster.settle()
    one = cluster.deployment(NAMESPACE, "aurora-bridge")
    assert one is not None
    assert one["metadata"]["creationTimestamp"] == "2025-12-27T00:00:00Z"
    assert one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    assert {pod["metadata"]["creationTimestamp"][:10] for pod in cluster.pods(NAMESPACE)} == {"2025-12-31"}
    assert len(cluster.ready_pods(NAMESPACE, {"app": "aurora-bridge"})) == 3
    assert cluster.store.entries(EVENT) == []  # forgotten after an hour
    assert cluster.now() == now


def test_the_same_seed_makes_the_same_world() -> None:
    def names(seed: int) -> list[str]:
        return [pod["metadata"]["name"] for pod in settled(deployment(), seed=seed).pods(NAMESPACE)]

    assert names(7) == names(7)
    assert names(7) != names(8)
