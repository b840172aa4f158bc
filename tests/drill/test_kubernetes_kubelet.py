"""What simulated kubelets do with containers that are slow, unhealthy, unready, unconfigured or unwilling to end."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.clock import parse_iso
from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.kubernetes.kinds import EVENT, POD
from aurora_tui.drill.kubernetes.pod_state import pod_reason
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, namespace, settled

Object = dict[str, Any]
NAME = "aurora-bridge"
LABELS = {"app": NAME}


def only(cluster: StoppedCluster) -> Object:
    (pod,) = cluster.pods(NAMESPACE)
    return pod


def container(cluster: StoppedCluster) -> Object:
    status: Object = only(cluster)["status"]["containerStatuses"][0]
    return status


def messages(cluster: StoppedCluster, reason: str) -> dict[str, int]:
    events = (entry.thing for entry in cluster.store.entries(EVENT, NAMESPACE))
    return {event["message"]: event["count"] for event in events if event["reason"] == reason}


def probed(**probes: Object) -> Object:
    made = deployment(replicas=1)
    made["spec"]["template"]["spec"]["containers"][0] |= probes
    return made


def test_a_failing_liveness_probe_has_the_container_killed_and_restarted() -> None:
    probe = {"httpGet": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 2}
    cluster = settled(probed(livenessProbe=probe))
    cluster.behave(NAMESPACE, NAME, Behaviour.unhealthy(after=10))
    cluster.pass_time(14)
    assert container(cluster)["restartCount"] == 0
    assert messages(cluster, "Unhealthy") == {"Liveness probe failed: HTTP probe failed with statuscode: 500": 1}
    cluster.pass_time(4)
    assert container(cluster)["restartCount"] == 1
    assert container(cluster)["lastState"]["terminated"]["exitCode"] == 137
    assert "Container bridge failed liveness probe, will be restarted" in messages(cluster, "Killing")


def test_a_failing_readiness_probe_takes_the_pod_out_without_a_restart() -> None:
    cluster = settled(probed(readinessProbe={"httpGet": {"port": 8080}, "periodSeconds": 5}))
    cluster.behave(NAMESPACE, NAME, Behaviour.NEVER_READY)
    assert cluster.ready_pods(NAMESPACE, LABELS) == []
    cluster.pass_time(26)
    assert (container(cluster)["ready"], container(cluster)["restartCount"]) == (False, 0)
    assert messages(cluster, "Unhealthy")["Readiness probe failed: HTTP probe failed with statuscode: 503"] >= 5
    cluster.behave(NAMESPACE, NAME, Behaviour.HEALTHY)
    cluster.pass_time(10)
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


def test_a_missing_configuration_holds_the_container_back_until_it_is_there() -> None:
    cluster = StoppedCluster()
    cluster.behave(NAMESPACE, NAME, Behaviour.CONFIG_ERROR)
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    cluster.pass_time(30)
    state = container(cluster)["state"]["waiting"]
    assert state == {"reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'}
    assert messages(cluster, "Failed")['Error: configmap "settings" not found'] >= 2
    cluster.behave(NAMESPACE, NAME, Behaviour.HEALTHY)
    cluster.pass_time(30)
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


def test_a_slow_pod_takes_the_time_it_was_told_to_take() -> None:
    cluster = StoppedCluster()
    cluster.behave(NAMESPACE, NAME, Behaviour.slow(start_seconds=20, ready_seconds=40))
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    cluster.pass_time(19)
    assert pod_reason(only(cluster)) == "ContainerCreating"
    cluster.pass_time(40)
    assert cluster.ready_pods(NAMESPACE, LABELS) == []
    cluster.pass_time(3)
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


@pytest.mark.parametrize(
    ("stop", "grace", "gone_after"),
    [(12.0, 30, 12.0), (120.0, 30, 30.0), (12.0, 5, 5.0)],
    ids=["in time", "killed", "short"],
)
def test_a_pod_stops_within_its_grace(stop: float, grace: int, gone_after: float) -> None:
    cluster = settled(deployment(replicas=1))
    name = only(cluster)["metadata"]["name"]
    cluster.behave(NAMESPACE, NAME, Behaviour.slow(stop_seconds=stop))
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions(grace=grace))
    cluster.pass_time(gone_after - 0.5)
    leaving = cluster.registry.find(POD, NAMESPACE, name).thing["metadata"]
    assert parse_iso(leaving["deletionTimestamp"]) == 1_767_225_660 + grace
    assert leaving["deletionGracePeriodSeconds"] == grace
    cluster.pass_time(1)
    assert cluster.store.get(POD, NAMESPACE, name) is None


def test_a_pre_stop_hook_that_sleeps_delays_the_stop() -> None:
    cluster = settled(probed(lifecycle={"preStop": {"sleep": {"seconds": 10}}}))
    name = only(cluster)["metadata"]["name"]
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions())
    cluster.pass_time(10)
    assert cluster.store.get(POD, NAMESPACE, name) is not None
    cluster.pass_time(3)
    assert cluster.store.get(POD, NAMESPACE, name) is None


def test_a_grace_that_is_shortened_later_holds_from_then_on() -> None:
    cluster = settled(deployment(replicas=1))
    name = only(cluster)["metadata"]["name"]
    cluster.behave(NAMESPACE, NAME, Behaviour.slow(stop_seconds=60))
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions(grace=60))
    cluster.pass_time(10)
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions(grace=5))
    cluster.pass_time(6)
    assert cluster.store.get(POD, NAMESPACE, name) is None


def test_ten_minutes_of_running_forgive_earlier_crashes() -> None:
    cluster = settled(deployment(replicas=1))
    cluster.behave(NAMESPACE, NAME, Behaviour.crash_loop(after=1))
    cluster.pass_time(200)
    cluster.behave(NAMESPACE, NAME, Behaviour.crash_loop(after=700))
    seen: list[str] = []
    cluster.listen(lambda type_, kind, thing: seen.append(pod_reason(thing)) if kind == "Pod" else None)
    cluster.pass_time(1500)
    assert seen.count("CrashLoopBackOff") <= 1  # the last of the old ones
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


def test_a_pull_that_fails_is_told_as_containerd_does() -> None:
    cluster = StoppedCluster()
    cluster.behave(NAMESPACE, NAME, Behaviour.IMAGE_PULL_ERROR)
    cluster.apply_manifests([namespace(), deployment(replicas=1)])
    cluster.pass_time(20)
    state = container(cluster)["state"]["waiting"]
    assert state["reason"] == "ImagePullBackOff"
    head = 'Back-off pulling image "aurora/bridge:0.9.4": ErrImagePull: rpc error: code = NotFound desc = '
    assert state["message"].startswith(head)
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= set(messages(cluster, "Failed"))


def test_a_recorders_event_has_the_fields_of_a_stored_one() -> None:
    cluster = settled(deployment(replicas=1))
    recorded = next(e.thing for e in cluster.store.entries(EVENT, NAMESPACE) if e.thing["reason"] == "Started")
    written = {k: v for k, v in recorded.items() if k != "metadata"} | {"metadata": {"name": "again"}}
    stored = cluster.registry.create(EVENT, written, NAMESPACE).thing
    assert list(stored) == list(recorded)
    assert set(stored["metadata"]) - {"managedFields"} == set(recorded["metadata"]) - {"managedFields"}
    assert {k: v for k, v in stored.items() if k != "metadata"} == {
        k: v for k, v in recorded.items() if k != "metadata"
    }
