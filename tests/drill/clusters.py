"""An embedded cluster under a clock that the test moves, and the objects it is filled with."""

from __future__ import annotations

import asyncio
from typing import Any

from aurora_tui.drill.kubernetes import Cluster

Object = dict[str, Any]
NAMESPACE = "aurora-production"
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


class Moments:
    """World time that passes only when `pass_time` says so."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> float:
        return self.moment


async def _never(seconds: float) -> None:
    await asyncio.Event().wait()


class StoppedCluster(Cluster):
    """A cluster whose controllers live while the test lets time pass."""

    def __init__(self, seed: int = 1, nodes: int = 3) -> None:
        self.moments = Moments()
        super().__init__(self.moments.now, _never, seed, nodes)

    def pass_time(self, seconds: float) -> None:
        """Let controllers and nodes do what they do in so many seconds."""
        self.settle(seconds)
        self.moments.moment += seconds


def namespace(name: str = NAMESPACE) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment(
    image: str = "aurora/bridge:0.9.4", replicas: int = 3, name: str = "aurora-bridge", **spec: Any
) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "bridge", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {"kubernetes.io/change-cause": image}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def settled(*manifests: Object, seed: int = 1) -> StoppedCluster:
    """A cluster with the namespace and these objects, ready for a minute."""
    cluster = StoppedCluster(seed)
    cluster.apply_manifests([namespace(), *manifests])
    cluster.pass_time(60)
    return cluster
