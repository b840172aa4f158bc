"""Reading objects raw and writing them guarded: what is asked of the API, and what each refusal becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from aurora_tui.kube.errors import ApiError, Unreachable, Unreadable
from aurora_tui.kube.writes import Object, PatchType, create, delete, patch, read, read_all, replace
from tests.drill.clusters import NAMESPACE
from tests.kube.api_server import ApiServer, hangs, page
from tests.kube.embedded import Desk, connection_to, desk

BRIDGE = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/aurora-bridge"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


@pytest.fixture
async def here() -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made


async def the(here: Desk, path: str) -> Object:
    found = await read(here.operator, path)
    assert found is not None
    return found


def config_map(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_what_is_not_there_is_none(here: Desk) -> None:
    assert await read(here.operator, f"{BRIDGE}-x") is None


async def test_a_page_that_is_not_there_is_no_word_on_the_object() -> None:
    async with ApiServer() as server:
        server.always[BRIDGE] = page(404, "<html><title>Not Found</title></html>")
        server.always["list"] = page(404, "<html><title>Not Found</title></html>")
        connection = connection_to(server.url, "t")
        with pytest.raises(ApiError, match="Not Found"):
            await read(connection, BRIDGE)
        await connection.close()


async def test_a_collection_is_read_whole_page_by_page(here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.kube.writes._PAGE", 2)
    pods = await read_all(here.operator, PODS)
    assert len({pod["metadata"]["uid"] for pod in pods}) == 3
    assert await read_all(here.operator, PODS, "app=another") == []
    assert len(await read_all(here.operator, PODS, "app=aurora-bridge")) == 3


async def test_an_object_created_replaced_patched_and_deleted(here: Desk) -> None:
    path = f"{MAPS}/one"
    made = await create(here.operator, MAPS, config_map("one", a="1"))
    assert made["metadata"]["managedFields"][0]["manager"] == "aurora-tui"
    replaced = await replace(here.operator, path, {**made, "data": {"a": "2"}})
    assert replaced["data"] == {"a": "2"}
    patched = await patch(here.operator, path, {"data": {"b": "3"}}, PatchType.MERGE)
    assert patched["data"] == {"a": "2", "b": "3"}
    json = [{"op": "remove", "path": "/data/a"}]
    assert (await patch(here.operator, path, json, PatchType.JSON))["data"] == {"b": "3"}
    await delete(here.operator, path, uid=made["metadata"]["uid"])
    assert await read(here.operator, path) is None


async def test_a_dry_run_answers_as_if_and_keeps_nothing(here: Desk) -> None:
    before = await the(here, BRIDGE)
    uid = before["metadata"]["uid"]
    answer = await patch(here.operator, BRIDGE, {"spec": {"replicas": 7}}, PatchType.MERGE, dry_run=True)
    assert answer["spec"]["replicas"] == 7
    assert (await replace(here.operator, BRIDGE, {**before, "spec": answer["spec"]}, dry_run=True))["spec"] == answer[
        "spec"
    ]
    assert (await create(here.operator, MAPS, config_map("one"), dry_run=True))["metadata"]["name"] == "one"
    await delete(here.operator, BRIDGE, uid=uid, dry_run=True)
    assert await the(here, BRIDGE) == before
    assert await read_all(here.operator, MAPS) == []


async def test_a_guarded_write_to_what_has_changed_is_409(here: Desk) -> None:
    before = await the(here, BRIDGE)
    await patch(here.admin, BRIDGE, {"metadata": {"labels": {"touched": "yes"}}}, PatchType.MERGE)
    version = before["metadata"]["resourceVersion"]
    guarded: list[Any] = [
        replace(here.operator, BRIDGE, before),
        patch(here.operator, BRIDGE, {"metadata": {"resourceVersion": version}}, PatchType.MERGE),
        patch(
            here.operator,
            BRIDGE,
            [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}],
            PatchType.JSON,
        ),
        delete(here.operator, BRIDGE, uid=before["metadata"]["uid"], version=version),
        delete(here.operator, BRIDGE, uid="another"),
    ]
    for write in guarded:
        with pytest.raises(ApiError) as caught:
            await write
        assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    assert await read(here.operator, BRIDGE) is not None


async def test_a_field_that_nobody_knows_is_refused_before_it_is_lost(here: Desk) -> None:
    with pytest.raises(ApiError, match=r'unknown field "spec\.replicaz"') as caught:
        await patch(here.operator, BRIDGE, {"spec": {"replicaz": 3}}, PatchType.MERGE)
    assert caught.value.status == 422
    assert len(caught.value.what) < 600  # the server quotes the whole object


async def test_a_pod_is_deleted_with_its_grace_or_at_once(here: Desk) -> None:
    slow, quick, _ = await read_all(here.operator, PODS)
    await delete(here.operator, f"{PODS}/{slow['metadata']['name']}", uid=slow["metadata"]["uid"])
    leaving = await the(here, f"{PODS}/{slow['metadata']['name']}")
    assert leaving["metadata"]["deletionGracePeriodSeconds"] == 30
    await delete(here.operator, f"{PODS}/{quick['metadata']['name']}", uid=quick["metadata"]["uid"], grace=0)
    assert await read(here.operator, f"{PODS}/{quick['metadata']['name']}") is None


async def test_what_hangs_on_an_object_may_be_left_alone(here: Desk) -> None:
    before = await the(here, BRIDGE)
    await delete(here.operator, BRIDGE, uid=before["metadata"]["uid"], propagation="Orphan")
    here.cluster.pass_time(60)
    assert await read(here.operator, BRIDGE) is None
    assert len(await read_all(here.operator, PODS)) == 3


async def test_a_missing_right_names_itself(here: Desk) -> None:
    with pytest.raises(ApiError, match='User "vic" cannot patch resource "deployments"') as caught:
        await patch(here.viewer, BRIDGE, {}, PatchType.MERGE, dry_run=True)
    assert caught.value.status == 403


async def test_a_write_that_is_not_answered_ends_in_time() -> None:
    async with ApiServer() as server:
        server.always["list"] = server.always[BRIDGE] = hangs
        connection = connection_to(server.url, "t")
        with pytest.raises(Unreachable):
            await patch(connection, BRIDGE, {}, PatchType.MERGE, seconds=0.2)
        with pytest.raises(Unreachable):
            await read(connection, BRIDGE, seconds=0.2)
        await connection.close()


async def test_an_answer_that_is_no_object_is_unreadable() -> None:
    async with ApiServer() as server:
        server.always["list"] = server.always[BRIDGE] = page(200, "<html>login</html>")
        connection = connection_to(server.url, "t")
        with pytest.raises(Unreadable, match="web page"):
            await patch(connection, BRIDGE, {}, PatchType.MERGE)
        await connection.close()
