"""Resource quotas: what they count, whom they refuse and in which words, and what the deployment then says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import EVENT
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

QUOTAS = f"/api/v1/namespaces/{NAMESPACE}/resourcequotas"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """Three pods, each asking for 250m and 128Mi."""
    made = deployment()
    [container] = made["spec"]["template"]["spec"]["containers"]
    container["resources"] = {"requests": {"cpu": "250m"}, "limits": {"memory": "128Mi"}}
    async with api_of(settled(made)) as found:
        yield found


async def limit(api: Api, **hard: str) -> None:
    named = {name.replace("_", "."): amount for name, amount in hard.items()}
    quota = {"metadata": {"name": "team"}, "spec": {"hard": named}}
    assert (await api.ask("POST", QUOTAS, quota))[0] == 201
    api.cluster.pass_time(1)


async def scale(api: Api, replicas: int, seconds: float = 30) -> None:
    body = {"spec": {"replicas": replicas}}
    assert (await api.ask("PATCH", f"{BRIDGE}/scale", body, Content_Type=MERGE))[0] == 200
    api.cluster.pass_time(seconds)


def pod(**resources: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}}


async def test_a_quota_says_what_is_used(api: Api) -> None:
    await limit(api, pods="5", requests_cpu="1", requests_memory="1Gi", limits_memory="1Gi")
    status = (await api.get(f"{QUOTAS}/team"))["status"]
    assert status["hard"] == {"pods": "5", "requests.cpu": "1", "requests.memory": "1Gi", "limits.memory": "1Gi"}
    assert status["used"] == {
        "pods": "3",
        "requests.cpu": "750m",
        "requests.memory": "384Mi",
        "limits.memory": "384Mi",
    }
    await scale(api, 4)
    assert (await api.get(f"{QUOTAS}/team"))["status"]["used"]["requests.cpu"] == "1"
    await scale(api, 1, seconds=90)
    assert (await api.get(f"{QUOTAS}/team"))["status"]["used"]["pods"] == "1"


async def test_one_pod_too_many_is_refused_in_the_words_of_a_real_server(api: Api) -> None:
    await limit(api, pods="3", requests_cpu="1")
    assert await api.ask("POST", PODS, pod(requests={"cpu": "500m"})) == (
        403,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": 'pods "one" is forbidden: exceeded quota: team, requested: pods=1,requests.cpu=500m, '
            "used: pods=3,requests.cpu=750m, limited: pods=3,requests.cpu=1",
            "reason": "Forbidden",
            "details": {"name": "one", "kind": "pods"},
            "code": 403,
        },
    )
    assert (await api.ask("POST", f"{PODS}?dryRun=All", pod(requests={"cpu": "1m"})))[0] == 403


async def test_only_what_is_exceeded_is_told(api: Api) -> None:
    await limit(api, pods="9", requests_cpu="1")
    _, body = await api.ask("POST", PODS, pod(requests={"cpu": "500m"}))
    assert body["message"].endswith(
        "team, requested: requests.cpu=500m, used: requests.cpu=750m, limited: requests.cpu=1"
    )
    assert (await api.ask("POST", PODS, pod(requests={"cpu": "250m"})))[0] == 201


async def test_what_a_quota_limits_must_be_said(api: Api) -> None:
    await limit(api, requests_cpu="9", limits_memory="9Gi")
    _, body = await api.ask("POST", PODS, pod())
    assert body["message"] == (
        'pods "one" is forbidden: failed quota: team: must specify limits.memory for: c; requests.cpu for: c'
    )


async def test_a_deployment_that_may_not_grow_says_so_and_grows_when_it_may(api: Api) -> None:
    await limit(api, pods="3")
    await scale(api, 5)
    status = (await api.get(BRIDGE))["status"]
    assert (status["replicas"], status["readyReplicas"]) == (3, 3)
    [failure] = [one for one in status["conditions"] if one["type"] == "ReplicaFailure"]
    assert (failure["status"], failure["reason"]) == ("True", "FailedCreate")
    assert " is forbidden: exceeded quota: team, requested: pods=1, used: pods=3, limited: pods=3" in failure["message"]
    events = [entry.thing for entry in api.cluster.store.entries(EVENT, NAMESPACE)]
    failed = [event for event in events if event["reason"] == "FailedCreate"]
    assert failed[0]["message"].startswith('Error creating: pods "aurora-bridge-')
    assert failed[0]["involvedObject"]["kind"] == "ReplicaSet"
    assert failed[0]["type"] == "Warning"
    assert (await api.ask("DELETE", f"{QUOTAS}/team"))[0] == 200
    api.cluster.pass_time(60)
    status = (await api.get(BRIDGE))["status"]
    assert status["readyReplicas"] == 5
    assert "ReplicaFailure" not in {one["type"] for one in status["conditions"]}


async def test_what_this_api_does_not_count_is_refused(api: Api) -> None:
    for spec in ({"hard": {"persistentvolumeclaims": "1"}}, {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}):
        status, body = await api.ask("POST", QUOTAS, {"metadata": {"name": "team"}, "spec": spec})
        assert (status, body["reason"]) == (422, "Invalid")


async def test_a_quota_is_listed_as_kubectl_shows_it(api: Api) -> None:
    await limit(api, pods="5", requests_cpu="1", limits_memory="1Gi")
    table = await api.get(QUOTAS, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Request", "Limit", "Age"]
    assert table["rows"][0]["cells"][:3] == ["team", "pods: 3/5, requests.cpu: 750m/1", "limits.memory: 384Mi/1Gi"]
