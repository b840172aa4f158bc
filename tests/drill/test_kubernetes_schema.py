"""Fields and their types: what is not known, what is of another type, and where the knowledge comes from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of
from tests.drill.kubernetes_fields import FILE, text

DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
BRIDGE = f"{DEPLOYMENTS}/aurora-bridge"
HEAD = 'Deployment in version "v1" cannot be handled as a Deployment: '


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment())) as found:
        yield found


def test_the_fields_are_those_of_the_official_clients_models() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


def typo(**spec: Any) -> dict[str, Any]:
    made = deployment(name="other", **spec)
    made["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    return made


async def test_a_field_nobody_knows_is_dropped_and_warned_of(api: Api) -> None:
    async with api.client.post(DEPLOYMENTS, json=typo(replcas=1), headers=api.headers) as response:
        made = await response.json()
        assert response.headers.getall("Warning") == [
            '299 - "unknown field \\"spec.template.spec.containers[0].imagePullPolcy\\""',
            '299 - "unknown field \\"spec.replcas\\""',
        ]
    assert "replcas" not in made["spec"]
    async with api.client.post(
        f"{DEPLOYMENTS}?fieldValidation=Ignore&dryRun=All", json=typo(), headers=api.headers
    ) as r:
        assert "Warning" not in r.headers


async def test_a_field_nobody_knows_is_refused_when_asked_to(api: Api) -> None:
    status, body = await api.ask("POST", f"{DEPLOYMENTS}?fieldValidation=Strict", typo(replcas=1))
    assert status == 400
    assert body["message"] == HEAD + (
        'strict decoding error: unknown field "spec.template.spec.containers[0].imagePullPolcy", '
        'unknown field "spec.replcas"'
    )
    patch = {"spec": {"replcas": 1}}
    status, body = await api.ask("PATCH", f"{BRIDGE}?fieldValidation=Strict", patch, Content_Type=MERGE)
    assert (status, body["reason"]) == (422, "Invalid")
    assert body["message"].endswith('strict decoding error: unknown field "spec.replcas"')


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"replicas": "3"}, "unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1.5}, "unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 2**31}, "unmarshal number into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"paused": "no"}, "unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool"),
        (
            {"template": []},
            "unmarshal array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
        ),
        (
            {"selector": {"matchLabels": {"app": 1}}},
            "unmarshal number into Go struct field LabelSelector.spec.selector.matchLabels of type string",
        ),
    ],
)
async def test_a_field_of_another_type_is_refused(api: Api, wrong: dict[str, Any], says: str) -> None:
    status, body = await api.ask("POST", DEPLOYMENTS, deployment(name="other") | {"spec": wrong})
    assert (status, body["message"]) == (400, f"{HEAD}json: cannot {says}")


async def test_a_time_that_is_none_is_refused(api: Api) -> None:
    lease = {"metadata": {"name": "lock"}, "spec": {"renewTime": "soon"}}
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
    status, body = await api.ask("POST", path, lease)
    assert status == 400
    assert 'parsing time "soon" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "soon" as "2006"' in body["message"]


async def refused(api: Api, path: str, spec: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the fields of such an object."""
    status, body = await api.ask("POST", path, {"metadata": {"name": "other"}, "spec": spec})
    assert (status, body["reason"]) == (422, "Invalid"), body
    return {cause["field"]: cause["message"] for cause in body["details"]["causes"]}


async def test_required_fields_that_are_not_there_are_named(api: Api) -> None:
    spec = deployment()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    container |= {"env": [{"value": "x"}], "ports": [{}]}
    del container["image"]
    spec["selector"]["matchExpressions"] = [{"values": ["x"]}]
    inside = "spec.template.spec.containers[0]"
    assert {field for field, why in (await refused(api, DEPLOYMENTS, spec)).items() if why == "Required value"} == {
        f"{inside}.env[0].name", f"{inside}.image", f"{inside}.ports[0].containerPort",
        "spec.selector.matchExpressions[0].key", "spec.selector.matchExpressions[0].operator",
    }  # fmt: skip


async def test_bounds_that_contradict_themselves_are_refused(api: Api) -> None:
    scalers = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
    budgets = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
    assert await refused(api, scalers, {"minReplicas": 0}) == {
        "spec.maxReplicas": "Required value",
        "spec.scaleTargetRef": "Required value",
        "spec.minReplicas": "Invalid value: 0: must be greater than or equal to 1",
    } | {"spec.maxReplicas": "Invalid value: 0: must be greater than 0"}
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "minReplicas": 3, "maxReplicas": 2}
    metrics = {"metrics": [{"type": "Resource"}]}
    assert set(await refused(api, scalers, target | metrics)) == {"spec.maxReplicas", "spec.metrics[0].resource"}
    both = await refused(api, budgets, {"minAvailable": 1, "maxUnavailable": "x"})
    assert set(both) == {"spec", "spec.maxUnavailable"}
    rolling = {"strategy": {"rollingUpdate": {"maxSurge": "many", "maxUnavailable": -1}}}
    assert set(await refused(api, DEPLOYMENTS, deployment(**rolling)["spec"])) == {
        "spec.strategy.rollingUpdate.maxSurge", "spec.strategy.rollingUpdate.maxUnavailable",
    }  # fmt: skip


async def test_quantities_may_be_numbers_and_are_kept_as_texts(api: Api) -> None:
    made = deployment(name="other")
    made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": 1, "memory": "1Gi"}}
    _, answer = await api.ask("POST", DEPLOYMENTS, made)
    limits = answer["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": "1", "memory": "1Gi"}


async def test_openapi_describes_every_kind_that_is_served(api: Api) -> None:
    places = (await api.get("/openapi/v3"))["paths"]
    for group in ("api/v1", "apis/apps/v1", "apis/policy/v1", "apis/autoscaling/v2"):
        resources = {r["kind"] for r in (await api.get(f"/{group}"))["resources"] if "/" not in r["name"]}
        document = await api.get(places[group]["serverRelativeURL"])
        schemas = document["components"]["schemas"]
        named = {name.rpartition(".")[2] for name, s in schemas.items() if "x-kubernetes-group-version-kind" in s}
        assert named == resources
        referred = {ref for schema in schemas.values() for ref in _references(schema)}
        assert referred <= {f"#/components/schemas/{name}" for name in schemas}


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [ref for item in value for ref in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [ref for item in value.values() for ref in _references(item)]
