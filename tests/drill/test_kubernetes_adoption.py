"""Who controls what: orphans are adopted, strangers let go, collisions told apart, failures passed on."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, EVENT, POD, REPLICA_SET, Kind
from aurora_tui.drill.kubernetes.registry import DeleteOptions, owner_of
from aurora_tui.drill.kubernetes.revisions import REVISION, template_hash
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.store import Entry
from aurora_tui.drill.kubernetes.victims import victims
from tests.drill.clusters import NAMESPACE as HOME
from tests.drill.clusters import StoppedCluster, deployment, namespace, settled

Object = dict[str, Any]
NAME = "aurora-bridge"


def sets(cluster: StoppedCluster) -> list[Object]:
    return [entry.thing for entry in cluster.store.entries(REPLICA_SET, HOME)]


def label(cluster: StoppedCluster, name: str, **labels: str) -> None:
    entry = cluster.registry.find(POD, HOME, name)
    thing = entry.copy()
    thing["metadata"]["labels"] |= labels
    cluster.registry.update(POD, entry, thing)


def conditions(thing: Object) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in thing["status"].get("conditions", ())}


def test_a_deployment_made_anew_over_orphans_adopts_them_without_a_new_pod() -> None:
    cluster = settled(deployment())
    before = {pod["metadata"]["uid"] for pod in cluster.pods(HOME)}
    cluster.registry.delete(cluster.registry.find(DEPLOYMENT, HOME, NAME), DeleteOptions(propagation="Orphan"))
    cluster.pass_time(30)
    assert owner_of(sets(cluster)[0]) is None
    cluster.apply_manifests([deployment()])
    cluster.pass_time(30)
    (one,) = sets(cluster)
    found = cluster.registry.find(DEPLOYMENT, HOME, NAME).thing
    assert owner_of(one)["uid"] == found["metadata"]["uid"]  # type: ignore[index]
    assert {pod["metadata"]["uid"] for pod in cluster.pods(HOME)} == before
    assert found["status"]["availableReplicas"] == 3


def test_a_pod_whose_labels_are_changed_is_let_go_and_replaced_and_taken_back_with_its_labels() -> None:
    cluster = settled(deployment())
    name = cluster.pods(HOME)[0]["metadata"]["name"]
    label(cluster, name, app="quarantine")
    cluster.pass_time(30)
    assert owner_of(cluster.registry.find(POD, HOME, name).thing) is None
    assert len(cluster.ready_pods(HOME, {"app": NAME})) == 3
    assert len(cluster.pods(HOME)) == 4
    label(cluster, name, app=NAME)
    cluster.pass_time(30)
    assert len(cluster.pods(HOME)) == 3  # one too many was adopted, one went


def test_a_bare_pod_with_a_deployments_labels_is_adopted_by_nobody_without_the_hash() -> None:
    cluster = settled(deployment())
    bare = {"metadata": {"name": "bare", "namespace": HOME, "labels": {"app": NAME}}}
    cluster.registry.create(POD, {**bare, "spec": {"containers": [{"name": "c", "image": "i:1"}]}})
    cluster.pass_time(30)
    assert owner_of(cluster.registry.find(POD, HOME, "bare").thing) is None
    assert len(cluster.pods(HOME)) == 4


def test_a_hash_that_is_anothers_counts_as_a_collision_and_gets_another_name() -> None:
    cluster = StoppedCluster()
    cluster.apply_manifests([namespace()])
    wanted = deployment()
    entry = cluster.registry.create(DEPLOYMENT, wanted, dry_run=True)
    taken = template_hash(entry.thing["spec"]["template"])
    labels = {"app": "another"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": f"{NAME}-{taken}", "namespace": HOME}
    cluster.registry.create(REPLICA_SET, {"metadata": meta, "spec": spec})
    cluster.apply_manifests([wanted])
    cluster.pass_time(60)
    found = cluster.registry.find(DEPLOYMENT, HOME, NAME).thing
    assert found["status"]["collisionCount"] == 1
    assert found["status"]["availableReplicas"] == 3
    assert len(sets(cluster)) == 2


def refusing(cluster: StoppedCluster, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    """Creations of the kind are refused, as by an exhausted quota."""
    create = cluster.registry.create

    def refuse(asked: Kind, *given: Any, **options: Any) -> Entry:
        if asked is kind:
            raise Refused(403, "Forbidden", f"{kind.plural} is forbidden: exceeded quota: small", {})
        return create(asked, *given, **options)

    monkeypatch.setattr(cluster.registry, "create", refuse)
    monkeypatch.setattr(cluster.registry, "create_like", lambda made: refuse(made.kind))


def test_pods_that_cannot_be_made_are_told_as_replica_failure_until_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = settled(deployment(replicas=1))
    with monkeypatch.context() as patch:
        refusing(cluster, patch, POD)
        cluster.apply_manifests([deployment(replicas=3)])
        cluster.pass_time(5)
        found = cluster.registry.find(DEPLOYMENT, HOME, NAME).thing
        assert conditions(sets(cluster)[0])["ReplicaFailure"] == ("True", "FailedCreate")
        assert conditions(found)["ReplicaFailure"] == ("True", "FailedCreate")
        assert "FailedCreate" in {entry.thing["reason"] for entry in cluster.store.entries(EVENT, HOME)}
    cluster.pass_time(30)
    found = cluster.registry.find(DEPLOYMENT, HOME, NAME).thing
    assert "ReplicaFailure" not in conditions(found)
    assert found["status"]["availableReplicas"] == 3


def test_a_replica_set_that_cannot_be_made_is_told_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = settled(deployment(replicas=1))
    with monkeypatch.context() as patch:
        refusing(cluster, patch, REPLICA_SET)
        cluster.apply_manifests([deployment("aurora/bridge:2", replicas=1)])
        cluster.pass_time(5)
        found = cluster.registry.find(DEPLOYMENT, HOME, NAME).thing
        assert conditions(found)["Progressing"] == ("False", "ReplicaSetCreateError")
        assert len(cluster.ready_pods(HOME, {"app": NAME})) == 1
    cluster.pass_time(60)
    assert conditions(cluster.registry.find(DEPLOYMENT, HOME, NAME).thing)["Progressing"][0] == "True"
    assert {pod["spec"]["containers"][0]["image"] for pod in cluster.pods(HOME)} == {"aurora/bridge:2"}


def test_a_paused_deployment_still_forgets_old_revisions_beyond_its_limit() -> None:
    cluster = settled(deployment("aurora/bridge:1"))
    for number in (2, 3):
        cluster.apply_manifests([deployment(f"aurora/bridge:{number}")])
        cluster.pass_time(60)
    cluster.apply_manifests([deployment("aurora/bridge:3", paused=True, revisionHistoryLimit=0)])
    cluster.pass_time(10)
    assert [one["metadata"]["annotations"][REVISION] for one in sets(cluster)] == ["3"]


def test_a_replica_set_of_its_own_keeps_its_number_of_pods() -> None:
    cluster = StoppedCluster()
    labels = {"app": "alone"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    cluster.apply_manifests([namespace()])
    cluster.registry.create(REPLICA_SET, {"metadata": {"name": "alone", "namespace": HOME}, "spec": spec})
    cluster.pass_time(30)
    assert len(cluster.ready_pods(HOME, labels)) == 2
    assert sets(cluster)[0]["status"]["availableReplicas"] == 2


NOW = 1_767_225_600.0


def pod(name: str, **different: Any) -> Object:
    """A pod Ready for an hour; differences: node, phase, ready (ISO time or None), cost, restarts, made."""
    ready = different.get("ready", "2025-12-31T23:00:00Z")
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": ready or ""}
    meta = {"name": name, "uid": name, "creationTimestamp": different.get("made", "2025-12-31T22:00:00Z")}
    if "cost" in different:
        meta["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": different["cost"]}
    status = {"phase": different.get("phase", "Running"), "conditions": [condition]}
    status["containerStatuses"] = [{"restartCount": different.get("restarts", 0)}]
    node = different.get("node", "node-0")
    return {"metadata": meta, "spec": {"nodeName": node} if node else {}, "status": status}


@pytest.mark.parametrize(
    "first",
    [
        {"node": ""},
        {"phase": "Pending"},
        {"ready": None},
        {"cost": "-5"},
        {"node": "node-full"},
        {"ready": "2025-12-31T23:55:00Z"},
        {"restarts": 3},
        {"made": "2025-12-31T23:30:00Z"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_the_most_dispensable_pod_goes_first(first: Object) -> None:
    counts = {"node-0": 1, "node-full": 2}
    pods = [pod("a"), pod("z", **first), pod("b", cost="not a number")]
    (gone,) = victims(pods, 1, lambda node: counts[node], NOW)
    assert gone["metadata"]["name"] == "z"


def test_ages_that_differ_by_less_than_a_power_of_two_do_not_count() -> None:
    pods = [pod("a", ready="2025-12-31T23:00:00Z"), pod("b", ready="2025-12-31T23:01:00Z")]
    (gone,) = victims(pods, 1, lambda node: 1, NOW)
    assert gone["metadata"]["name"] == "a"  # its uid comes first


def test_the_cost_of_deletion_decides_which_pod_a_scaling_takes() -> None:
    cluster = settled(deployment(replicas=3))
    kept = cluster.pods(HOME)[1]["metadata"]["name"]
    entry = cluster.registry.find(POD, HOME, kept)
    thing = entry.copy()
    thing["metadata"]["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": "100"}
    cluster.registry.update(POD, entry, thing)
    cluster.apply_manifests([deployment(replicas=1)])
    cluster.pass_time(60)
    assert [pod["metadata"]["name"] for pod in cluster.pods(HOME)] == [kept]
