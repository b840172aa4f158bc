"""Nodes get lost and return, taints keep pods away and drive them out, and what fits nowhere says why."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.clock import parse_iso
from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, EVENT, LEASE, NODE, POD
from aurora_tui.drill.kubernetes.pod_state import pod_reason
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.kubernetes.status import Refused
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, namespace, settled

Object = dict[str, Any]
LABELS = {"app": "aurora-bridge"}


def node(cluster: StoppedCluster, name: str = "node-0") -> Object:
    return cluster.registry.find(NODE, "", name).thing


def condition(thing: Object, type_: str) -> Object:
    (found,) = (c for c in thing["status"]["conditions"] if c["type"] == type_)
    return found  # type: ignore[no-any-return]


def on_node(cluster: StoppedCluster, name: str = "node-0") -> list[Object]:
    return [pod for pod in cluster.pods(NAMESPACE) if pod["spec"].get("nodeName") == name]


def leaving(cluster: StoppedCluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE) if "deletionTimestamp" in pod["metadata"]]


def told(cluster: StoppedCluster, name: str, home: str = NAMESPACE) -> list[str]:
    events = (entry.thing for entry in cluster.store.entries(EVENT, home))
    return [event["reason"] for event in events if event["involvedObject"]["name"] == name]


def taint(cluster: StoppedCluster, *taints: Object, name: str = "node-0") -> None:
    entry = cluster.registry.find(NODE, "", name)
    cluster.registry.update(NODE, entry, {**entry.copy(), "spec": {"taints": list(taints)}})


def test_a_lost_node_looks_well_for_fifty_seconds_and_is_then_unknown() -> None:
    cluster = settled(deployment(replicas=3))
    cluster.lose_node("node-0")
    cluster.pass_time(49)
    assert condition(node(cluster), "Ready")["status"] == "True"
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 3
    cluster.pass_time(2)
    ready = condition(node(cluster), "Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    assert [t["effect"] for t in node(cluster)["spec"]["taints"]] == ["NoSchedule", "NoExecute"]
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 2
    (pod,) = on_node(cluster)
    assert pod["status"]["containerStatuses"][0]["ready"] is True  # nobody can know better
    assert "NodeNotReady" in told(cluster, pod["metadata"]["name"])
    assert "NodeNotReady" in told(cluster, "node-0", "default")


def test_its_pods_are_to_go_five_minutes_later_and_are_replaced_but_stay() -> None:
    cluster = settled(deployment(replicas=3))
    (lost,) = on_node(cluster)
    cluster.lose_node("node-0")
    cluster.pass_time(50 + 299)
    assert leaving(cluster) == []
    cluster.pass_time(2)
    assert leaving(cluster) == [lost["metadata"]["name"]]
    assert "TaintManagerEviction" in told(cluster, lost["metadata"]["name"])
    cluster.pass_time(3600)
    assert leaving(cluster) == [lost["metadata"]["name"]]
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 3
    last = cluster.registry.find(POD, NAMESPACE, lost["metadata"]["name"]).thing
    assert condition(last, "DisruptionTarget")["reason"] == "DeletionByTaintManager"


def test_a_node_that_returns_in_time_keeps_its_pods_without_a_restart() -> None:
    cluster = settled(deployment(replicas=3))
    before = {pod["metadata"]["name"] for pod in cluster.pods(NAMESPACE)}
    cluster.lose_node("node-0")
    cluster.pass_time(200)
    cluster.return_node("node-0")
    cluster.pass_time(5)
    assert condition(node(cluster), "Ready")["status"] == "True"
    assert "taints" not in node(cluster)["spec"]
    ready = cluster.ready_pods(NAMESPACE, LABELS)
    assert {pod["metadata"]["name"] for pod in ready} == before
    assert {pod["status"]["containerStatuses"][0]["restartCount"] for pod in ready} == {0}
    (pod,) = on_node(cluster)
    assert "NodeReady" in told(cluster, "node-0", "default")
    assert any("Cancelling deletion" in e.thing["message"] for e in cluster.store.entries(EVENT, NAMESPACE)), pod


def test_a_node_that_returns_late_stops_what_was_to_go() -> None:
    cluster = settled(deployment(replicas=3))
    cluster.lose_node("node-0")
    cluster.pass_time(600)
    assert len(cluster.pods(NAMESPACE)) == 4
    cluster.return_node("node-0")
    cluster.pass_time(60)
    assert leaving(cluster) == []
    assert len(cluster.pods(NAMESPACE)) == 3


def test_a_pod_on_a_lost_node_can_be_deleted_by_force_only() -> None:
    cluster = settled(deployment(replicas=3))
    (pod,) = on_node(cluster)
    name = pod["metadata"]["name"]
    cluster.lose_node("node-0")
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions())
    cluster.pass_time(120)
    assert leaving(cluster) == [name]
    cluster.registry.delete(cluster.registry.find(POD, NAMESPACE, name), DeleteOptions(grace=0))
    assert leaving(cluster) == []


def test_pods_of_a_deleted_node_are_collected() -> None:
    cluster = settled(deployment(replicas=3))
    cluster.registry.delete(cluster.registry.find(NODE, "", "node-0"), DeleteOptions())
    cluster.pass_time(120)
    assert on_node(cluster) == []
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 3


def test_a_node_that_there_is_not_cannot_be_lost() -> None:
    with pytest.raises(Refused, match='nodes "node-7" not found'):
        StoppedCluster().lose_node("node-7")


def test_a_no_execute_taint_drives_out_what_does_not_tolerate_it_at_once() -> None:
    cluster = settled(deployment(replicas=3))
    taint(cluster, {"key": "maintenance", "effect": "NoExecute"})
    cluster.pass_time(30)
    assert on_node(cluster) == []
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 3


def test_a_pod_that_tolerates_a_taint_for_a_while_stays_so_long() -> None:
    made = deployment(replicas=3)
    made["spec"]["template"]["spec"]["tolerations"] = [
        {"key": "maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}
    ]
    cluster = settled(made)
    taint(cluster, {"key": "maintenance", "effect": "NoExecute"})
    cluster.pass_time(58)
    assert leaving(cluster) == []
    assert len(on_node(cluster)) == 1
    cluster.pass_time(3)
    assert len(leaving(cluster)) == 1


def test_a_no_schedule_taint_keeps_new_pods_away_and_leaves_old_ones() -> None:
    cluster = settled(deployment(replicas=3))
    taint(cluster, {"key": "maintenance", "effect": "NoSchedule"})
    entry = cluster.registry.find(DEPLOYMENT, NAMESPACE, "aurora-bridge")
    cluster.registry.update(DEPLOYMENT, entry, {**entry.copy(), "spec": {**entry.copy()["spec"], "replicas": 6}})
    cluster.pass_time(30)
    assert len(on_node(cluster)) == 1
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 6


def test_a_pod_that_asks_for_too_much_says_what_is_insufficient_and_fits_when_room_is_made() -> None:
    def asking(name: str, cpu: str, replicas: int) -> Object:
        made = deployment(name=name, replicas=replicas)
        made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
        return made

    cluster = settled(asking("first", "6", 3))
    cluster.apply_manifests([asking("second", "2500m", 1)])
    taint(cluster, {"key": "maintenance", "effect": "NoSchedule"}, name="node-2")
    cluster.pass_time(5)
    (pending,) = (pod for pod in cluster.pods(NAMESPACE) if pod["metadata"]["labels"]["app"] == "second")
    assert condition(pending, "PodScheduled")["message"] == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
        "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims "
        "found for incoming pod."
    )
    entry = cluster.registry.find(DEPLOYMENT, NAMESPACE, "first")
    cluster.registry.update(DEPLOYMENT, entry, {**entry.copy(), "spec": {**entry.copy()["spec"], "replicas": 0}})
    cluster.pass_time(60)
    assert len(cluster.ready_pods(NAMESPACE, {"app": "second"})) == 1


def test_a_node_selector_that_no_node_matches_keeps_a_pod_pending() -> None:
    made = deployment(replicas=1)
    made["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "fast"}
    cluster = settled(made)
    (pod,) = cluster.pods(NAMESPACE)
    assert "3 node(s) didn't match Pod's node affinity/selector" in condition(pod, "PodScheduled")["message"]


def test_a_healthy_node_reports_every_five_minutes() -> None:
    cluster = StoppedCluster()
    cluster.pass_time(1000)
    beat = condition(node(cluster), "Ready")
    assert beat["lastHeartbeatTime"] >= "2026-01-01T00:10:00Z"
    assert beat["lastTransitionTime"] < "2025-12-31"


def init_deployment() -> Object:
    made = deployment(replicas=1)
    made["spec"]["template"]["spec"]["initContainers"] = [
        {"name": "migrate", "image": "aurora/migrate:1"}, {"name": "warm", "image": "aurora/warm:1"},
    ]  # fmt: skip
    return made


def test_init_containers_run_one_after_another_before_the_others() -> None:
    cluster = StoppedCluster()
    seen: list[str] = []

    def tell(type_: str, kind: str, thing: Object) -> None:
        statuses = thing["status"].get("initContainerStatuses", ()) if kind == "Pod" else ()
        seen.extend(status["name"] for status in statuses if "running" in status["state"])

    cluster.listen(tell)
    cluster.apply_manifests([namespace(), init_deployment()])
    cluster.pass_time(30)
    (pod,) = cluster.pods(NAMESPACE)
    assert seen == ["migrate", "warm"]
    assert condition(pod, "Initialized")["status"] == "True"
    states = [status["state"]["terminated"]["reason"] for status in pod["status"]["initContainerStatuses"]]
    assert states == ["Completed", "Completed"]
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


def test_an_init_container_that_fails_holds_the_pod_back_until_it_succeeds() -> None:
    cluster = StoppedCluster()
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.init_failure(exit_code=2))
    seen: set[str] = set()
    cluster.listen(lambda type_, kind, thing: seen.add(pod_reason(thing)) if kind == "Pod" else None)
    cluster.apply_manifests([namespace(), init_deployment()])
    cluster.pass_time(60)
    (pod,) = cluster.pods(NAMESPACE)
    first = pod["status"]["initContainerStatuses"][0]
    assert first["restartCount"] >= 2
    assert pod["status"]["phase"] == "Pending"
    assert seen >= {"Init:0/2", "Init:Error", "Init:CrashLoopBackOff"}
    assert condition(pod, "Initialized")["message"] == "containers with incomplete status: [migrate warm]"
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.HEALTHY)
    cluster.pass_time(320)
    assert len(cluster.ready_pods(NAMESPACE, LABELS)) == 1


def renewed(cluster: StoppedCluster, name: str = "node-0") -> float:
    """How long ago, in seconds, the node's lease was renewed."""
    lease = cluster.registry.find(LEASE, "kube-node-lease", name).thing
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]) == (name, 40)
    return cluster.now() - parse_iso(lease["spec"]["renewTime"])


def test_a_node_renews_its_lease_every_ten_seconds_while_it_is_heard_of() -> None:
    cluster = settled(deployment(replicas=3))
    assert renewed(cluster) <= 10
    cluster.lose_node("node-0")
    cluster.pass_time(100)
    assert 100 <= renewed(cluster) <= 110
    assert renewed(cluster, "node-1") <= 10
    cluster.return_node("node-0")
    cluster.pass_time(15)
    assert renewed(cluster) <= 10


def test_the_lease_of_a_deleted_node_goes_with_it() -> None:
    cluster = settled(deployment(replicas=3))
    cluster.registry.delete(cluster.registry.find(NODE, "", "node-0"), DeleteOptions())
    cluster.pass_time(60)
    assert [entry.thing["metadata"]["name"] for entry in cluster.store.entries(LEASE)] == ["node-1", "node-2"]
