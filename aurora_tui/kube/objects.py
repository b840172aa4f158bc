"""Kubernetes objects as far as they are shown: only these fields are decoded, which is 100 times faster than all.

Zero values are left out on the wire and lists may be null: every field has a default or may be None.
https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from datetime import datetime

import msgspec

REVISION = "deployment.kubernetes.io/revision"


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Read from JSON, keys in camelCase, unknown keys skipped. Without cycles: kept from the garbage collector."""


class OwnerReference(Wire, frozen=True, kw_only=True):
    """Who controls an object."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(Wire, frozen=True, kw_only=True):
    """What every object has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    annotations: dict[str, str] | None = None
    owner_references: tuple[OwnerReference, ...] | None = None

    @property
    def revision(self) -> int | None:
        """The rollout revision that the deployment controller wrote; None when it is missing or no number."""
        text = (self.annotations or {}).get(REVISION, "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def controller(self) -> str | None:
        """The uid of the controlling owner."""
        return next((owner.uid for owner in self.owner_references or () if owner.controller), None)


class Object(Wire, frozen=True, kw_only=True):
    """Anything that can be listed and watched."""

    metadata: Metadata = Metadata()


class Condition(Wire, frozen=True, kw_only=True):
    """A status condition."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None


class Container(Wire, frozen=True, kw_only=True):
    """A container as asked for. `restart_policy` Always makes an init container a sidecar."""

    name: str = ""
    image: str = ""
    restart_policy: str | None = None


class Waiting(Wire, frozen=True, kw_only=True):
    """Not started yet, or waiting to start again."""

    reason: str | None = None
    message: str | None = None


class Running(Wire, frozen=True, kw_only=True):
    """Running."""

    started_at: datetime | None = None


class Terminated(Wire, frozen=True, kw_only=True):
    """Ended."""

    exit_code: int = 0
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    finished_at: datetime | None = None


class ContainerState(Wire, frozen=True, kw_only=True):
    """One of the three; none of them means waiting."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire, frozen=True, kw_only=True):
    """A container as it is."""

    name: str = ""
    image: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodSpec(Wire, frozen=True, kw_only=True):
    """What a pod, or a template of one, asks for."""

    node_name: str | None = None
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None


class PodState(Wire, frozen=True, kw_only=True):
    """A pod's `status`."""

    phase: str = ""
    reason: str | None = None
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Object, frozen=True, kw_only=True):
    """core/v1 Pod."""

    spec: PodSpec = PodSpec()
    status: PodState = PodState()


class PodTemplate(Wire, frozen=True, kw_only=True):
    """The template of a deployment."""

    spec: PodSpec = PodSpec()


class DeploymentSpec(Wire, frozen=True, kw_only=True):
    """`replicas` None is the API's default, 1."""

    replicas: int | None = None
    paused: bool | None = None
    template: PodTemplate = PodTemplate()


class DeploymentState(Wire, frozen=True, kw_only=True):
    """A deployment's `status`; None and left out both mean 0."""

    observed_generation: int | None = None
    replicas: int | None = None
    ready_replicas: int | None = None
    updated_replicas: int | None = None
    available_replicas: int | None = None
    conditions: tuple[Condition, ...] | None = None


class Deployment(Object, frozen=True, kw_only=True):
    """apps/v1 Deployment."""

    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentState = DeploymentState()


class ReplicaSet(Object, frozen=True, kw_only=True):
    """apps/v1 ReplicaSet: only whose it is and which revision."""


class Reference(Wire, frozen=True, kw_only=True):
    """What an event is about."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


class EventSeries(Wire, frozen=True, kw_only=True):
    """How often an event came."""

    count: int = 0
    last_observed_time: datetime | None = None


class Event(Object, frozen=True, kw_only=True):
    """core/v1 Event; those written through events.k8s.io have `event_time` and `series` instead of the old fields."""

    involved_object: Reference = Reference()
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None


class BackendReference(Wire, frozen=True, kw_only=True):
    """A backend of a route. `weight` None is the API's default, 1."""

    name: str = ""
    kind: str | None = None
    weight: int | None = None


class RouteRule(Wire, frozen=True, kw_only=True):
    """One rule of an HTTPRoute."""

    backend_refs: tuple[BackendReference, ...] | None = None


class RouteSpec(Wire, frozen=True, kw_only=True):
    """An HTTPRoute's rules."""

    rules: tuple[RouteRule, ...] | None = None


class HttpRoute(Object, frozen=True, kw_only=True):
    """gateway.networking.k8s.io HTTPRoute. https://gateway-api.sigs.k8s.io/reference/spec/"""

    spec: RouteSpec = RouteSpec()


class SplitBackend(Wire, frozen=True, kw_only=True):
    """A backend of a TrafficSplit; the weight is a number, or in v1alpha1 a quantity such as `500m`."""

    service: str = ""
    weight: int | str | None = None


class SplitSpec(Wire, frozen=True, kw_only=True):
    """A TrafficSplit's backends."""

    backends: tuple[SplitBackend, ...] | None = None


class TrafficSplit(Object, frozen=True, kw_only=True):
    """split.smi-spec.io TrafficSplit. https://github.com/servicemeshinterface/smi-spec"""

    spec: SplitSpec = SplitSpec()
