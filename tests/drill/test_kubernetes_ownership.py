"""Who owns which fields, and server-side apply: creation, conflicts, force, what is no longer said, dry runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.drill.kubernetes.apply import applied
from aurora_tui.drill.kubernetes.ownership import Manager, decoded, encoded
from aurora_tui.drill.kubernetes.status import Refused
from tests.drill.clusters import NAMESPACE, deployment, settled
from tests.drill.kube_api import MERGE, Api, api_of

APPLY = "application/apply-patch+yaml"
CONFIGS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with api_of(settled(deployment())) as found:
        yield found


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "warroom"}, "data": data}


async def apply(
    api: Api, manager: str, body: Any, query: str = "", path: str = f"{CONFIGS}/warroom"
) -> tuple[int, Any]:
    return await api.ask("PATCH", f"{path}?fieldManager={manager}{query}", body, Content_Type=APPLY)


def owners(thing: dict[str, Any]) -> dict[str, Any]:
    return {e["manager"]: (e["operation"], e["fieldsV1"]) for e in thing["metadata"].get("managedFields", [])}


async def test_an_apply_owns_what_it_says(api: Api) -> None:
    status, made = await apply(api, "a", config(x="1", y="2"))
    assert status == 201
    assert owners(made) == {"a": ("Apply", {"f:data": {"f:x": {}, "f:y": {}}})}


async def test_what_its_owner_no_longer_says_goes_unless_another_says_it(api: Api) -> None:
    await apply(api, "a", config(x="1", y="2", z="3"))
    await apply(api, "b", config(y="2"))
    status, after = await apply(api, "a", config(x="1"))
    assert (status, after["data"]) == (200, {"x": "1", "y": "2"})


async def test_the_same_value_is_shared_and_another_value_is_a_conflict(api: Api) -> None:
    await apply(api, "a", config(x="1", y="2"))
    assert (await apply(api, "b", config(x="1")))[0] == 200
    status, body = await apply(api, "b", config(x="0", y="0"))
    assert (status, body["reason"]) == (409, "Conflict")
    assert [cause["field"] for cause in body["details"]["causes"]] == [".data.x", ".data.y"]
    assert body["message"] == 'Apply failed with 2 conflicts: conflicts with "a":\n- .data.x\n- .data.y'


async def test_force_takes_fields_over(api: Api) -> None:
    await apply(api, "a", config(x="1", y="2"))
    status, after = await apply(api, "b", config(x="0"), "&force=true")
    assert (status, after["data"]) == (200, {"x": "0", "y": "2"})
    assert owners(after) == {"a": ("Apply", {"f:data": {"f:y": {}}}), "b": ("Apply", {"f:data": {"f:x": {}}})}


async def test_an_update_takes_what_it_changes_from_whoever_applied_it(api: Api) -> None:
    await apply(api, "a", config(x="1", y="2"))
    _, after = await api.ask("PATCH", f"{CONFIGS}/warroom?fieldManager=hand", {"data": {"x": "9"}}, Content_Type=MERGE)
    assert owners(after) == {"a": ("Apply", {"f:data": {"f:y": {}}}), "hand": ("Update", {"f:data": {"f:x": {}}})}
    status, body = await apply(api, "a", config(x="1", y="2"))
    assert status == 409
    assert 'conflict with "hand" using v1 at ' in body["message"]


async def test_a_writer_without_a_name_is_known_by_its_client(api: Api) -> None:
    _, made = await api.ask("POST", CONFIGS, config(x="1"), User_Agent="robot/1.2 (linux)")
    assert owners(made) == {"robot": ("Update", {"f:data": {".": {}, "f:x": {}}})}


async def test_a_dry_run_of_an_apply_answers_and_keeps_nothing(api: Api) -> None:
    status, made = await apply(api, "a", config(x="1"), "&dryRun=All")
    assert (status, made["data"]) == (201, {"x": "1"})
    assert (await api.ask("GET", f"{CONFIGS}/warroom"))[0] == 404


async def test_an_apply_that_changes_nothing_leaves_the_version_alone(api: Api) -> None:
    _, made = await apply(api, "a", config(x="1"))
    api.cluster.pass_time(60)
    _, again = await apply(api, "a", config(x="1"))
    assert again == made


async def test_containers_and_ports_are_owned_one_by_one(api: Api) -> None:
    sidecar = {"name": "sidecar", "image": "side:1", "ports": [{"containerPort": 9000}]}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "aurora-bridge"}}
    said = {**body, "spec": {"template": {"spec": {"containers": [sidecar]}}}}
    status, after = await apply(api, "mesh", said, path=BRIDGE)
    containers = after["spec"]["template"]["spec"]["containers"]
    assert (status, [c["name"] for c in containers]) == (200, ["bridge", "sidecar"])
    inside = owners(after)["mesh"][1]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"sidecar"}']
    assert inside["f:ports"] == {'k:{"containerPort":9000,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}
    _, after = await apply(api, "mesh", body, path=BRIDGE)
    assert [c["name"] for c in after["spec"]["template"]["spec"]["containers"]] == ["bridge"]


async def test_a_scale_is_owned_apart_and_conflicts_with_an_apply_of_the_size(api: Api) -> None:
    await api.ask("PATCH", f"{BRIDGE}/scale?fieldManager=hpa", {"spec": {"replicas": 5}}, Content_Type=MERGE)
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "aurora-bridge"}}
    status, refused = await apply(api, "cd", {**body, "spec": {"replicas": 3}}, path=BRIDGE)
    assert status == 409
    assert 'conflict with "hpa" with subresource "scale" using apps/v1 at ' in refused["message"]


async def test_a_controllers_status_and_annotations_are_its_own(api: Api) -> None:
    await api.ask("PATCH", f"{BRIDGE}?fieldManager=hand", {"spec": {"minReadySeconds": 1}}, Content_Type=MERGE)
    api.cluster.pass_time(30)
    entries = (await api.get(BRIDGE))["metadata"]["managedFields"]
    told = {(e["manager"], e.get("subresource", "")): e["fieldsV1"] for e in entries}
    assert set(told) == {
        ("kubectl-client-side-apply", ""), ("hand", ""), ("kube-controller-manager", ""),
        ("kube-controller-manager", "status"),
    }  # fmt: skip
    assert told["kube-controller-manager", ""] == {
        "f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}
    }
    assert set(told["kube-controller-manager", "status"]) == {"f:status"}
    assert set(told["kubectl-client-side-apply", ""]) == {"f:metadata", "f:spec"}


async def test_what_nobody_owned_belongs_to_those_before_the_first_apply(api: Api) -> None:
    (pod,) = (await api.get(f"/api/v1/namespaces/{NAMESPACE}/pods?limit=1"))["items"]
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}"
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod["metadata"]["name"], "labels": {"a": "b"}}}
    status, after = await apply(api, "me", body, path=path)
    assert (status, set(owners(after))) == (200, {"me", "before-first-apply"})


async def test_an_apply_in_yaml_is_read(api: Api) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: warroom\ndata:\n  at: '2026-01-01'\n"
    status, made = await apply(api, "a", text)
    assert (status, made["data"]) == (201, {"at": "2026-01-01"})


@pytest.mark.parametrize(
    ("query", "body", "status", "says"),
    [
        ("", config(x="1"), 422, "fieldManager: Required value: is required for apply patch"),
        ("fieldManager=a", "a: [", 400, "error decoding YAML"),
        ("fieldManager=a", {"apiVersion": "v1", "kind": "Secret"}, 400, "cannot be handled as a ConfigMap"),
        ("fieldManager=a", config(x="1") | {"dta": {}}, 500, ".dta: field not declared in schema"),
        ("fieldManager=a", config() | {"metadata": {"managedFields": []}}, 400, "managedFields must be nil"),
        ("fieldManager=a", config() | {"metadata": {"name": "other"}}, 400, "does not match the name on the URL"),
        (f"fieldManager={'a' * 129}", config(), 422, "fieldManager: Too long: may not be more than 128 bytes"),
    ],
)
async def test_an_apply_that_cannot_be_is_refused(api: Api, query: str, body: Any, status: int, says: str) -> None:
    got, answer = await api.ask("PATCH", f"{CONFIGS}/warroom?{query}", body, Content_Type=APPLY)
    assert (got, answer["code"]) == (status, status)
    assert says in answer["message"]


_STEPS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])


@given(st.sets(st.lists(_STEPS, min_size=1, max_size=4).map(tuple)))
def test_field_sets_survive_their_written_form(paths: set[tuple[str, ...]]) -> None:
    assert decoded(encoded(paths)) == paths


_APPLIES = st.lists(
    st.tuples(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12")), st.booleans()),
    max_size=8,
)


@given(_APPLIES)
def test_applies_one_after_another_leave_what_their_owners_last_said(
    applies: list[tuple[str, dict[str, str], bool]],
) -> None:
    live: dict[str, Any] = {"metadata": {"name": "c"}}
    values, owned = dict[str, str](), {"a": set[str](), "b": set[str]()}
    for name, said, force in applies:
        (other,) = owned.keys() - {name}
        clashes = {key for key in said if key in owned[other] and values[key] != said[key]}
        config = {"data": said} if said else {}
        if clashes and not force:
            with pytest.raises(Refused) as refusal:
                applied("ConfigMap", live, config, Manager(name, "v1", "Apply"), force, "")
            fields = {cause["field"] for cause in refusal.value.body["details"]["causes"]}
            assert fields == {f".data.{key}" for key in clashes}
            continue
        after, entries = applied("ConfigMap", live, config, Manager(name, "v1", "Apply"), force, "")
        owned[other] -= clashes
        for key in owned[name] - said.keys() - owned[other]:
            del values[key]
        owned[name] = set(said)
        values |= said
        assert after.get("data", {}) == values
        live = {**after, "metadata": {"name": "c", "managedFields": entries}}
        assert owners(live) == {
            who: ("Apply", {"f:data": {f"f:{key}": {} for key in sorted(keys)}}) for who, keys in owned.items() if keys
        }


async def test_times_are_of_who_wrote_and_not_of_who_lost_a_field(api: Api) -> None:
    def times(thing: dict[str, Any]) -> dict[str, str]:
        return {e["manager"]: e["time"] for e in thing["metadata"]["managedFields"] if e.get("subresource") != "status"}

    before = times(await api.get(BRIDGE))
    api.cluster.pass_time(100)
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "aurora/bridge:x"}]
    status, after = await api.ask(
        "PATCH", f"{BRIDGE}?fieldManager=a", image, Content_Type="application/json-patch+json"
    )
    assert status == 200
    assert {name: time for name, time in times(after).items() if name in before} == before
    first = times(after)["a"]
    assert first > max(before.values())
    api.cluster.pass_time(100)
    image[0]["value"] = "aurora/bridge:y"
    _, again = await api.ask("PATCH", f"{BRIDGE}?fieldManager=a", image, Content_Type="application/json-patch+json")
    assert times(again)["a"] > first, "another value in the same field is a write too"
