"""Workloads: deployments and their pods, judged the way kubectl would describe them.

Sources: kubectl's pod printer (`printPod` in kubernetes/pkg/printers/internalversion), rollout status rules
in `kubectl rollout status` (facts/kubernetes.md, "Scale, rollout status, delete -k, locks").

What there are thousands of is kept from the garbage collector (`gc=False`): plain values without cycles, they would
cost tens of milliseconds at each of its full rounds.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Role(Enum):
    """The part a deployment plays in the mission."""

    CANARY = "canary"
    STABLE = "stable"
    STANDBY = "standby"
    OTHER = ""


class Rollout(Enum):
    """Where a deployment's rollout stands."""

    DONE = "done"
    PROGRESSING = "progressing"
    PAUSED = "paused"
    FAILED = "failed"
    UNOBSERVED = "not yet observed"


class Container(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One container as the pod details show it."""

    name: str
    image: str
    ready: bool = False
    state: str = "waiting"
    reason: str | None = None
    message: str | None = None
    restarts: int = 0
    exit_code: int | None = None
    last_reason: str | None = None
    last_finished_at: float | None = None
    init: bool = False


class Condition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A status condition of a pod or deployment."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    since: float | None = None


class PodStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pod as a row: `reason` is what kubectl shows in its STATUS column."""

    uid: str
    namespace: str
    name: str
    owner: str | None  # deployment name
    reason: str
    healthy: bool
    ready: int
    containers_total: int
    restarts: int
    restarted_at: float | None
    node: str | None
    created_at: float | None
    revision: int | None = None
    containers: tuple[Container, ...] = ()
    conditions: tuple[Condition, ...] = ()


class WarningEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event of type Warning, counted."""

    uid: str
    namespace: str
    about: str  # "Pod/aurora-bridge-…"
    reason: str
    message: str
    count: int
    first_at: float | None
    last_at: float | None


class DeploymentStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A deployment as a row. `traffic` is its share 0 to 1; `traffic_basis` says where that comes from."""

    uid: str
    namespace: str
    name: str
    role: Role
    revision: int | None
    image: str | None
    desired: int
    ready: int
    updated: int
    available: int
    rollout: Rollout
    rollout_detail: str | None = None
    traffic: float | None = None
    traffic_basis: str | None = None
    created_at: float | None = None
    restarts: int = 0
    conditions: tuple[Condition, ...] = ()


class RouteWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic weights of one HTTPRoute or TrafficSplit: backend service or deployment name to weight."""

    kind: str
    name: str
    weights: dict[str, int]


class WorkloadsObserved(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster source saw: already reduced to what is shown, in a stable order.

    `namespace_missing`, `namespace_terminating`: the mission's namespace is not there, or is being deleted. An empty
    list of a namespace that is not there proves nothing.
    """

    deployments: tuple[DeploymentStatus, ...] = ()
    pods: tuple[PodStatus, ...] = ()
    events: tuple[WarningEvent, ...] = ()
    cluster: str | None = None
    server: str | None = None
    identity: str | None = None
    namespace_missing: bool = False
    namespace_terminating: bool = False
