"""Deployments roll, scale, pause, time out and forget as kube-controller-manager has them do."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.drill.kubernetes import Behaviour
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, POD, REPLICA_SET
from aurora_tui.drill.kubernetes.rollout import proportional_sizes, surge_and_unavailable
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, settled

NAME = "aurora-bridge"


def one(cluster: StoppedCluster) -> dict[str, Any]:
    found = cluster.deployment(NAMESPACE, NAME)
    assert found is not None
    return found


def change(cluster: StoppedCluster, **spec: Any) -> None:
    """Update the deployment's spec; `image` its container's image."""
    entry = cluster.registry.find(DEPLOYMENT, NAMESPACE, NAME)
    thing = entry.copy()
    if "image" in spec:
        thing["spec"]["template"]["spec"]["containers"][0]["image"] = spec.pop("image")
    thing["spec"] |= spec
    cluster.registry.update(DEPLOYMENT, entry, thing)


def condition(cluster: StoppedCluster, type_: str) -> tuple[str, str]:
    (found,) = (c for c in one(cluster)["status"]["conditions"] if c["type"] == type_)
    return found["status"], found["reason"]


def sets(cluster: StoppedCluster) -> dict[str, dict[str, Any]]:
    """ReplicaSets by image."""
    every = (entry.thing for entry in cluster.store.entries(REPLICA_SET, NAMESPACE))
    return {one["spec"]["template"]["spec"]["containers"][0]["image"]: one for one in every}


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        ("25%", "25%", 3, (1, 0)),
        ("25%", "25%", 10, (3, 2)),
        (0, 0, 3, (0, 1)),
        (2, "50%", 4, (2, 2)),
        ("100%", 5, 3, (3, 3)),
    ],
)
def test_percentages_round_surge_up_and_unavailable_down(
    surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec = {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    assert surge_and_unavailable({"spec": spec}) == expected


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), (2, 2), ("25%", "25%"), ("100%", 0)])
def test_a_rollout_never_has_too_many_nor_too_few_pods(surge: int | str, unavailable: int | str) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    cluster = settled(deployment(replicas=6, strategy=strategy))
    most, least = surge_and_unavailable(one(cluster))
    counts: list[tuple[int, int]] = []

    def count(type_: str, kind: str, thing: dict[str, Any]) -> None:
        pods = [pod for pod in cluster.pods(NAMESPACE) if "deletionTimestamp" not in pod["metadata"]]
        counts.append((len(pods), len(cluster.ready_pods(NAMESPACE, {"app": NAME}))))

    cluster.listen(count)
    change(cluster, image="aurora/bridge:2")
    cluster.pass_time(300)
    assert max(made for made, _ in counts) <= 6 + most
    assert min(ready for _, ready in counts) >= 6 - least
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert one(cluster)["status"]["updatedReplicas"] == 6


@pytest.mark.parametrize("image", ["aurora/bridge:2", "aurora/bridge:3", "aurora/bridge:4"])
def test_three_pods_of_a_small_image_are_replaced_one_by_one_within_eight_seconds(image: str) -> None:
    cluster = settled(deployment())
    change(cluster, image=image)
    cluster.pass_time(3)
    assert one(cluster)["status"]["updatedReplicas"] < 3, "one at a time"
    cluster.pass_time(5)
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert len(cluster.ready_pods(NAMESPACE, {"app": NAME})) == 3


def test_recreate_takes_all_old_pods_down_before_it_makes_new_ones() -> None:
    cluster = settled(deployment(strategy={"type": "Recreate"}))
    images: list[set[str]] = []
    cluster.listen(
        lambda type_, kind, thing: images.append({p["spec"]["containers"][0]["image"] for p in cluster.pods(NAMESPACE)})
    )
    change(cluster, image="aurora/bridge:2")
    cluster.pass_time(120)
    assert all(len(together) <= 1 for together in images)
    assert len(cluster.ready_pods(NAMESPACE, {"app": NAME})) == 3


def test_a_rollout_without_progress_fails_at_its_deadline_and_keeps_the_old_pods() -> None:
    cluster = settled(deployment(progressDeadlineSeconds=60))
    cluster.behave(NAMESPACE, NAME, Behaviour.crash_loop(after=1), image="aurora/bridge:2")
    change(cluster, image="aurora/bridge:2")
    cluster.pass_time(50)
    assert condition(cluster, "Progressing")[0] == "True"
    cluster.pass_time(30)
    assert condition(cluster, "Progressing") == ("False", "ProgressDeadlineExceeded")
    assert condition(cluster, "Available") == ("True", "MinimumReplicasAvailable")
    assert len(cluster.ready_pods(NAMESPACE, {"app": NAME})) == 3


def test_a_paused_deployment_makes_no_new_pods_until_it_is_resumed() -> None:
    cluster = settled(deployment())
    change(cluster, paused=True, image="aurora/bridge:2")
    cluster.pass_time(60)
    assert set(sets(cluster)) == {"aurora/bridge:0.9.4"}
    assert condition(cluster, "Progressing") == ("Unknown", "DeploymentPaused")
    assert one(cluster)["status"]["observedGeneration"] == one(cluster)["metadata"]["generation"]
    change(cluster, paused=False)
    cluster.pass_time(60)
    assert sets(cluster)["aurora/bridge:2"]["status"]["readyReplicas"] == 3


def test_going_back_to_an_old_template_reuses_its_replica_set_under_a_new_revision() -> None:
    cluster = settled(deployment("aurora/bridge:1"))
    for image in ("aurora/bridge:2", "aurora/bridge:1"):
        change(cluster, image=image)
        cluster.pass_time(60)
    back = sets(cluster)["aurora/bridge:1"]["metadata"]["annotations"]
    assert back["deployment.kubernetes.io/revision"] == "3"
    assert back["deployment.kubernetes.io/revision-history"] == "1"
    assert one(cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def test_only_so_many_old_revisions_are_kept() -> None:
    cluster = settled(deployment("aurora/bridge:1", revisionHistoryLimit=1))
    for number in (2, 3, 4):
        change(cluster, image=f"aurora/bridge:{number}")
        cluster.pass_time(60)
    assert set(sets(cluster)) == {"aurora/bridge:3", "aurora/bridge:4"}


def test_a_pod_counts_as_available_only_after_min_ready_seconds() -> None:
    cluster = settled(deployment(minReadySeconds=120))
    assert one(cluster)["status"]["readyReplicas"] == 3
    assert "availableReplicas" not in one(cluster)["status"]
    cluster.pass_time(120)
    assert one(cluster)["status"]["availableReplicas"] == 3


def test_scaling_makes_no_new_revision() -> None:
    cluster = settled(deployment())
    change(cluster, replicas=5)
    cluster.pass_time(60)
    assert one(cluster)["status"]["readyReplicas"] == 5
    change(cluster, replicas=0)
    cluster.pass_time(60)
    assert one(cluster)["status"].get("replicas", 0) == 0
    assert cluster.pods(NAMESPACE) == []
    assert one(cluster)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"


def test_a_scaling_in_mid_rollout_is_shared_in_proportion_and_the_rollout_goes_on() -> None:
    cluster = settled(deployment(replicas=10))
    change(cluster, image="aurora/bridge:2")
    cluster.pass_time(3)
    change(cluster, replicas=20)
    cluster.pass_time(1)
    spread = {image: one["spec"]["replicas"] for image, one in sets(cluster).items()}
    assert min(spread.values()) > 0
    cluster.pass_time(300)
    assert sets(cluster)["aurora/bridge:2"]["status"]["readyReplicas"] == 20
    assert condition(cluster, "Progressing") == ("True", "NewReplicaSetAvailable")


def test_shares_of_a_scaling_sum_to_what_is_allowed() -> None:
    rolling = {"maxSurge": 3, "maxUnavailable": 2}
    thing = {"spec": {"replicas": 15, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}, "status": {}}
    annotations = {"deployment.kubernetes.io/max-replicas": "13"}
    active = [
        {"metadata": {"name": n, "creationTimestamp": n, "annotations": annotations}, "spec": {"replicas": size}}
        for n, size in (("a", 8), ("b", 5))
    ]
    sizes = proportional_sizes(thing, active)
    assert sum(sizes.values()) == 18
    assert sizes == {"a": 11, "b": 7}


def test_a_lost_pod_is_replaced_and_the_deployment_says_it_was_short() -> None:
    cluster = settled(deployment())
    cluster.store.remove(cluster.store.entries(POD, NAMESPACE)[0])
    cluster.pass_time(0)
    assert one(cluster)["status"]["unavailableReplicas"] == 1
    cluster.pass_time(30)
    assert "unavailableReplicas" not in one(cluster)["status"]
