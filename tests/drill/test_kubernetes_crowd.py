"""A crowd for measuring: thousands of pods at once, and changes of them at a given rate."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import pytest

from aurora_tui.drill.kubernetes import crowd
from aurora_tui.drill.kubernetes.kinds import EVENT, NODE, POD, REPLICA_SET, Kind
from aurora_tui.drill.kubernetes.store import Entry
from tests.drill.clusters import NAMESPACE, StoppedCluster


def test_a_crowd_is_there_ready_and_old_when_seeded() -> None:
    cluster = StoppedCluster()
    crowd.seed(cluster, pods=130, deployments=4)
    pods = cluster.ready_pods(NAMESPACE, {"part-of": "crowd"})
    assert len(pods) == 130
    assert {pod["metadata"]["creationTimestamp"] for pod in pods} == {"2025-12-31T22:00:00Z"}
    sizes = [cluster.deployment(NAMESPACE, f"crowd-{n:02d}")["status"]["availableReplicas"] for n in range(4)]  # type: ignore[index]
    assert sizes == [33, 33, 32, 32]
    assert cluster.store.entries(EVENT) == []


def test_a_crowd_brings_the_nodes_it_needs() -> None:
    cluster = StoppedCluster()
    crowd.seed(cluster, pods=650, deployments=5)
    loads: dict[str, int] = {}
    for pod in cluster.pods(NAMESPACE):
        loads[pod["spec"]["nodeName"]] = loads.get(pod["spec"]["nodeName"], 0) + 1
    assert len(cluster.store.entries(NODE)) == 7
    assert max(loads.values()) <= 200


async def changes(rate: float, seconds: int, seed: int) -> list[tuple[str, str]]:
    """What pods of a crowd do in so many seconds of churn: their names and what became of them."""
    cluster = StoppedCluster()
    crowd.seed(cluster, pods=200, deployments=2)
    told: list[tuple[str, str]] = []

    def tell(type_: str, kind: str, thing: dict[str, Any]) -> None:
        if kind == "Pod":
            status = thing["status"]["containerStatuses"][0]
            told.append((thing["metadata"]["name"], f"{type_} {status['ready']} {status['restartCount']}"))

    async def step(world_seconds: float) -> None:
        cluster.pass_time(world_seconds)
        if cluster.now() >= end:
            cluster.closed = True

    end = cluster.now() + seconds
    cluster.sleep = step  # type: ignore[assignment]
    cluster.listen(tell)
    with suppress(asyncio.CancelledError):
        await crowd.churn(cluster, rate, seed=seed)
    return told


async def test_churn_changes_pods_at_the_rate_asked_for_and_lets_them_recover() -> None:
    told = await changes(rate=50, seconds=20, seed=0)
    assert 0.8 * 50 * 20 <= len(told) <= 1.1 * 50 * 20
    assert {type_.split()[0] for _, type_ in told} == {"MODIFIED"}
    last = dict(told)
    assert sum(state.split()[1] == "True" for state in last.values()) > len(last) / 2
    assert any(state.endswith(" 1") for state in last.values())


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_same_seed_makes_the_same_churn(seed: int) -> None:
    first = await changes(rate=20, seconds=5, seed=seed)
    assert first == await changes(rate=20, seconds=5, seed=seed)
    assert first != await changes(rate=20, seconds=5, seed=seed + 2)


def cpu_of_seeding(pods: int) -> float:
    """Processor seconds that a crowd takes from manifests to Ready, with every Event of it."""
    cluster = StoppedCluster()
    began = time.process_time()
    crowd.seed(cluster, pods=pods, deployments=10, age=0)
    cluster.pass_time(60)
    spent = time.process_time() - began
    assert len(cluster.ready_pods(NAMESPACE, {"part-of": "crowd"})) == pods
    return spent


@pytest.mark.slow
def test_four_times_the_pods_take_some_four_times_the_work() -> None:
    small = min(cpu_of_seeding(500) for _ in range(3))
    large = min(cpu_of_seeding(2000) for _ in range(3))
    assert large < 8 * small  # quadratic: sixteen times


def test_a_status_report_costs_no_look_at_the_other_pods() -> None:
    cluster = StoppedCluster()
    crowd.seed(cluster, pods=300, deployments=1)
    lists = 0
    entries = cluster.store.entries

    def counted(kind: Kind, *namespace: str) -> list[Entry]:
        nonlocal lists
        lists += kind in (POD, REPLICA_SET)
        return entries(kind, *namespace)

    cluster.store.entries = counted  # type: ignore[method-assign]
    for pod in cluster.pods(NAMESPACE)[:50]:
        cluster.kubelets.unready((NAMESPACE, pod["metadata"]["name"]), 1.0)
    cluster.pass_time(30)
    assert len(cluster.ready_pods(NAMESPACE, {})) == 300
    assert lists <= 2  # the test's own
