"""Kubernetes objects become rows: owned, weighed, safe to show, and judged again only when they changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from aurora_tui.kube.objects import Deployment, Event, HttpRoute, Pod, ReplicaSet, TrafficSplit
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.workload import Role
from aurora_tui.sources.kept import KeptPod, PodKeeper
from aurora_tui.sources.projection import Projection, Seen, route_weights, split_weights, warning_events

RECORDINGS = Path(__file__).parents[1] / "kube/recordings"
ROLES = WorkloadRoles(canary="aurora-bridge", stable="aurora-bridge-v0", standby=("aurora-bridge-backup",))
T = TypeVar("T")


def read(kind: type[T], raw: Any) -> T:
    return msgspec.json.decode(json.dumps(raw), type=kind)


def recorded(name: str, key: str, kind: type[T]) -> list[T]:
    return [read(kind, item) for item in json.loads((RECORDINGS / name).read_text())[key]["items"]]


def kept(pods: list[Pod]) -> list[KeptPod]:
    return list(map(PodKeeper(), pods))


def everything() -> Seen:
    return Seen(
        deployments=recorded("lists.json", "deployments", Deployment),
        replicasets=recorded("lists.json", "replicasets", ReplicaSet),
        pods=kept(recorded("lists.json", "pods", Pod)),
        events=recorded("lists.json", "events", Event),
    )


def test_the_recorded_namespace_reads_as_the_mission_sees_it() -> None:
    seen = Projection(ROLES, "aurora-production").whole(everything())
    assert [(row.name, row.role, row.revision, row.ready, row.traffic) for row in seen.deployments] == [
        ("aurora-bridge", Role.CANARY, 3, 0, 0.0),
        ("aurora-bridge-v0", Role.STABLE, 1, 3, 1.0),
        ("aurora-bridge-backup", Role.STANDBY, 1, 3, None),
    ]
    assert {(pod.owner, pod.revision, pod.reason) for pod in seen.pods} == {
        ("aurora-bridge-v0", 1, "Running"),
        ("aurora-bridge-backup", 1, "Running"),
    }
    assert seen.events == ()  # all recorded ones are of type Normal


def test_a_pod_belongs_to_the_deployment_of_its_replicaset_and_has_its_revision() -> None:
    seen = Seen(
        deployments=[read(Deployment, json.loads((RECORDINGS / "failed-rollout.json").read_text())["deployment"])],
        replicasets=recorded("failed-rollout.json", "replicasets", ReplicaSet),
        pods=kept(recorded("failed-rollout.json", "pods", Pod)),
    )
    rows = Projection(ROLES, "aurora-production").whole(seen)
    assert (rows.pods[0].owner, rows.pods[0].reason) == ("aurora-bridge", "CrashLoopBackOff")
    assert len({pod.revision for pod in rows.pods}) == 2
    assert rows.deployments[0].restarts == 7


def test_a_namesake_in_another_namespace_plays_no_part() -> None:
    seen = Projection(ROLES, "somewhere-else").whole(everything())
    assert {row.role for row in seen.deployments} == {Role.OTHER}


def test_what_did_not_change_is_not_judged_again() -> None:
    projection, seen = Projection(ROLES, "aurora-production"), everything()
    first, second = projection.whole(seen).pods, projection.whole(seen).pods
    assert all(before is after for before, after in zip(first, second, strict=True))


def test_what_a_kubelet_says_is_made_safe() -> None:
    raw = {
        "metadata": {"uid": "u", "name": "p"},
        "spec": {"containers": [{"name": "c", "image": "evil\x1b[2J:1"}]},
        "status": {
            "phase": "Pending",
            "containerStatuses": [
                {"name": "c", "state": {"waiting": {"reason": "E\x1b[31m", "message": "\x1b]0;x\x07"}}}
            ],
        },
    }
    (pod,) = Projection(ROLES, "prod").whole(Seen(pods=kept([read(Pod, raw)]))).pods
    assert "\x1b" not in repr(pod)
    assert pod.reason == "E"


def warning(**more: Any) -> Event:
    metadata = {"uid": "e", "namespace": "prod", "creationTimestamp": "2026-01-01T00:00:00Z"}
    about = {"kind": "Pod", "name": "p"}
    return read(Event, {"metadata": metadata, "involvedObject": about, "type": "Warning", "reason": "BackOff", **more})


def test_an_old_event_is_read_by_its_count_and_timestamps() -> None:
    old = warning(count=7, firstTimestamp="2026-01-01T00:01:00Z", lastTimestamp="2026-01-01T00:05:00Z", eventTime=None)
    (event,) = warning_events([old])
    assert (event.about, event.count) == ("Pod/p", 7)
    assert (event.first_at, event.last_at) == (1767225660, 1767225900)


def test_a_new_event_is_read_by_its_series() -> None:
    series = {"count": 4, "lastObservedTime": "2026-01-01T00:05:00.5Z"}
    (event,) = warning_events(
        [warning(eventTime="2026-01-01T00:01:00.25Z", firstTimestamp=None, lastTimestamp=None, series=series)]
    )
    assert (event.count, event.first_at, event.last_at) == (4, 1767225660.25, 1767225900.5)


def test_events_are_warnings_newest_first() -> None:
    normal = read(Event, {"metadata": {"uid": "n"}, "type": "Normal"})
    old = warning(lastTimestamp="2026-01-01T00:01:00Z", message="old")
    new = warning(lastTimestamp="2026-01-01T00:02:00Z", message="new")
    assert [event.message for event in warning_events([old, normal, new])] == ["new", "old"]


def test_an_httproute_is_read_by_the_rule_that_splits() -> None:
    testers = {"backendRefs": [{"name": "canary"}]}
    split = {"backendRefs": [{"name": "canary", "weight": 10}, {"name": "stable"}, {"name": "x", "kind": "Function"}]}
    weights = route_weights(read(HttpRoute, {"metadata": {"name": "r"}, "spec": {"rules": [testers, split]}}))
    assert (weights.kind, weights.weights) == ("HTTPRoute", {"canary": 10, "stable": 1})
    assert route_weights(read(HttpRoute, {"metadata": {"name": "r"}, "spec": {"rules": None}})).weights == {}


@pytest.mark.parametrize(("weight", "thousandths"), [(10, 10000), ("500m", 500), ("1", 1000), (None, 0), ("x", 0)])
def test_a_trafficsplit_may_count_in_thousandths(weight: Any, thousandths: int) -> None:
    split = read(TrafficSplit, {"metadata": {"name": "s"}, "spec": {"backends": [{"service": "a", "weight": weight}]}})
    assert split_weights(split).weights == {"a": thousandths}


def test_five_thousand_pods_with_one_change_are_projected_in_fifty_milliseconds() -> None:
    raw = json.loads((RECORDINGS / "lists.json").read_text())["pods"]["items"][0]

    def pod(number: int, version: int) -> Pod:
        metadata = {**raw["metadata"], "uid": f"u{number}", "name": f"p{number}", "resourceVersion": str(version)}
        return read(Pod, {**raw, "metadata": metadata})

    projection = Projection(ROLES, "aurora-production")
    pods = [pod(number, 1) for number in range(5000)]
    projection.project(Seen(pods=pods))
    best = 1.0
    for version in range(2, 7):
        pods[17] = pod(17, version)
        began = time.perf_counter()
        projection.project(Seen(pods=pods))
        best = min(best, time.perf_counter() - began)
    assert best < 0.05
