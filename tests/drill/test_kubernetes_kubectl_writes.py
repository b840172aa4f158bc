"""The real kubectl writes to the embedded API unchanged: it applies, creates, evicts and deletes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.drill.kubernetes.kinds import DISRUPTION_BUDGET
from tests.contract.kubernetes_recordings import comparable, exchanges
from tests.drill.clusters import NAMESPACE, deployment, namespace
from tests.drill.kubectl import BRIDGE, PATIENCE, Kubectl, kubectl_for

pytestmark = pytest.mark.needs("kubectl")


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    async with kubectl_for(tmp_path) as ready:
        yield ready


@pytest.fixture
async def slower(tmp_path: Path) -> AsyncIterator[Kubectl]:
    """kubectl on a cluster that is slow enough for it to say all it has to say before anything has happened."""
    async with kubectl_for(tmp_path, speed=2.0) as ready:
        yield ready


def web(image: str, **labels: str) -> dict[str, Any]:
    made = deployment(image, replicas=2, name="web")
    return {**made, "metadata": {**made["metadata"], "labels": labels}} if labels else made


async def image_of(kubectl: Kubectl, name: str = "web") -> str:
    return await kubectl("get", f"deployment/{name}", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


async def test_apply_creates_changes_and_takes_away_what_is_no_longer_said(kubectl: Kubectl) -> None:
    assert "web created" in await kubectl("apply", "-f", kubectl.file("web.json", web("nginx:1", a="b")))
    changed = kubectl.file("web.json", web("nginx:2"))
    assert "web configured (server dry run)" in await kubectl("apply", "--dry-run=server", "-f", changed)
    assert await image_of(kubectl) == "nginx:1"
    assert "web configured" in await kubectl("apply", "-f", changed)
    assert await image_of(kubectl) == "nginx:2"
    assert await kubectl("get", "deployment/web", "-o", "jsonpath={.metadata.labels}") == ""
    assert "web unchanged" in await kubectl("apply", "-f", changed)


async def test_diff_shows_what_apply_would_change(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file("web.json", web("nginx:1")))
    process = await kubectl.start("diff", "-f", kubectl.file("web.json", web("nginx:2")))
    out, _ = await process.communicate()
    assert process.returncode == 1
    assert b"-      - image: nginx:1\n+      - image: nginx:2\n" in out
    assert await kubectl("diff", "-f", kubectl.file("web.json", web("nginx:1"))) == ""


async def test_server_side_apply_owns_conflicts_and_is_forced(kubectl: Kubectl) -> None:
    mine = kubectl.file("web.json", web("nginx:1"))
    assert "web serverside-applied" in await kubectl("apply", "--server-side", "-f", mine)
    theirs = kubectl.file("web.json", web("nginx:2"))
    apply = ("apply", "--server-side", "--field-manager=other", "-f", theirs)
    wrong = await kubectl(*apply, fails=True)
    assert 'Apply failed with 2 conflicts: conflicts with "kubectl":' in wrong
    assert '- .spec.template.spec.containers[name="bridge"].image' in wrong
    await kubectl(*apply, "--force-conflicts", "--dry-run=server")
    assert await image_of(kubectl) == "nginx:1"
    await kubectl(*apply, "--force-conflicts")
    assert await image_of(kubectl) == "nginx:2"
    owners = await kubectl("get", "deployment/web", "--show-managed-fields", "-o", "json")
    found = {entry["manager"]: entry for entry in json.loads(owners)["metadata"]["managedFields"]}
    bridge = 'k:{"name":"bridge"}'
    inside = {
        name: entry["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"][bridge]
        for name, entry in found.items()
        if "f:spec" in entry["fieldsV1"]
    }
    assert "f:image" in inside["other"]
    assert "f:image" not in inside["kubectl"]


async def test_what_was_applied_by_the_client_goes_on_being_applied_by_the_server(kubectl: Kubectl) -> None:
    await kubectl("apply", "-f", kubectl.file("web.json", web("nginx:1")))
    await kubectl("apply", "--server-side", "-f", kubectl.file("web.json", web("nginx:1")))
    await kubectl("apply", "--server-side", "-f", kubectl.file("web.json", web("nginx:2")))
    assert await image_of(kubectl) == "nginx:2"


async def test_a_field_nobody_knows_is_refused_or_warned_of(kubectl: Kubectl) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "typo"}, "dta": {"a": "b"}}
    typo = kubectl.file("typo.json", config)
    assert 'strict decoding error: unknown field "dta"' in await kubectl("apply", "-f", typo, fails=True)
    process = await kubectl.start("apply", "--validate=warn", "-f", typo)
    out, warned = await process.communicate()
    assert (process.returncode, out) == (0, b"configmap/typo created\n")
    assert b'Warning: unknown field "dta"' in warned


async def test_create_makes_what_it_is_told_to(kubectl: Kubectl) -> None:
    await asyncio.gather(
        kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=2", "--port=80"),
        kubectl("create", "configmap", "settings", "--from-literal=a=b"),
        kubectl("create", "secret", "generic", "key", "--from-literal=a=b"),
        kubectl("create", "namespace", "elsewhere"),
        kubectl("create", "-f", kubectl.file("made.json", web("nginx:1") | {"metadata": {"name": "made"}})),
    )
    made = json.loads(await kubectl("get", "deployment/web", "-o", "json"))
    assert made["spec"]["replicas"] == 2
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert await kubectl("get", "secret/key", "-o", "jsonpath={.data.a}") == "Yg=="
    assert await kubectl("get", "configmap/settings", "-o", "jsonpath={.data.a}") == "b"


async def test_drain_waits_for_a_budget_and_goes_on_without_it(kubectl: Kubectl) -> None:
    await kubectl("create", "poddisruptionbudget", "bridge", "--selector=app=aurora-bridge", "--min-available=3")
    (budget,) = kubectl.cluster.store.entries(DISRUPTION_BUDGET)
    key = budget.thing["metadata"]["namespace"], budget.thing["metadata"]["name"]
    await kubectl.until(
        lambda: kubectl.cluster.registry.find(DISRUPTION_BUDGET, *key).thing["status"]["expectedPods"] == 3
    )
    node = kubectl.cluster.pods(NAMESPACE)[0]["spec"]["nodeName"]
    draining = await kubectl.start("drain", node, f"--timeout={PATIENCE:.0f}s")
    assert draining.stdout is not None
    assert draining.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while b"Cannot evict pod as it would violate the pod's disruption budget" not in (
            said := await draining.stderr.readline()
        ):
            assert said, "it ended without a word of the budget"
        await kubectl("delete", "pdb", "bridge")
        assert f"node/{node} drained" in (await draining.stdout.read()).decode()
    assert await draining.wait() == 0


async def test_an_autoscaler_keeps_a_size_within_its_bounds(kubectl: Kubectl) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "aurora-bridge"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "bridge"},
        "spec": {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4},
    }
    await kubectl("apply", "-f", kubectl.file("hpa.json", scaler))
    await kubectl("scale", BRIDGE, "--replicas=1")
    await kubectl.until(lambda: (kubectl.cluster.deployment(NAMESPACE, "aurora-bridge") or {})["spec"]["replicas"] == 2)
    shown = (await kubectl("get", "hpa")).splitlines()[1].split()
    assert shown[:6] == ["bridge", "Deployment/aurora-bridge", "cpu:", "<unknown>/80%", "2", "4"]
    assert "SuccessfulRescale" in await kubectl("describe", "hpa", "bridge")


async def test_autoscale_makes_one_that_is_read_in_both_versions(kubectl: Kubectl) -> None:
    said = await kubectl("autoscale", BRIDGE, "--min=2", "--max=4", "--cpu-percent=70")
    assert said == "horizontalpodautoscaler.autoscaling/aurora-bridge autoscaled\n"
    shown = (await kubectl("get", "hpa")).splitlines()[1].split()
    assert shown[:6] == ["aurora-bridge", "Deployment/aurora-bridge", "cpu:", "<unknown>/70%", "2", "4"]
    goal = "jsonpath={.apiVersion} {.spec.targetCPUUtilizationPercentage}"
    assert (
        await kubectl("get", "horizontalpodautoscalers.v1.autoscaling", "aurora-bridge", "-o", goal)
        == "autoscaling/v1 70"
    )
    assert "deleted" in await kubectl("delete", "horizontalpodautoscalers.v1.autoscaling", "aurora-bridge")


def recorded(number: str, method: str) -> list[dict[str, Any]]:
    """The requests of a recording that kubectl sent."""
    found = [e["request"] for e in exchanges(number) if e["label"].startswith("kubectl")]
    return [request for request in found if request["method"] == method]


def form(request: dict[str, Any]) -> tuple[str, list[str], str | None, Any]:
    """A recorded request's path and body, as comparable as those noted here."""
    path, _, query = request["path"].partition("?")
    return (
        path,
        sorted(part.partition("=")[0] for part in query.split("&") if part),
        request["headers"].get("Content-Type"),
        _shape(request["body"]),
    )


def _shape(body: Any) -> Any:
    """What a body says, names and images aside."""
    if isinstance(body, dict):
        return {key: _shape(value) for key, value in sorted(body.items())}
    if isinstance(body, list):
        return [_shape(item) for item in body]
    return type(comparable(body)).__name__


async def test_its_writes_are_the_recorded_ones(kubectl: Kubectl) -> None:
    await kubectl("set", "image", BRIDGE, "bridge=aurora/bridge:3")
    await kubectl("annotate", BRIDGE, "kubernetes.io/change-cause=third", "--overwrite")
    await kubectl("scale", BRIDGE, "--replicas=0")
    here = [
        (asked["path"], sorted(asked["query"]), asked["media"], _shape(asked["body"]))
        for asked in kubectl.asked
        if asked["method"] == "PATCH"
    ]
    theirs = [form(request) for request in recorded("02", "PATCH")]
    assert len(here) == 3
    assert all(request in theirs for request in here)


async def test_delete_k_deletes_as_recorded_namespace_first(slower: Kubectl) -> None:
    kubectl = slower
    overlay = kubectl.home / "overlay"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": NAMESPACE}}
    kubectl.file("overlay/all.json", namespace(), config, deployment("aurora/bridge:2"))
    (overlay / "kustomization.yaml").write_text("resources: [all.json]\n")
    await kubectl("apply", "-k", str(overlay))
    kubectl.asked.clear()
    said = await kubectl("delete", "-k", str(overlay), f"--timeout={PATIENCE / 2:.0f}s")
    assert [line.split()[0] for line in said.splitlines()] == ["namespace", "configmap", "deployment.apps"]
    here = [asked for asked in kubectl.asked if asked["method"] == "DELETE"]
    theirs = {request["path"].split("/")[-2]: request for request in recorded("09", "DELETE")}
    for asked in here:
        request = theirs[asked["path"].split("/")[-2]]
        assert (asked["media"], asked["body"]) == (request["headers"]["Content-Type"], request["body"])
    assert kubectl.cluster.pods(NAMESPACE) == []
