"""Autoscalers in the version of old: created, read and deleted as autoscaling/v1, kept as autoscaling/v2."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

V1 = f"/apis/autoscaling/v1/namespaces/{NAMESPACE}/horizontalpodautoscalers"
V2 = V1.replace("v1", "v2", 1)
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "aurora-bridge"}
GOAL = "targetCPUUtilizationPercentage"


def scaler(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "bridge"},
        "spec": {"scaleTargetRef": TARGET, "minReplicas": 4, "maxReplicas": 6, **spec},
    }


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment(replicas=3))) as ready:
        yield ready


async def test_what_is_made_in_v1_scales_and_is_the_same_object_in_v2(api: Api) -> None:
    status, made = await api.ask("POST", V1, scaler(**{GOAL: 70}))
    assert (status, made["apiVersion"], made["spec"]) == (201, "autoscaling/v1", scaler(**{GOAL: 70})["spec"])
    api.cluster.pass_time(30)
    kept = await api.get(f"{V2}/bridge")
    (metric,) = kept["spec"]["metrics"]
    target = {"type": "Utilization", "averageUtilization": 70}
    assert metric == {"type": "Resource", "resource": {"name": "cpu", "target": target}}
    assert GOAL not in kept["spec"]
    assert len(api.cluster.ready_pods(NAMESPACE, {"app": "aurora-bridge"})) == 4


async def test_what_is_made_in_v2_is_read_in_v1(api: Api) -> None:
    await api.ask("POST", V2, {**scaler(), "apiVersion": "autoscaling/v2"})
    api.cluster.pass_time(30)
    one, kept = await api.get(f"{V1}/bridge"), await api.get(f"{V2}/bridge")
    assert one["spec"] == scaler(**{GOAL: 80})["spec"], "80 % is the default"
    assert (one["status"]["currentReplicas"], one["status"]["desiredReplicas"]) == (4, 4)
    said = json.loads(one["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/conditions"])
    assert said == kept["status"]["conditions"]
    assert one["metadata"]["uid"] == kept["metadata"]["uid"]
    listed = await api.get(V1)
    assert (listed["kind"], listed["apiVersion"]) == ("HorizontalPodAutoscalerList", "autoscaling/v1")
    assert [{"kind": one["kind"], "apiVersion": one["apiVersion"], **each} for each in listed["items"]] == [one]


async def test_fields_of_the_other_version_are_unknown(api: Api) -> None:
    status, body = await api.ask("POST", f"{V1}?fieldValidation=Strict", scaler(metrics=[]))
    assert (status, 'strict decoding error: unknown field "spec.metrics"' in body["message"]) == (400, True)
    status, body = await api.ask("POST", f"{V1}?dryRun=All", {**scaler(), "apiVersion": "autoscaling/v2"})
    assert (status, body["reason"]) == (400, "BadRequest")
    assert (await api.ask("POST", V2, scaler()))[0] == 400


async def test_a_goal_that_is_no_number_is_refused(api: Api) -> None:
    status, body = await api.ask("POST", V1, scaler(**{GOAL: "70"}))
    assert status == 400
    assert 'in version "v1" cannot be handled as a HorizontalPodAutoscaler: json: cannot' in body["message"]
    wrong = f"string into Go struct field HorizontalPodAutoscalerSpec.spec.{GOAL} of type int32"
    assert body["message"].endswith(f"cannot unmarshal {wrong}")


async def test_it_is_deleted_in_either_version_and_changed_in_v2_alone(api: Api) -> None:
    await api.ask("POST", V1, scaler())
    change = {"spec": {"maxReplicas": 5}}
    for method, path in (("PATCH", f"{V1}/bridge"), ("PUT", f"{V1}/bridge"), ("DELETE", V1), ("GET", f"{V1}?watch=1")):
        status, body = await api.ask(method, path, change if method != "GET" else None, Content_Type=MERGE)
        assert (status, body["reason"]) == (405, "MethodNotAllowed"), (method, path)
    assert (await api.ask("GET", f"{V1}/bridge/status"))[0] == 404
    assert (await api.ask("PATCH", f"{V2}/bridge", change, Content_Type=MERGE))[0] == 200
    assert (await api.get(f"{V1}/bridge"))["spec"]["maxReplicas"] == 5
    assert (await api.ask("DELETE", f"{V1}/bridge"))[0] == 200
    assert (await api.ask("GET", f"{V2}/bridge"))[0] == 404


async def test_discovery_prefers_v2_and_says_what_v1_can_do(api: Api) -> None:
    group = await api.get("/apis/autoscaling")
    assert [one["version"] for one in group["versions"]] == ["v2", "v1"]
    assert group["preferredVersion"]["version"] == "v2"
    (resource,) = (await api.get("/apis/autoscaling/v1"))["resources"]
    assert (resource["name"], resource["verbs"]) == (
        "horizontalpodautoscalers", ["create", "delete", "get", "list"],
    )  # fmt: skip
