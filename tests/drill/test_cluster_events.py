"""What scenarios let happen to a cluster: lost nodes, pods in trouble, and how each ends."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.drill.cluster_events import ClusterEvents
from aurora_tui.drill.kubernetes.kinds import NODE
from aurora_tui.drill.kubernetes.pod_state import pod_reason
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.manifests import CANARY, NAMESPACE, before_canary, canary
from aurora_tui.drill.scenario import event_of
from aurora_tui.errors import UsageError
from tests.drill.clusters import StoppedCluster

Object = dict[str, Any]


class Told:
    """A cluster as in a drill, and events told to it as a scenario tells them."""

    def __init__(self) -> None:
        self.cluster = StoppedCluster()
        self.cluster.apply_manifests([*before_canary(), *canary()])
        self.cluster.pass_time(60)
        self.events = ClusterEvents(self.cluster)

    def now(self, **event: Any) -> None:
        self.events.apply(event_of(event))  # type: ignore[arg-type]

    def pods(self) -> list[Object]:
        return [pod for pod in self.cluster.pods(NAMESPACE) if pod["metadata"]["labels"]["app"] == CANARY]

    def reasons(self) -> list[str]:
        return sorted(pod_reason(pod) for pod in self.pods())


def test_a_node_is_lost_and_found() -> None:
    told = Told()
    told.now(do="node-loss")
    assert told.events.names() == ["node-loss"]
    told.cluster.pass_time(60)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 2
    told.now(do="node-return")
    told.cluster.pass_time(10)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 3
    assert told.events.names() == []


def test_nodes_are_lost_one_after_another_until_none_is_left() -> None:
    told = Told()
    for _ in range(3):
        told.now(do="node-loss")
    with pytest.raises(UsageError, match="Every node is lost"):
        told.now(do="node-loss")
    told.events.recover()
    told.cluster.pass_time(10)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 3


def test_a_lost_node_that_is_deleted_stays_away_and_holds_nothing_up() -> None:
    told = Told()
    told.now(do="node-loss", node="node-1")
    told.cluster.registry.delete(told.cluster.registry.find(NODE, "", "node-1"), DeleteOptions())
    told.cluster.pass_time(120)
    told.events.recover()
    told.cluster.pass_time(60)
    assert told.events.names() == []
    assert {pod["spec"]["nodeName"] for pod in told.cluster.ready_pods(NAMESPACE, {"app": CANARY})} == {
        "node-0",
        "node-2",
    }


def test_a_node_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no node 'node-9'") as caught:
        Told().now(do="node-loss", node="node-9")
    assert "node-0, node-1, node-2" in caught.value.remedy


@pytest.mark.parametrize(
    ("trouble", "shown"),
    [
        ({"trouble": "oom", "after": "5s"}, "CrashLoopBackOff"),
        ({"trouble": "image-pull-error"}, "ImagePullBackOff"),
        ({"trouble": "config-error"}, "CreateContainerConfigError"),
        ({"trouble": "liveness", "after": "1s"}, "CrashLoopBackOff"),
    ],
    ids=lambda value: value["trouble"] if isinstance(value, dict) else value,
)
def test_a_pod_in_trouble_shows_it_and_is_well_after_a_rollback(trouble: dict[str, str], shown: str) -> None:
    told = Told()
    told.now(do="pod-trouble", **trouble)
    for _ in range(120):
        told.cluster.pass_time(1)
        if shown in told.reasons():
            break
    assert told.reasons() == sorted([shown, "Running", "Running"])
    told.cluster.apply_manifests(before_canary())
    told.cluster.pass_time(120)
    assert told.reasons() == ["Running"] * 3
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 3


def test_a_pod_that_is_never_ready_runs_without_being_ready() -> None:
    told = Told()
    told.now(do="pod-trouble", trouble="never-ready", pods=2)
    told.cluster.pass_time(30)
    assert told.reasons() == ["Running"] * 3
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 1
    told.now(do="pod-trouble", trouble="healthy")
    told.cluster.pass_time(30)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 3


def test_recovery_lets_images_be_pulled_again() -> None:
    told = Told()
    told.now(do="pod-trouble", trouble="image-pull-error", pods=2)
    told.cluster.pass_time(60)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 1
    told.events.recover()
    told.cluster.pass_time(120)
    assert len(told.cluster.ready_pods(NAMESPACE, {"app": CANARY})) == 3


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"do": "pod-trouble", "trouble": "tired"}, "Invalid enum value 'tired'"),
        ({"do": "pod-trouble", "trouble": "oom", "deployment": "bridge"}, "'bridge' is not one of aurora-bridge"),
        ({"do": "pod-trouble", "trouble": "oom", "pods": 0}, "0 is not a number of pods"),
        ({"do": "pod-trouble", "trouble": "oom", "pods": 1_000_000}, "1000000 is not a number of pods"),
        ({"do": "canary-crash", "pods": 1_000_000}, "1000000 is not a number of pods"),
        ({"do": "crowd", "pods": 3, "deployments": 4}, "3 pods in 4 deployments are not possible"),
        ({"do": "churn", "rate": -1.0}, "-1.0 is not between 0 and 5000"),
    ],
)
def test_what_cannot_happen_is_refused_with_its_place(event: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        event_of(event)
