"""The bundled manifests: what an environment's overlay holds, and that the drill's cluster holds the same."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.drill.manifests import before_canary, canary
from aurora_tui.settings import load
from aurora_tui.situation.runbook import Delete, Snapshot

K8S = Path(__file__).resolve().parents[2] / "ops" / "k8s"
Object = dict[str, Any]


def rendered(environment: str) -> list[Object]:
    command = ["kubectl", "kustomize", str(K8S / "overlays" / environment)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(run.stdout))


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def drilled() -> dict[tuple[str, str], Object]:
    """What the drill's cluster holds once its canary has begun."""
    return by_name([*before_canary(), *canary()])


@pytest.mark.needs("kubectl")
def test_a_halt_of_the_drill_takes_what_lives_there_but_the_namespace() -> None:
    there, overlay = drilled(), by_name(rendered("drill"))
    assert there.keys() - overlay.keys() == {("Namespace", "aurora-production")}
    for key, one in overlay.items():
        if one["kind"] == "HTTPRoute":  # before a canary all traffic is the stable version's
            continue
        assert one == there[key]


@pytest.mark.needs("kubectl")
def test_the_drill_plays_production() -> None:
    assert rendered("drill") == rendered("production")


@pytest.mark.needs("kubectl")
def test_staging_is_production_in_another_namespace() -> None:
    moved = [{**one, "metadata": {**one["metadata"], "namespace": "aurora-staging"}} for one in rendered("production")]
    assert rendered("staging") == moved


@pytest.mark.needs("kubectl")
def test_without_a_canary_the_stable_version_has_all_the_traffic() -> None:
    route = by_name(rendered("production"))["HTTPRoute", "aurora-bridge"]
    (rule,) = route["spec"]["rules"]
    assert {one["name"]: one["weight"] for one in rule["backendRefs"]} == {"aurora-bridge": 0, "aurora-bridge-v0": 100}


def test_the_canary_s_traffic_split_is_the_drill_s() -> None:
    split = yaml.safe_load((K8S / "canary" / "traffic-split.yaml").read_text())
    assert split == drilled()["HTTPRoute", "aurora-bridge"]


def test_halt_keeps_and_deletes_the_overlay_of_the_environment_beside_the_mission_file() -> None:
    halt = next(one for one in load().mission.runbook if one.id == "halt")
    overlay = str(K8S / "overlays" / "{environment}")
    assert halt.step == (Snapshot(path=overlay), Delete(path=overlay))


def test_every_environment_with_a_cluster_has_an_overlay() -> None:
    for name, environment in load().mission.environments.items():
        if environment.cluster is not None:
            assert (K8S / "overlays" / name / "kustomization.yaml").is_file()
