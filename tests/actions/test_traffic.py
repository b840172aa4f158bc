"""Traffic weights are set in the route that divides the traffic, and nothing else of it is touched."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from aurora_tui.actions.operation import Changed, Reach, Standing
from aurora_tui.actions.operations import operation_of, weights
from aurora_tui.actions.operations.traffic import TrafficOperation
from aurora_tui.actions.plan import Change, PlannedStep
from aurora_tui.drill.kubernetes.patch import json_patch
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY, canary
from aurora_tui.kube import writes
from aurora_tui.kube.access import Access, User
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError, Unreadable
from aurora_tui.kube.writes import PatchType
from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.runbook import Traffic
from tests.actions.typed import typed
from tests.actions.worlds import ADMIN, VIEWER, World, world
from tests.sources.stand_in import page

ROUTES = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"
AWAY = Traffic(weights={CANARY: 0, STABLE: 100})
Object = dict[str, Any]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def planned(step: Traffic, here: World) -> PlannedStep:
    return await TrafficOperation().plan(step, 4, here.reach)


async def standing(one: PlannedStep, here: World) -> Standing:
    return await TrafficOperation().standing(one, here.reach)


async def route(here: World, name: str = CANARY) -> Object:
    found = await writes.read(here.connection, f"{ROUTES}/{name}")
    assert found is not None
    return found


async def write(here: World, rules: list[Object], name: str = CANARY) -> None:
    """The route with these rules, by somebody else."""
    body = {"spec": {"rules": rules}}
    await writes.patch(here.as_user(ADMIN), f"{ROUTES}/{name}", body, PatchType.MERGE)


def backends(**by_name: int | None) -> Object:
    told = [
        {"name": name.replace("_", "-"), "port": 80} | ({} if weight is None else {"weight": weight})
        for name, weight in by_name.items()
    ]
    return {"backendRefs": told}


def without_route_in_settings(here: World) -> Reach:
    mission = msgspec.structs.replace(here.settings.mission, workloads=WorkloadRoles(canary=CANARY, stable=STABLE))
    return dataclasses.replace(here.reach, settings=dataclasses.replace(here.settings, mission=mission))


async def test_the_canary_s_share_is_told_now_and_after(here: World) -> None:
    one = await planned(AWAY, here)
    assert isinstance(operation_of(AWAY), TrafficOperation)
    assert one.changes == (
        Change(what=f"traffic to {CANARY}", now="10 %", after="0 %"),
        Change(what=f"traffic to {STABLE}", now="90 %", after="100 %"),
    )
    assert one.subject is not None
    assert str(one.subject) == f"HTTPRoute {CANARY}"
    assert one.subject.uid == (await route(here))["metadata"]["uid"]
    assert not one.already
    assert one.refusals == one.warnings == ()
    assert one.kubectl.startswith(
        f"kubectl -n {NAMESPACE} patch httproutes.gateway.networking.k8s.io {CANARY} --type=json -p '["
    )


async def test_only_the_weights_are_written(here: World) -> None:
    before = await route(here)
    one = await planned(AWAY, here)
    await TrafficOperation().rehearse(one, here.reach)
    assert await route(here) == before
    assert not here.writes
    await TrafficOperation().carry_out(one, here.reach)
    found = await standing(one, here)
    assert (found.done, found.words) == (True, f"{CANARY} 0 %, {STABLE} 100 %")
    after = await route(here)
    expected = copy.deepcopy(before["spec"])
    for backend, weight in zip(expected["rules"][0]["backendRefs"], (0, 100), strict=True):
        backend["weight"] = weight
    assert after["spec"] == expected
    (written,) = here.writes
    paths = [operation["path"] for operation in json.loads(written.body)]
    assert paths == ["/metadata/resourceVersion", *(f"/spec/rules/0/backendRefs/{i}/weight" for i in (0, 1))]


@pytest.mark.needs("kubectl")
async def test_what_a_person_would_type_does_the_same(here: World) -> None:
    one = await planned(AWAY, here)
    assert "patched" in await typed(one.kubectl, here)
    assert (await standing(one, here)).done


async def test_what_is_done_is_not_done_again(here: World) -> None:
    one = await planned(AWAY, here)
    for _ in range(2):
        await TrafficOperation().carry_out(one, here.reach)
    assert len(here.writes) == 1
    again = await planned(AWAY, here)
    assert again.already
    assert again.changes == ()
    assert TrafficOperation().inverse(again) == ()


async def test_it_is_taken_back_to_the_weights_of_before(here: World) -> None:
    one = await planned(AWAY, here)
    await TrafficOperation().carry_out(one, here.reach)
    (back,) = TrafficOperation().inverse(one)
    assert back == Traffic(weights={CANARY: 10, STABLE: 90}, route=CANARY)
    second = await planned(back, here)
    await TrafficOperation().carry_out(second, here.reach)
    assert (await route(here))["spec"] == canary()[1]["spec"] | {"rules": (await route(here))["spec"]["rules"]}
    assert (await standing(second, here)).words == f"{CANARY} 10 %, {STABLE} 90 %"


async def test_another_s_weights_stop_it(here: World) -> None:
    one = await planned(AWAY, here)
    here.pass_time(5)
    await write(here, [backends(aurora_bridge=50, aurora_bridge_v0=50)])
    with pytest.raises(Changed, match=rf"to {CANARY} 50 %, {STABLE} 50 %, by aurora-tui at 20"):
        await standing(one, here)
    with pytest.raises(Changed):
        await TrafficOperation().carry_out(one, here.reach)


async def test_another_s_edit_elsewhere_in_the_route_does_not_stop_it(here: World) -> None:
    one = await planned(AWAY, here)
    labels = {"metadata": {"labels": {"team": "network"}}}
    await writes.patch(here.as_user(ADMIN), f"{ROUTES}/{CANARY}", labels, PatchType.MERGE)
    await TrafficOperation().carry_out(one, here.reach)
    assert (await standing(one, here)).done
    assert (await route(here))["metadata"]["labels"] == {"team": "network"}


async def test_a_write_between_reading_and_writing_is_a_conflict(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await planned(AWAY, here)
    stale = await route(here)
    labels = {"metadata": {"labels": {"team": "network"}}}
    await writes.patch(here.as_user(ADMIN), f"{ROUTES}/{CANARY}", labels, PatchType.MERGE)

    async def read_before(*_: object) -> Object:
        return stale

    monkeypatch.setattr("aurora_tui.actions.operations.traffic.read", read_before)
    with pytest.raises(ApiError) as conflict:
        await TrafficOperation().carry_out(one, here.reach)
    assert conflict.value.status == 409


async def test_a_route_made_anew_is_another_one(here: World) -> None:
    one = await planned(AWAY, here)
    uid = (await route(here))["metadata"]["uid"]
    await writes.delete(here.as_user(ADMIN), f"{ROUTES}/{CANARY}", uid=uid)
    with pytest.raises(Changed, match="is gone"):
        await standing(one, here)
    here.cluster.apply_manifests(canary()[1:])
    with pytest.raises(Changed, match="created anew"):
        await standing(one, here)


async def test_without_a_route_replicas_alone_divide_the_traffic(here: World) -> None:
    missing = await planned(Traffic(weights=AWAY.weights, route="elsewhere"), here)
    (words,) = missing.refusals
    assert words.startswith(f"there is no HTTPRoute elsewhere in {NAMESPACE}; without it, replicas alone")
    assert missing.subject is None
    assert TrafficOperation().permissions(missing) == ()


async def test_a_backend_that_is_not_there_is_told_with_those_that_are(here: World) -> None:
    one = await planned(Traffic(weights={CANARY: 0, "aurora-bridge-v9": 100}), here)
    assert one.refusals == (f"HTTPRoute {CANARY} has no backend aurora-bridge-v9: its backends are {CANARY}, {STABLE}",)


async def test_a_backend_that_is_not_named_keeps_its_weight(here: World) -> None:
    await write(here, [backends(aurora_bridge=10, aurora_bridge_v0=80, aurora_bridge_backup=10)])
    one = await planned(Traffic(weights={CANARY: 0}), here)
    await TrafficOperation().carry_out(one, here.reach)
    assert [each["weight"] for each in (await route(here))["spec"]["rules"][0]["backendRefs"]] == [0, 80, 10]
    assert {change.what for change in one.changes} == {f"traffic to {name}" for name in (CANARY, STABLE, STANDBY)}


async def test_weights_that_leave_nobody_to_serve_are_refused(here: World) -> None:
    await write(here, [backends(aurora_bridge=10, aurora_bridge_v0=0)])
    one = await planned(Traffic(weights={CANARY: 0}), here)
    assert one.refusals == (f"rule 1 of HTTPRoute {CANARY} would send its traffic nowhere: every weight would be 0",)


async def test_a_weight_left_out_counts_as_one_and_is_then_written(here: World) -> None:
    await write(here, [backends(aurora_bridge=None, aurora_bridge_v0=3)])
    one = await planned(Traffic(weights={CANARY: 0}), here)
    assert one.changes[0] == Change(what=f"traffic to {CANARY}", now="25 %", after="0 %")
    await TrafficOperation().carry_out(one, here.reach)
    assert [each["weight"] for each in (await route(here))["spec"]["rules"][0]["backendRefs"]] == [0, 3]


async def test_every_rule_that_divides_between_them_is_set_and_the_others_are_left_alone(here: World) -> None:
    testers = {"matches": [{"headers": [{"name": "x-tester", "value": "1"}]}], **backends(aurora_bridge=1)}
    await write(
        here,
        [
            testers,
            backends(aurora_bridge=10, aurora_bridge_v0=90),
            backends(aurora_bridge=1, aurora_bridge_backup=1),
            backends(aurora_bridge_v0=1, aurora_bridge=1),
        ],
    )
    one = await planned(AWAY, here)
    assert one.warnings == (
        f"rule 1 of HTTPRoute {CANARY} sends all that it matches to {CANARY}, and is left as it is",
        f"rule 3 of HTTPRoute {CANARY} sends traffic to {CANARY} and has no {STABLE}: it is left as it is",
    )
    assert one.changes[0].what == f"traffic to {CANARY} in rule 2"
    await TrafficOperation().carry_out(one, here.reach)
    rules = (await route(here))["spec"]["rules"]
    assert [[each["weight"] for each in rule["backendRefs"]] for rule in rules] == [[1], [0, 100], [1, 1], [100, 0]]
    # Rules that had different weights have no one step back.
    assert TrafficOperation().inverse(one) == ()


async def test_a_backend_named_twice_is_not_guessed_at(here: World) -> None:
    twice = backends(aurora_bridge=1, aurora_bridge_v0=1)
    twice["backendRefs"].append({"name": CANARY, "port": 81, "weight": 1})
    await write(here, [twice])
    assert "twice" in (await planned(AWAY, here)).refusals[0]


async def test_without_a_name_the_one_route_between_the_backends_is_meant(here: World) -> None:
    reach = without_route_in_settings(here)
    one = await TrafficOperation().plan(AWAY, 1, reach)
    assert one.why == f"HTTPRoute {CANARY} is the only route between these backends"
    await TrafficOperation().carry_out(one, reach)
    assert (await TrafficOperation().standing(one, reach)).done
    second = canary()[1]
    second["metadata"]["name"] = "aurora-too"
    here.cluster.apply_manifests([second])
    several = await TrafficOperation().plan(AWAY, 1, reach)
    assert "HTTPRoute aurora-bridge, HTTPRoute aurora-too. Say which" in several.refusals[0]
    none = await TrafficOperation().plan(Traffic(weights={"x": 0, "y": 1}), 1, reach)
    assert f"no route in {NAMESPACE} divides traffic between x and y" in none.refusals[0]


async def test_what_it_needs_is_what_it_asks_permission_for(here: World) -> None:
    one = await planned(AWAY, here)
    rights = TrafficOperation().permissions(one)
    assert {(right.verb, right.group, right.resource, right.name) for right in rights} == {
        (verb, "gateway.networking.k8s.io", "httproutes", CANARY) for verb in ("get", "patch")
    }
    seeing = dataclasses.replace(here.reach, connection=here.as_user(VIEWER))
    with pytest.raises(ApiError) as denied:
        await TrafficOperation().rehearse(one, seeing)
    assert denied.value.status == 403


# A cluster with a service mesh instead of the Gateway API. The embedded API has no TrafficSplits: one object on a page.


class Mesh:
    """Discovery and one TrafficSplit, guarded by its resourceVersion as the API does."""

    def __init__(self, version: str, first: Any, second: Any) -> None:
        self.served = f"split.smi-spec.io/{version}"
        self.split: Object = {
            "apiVersion": self.served,
            "kind": "TrafficSplit",
            "metadata": {"name": CANARY, "namespace": NAMESPACE, "uid": "u1", "resourceVersion": "7"},
            "spec": {
                "service": "aurora",
                "backends": [{"service": CANARY, "weight": first}, {"service": STABLE, "weight": second}],
            },
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == f"/apis/{self.served}":
            kind = {"name": "trafficsplits", "kind": "TrafficSplit", "namespaced": True, "verbs": ["get", "patch"]}
            return web.json_response({"kind": "APIResourceList", "resources": [kind]})
        if request.path != f"/apis/{self.served}/namespaces/{NAMESPACE}/trafficsplits/{CANARY}":
            return web.Response(status=404, text="404 page not found\n")
        if request.method == "PATCH":
            guard, *operations = await request.json()
            assert guard["path"] == "/metadata/resourceVersion"
            if guard["value"] != self.split["metadata"]["resourceVersion"]:
                return web.json_response({"reason": "Conflict", "message": "modified"}, status=409)
            patched = json_patch(self.split, operations)
            patched["metadata"]["resourceVersion"] = "8"
            if "dryRun" in request.query:
                return web.json_response(patched)
            self.split = patched
        return web.json_response(self.split)


@pytest.mark.parametrize(
    ("version", "first", "second", "shares", "after"),
    [
        ("v1alpha2", 10, 90, ("10 %", "90 %"), [0, 100]),
        ("v1alpha4", 1, 0, ("100 %", "0 %"), [0, 100]),
        ("v1alpha1", "100m", "900m", ("10 %", "90 %"), ["0", "100"]),
    ],
)
async def test_a_traffic_split_is_written_as_a_route_is(
    here: World, version: str, first: Any, second: Any, shares: tuple[str, str], after: list[Any]
) -> None:
    mesh = Mesh(version, first, second)
    async with page(mesh.answer) as url:
        who = User(name="olga", token="t")
        connection = Connection(Access(context="m", cluster="m", server=url, namespace=NAMESPACE, user=who))
        reach = dataclasses.replace(here.reach, connection=connection)
        try:
            one = await TrafficOperation().plan(AWAY, 1, reach)
            assert tuple(change.now for change in one.changes) == shares
            assert str(one.subject) == f"TrafficSplit {CANARY}"
            await TrafficOperation().rehearse(one, reach)
            await TrafficOperation().carry_out(one, reach)
            assert [each["weight"] for each in mesh.split["spec"]["backends"]] == after
            assert (await TrafficOperation().standing(one, reach)).done
            # A runbook's weights are whole numbers: what was a broken one has no step back.
            assert bool(TrafficOperation().inverse(one)) is not version.endswith("1")
        finally:
            await connection.close()


async def test_a_cluster_with_neither_says_that_replicas_divide_the_traffic(here: World) -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="404 page not found\n")

    async with page(nothing) as url:
        who = User(name="olga", token="t")
        connection = Connection(Access(context="m", cluster="m", server=url, namespace=NAMESPACE, user=who))
        try:
            one = await TrafficOperation().plan(AWAY, 1, dataclasses.replace(here.reach, connection=connection))
        finally:
            await connection.close()
    assert one.refusals[0].startswith("this cluster has neither HTTPRoutes nor TrafficSplits; without it, replicas")


def test_a_share_is_never_told_as_nothing_or_all_when_it_is_not() -> None:
    assert weights.percent({"a": 1, "b": 99_999}, "a") == "< 0.1 %"
    assert weights.percent({"a": 1, "b": 99_999}, "b") == "> 99.9 %"
    assert weights.percent({"a": 1, "b": 2}, "a") == "33.3 %"
    assert weights.percent({"a": 0, "b": 0}, "a") == "0 %"


def test_a_weight_that_is_none_is_said_so() -> None:
    split = {"spec": {"backends": [{"service": "a", "weight": "lots"}]}}
    with pytest.raises(Unreadable, match="lots is not a weight"):
        weights.rules_of("TrafficSplit", split)
