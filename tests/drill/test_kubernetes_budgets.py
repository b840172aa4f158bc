"""Disruption budgets and evictions, autoscalers, secrets: the kinds around the workloads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.drill.kubernetes import Behaviour
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

CORE = f"/api/v1/namespaces/{NAMESPACE}"
PODS = f"{CORE}/pods"
BUDGETS = f"/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets"
SCALERS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"
SELECTOR = {"matchLabels": {"app": "aurora-bridge"}}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment(replicas=4))) as found:
        yield found


async def budget(api: Api, name: str = "bridge", **spec: Any) -> dict[str, Any]:
    """A budget's status once it is kept."""
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name}}
    status, made = await api.ask("POST", BUDGETS, {**body, "spec": {"selector": SELECTOR, **spec}})
    assert status == 201, made
    api.cluster.pass_time(1)
    found: dict[str, Any] = (await api.get(f"{BUDGETS}/{name}"))["status"]
    return found


async def evict(api: Api, query: str = "", place: int = 0) -> tuple[int, Any]:
    pods = [
        pod["metadata"]["name"] for pod in (await api.get(PODS))["items"] if "deletionTimestamp" not in pod["metadata"]
    ]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pods[place]}}
    return await api.ask("POST", f"{PODS}/{pods[place]}/eviction{query}", body)


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [
        ({"minAvailable": 3}, 3, 1),
        ({"minAvailable": "60%"}, 3, 1),
        ({"maxUnavailable": 1}, 3, 1),
        ({"maxUnavailable": "50%"}, 2, 2),
        ({"minAvailable": 9}, 9, 0),
    ],
)
async def test_a_budget_says_how_many_pods_may_go(api: Api, spec: dict[str, Any], desired: int, allowed: int) -> None:
    status = await budget(api, **spec)
    assert (status["expectedPods"], status["currentHealthy"], status["desiredHealthy"]) == (4, 4, desired)
    assert (status["disruptionsAllowed"], status["observedGeneration"]) == (allowed, 1)
    (condition,) = status["conditions"]
    assert condition["reason"] == ("SufficientPods" if allowed else "InsufficientPods")


async def test_an_eviction_spends_the_budget_until_another_pod_is_ready(api: Api) -> None:
    await budget(api, minAvailable=3)
    assert (await evict(api, "?dryRun=All"))[0] == 201
    status, body = await evict(api)
    assert (status, body) == (
        201, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201},
    )  # fmt: skip
    status, body = await evict(api)
    assert status == 429
    assert {key: body[key] for key in ("reason", "message", "details", "code")} == {
        "reason": "TooManyRequests",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "details": {
            "causes": [
                {
                    "reason": "DisruptionBudget",
                    "message": "The disruption budget bridge needs 3 healthy pods and has 4 currently",
                }
            ]
        },
        "code": 429,
    }
    api.cluster.pass_time(90)
    assert (await evict(api))[0] == 201


async def test_a_budget_not_yet_counted_says_when_to_try_again(api: Api) -> None:
    body = {"metadata": {"name": "new"}, "spec": {"selector": SELECTOR, "minAvailable": 1}}
    await api.ask("POST", BUDGETS, body)
    pod = (await api.get(PODS))["items"][0]["metadata"]["name"]
    async with api.client.post(f"{PODS}/{pod}/eviction", json={}, headers=api.headers) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "10")


async def test_a_pod_that_is_not_ready_may_go_when_the_others_suffice(api: Api) -> None:
    api.cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(exit_code=1, after=5), nth=0)
    api.cluster.pass_time(60)
    status = await budget(api, minAvailable=3)
    assert (status["currentHealthy"], status["disruptionsAllowed"]) == (3, 0)
    pods = {p["metadata"]["name"]: p["status"] for p in (await api.get(PODS))["items"]}
    ill = next(name for name, s in pods.items() if not s["containerStatuses"][0]["ready"])
    assert (await api.ask("POST", f"{PODS}/{ill}/eviction", {}))[0] == 201
    well = next(name for name, s in pods.items() if s["containerStatuses"][0]["ready"])
    assert (await api.ask("POST", f"{PODS}/{well}/eviction", {}))[0] == 429


async def test_a_pod_of_two_budgets_cannot_be_evicted(api: Api) -> None:
    await budget(api, "one", minAvailable=1)
    await budget(api, "two", minAvailable=1)
    status, body = await evict(api)
    assert status == 500
    assert body["message"].startswith("This pod has more than one PodDisruptionBudget")


async def test_an_autoscaler_keeps_sizes_in_bounds_and_says_it_sees_no_metrics(api: Api) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "aurora-bridge"}
    spec = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3}
    assert (await api.ask("POST", SCALERS, {"metadata": {"name": "bridge"}, "spec": spec}))[0] == 201
    api.cluster.pass_time(60)
    assert (await api.get(BRIDGE))["spec"]["replicas"] == 3
    await api.ask("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 1}}, Content_Type=MERGE)
    api.cluster.pass_time(60)
    assert (await api.get(BRIDGE))["spec"]["replicas"] == 2
    told = {c["type"]: (c["status"], c["reason"]) for c in (await api.get(f"{SCALERS}/bridge"))["status"]["conditions"]}
    assert told == {
        "AbleToScale": ("True", "SucceededGetScale"), "ScalingActive": ("False", "FailedGetResourceMetric"),
    }  # fmt: skip
    owners = {(e["manager"], e.get("subresource")) for e in (await api.get(BRIDGE))["metadata"]["managedFields"]}
    assert ("kube-controller-manager", "scale") in owners
    await api.ask("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 0}}, Content_Type=MERGE)
    api.cluster.pass_time(60)
    assert (await api.get(BRIDGE))["spec"]["replicas"] == 0  # a size of 0 switches it off


async def test_secrets_are_kept_in_base64_and_shown_by_their_size(api: Api) -> None:
    secret = {"metadata": {"name": "key"}, "stringData": {"a": "b"}}
    _, made = await api.ask("POST", f"{CORE}/secrets", secret)
    assert (made["data"], made["type"], "stringData" in made) == ({"a": "Yg=="}, "Opaque", False)
    table = await api.get(f"{CORE}/secrets", Accept=TABLE)
    assert table["rows"][0]["cells"][:3] == ["key", "Opaque", 1]


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        (BUDGETS, "Name,Min Available,Max Unavailable,Allowed Disruptions,Age"),
        (SCALERS, "Name,Reference,Targets,MinPods,MaxPods,Replicas,Age"),
        (f"{CORE}/secrets", "Name,Type,Data,Age"),
        (
            "/api/v1/nodes",
            "Name,Status,Roles,Age,Version,Internal-IP,External-IP,OS-Image,Kernel-Version,Container-Runtime",
        ),
    ],
)
async def test_tables_have_kubectls_columns(api: Api, path: str, columns: str) -> None:
    table = await api.get(path, Accept=TABLE)
    assert ",".join(column["name"] for column in table["columnDefinitions"]) == columns
