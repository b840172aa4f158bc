"""What goes with what: preconditions, propagation, finalizers, namespaces."""

from __future__ import annotations

import pytest

from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, NAMESPACE, POD, REPLICA_SET, Kind
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.store import Entry
from tests.drill.clusters import NAMESPACE as HOME
from tests.drill.clusters import StoppedCluster, deployment, settled


def bridge(cluster: StoppedCluster) -> Entry:
    return cluster.registry.find(DEPLOYMENT, HOME, "aurora-bridge")


def left(cluster: StoppedCluster, kind: Kind) -> int:
    return len(cluster.store.entries(kind, HOME))


def test_deleting_a_deployment_takes_its_replica_sets_and_pods_along() -> None:
    cluster = settled(deployment())
    _, gone = cluster.registry.delete(bridge(cluster), DeleteOptions())
    assert gone
    cluster.pass_time(60)
    assert [left(cluster, kind) for kind in (DEPLOYMENT, REPLICA_SET, POD)] == [0, 0, 0]


def test_in_the_foreground_the_owner_goes_last() -> None:
    cluster = settled(deployment())
    order: list[str] = []
    cluster.listen(lambda type_, kind, thing: order.append(kind) if type_ == "DELETED" and kind != "Event" else None)
    last, gone = cluster.registry.delete(bridge(cluster), DeleteOptions(propagation="Foreground"))
    assert (gone, last.thing["metadata"]["finalizers"]) == (False, ["foregroundDeletion"])
    cluster.pass_time(60)
    assert order == ["Pod", "Pod", "Pod", "ReplicaSet", "Deployment"]


def test_orphans_stay_without_an_owner() -> None:
    cluster = settled(deployment())
    cluster.registry.delete(bridge(cluster), DeleteOptions(propagation="Orphan"))
    cluster.pass_time(60)
    assert [left(cluster, kind) for kind in (DEPLOYMENT, REPLICA_SET, POD)] == [0, 1, 3]
    assert "ownerReferences" not in cluster.store.entries(REPLICA_SET, HOME)[0].thing["metadata"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (DeleteOptions(uid="another"), "Precondition failed: UID in precondition: another"),
        (DeleteOptions(version="1"), "Precondition failed: ResourceVersion in precondition: 1"),
    ],
)
def test_a_precondition_that_does_not_hold_deletes_nothing(options: DeleteOptions, says: str) -> None:
    cluster = settled(deployment())
    with pytest.raises(Refused, match=says) as refused:
        cluster.registry.delete(bridge(cluster), options)
    assert refused.value.code == 409
    assert left(cluster, DEPLOYMENT) == 1


def test_an_object_with_a_finalizer_waits_for_it() -> None:
    cluster = settled(deployment())
    thing = bridge(cluster).copy()
    thing["metadata"]["finalizers"] = ["example.com/hold"]
    cluster.registry.update(DEPLOYMENT, bridge(cluster), thing)
    cluster.registry.delete(bridge(cluster), DeleteOptions())
    cluster.pass_time(60)
    assert bridge(cluster).thing["metadata"]["deletionTimestamp"]
    thing = bridge(cluster).copy()
    del thing["metadata"]["finalizers"]
    cluster.registry.update(DEPLOYMENT, bridge(cluster), thing)
    assert left(cluster, DEPLOYMENT) == 0


def test_a_dying_namespace_refuses_new_objects_empties_itself_and_goes() -> None:
    cluster = settled(deployment())
    cluster.registry.delete(cluster.registry.find(NAMESPACE, "", HOME), DeleteOptions())
    cluster.pass_time(0)
    with pytest.raises(Refused, match="because it is being terminated") as refused:
        cluster.create(deployment(name="late"))
    assert refused.value.code == 403
    with pytest.raises(Refused, match="automatically be purged") as refused:
        cluster.registry.delete(cluster.registry.find(NAMESPACE, "", HOME), DeleteOptions())
    assert refused.value.code == 409
    cluster.pass_time(60)
    assert cluster.store.get(NAMESPACE, "", HOME) is None
    assert left(cluster, POD) == 0
