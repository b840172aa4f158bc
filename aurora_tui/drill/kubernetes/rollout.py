"""The arithmetic of a rollout: how many pods each ReplicaSet may have next (pure; after kube-controller-manager's)."""

from __future__ import annotations

import math
from typing import Any

Object = dict[str, Any]

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


def _count(value: int | str, of: int, up: bool) -> int:
    """A number, or a percentage of `of` rounded up or down."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * of / 100
    return math.ceil(share) if up else math.floor(share)


def surge_and_unavailable(deployment: Object) -> tuple[int, int]:
    """(max surge, max unavailable) in pods; both 0 would never end, so then one may be unavailable."""
    spec = deployment["spec"]
    if spec["strategy"]["type"] != "RollingUpdate":
        return 0, 0
    rolling = spec["strategy"]["rollingUpdate"]
    surge = _count(rolling["maxSurge"], spec["replicas"], up=True)
    unavailable = _count(rolling["maxUnavailable"], spec["replicas"], up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, spec["replicas"])


def most(deployment: Object) -> int:
    """Pods that may exist at once during the rollout: what the max-replicas annotation says."""
    replicas: int = deployment["spec"]["replicas"]
    return replicas + surge_and_unavailable(deployment)[0]


def replicas(sets: list[Object]) -> int:
    """Pods the ReplicaSets want."""
    return sum(one["spec"]["replicas"] for one in sets)


def available(sets: list[Object]) -> int:
    """Pods of the ReplicaSets that are available."""
    return sum(one["status"].get("availableReplicas", 0) for one in sets)


def new_set_size(deployment: Object, sets: list[Object], current: int) -> int:
    """How many pods the new ReplicaSet may have now, being at `current`."""
    wanted: int = deployment["spec"]["replicas"]
    if deployment["spec"]["strategy"]["type"] != "RollingUpdate":
        return wanted
    room = most(deployment) - replicas(sets)
    return current if room <= 0 else current + max(0, min(room, wanted - current))


def old_set_sizes(deployment: Object, new: Object, old: list[Object]) -> dict[str, int]:
    """New sizes, by name, of the old ReplicaSets that may shrink now: unhealthy pods first, then the spare ones."""
    sizes = {one["metadata"]["name"]: one["spec"]["replicas"] for one in old}
    floor = deployment["spec"]["replicas"] - surge_and_unavailable(deployment)[1]
    unavailable_new = new["spec"]["replicas"] - new["status"].get("availableReplicas", 0)
    may_go = replicas([*old, new]) - floor - unavailable_new
    if sum(sizes.values()) == 0 or may_go <= 0:
        return {}
    by_age = sorted(old, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))
    for one in by_age:
        name = one["metadata"]["name"]
        unhealthy = min(may_go, sizes[name] - one["status"].get("availableReplicas", 0))
        if unhealthy > 0:
            sizes[name] -= unhealthy
            may_go -= unhealthy
    spare = available([*old, new]) - floor
    for one in by_age:
        name = one["metadata"]["name"]
        step = min(spare, sizes[name])
        if step > 0:
            sizes[name] -= step
            spare -= step
    return {one["metadata"]["name"]: sizes[one["metadata"]["name"]] for one in old
            if sizes[one["metadata"]["name"]] != one["spec"]["replicas"]}  # fmt: skip


def is_saturated(deployment: Object, new: Object | None) -> bool:
    """The new ReplicaSet has all pods and they are available."""
    if new is None:
        return False
    wanted = deployment["spec"]["replicas"]
    said = new["metadata"].get("annotations", {}).get(DESIRED)
    return bool(new["spec"]["replicas"] == wanted and said == str(wanted) and available([new]) == wanted)


def proportional_sizes(deployment: Object, active: list[Object]) -> dict[str, int]:
    """Sizes after a scaling in mid-rollout: the difference shared in proportion, larger and newer sets first."""
    allowed = most(deployment) if deployment["spec"]["replicas"] > 0 else 0
    to_add = allowed - replicas(active)
    newest_first = sorted(active, key=lambda one: one["metadata"]["creationTimestamp"], reverse=to_add > 0)
    ordered = sorted(newest_first, key=lambda one: -one["spec"]["replicas"])
    sizes: dict[str, int] = {}
    added = 0
    for one in ordered:
        size = one["spec"]["replicas"]
        if to_add:
            base = int(one["metadata"].get("annotations", {}).get(MAXIMUM) or deployment["status"].get("replicas", 0))
            share = math.floor(size * most(deployment) / base + 0.5) - size if base else 0
            if deployment["spec"]["replicas"] == 0:
                share = -size
            left = to_add - added
            share = min(share, left) if to_add > 0 else max(share, left)
            size += share
            added += share
        sizes[one["metadata"]["name"]] = size
    if ordered and to_add:
        first = ordered[0]["metadata"]["name"]
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes
