"""Whatever is sent as an object, the API stores it or refuses it; what is stored, controllers and tables live with."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_tui.drill.kubernetes.kinds import BY_NAME, KINDS
from aurora_tui.drill.kubernetes.schema import Misread, understood
from aurora_tui.drill.kubernetes.status import Refused
from aurora_tui.drill.kubernetes.table import table
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, namespace

Path = tuple[str | int, ...]


def made(kind: str, version: str, **rest: Any) -> dict[str, Any]:
    meta = {"name": "thing", "namespace": NAMESPACE, "labels": {"a": "b"}, "annotations": {"c": "d"}}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}


_SELECTOR = {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}
_CONTAINER = {
    "name": "c", "image": "i:1", "ports": [{"name": "http", "containerPort": 80}], "env": [{"name": "A", "value": "b"}],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 5, "initialDelaySeconds": 1},
}  # fmt: skip
_POD = {"containers": [_CONTAINER], "terminationGracePeriodSeconds": 30, "nodeName": "node-0"}
_TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": _POD}
_TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "thing"}
_METRIC = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
VALID = [
    {**deployment(), "spec": {
        "replicas": 2, "selector": _SELECTOR, "template": _TEMPLATE, "minReadySeconds": 1, "paused": False,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
        "revisionHistoryLimit": 2, "progressDeadlineSeconds": 60,
    }},
    made("ReplicaSet", "apps/v1", spec={"replicas": 1, "selector": _SELECTOR, "template": _TEMPLATE}),
    made("Pod", "v1", spec=_POD),
    made("Service", "v1", spec={"selector": {"app": "x"}, "ports": [{"port": 80, "targetPort": "http"}]}),
    made("ConfigMap", "v1", data={"a": "b"}),
    made("Secret", "v1", stringData={"a": "b"}, type="Opaque"),
    made("Lease", "coordination.k8s.io/v1", spec={"holderIdentity": "me", "leaseDurationSeconds": 15}),
    made("PodDisruptionBudget", "policy/v1", spec={"selector": _SELECTOR, "minAvailable": "50%"}),
    made("HorizontalPodAutoscaler", "autoscaling/v2", spec={
        "scaleTargetRef": _TARGET, "minReplicas": 1, "maxReplicas": 3, "metrics": [_METRIC],
    }),
    made("Event", "v1", involvedObject={"kind": "Pod", "name": "x"}, reason="r", message="m", type="Normal"),
    made("HTTPRoute", "gateway.networking.k8s.io/v1", spec={
        "hostnames": ["h"], "parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "s", "port": 80}]}],
    }),
]  # fmt: skip


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Every place in an object, its name aside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [found for key, item in inner for found in paths(item, (*path, key))]
    return (
        [path] if path and path[-1] not in ("apiVersion", "kind") and path[:2] != ("metadata", "namespace") else []
    ) + below


_NONSENSE = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**33), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
    st.sampled_from(["", "x%", "-1%", "1e9", "NotIn", "Exists", "soon"]), st.just([]), st.just({}), st.just([{}]),
    st.just({"x": None}),
)  # fmt: skip


@pytest.mark.parametrize("valid", VALID, ids=lambda valid: valid["kind"])
@settings(max_examples=40)
@given(data=st.data())
def test_nonsense_is_stored_or_refused_and_harms_nobody(valid: dict[str, Any], data: st.DataObject) -> None:
    thing = copy.deepcopy(valid)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(paths(thing)))
        parent = thing
        for step in path[:-1]:
            parent = parent[step]  # type: ignore[index]
        parent[path[-1]] = copy.deepcopy(data.draw(_NONSENSE))  # type: ignore[index]
    cluster = StoppedCluster()
    cluster.create(namespace())
    kind = BY_NAME[valid["apiVersion"], valid["kind"]]
    try:
        body, _ = understood(kind.name, thing)
        cluster.registry.create(kind, body, NAMESPACE)
    except (Misread, Refused):
        return
    cluster.pass_time(120)
    for each in KINDS:
        table(each, cluster.store.entries(each), {}, cluster.now())
