"""The embedded API over HTTP: lists and pages, writes and conflicts, logs, and honest refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.drill.kubernetes import Behaviour
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import JSON_PATCH, MERGE, Api, api_of

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"
ROUTES = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment(replicas=5))) as found:
        yield found


async def test_pages_put_together_are_the_list_of_the_first_page_whatever_happens_meanwhile(api: Api) -> None:
    whole = [pod["metadata"]["name"] for pod in (await api.get(PODS))["items"]]
    first = await api.get(f"{PODS}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    await api.ask("DELETE", f"{PODS}/{whole[3]}?gracePeriodSeconds=0")
    names = [pod["metadata"]["name"] for pod in first["items"]]
    page = first
    while page["metadata"].get("continue"):
        page = await api.get(f"{PODS}?limit=2&continue={page['metadata']['continue']}")
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [pod["metadata"]["name"] for pod in page["items"]]
    assert names == whole


async def test_pages_over_all_namespaces_leave_nothing_out_though_one_namespace_begins_like_another() -> None:
    # By key, `prod-b/x` comes before `prod/x`: a hyphen sorts before the slash.
    async with api_of(settled()) as api:
        for namespace in ("prod", "prod-b"):
            await api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}, token="admin")
            for name in ("one", "two"):
                where = f"/api/v1/namespaces/{namespace}/configmaps"
                status, _ = await api.ask("POST", where, {"metadata": {"name": name}}, token="admin")
                assert status == 201
        whole = await api.get("/api/v1/configmaps")
        found, token = [], ""
        for _ in whole["items"]:
            page = await api.get(f"/api/v1/configmaps?limit=1&continue={token}")
            found += page["items"]
            token = page["metadata"].get("continue", "")
        assert found == whole["items"]
        assert [one["metadata"]["namespace"] for one in found if one["metadata"]["name"] == "one"] == ["prod-b", "prod"]


async def test_a_page_whose_version_is_forgotten_is_gone(api: Api) -> None:
    token = (await api.get(f"{PODS}?limit=2"))["metadata"]["continue"]
    await api.ask("DELETE", f"{PODS}?gracePeriodSeconds=0")
    api.cluster.store.compact()
    status, body = await api.ask("GET", f"{PODS}?limit=2&continue={token}")
    assert (status, body["reason"]) == (410, "Expired")
    assert body["metadata"]["continue"]


async def test_a_list_from_the_future_is_answered_504(api: Api) -> None:
    status, body = await api.ask("GET", f"{PODS}?resourceVersion=999999")
    assert (status, body["reason"]) == (504, "Timeout")
    assert body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_selectors_narrow_a_list(api: Api) -> None:
    everything = await api.get(f"{PODS}?labelSelector=app%3Daurora-bridge&fieldSelector=status.phase%3DRunning")
    assert len(everything["items"]) == 5
    assert (await api.get(f"{PODS}?labelSelector=app%21%3Daurora-bridge"))["items"] == []
    name = everything["items"][0]["metadata"]["name"]
    events = await api.get(f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=involvedObject.name%3D{name}")
    assert {event["reason"] for event in events["items"]} == {"Scheduled", "Pulling", "Pulled", "Created", "Started"}


async def test_a_table_has_the_cells_kubectl_prints(api: Api) -> None:
    table = await api.get(BRIDGE, Accept="application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
    assert [c["name"] for c in table["columnDefinitions"]][:5] == ["Name", "Ready", "Up-to-date", "Available", "Age"]
    assert table["rows"][0]["cells"] == [
        "aurora-bridge", "5/5", 5, 5, "60s", "bridge", "aurora/bridge:0.9.4", "app=aurora-bridge",
    ]  # fmt: skip


async def test_a_dry_run_answers_and_changes_nothing(api: Api) -> None:
    status, body = await api.ask("PATCH", f"{BRIDGE}?dryRun=All", {"spec": {"replicas": 9}}, Content_Type=MERGE)
    assert (status, body["spec"]["replicas"], body["metadata"]["generation"]) == (200, 9, 2)
    assert (await api.get(BRIDGE))["spec"]["replicas"] == 5
    assert (await api.ask("DELETE", f"{BRIDGE}?dryRun=All"))[0] == 200
    assert (await api.ask("GET", BRIDGE))[0] == 200


async def test_a_write_that_changes_nothing_leaves_the_version_alone(api: Api) -> None:
    before = await api.get(BRIDGE)
    _, after = await api.ask("PATCH", BRIDGE, {"spec": {"replicas": 5}}, Content_Type=MERGE)
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_the_version_guard_of_a_json_patch_holds(api: Api) -> None:
    version = (await api.get(BRIDGE))["metadata"]["resourceVersion"]
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    scale = {"op": "replace", "path": "/spec/replicas", "value": 4}
    assert (await api.ask("PATCH", BRIDGE, [guard, scale], Content_Type=JSON_PATCH))[0] == 200
    status, body = await api.ask("PATCH", BRIDGE, [guard, scale], Content_Type=JSON_PATCH)
    assert (status, body["reason"]) == (409, "Conflict")


async def test_a_scale_meant_for_another_object_of_the_name_is_a_conflict(api: Api) -> None:
    patch = {"metadata": {"uid": "another"}, "spec": {"replicas": 1}}
    status, body = await api.ask("PATCH", f"{BRIDGE}/scale", patch, Content_Type=MERGE)
    assert status == 409
    assert "UID in precondition: another" in body["message"]


async def test_http_routes_get_their_defaults_and_count_generations(api: Api) -> None:
    refs = [{"name": "aurora-bridge", "port": 80, "weight": 10}, {"name": "aurora-bridge-v0", "port": 80}]
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "bridge"},
        "spec": {"rules": [{"backendRefs": refs}]},
    }
    status, made = await api.ask("POST", ROUTES, route)
    assert status == 201
    assert [ref["weight"] for ref in made["spec"]["rules"][0]["backendRefs"]] == [10, 1]
    made["spec"]["rules"][0]["backendRefs"][0]["weight"] = 20
    status, after = await api.ask("PUT", f"{ROUTES}/bridge", made)
    assert (status, after["metadata"]["generation"]) == (200, 2)
    status, _ = await api.ask("PATCH", f"{ROUTES}/bridge", {}, Content_Type="application/strategic-merge-patch+json")
    assert status == 415  # as for every custom resource


@pytest.mark.parametrize(
    ("method", "path", "body", "media", "status", "reason"),
    [
        ("POST", PODS + "/x", {}, "application/json", 405, "MethodNotAllowed"),
        ("PUT", PODS, {}, "application/json", 405, "MethodNotAllowed"),
        ("DELETE", BRIDGE + "/scale", None, "", 405, "MethodNotAllowed"),
        ("PATCH", BRIDGE, "kind: x", "application/apply-patch+yaml", 422, "Invalid"),
        ("POST", PODS, b"\x00", "application/vnd.kubernetes.protobuf", 400, "BadRequest"),
        ("POST", PODS, "a: b", "application/yaml", 415, "UnsupportedMediaType"),
        ("POST", PODS, "{", "application/json", 400, "BadRequest"),
        ("PUT", BRIDGE, {"metadata": {"name": "other"}}, "application/json", 400, "BadRequest"),
        ("POST", PODS, {"apiVersion": "v1", "kind": "Service"}, "application/json", 400, "BadRequest"),
        ("POST", "/api/v1/namespaces/nope/pods", {"metadata": {"name": "x"}}, "application/json", 422, "Invalid"),
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "Not_A_Name"}}, "application/json", 422, "Invalid"),
        ("POST", "/api/v1/namespaces/no/configmaps", {"metadata": {"name": "x"}}, "application/json", 404, "NotFound"),
        ("GET", f"{PODS}?labelSelector=a+in+b", None, "", 400, "BadRequest"),
        ("GET", f"{PODS}?fieldSelector=spec.tolerations%3D1", None, "", 400, "BadRequest"),
        ("PATCH", f"{BRIDGE}?dryRun=Some", {}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"spec": {"template": "x"}}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"spec": {"replicas": "3"}}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"metadata": {"labels": "x"}}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"metadata": {"annotations": {"a": 1}}}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"spec": {"selector": {"matchLabels": {"app": "other"}}}}, MERGE, 422, "Invalid"),
        ("PATCH", BRIDGE, {"spec": None}, MERGE, 422, "Invalid"),
    ],
)  # fmt: skip
async def test_what_it_does_not_do_it_refuses_with_a_status(
    api: Api, method: str, path: str, body: Any, media: str, status: int, reason: str
) -> None:
    headers = {"Content_Type": media} if media else {}
    got, answer = await api.ask(method, path, body, **headers)
    assert (got, answer["kind"], answer["reason"], answer["code"]) == (status, "Status", reason, status)


@pytest.mark.parametrize("path", ["/apis/batch/v1/jobs", "/api/v1/endpoints", f"{BRIDGE}/rollback", "/api/v2", "/"])
async def test_what_it_does_not_know_is_not_found(api: Api, path: str) -> None:
    assert await api.ask("GET", path) == (404, "404 page not found\n")


async def test_an_answer_in_protobuf_alone_is_not_acceptable(api: Api) -> None:
    status, body = await api.ask("GET", PODS, Accept="application/vnd.kubernetes.protobuf")
    assert (status, body["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic dG9rZW4=", "Bearer"])
async def test_strangers_are_unauthorized(api: Api, authorization: str | None) -> None:
    api.headers = {"Authorization": authorization} if authorization else {}
    status, body = await api.ask("GET", PODS)
    assert (status, body["reason"]) == (401, "Unauthorized")


async def test_anyone_may_ask_for_health_and_version(api: Api) -> None:
    api.headers = {}
    for path in ("/readyz", "/livez", "/healthz", "/version"):
        assert (await api.ask("GET", path))[0] == 200


async def one_pod(api: Api) -> str:
    name: str = (await api.get(PODS))["items"][0]["metadata"]["name"]
    return name


async def test_a_log_is_tailed_with_times_when_asked(api: Api) -> None:
    path = f"{PODS}/{await one_pod(api)}/log"
    assert 'msg="starting" image="aurora/bridge:0.9.4"' in (await api.get(path)).splitlines()[0]
    (line,) = (await api.get(f"{path}?tailLines=1&timestamps=true")).splitlines()
    assert line.startswith("2026-01-01T00:00:")
    assert await api.get(f"{path}?tailLines=0") == ""


async def test_the_log_before_the_crash_has_the_last_words(api: Api) -> None:
    words = ('level=error msg="cannot reach the treaty"',)
    api.cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(exit_code=3, after=5, says=words))
    path = f"{PODS}/{await one_pod(api)}/log?previous=true"
    status, body = await api.ask("GET", path)
    assert (status, body["reason"]) == (400, "BadRequest")
    assert "previous terminated container" in body["message"]
    api.cluster.pass_time(30)
    assert (await api.get(path)).splitlines()[-1] == words[0]


async def test_a_container_that_has_not_started_has_no_log(api: Api) -> None:
    api.cluster.behave(NAMESPACE, "late", Behaviour.IMAGE_PULL_ERROR)
    api.cluster.create(deployment(name="late", replicas=1))
    api.cluster.pass_time(5)
    (pod,) = (await api.get(f"{PODS}?labelSelector=app%3Dlate"))["items"]
    status, body = await api.ask("GET", f"{PODS}/{pod['metadata']['name']}/log")
    assert status == 400
    assert "is waiting to start: trying and failing to pull image" in body["message"]
