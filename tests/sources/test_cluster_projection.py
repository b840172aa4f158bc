"""Kubernetes objects become rows: owned, weighed, safe to show, and judged again only when they changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from aurora_tui.kube.objects import Deployment, Event, HttpRoute, Pod, ReplicaSet, TrafficSplit
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.workload import Role, WorkloadsObserved
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
        events=recorded("lists.json", "events", Event),
    )


async def rows_of(
    seen: Seen, pods: list[Pod], namespace: str = "aurora-production", projection: Projection | None = None
) -> WorkloadsObserved:
    """What is shown of `seen` and `pods`, of which each is new or changed."""
    projection = projection or Projection(ROLES, namespace)
    held = {pod.metadata.uid: pod for pod in kept(pods)}
    projection.pods_changed(held)
    await projection.catch_up(seen, held.get)
    return projection.project(seen)


async def test_the_recorded_namespace_reads_as_the_mission_sees_it() -> None:
    seen = await rows_of(everything(), recorded("lists.json", "pods", Pod))
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


async def test_a_pod_belongs_to_the_deployment_of_its_replicaset_and_has_its_revision() -> None:
    seen = Seen(
        deployments=[read(Deployment, json.loads((RECORDINGS / "failed-rollout.json").read_text())["deployment"])],
        replicasets=recorded("failed-rollout.json", "replicasets", ReplicaSet),
    )
    rows = await rows_of(seen, recorded("failed-rollout.json", "pods", Pod))
    assert (rows.pods[0].owner, rows.pods[0].reason) == ("aurora-bridge", "CrashLoopBackOff")
    assert len({pod.revision for pod in rows.pods}) == 2
    assert rows.deployments[0].restarts == 7


async def test_a_namesake_in_another_namespace_plays_no_part() -> None:
    seen = await rows_of(everything(), [], "somewhere-else")
    assert {row.role for row in seen.deployments} == {Role.OTHER}


async def test_what_did_not_change_is_not_judged_again() -> None:
    projection, pods = Projection(ROLES, "aurora-production"), recorded("lists.json", "pods", Pod)
    before = await rows_of(everything(), pods, projection=projection)
    after = await rows_of(everything(), pods[:1], projection=projection)
    known = {id(row) for row in before.pods}
    assert [row.uid for row in after.pods if id(row) not in known] == [pods[0].metadata.uid]


async def test_what_a_kubelet_says_is_made_safe() -> None:
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
    (pod,) = (await rows_of(Seen(), [read(Pod, raw)])).pods
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
