"""Who may do what: administrators, operators of a namespace, viewers, and those who stand in for others."""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aurora_tui.drill.kubernetes import kubeconfig, roles
from aurora_tui.drill.scenario import Scenario
from aurora_tui.drill.world import World, WorldOptions
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
REVIEWS = "/apis/authorization.k8s.io/v1"
USERS = {
    "admin": roles.admin("ada"),
    "operator": roles.operator("olga", NAMESPACE),
    "viewer": roles.viewer("vic"),
    "stranger": roles.User("sam"),
}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment()), USERS) as found:
        yield found


def as_(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"),
    [
        ("GET", BRIDGE, None, {"admin", "operator", "viewer"}),
        ("GET", "/api/v1/nodes", None, {"admin", "operator", "viewer"}),
        ("GET", "/api/v1/pods?limit=1", None, {"admin", "operator", "viewer"}),
        ("GET", SECRETS, None, {"admin"}),
        ("PATCH", f"{BRIDGE}/scale", {"spec": {"replicas": 3}}, {"admin", "operator"}),
        ("PATCH", BRIDGE, {"metadata": {"labels": {"a": "b"}}}, {"admin", "operator"}),
        ("PATCH", "/apis/apps/v1/namespaces/default/deployments/x", {}, {"admin"}),
        ("DELETE", f"/api/v1/namespaces/{NAMESPACE}?dryRun=All", None, {"admin", "operator"}),
        ("DELETE", "/api/v1/namespaces/default?dryRun=All", None, {"admin"}),
        ("DELETE", f"{LEASES}?dryRun=All", None, {"admin"}),
        ("GET", "/openapi/v3", None, {"admin", "operator", "viewer", "stranger"}),
        ("GET", "/metrics", None, {"admin"}),
        ("GET", "/apis/batch/v1/jobs", None, {"admin"}),
    ],
)
async def test_each_role_may_do_its_own_and_no_more(
    api: Api, method: str, path: str, body: Any, allowed: set[str]
) -> None:
    for token in USERS:
        api.headers = as_(token)
        status, answer = await api.ask(method, path, body, **({"Content_Type": MERGE} if body is not None else {}))
        assert (status != 403) is (token in allowed), (token, status, answer)


async def test_a_refusal_names_user_verb_resource_and_place(api: Api) -> None:
    api.headers = as_("viewer")
    _, body = await api.ask("GET", f"{SECRETS}/key")
    assert body["message"] == (
        'secrets "key" is forbidden: User "vic" cannot get resource "secrets" in API group "" in the namespace '
        '"aurora-production"'
    )
    assert body["details"] == {"name": "key", "kind": "secrets"}
    _, body = await api.ask("DELETE", "/api/v1/nodes/node-0")
    assert body["message"].endswith('cannot delete resource "nodes" in API group "" at the cluster scope')
    _, body = await api.ask("GET", "/metrics")
    assert body["message"] == 'forbidden: User "vic" cannot get path "/metrics"'


async def may(api: Api, **wish: str) -> bool:
    body = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    status, answer = await api.ask(
        "POST", f"{REVIEWS}/selfsubjectaccessreviews", {**body, "spec": {"resourceAttributes": wish}}
    )
    assert status == 201
    allowed: bool = answer["status"]["allowed"]
    return allowed


async def test_what_a_user_is_told_about_its_access_is_what_it_then_finds(api: Api) -> None:
    scale = {"verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale"}
    for token, here, elsewhere in (("admin", True, True), ("operator", True, False), ("viewer", False, False)):
        api.headers = as_(token)
        assert await may(api, **scale, name="aurora-bridge", namespace=NAMESPACE) is here
        assert await may(api, **scale, name="aurora-bridge", namespace="default") is elsewhere
        assert await may(api, verb="delete", resource="namespaces", name=NAMESPACE, namespace=NAMESPACE) is here


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("get", "", "namespaces"),
        ("patch", "", "namespaces"),
        ("list", "", "resourcequotas"),
        ("create", "", "events"),
        *((verb, "", resource) for resource in ("configmaps", "services") for verb in ("create", "patch", "delete")),
        ("delete", "", "pods"),
        *((verb, "coordination.k8s.io", "leases") for verb in ("get", "create", "update")),
        *((verb, "apps", "deployments") for verb in ("create", "patch", "delete")),
        ("patch", "apps", "deployments/scale"),
        ("list", "apps", "replicasets"),
        ("list", "autoscaling", "horizontalpodautoscalers"),
        ("list", "policy", "poddisruptionbudgets"),
        ("patch", "gateway.networking.k8s.io", "httproutes"),
    ],
)
async def test_an_operator_may_do_there_what_runbooks_do_and_a_viewer_may_only_look(
    api: Api, verb: str, group: str, resource: str
) -> None:
    plural, _, subresource = resource.partition("/")
    name = NAMESPACE if plural == "namespaces" else ""
    wish = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "name": name}
    for token, allowed in (("operator", True), ("viewer", verb in ("get", "list")), ("stranger", False)):
        api.headers = as_(token)
        assert await may(api, **wish, namespace=NAMESPACE) is allowed, token
    if verb not in ("get", "list"):
        api.headers = as_("operator")
        assert not await may(api, **{**wish, "name": "default" if name else ""}, namespace="default")


async def test_the_rules_of_a_user_in_a_namespace_are_listed(api: Api) -> None:
    async def changeable(namespace: str) -> set[str]:
        body = {"kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}}
        _, answer = await api.ask("POST", f"{REVIEWS}/selfsubjectrulesreviews", body)
        rules = answer["status"]["resourceRules"]
        return {resource for rule in rules if "patch" in rule["verbs"] for resource in rule["resources"]}

    api.headers = as_("operator")
    assert {"deployments", "deployments/scale", "httproutes"} <= await changeable(NAMESPACE)
    assert await changeable("default") == set()


def test_a_kubeconfig_has_a_context_for_each_user() -> None:
    config = json.loads(kubeconfig("https://127.0.0.1:1", "o", NAMESPACE, "drill", others={"drill-viewer": "v"}))
    assert config["current-context"] == "drill"
    assert {c["name"]: c["context"]["user"] for c in config["contexts"]} == {
        "drill": "drill",
        "drill-viewer": "drill-viewer",
    }
    assert {u["name"]: u["user"]["token"] for u in config["users"]} == {"drill": "o", "drill-viewer": "v"}


async def test_each_user_is_told_who_it_is(api: Api) -> None:
    api.headers = as_("viewer")
    _, answer = await api.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert answer["status"]["userInfo"]["username"] == "vic"


async def test_an_administrator_stands_in_for_others_with_their_rights(api: Api) -> None:
    api.headers = as_("admin")
    assert (await api.ask("GET", SECRETS, Impersonate_User="vic"))[0] == 403
    assert (await api.ask("GET", BRIDGE, Impersonate_User="vic"))[0] == 200
    assert (await api.ask("GET", BRIDGE, Impersonate_User="unheard-of"))[0] == 403
    assert (await api.ask("GET", SECRETS, Impersonate_User="vic", Impersonate_Group="system:masters"))[0] == 200


async def test_nobody_else_stands_in_for_anyone(api: Api) -> None:
    api.headers = as_("operator")
    status, body = await api.ask("GET", BRIDGE, Impersonate_User="ada")
    assert status == 403
    assert body["message"] == (
        'users "ada" is forbidden: User "olga" cannot impersonate resource "users" in API group "" at the cluster scope'
    )


async def test_the_drills_kubeconfig_offers_an_operator_first_an_administrator_and_a_viewer(tmp_path: Path) -> None:
    world = await World.start(WorldOptions(scenario=Scenario(name="test"), directory=tmp_path))
    try:
        config = json.loads(world.kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        trusted = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
        tokens = {user["name"]: user["user"]["token"] for user in config["users"]}
        answers = {}
        async with httpx.AsyncClient(verify=trusted, base_url=cluster["server"], trust_env=False) as client:
            for name, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}", "Content-Type": MERGE}
                secrets = await client.get(SECRETS, headers=headers)
                scaled = await client.patch(f"{BRIDGE}/scale", content="{}", headers=headers)
                answers[name] = secrets.status_code, scaled.status_code
    finally:
        await world.close()
    assert config["current-context"] == "drill"
    assert answers == {"drill": (403, 200), "drill-admin": (200, 200), "drill-viewer": (403, 403)}
