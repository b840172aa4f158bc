"""A deployment's rollout, part and traffic, as `kubectl rollout status` and the routes tell them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.kube.objects import Deployment
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.rollout import (
    backend_deployment,
    deployment_status,
    in_order,
    role_of,
    rollout_state,
    with_traffic,
)
from aurora_tui.situation.workload import DeploymentStatus, Role, Rollout, RouteWeights

RECORDINGS = Path(__file__).parents[1] / "kube/recordings"
ROLES = WorkloadRoles(canary="bridge", stable="bridge-v0", standby=("bridge-backup", "bridge-cold"))
TIMED_OUT = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}


def deployment(name: str = "bridge", *, desired: int | None = 3, paused: bool = False, **status: Any) -> Deployment:
    raw = {
        "metadata": {"name": name, "uid": name, "namespace": "prod", "generation": 4},
        "spec": {"replicas": desired, "paused": paused},
        "status": {"observedGeneration": 4, **status},
    }
    return msgspec.json.decode(json.dumps(raw), type=Deployment)


def full(count: int, **more: Any) -> dict[str, Any]:
    return {"replicas": count, "updatedReplicas": count, "availableReplicas": count, "readyReplicas": count, **more}


UNSEEN = "the controller has not seen the last edit yet"


@pytest.mark.parametrize(
    ("seen", "state", "detail"),
    [
        (deployment(**full(3)), Rollout.DONE, None),
        (deployment(desired=0), Rollout.DONE, None),
        (deployment(desired=None, **full(1)), Rollout.DONE, None),
        (deployment(**full(3, observedGeneration=3)), Rollout.UNOBSERVED, UNSEEN),
        (deployment(**full(3, observedGeneration=None)), Rollout.UNOBSERVED,
         UNSEEN),
        (deployment(**full(3, conditions=[TIMED_OUT])), Rollout.FAILED, "timed out"),
        (deployment(**full(3, conditions=[TIMED_OUT], observedGeneration=3)), Rollout.UNOBSERVED,
         UNSEEN),
        (deployment(**full(4, updatedReplicas=1)), Rollout.PROGRESSING, "1 of 3 updated"),
        (deployment(**full(3, replicas=5)), Rollout.PROGRESSING, "2 old pods terminating"),
        (deployment(**full(3, availableReplicas=2)), Rollout.PROGRESSING, "2 of 3 available"),
        (deployment(**full(3, availableReplicas=None)), Rollout.PROGRESSING, "0 of 3 available"),
        (deployment(paused=True, **full(3)), Rollout.PAUSED, None),
        (deployment(paused=True, **full(4, updatedReplicas=1)), Rollout.PAUSED, "1 of 3 updated"),
    ],
)  # fmt: skip
def test_the_rollout_is_judged_in_kubectls_order(seen: Deployment, state: Rollout, detail: str | None) -> None:
    assert rollout_state(seen) == (state, detail)


def test_the_recorded_failed_rollout_has_failed() -> None:
    recorded = json.loads((RECORDINGS / "failed-rollout.json").read_text())["deployment"]
    row = deployment_status(msgspec.json.decode(json.dumps(recorded), type=Deployment), Role.CANARY)
    assert (row.rollout, row.revision, row.image) == (Rollout.FAILED, 4, "aurora/bridge:crashy")
    assert (row.desired, row.ready, row.updated, row.available) == (3, 3, 1, 3)
    assert row.rollout_detail == 'ReplicaSet "aurora-bridge-55c545f6dc" has timed out progressing.'


def test_recorded_deployments_read_left_out_zeroes_as_zero() -> None:
    items = json.loads((RECORDINGS / "lists.json").read_text())["deployments"]["items"]
    rows = [deployment_status(msgspec.json.decode(json.dumps(item), type=Deployment), Role.OTHER) for item in items]
    assert {row.name: (row.desired, row.ready, row.rollout) for row in rows} == {
        "aurora-bridge": (0, 0, Rollout.DONE),
        "aurora-bridge-v0": (3, 3, Rollout.DONE),
        "aurora-bridge-backup": (3, 3, Rollout.DONE),
    }


def rows(*named: tuple[str, int], namespace: str = "prod") -> list[DeploymentStatus]:
    return [
        msgspec.structs.replace(
            deployment_status(deployment(name, **full(ready)), role_of(name, ROLES)), namespace=namespace
        )
        for name, ready in named
    ]


def traffic(
    named: list[DeploymentStatus], *routes: RouteWeights, roles: WorkloadRoles = ROLES
) -> dict[str, float | None]:
    return {row.name: row.traffic for row in with_traffic(named, routes, roles, "prod")}


def route(name: str = "split", kind: str = "HTTPRoute", **weights: int) -> RouteWeights:
    named = {backend.replace("_", "-"): weight for backend, weight in weights.items()}
    return RouteWeights(kind=kind, name=name, weights=named)


def test_rows_stand_canary_stable_standby_others() -> None:
    mixed = rows(("zebra", 1), ("bridge-cold", 1), ("alpha", 1), ("bridge-backup", 1), ("bridge-v0", 1), ("bridge", 1))
    assert [row.name for row in in_order(mixed, ROLES, "prod")] == [
        "bridge", "bridge-v0", "bridge-backup", "bridge-cold", "alpha", "zebra",
    ]  # fmt: skip


def test_the_missions_namespace_stands_before_others() -> None:
    mixed = [*rows(("alpha", 1), namespace="aaa"), *rows(("beta", 1))]
    assert [row.name for row in in_order(mixed, ROLES, "prod")] == ["beta", "alpha"]


def test_a_route_gives_each_deployment_its_weight() -> None:
    named = rows(("bridge", 3), ("bridge-v0", 3), ("bridge-backup", 0))
    assert traffic(named, route(bridge=10, bridge_v0=90)) == {"bridge": 0.1, "bridge-v0": 0.9, "bridge-backup": 0.0}
    assert with_traffic(named, [route(bridge=10, bridge_v0=90)], ROLES, "prod")[0].traffic_basis == "HTTPRoute split"


def test_a_route_that_sends_all_elsewhere_leaves_nothing() -> None:
    assert traffic(rows(("bridge", 3), ("bridge-v0", 3)), route(bridge=0, bridge_v0=100)) == {
        "bridge": 0.0,
        "bridge-v0": 1.0,
    }


def test_the_share_of_a_deployment_that_is_gone_is_not_given_to_its_namesake() -> None:
    assert traffic(rows(("bridge", 3)), route(bridge=5, bridge_v0=95)) == {"bridge": 0.05}


def test_the_missions_route_is_the_one_that_counts() -> None:
    roles = msgspec.structs.replace(ROLES, route="real")
    named = rows(("bridge", 3), ("bridge-v0", 3))
    assert traffic(named, route(bridge=1), route("real", bridge=25, bridge_v0=75), roles=roles)["bridge"] == 0.25
    assert traffic(named, route(bridge=1), roles=roles)["bridge"] == 0.5


def test_a_route_to_other_services_says_nothing() -> None:
    assert traffic(rows(("bridge", 3), ("bridge-v0", 1)), route(shop=1)) == {"bridge": 0.75, "bridge-v0": 0.25}


def test_without_a_route_ready_pods_share_the_traffic() -> None:
    named = rows(("bridge", 1), ("bridge-v0", 9), ("bridge-backup", 3), ("other", 2))
    assert traffic(named) == {"bridge": 0.1, "bridge-v0": 0.9, "bridge-backup": None, "other": None}
    assert with_traffic(named, [], ROLES, "prod")[0].traffic_basis == "replicas"


def test_with_nothing_ready_the_traffic_is_not_known() -> None:
    assert traffic(rows(("bridge", 0), ("bridge-v0", 0))) == {"bridge": None, "bridge-v0": None}


@pytest.mark.parametrize(
    ("service", "behind"),
    [
        ("bridge", "bridge"),
        ("bridge-v0", "bridge-v0"),
        ("bridge-v0-svc", "bridge-v0"),
        ("bridge-svc", "bridge"),
        ("bridgehead", None),
        ("sh", None),
        ("shop", "shop-web"),
    ],
)
def test_a_service_stands_before_the_deployment_of_its_name(service: str, behind: str | None) -> None:
    assert backend_deployment(service, ["bridge", "bridge-v0", "bridge-backup", "shop-web"]) == behind
