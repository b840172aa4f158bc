"""Manifests: rendered from files alone, and applied as the API says they would be."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.actions.operation import Changed
from aurora_tui.actions.operations.manifests import ApplyOperation
from aurora_tui.actions.operations.removal import DeleteOperation
from aurora_tui.actions.operations.rendering import Rendered, render
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import PatchType, create, patch, read
from aurora_tui.situation.runbook import Apply, Delete
from tests.actions.typed import typed
from tests.actions.worlds import ADMIN, VIEWER, World, world

APPLY = ApplyOperation()
K8S = Path(__file__).resolve().parents[2] / "ops" / "k8s"
HOME = f"/api/v1/namespaces/{NAMESPACE}"
ROUTE = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes/{CANARY}"
Object = dict[str, Any]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, user=ADMIN) as made:
        yield made


def config(name: str = "made", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data or {"a": "1"}}


def file(folder: Path, *things: Object, name: str = "things.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump_all(things))
    return path


async def planned(here: World, path: Path) -> PlannedStep:
    return await APPLY.plan(Apply(path=str(path)), 1, here.reach)


async def told(path: Path) -> str:
    with pytest.raises(AuroraError) as wrong:
        await render(path)
    return str(wrong.value)


# ── Rendering ──


async def test_a_file_of_plain_yaml_needs_no_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = file(tmp_path, config("a"), config("b"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert await render(path) == Rendered(path=path, objects=(config("a"), config("b")), sha256=digest, flag="-f")


async def test_a_folder_of_plain_yaml_is_read_by_name(tmp_path: Path) -> None:
    file(tmp_path, config("b"), name="2.yml")
    file(tmp_path, config("a"), name="1.yaml")
    (tmp_path / "README.md").write_text("no manifest")
    rendered = await render(tmp_path)
    assert [one["metadata"]["name"] for one in rendered.objects] == ["a", "b"]


async def test_a_list_is_its_items(tmp_path: Path) -> None:
    path = file(tmp_path, {"apiVersion": "v1", "kind": "List", "items": [config("a"), config("b")]})
    assert len((await render(path)).objects) == 2


async def test_a_kustomization_without_kubectl_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = await told(K8S / "overlays" / "drill")
    assert "kubectl, which renders it, is not on PATH. Install kubectl" in words


@pytest.mark.needs("kubectl")
async def test_a_kustomization_is_what_kubectl_makes_of_it() -> None:
    folder = K8S / "overlays" / "production"
    kubectl = await asyncio.create_subprocess_exec("kubectl", "kustomize", str(folder), stdout=asyncio.subprocess.PIPE)
    text = (await kubectl.communicate())[0]
    rendered = await render(folder)
    assert rendered.sha256 == hashlib.sha256(text).hexdigest()
    assert rendered.objects == tuple(yaml.safe_load_all(text))
    assert rendered.flag == "-k"


@pytest.mark.needs("kubectl")
async def test_a_broken_overlay_is_told_in_kubectl_s_words(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    words = await told(tmp_path)
    assert words.startswith(f"kubectl kustomize {tmp_path} failed: ")
    assert "nothing.yaml" in words


@pytest.mark.needs("kubectl")
async def test_an_overlay_that_would_be_fetched_from_elsewhere_fails_at_once(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: ['https://aurora.example/base.yaml']\n")
    assert "127.0.0.1:9" in await told(tmp_path)


async def test_a_kubectl_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.actions.operations.rendering.SECONDS", 0.5)
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    assert "took longer than" in await told(tmp_path)
    if (tmp_path / "pid").exists():  # on a machine so busy that it never began, nothing is left either
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no object at all"),
        ("a: [", "is not readable YAML"),
        ("kind: ConfigMap\nmetadata: {name: a}", "without apiVersion, kind or name"),
        ("- 1", "without apiVersion, kind or name"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: b}", "'name' stands twice"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\n"
         "metadata: {name: a}", "holds ConfigMap a twice"),
    ],
)  # fmt: skip
async def test_what_is_no_manifest_is_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert words in await told(path)


async def test_texts_that_look_like_dates_and_times_stay_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {d: 2026-01-03, t: 12:30:00, n: 12}")
    assert (await render(path)).objects[0]["data"] == {"d": "2026-01-03", "t": "12:30:00", "n": 12}


# ── Applying ──


async def test_the_plan_shows_what_would_be_created_changed_and_left(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("left"))
    await create(here.connection, f"{HOME}/configmaps", config("owned"))
    step = await planned(here, file(here.folder, config("new"), config("left"), config("owned", a="1", b="2")))
    assert {(one.what, one.now, one.after) for one in step.changes} == {
        ("ConfigMap new", "not there", "created"),
        ("ConfigMap left", "there", "as it is"),
        ("ConfigMap owned", "there", "changed"),
    }
    assert [line for line in step.diff if line.startswith(("+ ", "- "))] == ["+  b: '2'"]
    assert not step.refusals
    assert not here.writes[2:]


async def test_the_canary_s_traffic_split_is_applied(here: World) -> None:
    await here.connection.request("DELETE", ROUTE)
    step = await planned(here, K8S / "canary" / "traffic-split.yaml")
    assert not (await APPLY.standing(step, here.reach)).done
    await APPLY.rehearse(step, here.reach)
    await APPLY.carry_out(step, here.reach)
    assert (await APPLY.standing(step, here.reach)).done
    route = await read(here.connection, ROUTE)
    assert route is not None
    assert [one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]] == [10, 90]
    write = here.writes[-1]
    assert (write.query["fieldManager"], write.query.get("force")) == ("aurora-tui", None)


async def test_applied_again_nothing_is_written(here: World) -> None:
    path = file(here.folder, config())
    step = await planned(here, path)
    await APPLY.carry_out(step, here.reach)
    so_far = len(here.writes)
    await APPLY.carry_out(step, here.reach)
    assert len(here.writes) == so_far
    assert (await planned(here, path)).already


async def test_a_field_that_another_one_owns_is_refused_and_named(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("theirs"))
    step = await planned(here, file(here.folder, config("theirs", a="2")))
    (refusal,) = step.refusals
    assert refusal.startswith("ConfigMap theirs: ")
    assert ".data.a" in refusal


async def test_a_guard_is_sent_so_that_a_write_in_between_is_noticed(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("guarded"))
    step = await planned(here, file(here.folder, config("guarded", a="1", b="2")))
    await APPLY.carry_out(step, here.reach)
    live = await read(here.connection, f"{HOME}/configmaps/guarded")
    assert live is not None
    assert int(json.loads(here.writes[-1].body)["metadata"]["resourceVersion"]) < int(
        live["metadata"]["resourceVersion"]
    )


async def test_what_another_one_changed_after_the_approval_stops_it(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("moved"))
    step = await planned(here, file(here.folder, config("moved", a="1", b="2")))
    await patch(here.connection, f"{HOME}/configmaps/moved", {"data": {"c": "3"}}, PatchType.MERGE)
    with pytest.raises(Changed, match="ConfigMap moved was changed by another"):
        await APPLY.carry_out(step, here.reach)


async def test_what_was_created_anew_after_the_approval_stops_it(here: World) -> None:
    await create(here.connection, f"{HOME}/configmaps", config("anew"))
    step = await planned(here, file(here.folder, config("anew", a="1", b="2")))
    await here.connection.request("DELETE", f"{HOME}/configmaps/anew")
    await create(here.connection, f"{HOME}/configmaps", config("anew"))
    with pytest.raises(Changed, match="ConfigMap anew was deleted and created anew"):
        await APPLY.standing(step, here.reach)


async def test_a_file_that_was_changed_after_the_approval_stops_it(here: World) -> None:
    path = file(here.folder, config())
    step = await planned(here, path)
    file(here.folder, config(a="evil"))
    with pytest.raises(Changed, match="is not what was approved"):
        await APPLY.carry_out(step, here.reach)
    assert await read(here.connection, f"{HOME}/configmaps/made") is None


async def test_secrets_are_in_no_plan(here: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "b2xk"}}
    await create(here.connection, f"{HOME}/secrets", secret)
    step = await planned(here, file(here.folder, {**secret, "data": {"k": "b2xk", "more": "bmV3"}}))
    assert any("more: SHA-256" in line for line in step.diff)
    assert "bmV3" not in str(step)
    assert "b2xk" not in str(step)


async def test_a_rehearsal_applies_nothing(here: World) -> None:
    step = await planned(here, file(here.folder, config()))
    await APPLY.rehearse(step, here.reach)
    assert not here.writes


async def test_who_may_not_apply_is_refused_in_the_plan(here: World) -> None:
    reach = dataclasses.replace(here.reach, connection=here.as_user(VIEWER))
    step = await APPLY.plan(Apply(path=str(file(here.folder, config()))), 1, reach)
    (refusal,) = step.refusals
    assert "forbidden" in refusal
    assert [(one.verb, one.resource, one.name) for one in APPLY.permissions(step)] == [
        ("get", "configmaps", "made"), ("patch", "configmaps", "made"), ("create", "configmaps", ""),
    ]  # fmt: skip


async def test_what_was_all_new_is_taken_back_by_deleting_it(here: World) -> None:
    path = file(here.folder, config())
    step = await planned(here, path)
    assert APPLY.inverse(step) == (Delete(path=str(path), limit=step.step.limit),)
    await APPLY.carry_out(step, here.reach)
    assert APPLY.inverse(await planned(here, file(here.folder, config(), config("more")))) == ()


# ── Against kubectl ──


@pytest.mark.needs("kubectl")
async def test_what_kubectl_delete_k_would_delete_is_what_we_delete(here: World) -> None:
    step = await DeleteOperation().plan(Delete(path=str(K8S / "overlays" / "{environment}")), 1, here.reach)
    kubectl = await asyncio.create_subprocess_exec(
        "kubectl", "delete", "-k", str(K8S / "overlays" / "drill"), "--dry-run=server", "-o", "name",
        env={**os.environ, "KUBECONFIG": str(here.kubeconfig)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    names = (await kubectl.communicate())[0].decode().split()
    objects = step.before["objects"]
    ours = [f"{one['kind'].lower()}{''.join(one['resource'].partition('.')[1:])}/{one['name']}" for one in objects]
    assert sorted(names) == sorted(ours)
    assert {one["uid"] for one in objects} == {
        thing["metadata"]["uid"]
        for thing in [
            *(here.deployment(name) for name in (CANARY, STABLE, f"{CANARY}-backup")),
            *[
                await read(here.connection, f"{HOME}/services/{name}") or {}
                for name in (CANARY, STABLE, f"{CANARY}-backup")
            ],
            await read(here.connection, ROUTE) or {},
        ]
    }


@pytest.mark.needs("kubectl")
async def test_what_a_person_would_type_does_the_same(here: World) -> None:
    step = await planned(here, file(here.folder, config(), name="the manifests.yaml"))
    assert "configmap/made serverside-applied" in await typed(step.kubectl, here)
    assert (await APPLY.standing(step, here.reach)).done


async def test_an_api_in_trouble_is_no_refusal(here: World) -> None:
    step = await planned(here, file(here.folder, config()))
    await here.stop()
    with pytest.raises(AuroraError) as wrong:
        await APPLY.standing(step, here.reach)
    assert not isinstance(wrong.value, (Changed, ApiError))
