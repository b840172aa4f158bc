"""The recorded rollouts played here: what watches tell comes in the recorded order."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT
from aurora_tui.drill.kubernetes.patch import json_patch, strategic_merge
from tests.contract.kubernetes_recordings import exchanges
from tests.drill.clusters import NAMESPACE, StoppedCluster

Event = tuple[str, str, dict[str, Any]]


def recorded_events() -> list[Event]:
    """The watch events of recording 02 (three streams of the same minute), without bookmarks."""
    streams = [e["response"]["events"] for e in exchanges("02") if len(e["response"].get("events") or ()) > 20]
    assert len(streams) == 3
    return [(e["type"], e["object"]["kind"], e["object"]) for s in streams for e in s if e["type"] != "BOOKMARK"]


def played_events() -> list[Event]:
    """The same writes sent to the embedded cluster, with time for each to take effect."""
    cluster = StoppedCluster()
    events: list[Event] = []
    cluster.listen(lambda type_, kind, thing: events.append((type_, kind, thing)))
    requests = [exchange["request"] for exchange in exchanges("02")]
    for request in requests:
        if request["method"] == "POST":
            cluster.create(request["body"])
    cluster.pass_time(60)
    for request in requests:
        if request["method"] == "PATCH":
            name = request["path"].split("/deployments/")[1].split("/")[0].split("?")[0]
            before = cluster.registry.find(DEPLOYMENT, NAMESPACE, name)
            if "json-patch" in request["headers"]["Content-Type"]:
                after = json_patch(before.copy(), request["body"])
            else:
                after = strategic_merge(before.copy(), request["body"])
            cluster.registry.update(DEPLOYMENT, before, after)
            # The change-cause came while the first pod of the new revision started.
            cluster.pass_time(0 if "kubectl-set" in request["path"] else 60)
    return [event for event in events if event[2]["metadata"].get("namespace") == NAMESPACE]


@pytest.fixture(scope="module")
def both() -> tuple[list[Event], list[Event]]:
    return recorded_events(), played_events()


def image(thing: dict[str, Any]) -> str:
    spec = thing["spec"].get("template", thing)["spec"]
    return str(spec["containers"][0]["image"])


def track(thing: dict[str, Any]) -> str:
    labels = thing["spec"].get("template", thing)["metadata"]["labels"]
    return str(labels["track"])


def lives(events: list[Event]) -> list[tuple[str, ...]]:
    """What a watch tells of each pod, repeated MODIFIED as one (nodes here report more often than recorded)."""
    pods: dict[str, list[str]] = {}
    for type_, kind, thing in events:
        if kind == "Pod":
            pods.setdefault(thing["metadata"]["name"], []).append(type_)
    return sorted(tuple(type_ for type_, _ in groupby(types)) for types in pods.values())


def turnover(events: list[Event]) -> dict[str, list[tuple[str, str]]]:
    """For each track, in order: which pods are made and which are told to go, by image."""
    seen: set[str] = set()
    steps: dict[str, list[tuple[str, str]]] = {}
    for type_, kind, thing in events:
        name = thing["metadata"].get("name", "")
        if kind != "Pod":
            continue
        if type_ == "ADDED":
            steps.setdefault(track(thing), []).append(("made", image(thing)))
        elif "deletionTimestamp" in thing["metadata"] and name not in seen:
            seen.add(name)
            steps.setdefault(track(thing), []).append(("told to go", image(thing)))
    return steps


def sizes(events: list[Event]) -> dict[tuple[str, str], list[int]]:
    """The sizes each ReplicaSet was given, in order."""
    given: dict[tuple[str, str], list[int]] = {}
    for _, kind, thing in events:
        if kind == "ReplicaSet":
            given.setdefault((track(thing), image(thing)), []).append(thing["spec"]["replicas"])
    return {key: [size for size, _ in groupby(numbers)] for key, numbers in given.items()}


def revisions(events: list[Event]) -> dict[str, list[tuple[str | None, str | None]]]:
    """Each deployment's revision and Progressing reason, in the order they were told."""
    told: dict[str, list[tuple[str | None, str | None]]] = {}
    for _, kind, thing in events:
        if kind == "Deployment":
            conditions = {c["type"]: c["reason"] for c in thing["status"].get("conditions", ())}
            revision = thing["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision")
            told.setdefault(thing["metadata"]["name"], []).append((revision, conditions.get("Progressing")))
    return {name: [step for step, _ in groupby(steps)] for name, steps in told.items()}


def test_every_pod_comes_and_goes_with_the_recorded_event_types(both: tuple[list[Event], list[Event]]) -> None:
    recorded, played = both
    assert lives(played) == lives(recorded)


def test_pods_are_made_and_told_to_go_in_the_recorded_order(both: tuple[list[Event], list[Event]]) -> None:
    recorded, played = both
    assert turnover(played) == turnover(recorded)


def test_replica_sets_grow_and_shrink_as_recorded(both: tuple[list[Event], list[Event]]) -> None:
    recorded, played = both
    assert sizes(played) == sizes(recorded)


def test_deployments_tell_revisions_and_progress_in_the_recorded_order(both: tuple[list[Event], list[Event]]) -> None:
    recorded, played = both
    assert revisions(played) == revisions(recorded)
