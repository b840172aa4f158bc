"""A crowd: thousands of pods in dozens of deployments, and pods of it that change all the time, for measuring at size.

```python
cluster = Cluster(clock.now, clock.sleep)
crowd.seed(cluster, pods=5000, deployments=40)          # there and Ready when it returns, two hours old
busy = asyncio.create_task(crowd.churn(cluster, rate=500.0))   # beside cluster.run(); cancel it to end it
```

In a served world the same comes by its control endpoint (or from a scenario), in the namespace of the drill:
POST /control/events {"do": "crowd", "pods": 5000, "deployments": 40} and {"do": "churn", "rate": 500}; rate 0 ends it.
"""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

from aurora_tui.drill.kubernetes.kinds import NAMESPACE, NODE

if TYPE_CHECKING:
    from aurora_tui.drill.kubernetes.cluster import Cluster
    from aurora_tui.drill.kubernetes.store import Key, Object

HOME = "aurora-production"
NAME = "crowd"
IMAGE = "vaultmesh/crowd:1.0.0"
_PODS_A_NODE = 200
_TICKS_A_SECOND = 20.0
_RESTARTS = 0.05
"""The share of disturbances that are a restart; the others are a readiness probe that fails for a while."""
_UNREADY_SECONDS = (0.5, 3.0)
_FLIP_EVENTS, _RESTART_EVENTS = 2, 3
"""Changes of a pod that follow from one disturbance: not ready and ready; ended, started and ready."""


def manifests(pods: int = 5000, deployments: int = 40, namespace: str = HOME) -> list[Object]:
    """`deployments` deployments crowd-00, crowd-01, … (label part-of=crowd) that want `pods` pods together."""
    share, more = divmod(pods, deployments)
    return [_deployment(f"{NAME}-{i:02d}", share + (i < more), namespace) for i in range(deployments)]


def _deployment(name: str, replicas: int, namespace: str) -> Object:
    labels = {"app": name, "part-of": NAME}
    container = {
        "name": "worker",
        "image": IMAGE,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def seed(cluster: Cluster, pods: int = 5000, deployments: int = 40, namespace: str = HOME, age: float = 7200.0) -> None:
    """Fill the cluster with a crowd that has been Ready for about `age` world seconds; all is there when it returns.

    The namespace is made when it is missing, and nodes as many as the pods need. Of a crowd older than an hour no
    Event is left, as on a real cluster; `age=0` leaves them all (some five a pod), its pods Ready in some seconds.
    """
    at = cluster.now() - age
    if cluster.store.get(NAMESPACE, "", namespace) is None:
        cluster.apply_manifests([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}], at=at)
    missing = math.ceil(pods / _PODS_A_NODE) + 3 - len(cluster.store.entries(NODE))
    for _ in range(missing):
        cluster.add_node()
    cluster.apply_manifests(manifests(pods, deployments, namespace), at=at)
    if age:
        cluster.settle(min(age, 900.0))


async def churn(cluster: Cluster, rate: float = 500.0, namespace: str = HOME, seed: int = 0) -> None:
    """Have pods of the crowd change `rate` times a world second, until cancelled.

    Every disturbance takes a random pod of the crowd (`seed`) that is well: most lose their readiness for some seconds,
    some restart. Each is two or three changes of the pod; ReplicaSets and deployments count along as they would.
    """
    random, began, done, looked_at = Random(seed), cluster.now(), 0, -math.inf
    keys: list[Key] = []
    while not cluster.closed:
        now = cluster.now()
        if now - looked_at >= 1.0:
            keys, looked_at = _members(cluster, namespace), now
        wanted = int((now - began) * rate)
        for _ in range(min(wanted - done, int(rate) + 1) if keys else 0):
            if done < wanted:
                done += _disturb(cluster, random.choice(keys), random)
        await cluster.sleep(1 / _TICKS_A_SECOND)


def _members(cluster: Cluster, namespace: str) -> list[Key]:
    pods = (pod["metadata"] for pod in cluster.pods(namespace))
    return [(namespace, meta["name"]) for meta in pods if meta.get("labels", {}).get("part-of") == NAME]


def _disturb(cluster: Cluster, key: Key, random: Random) -> int:
    """Let something happen to one pod; how many changes of the pod that makes: none when it is not well now."""
    if random.random() < _RESTARTS:
        return _RESTART_EVENTS if cluster.kubelets.fail(key) else 0
    return _FLIP_EVENTS if cluster.kubelets.unready(key, random.uniform(*_UNREADY_SECONDS)) else 0
