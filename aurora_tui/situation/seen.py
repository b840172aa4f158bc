"""The shapes that judgement reads of Kubernetes objects: any object with these attributes will do.

They keep judgement apart from the wire without copying thousands of pods from one type to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol


class WaitingSeen(Protocol):
    """A container that waits."""

    @property
    def reason(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...


class TerminatedSeen(Protocol):
    """A container that ended."""

    @property
    def exit_code(self) -> int: ...
    @property
    def signal(self) -> int | None: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    @property
    def finished_at(self) -> datetime | None: ...


class StateSeen(Protocol):
    """The state of a container: at most one is set."""

    @property
    def waiting(self) -> WaitingSeen | None: ...
    @property
    def running(self) -> object | None: ...
    @property
    def terminated(self) -> TerminatedSeen | None: ...


class ContainerStatusSeen(Protocol):
    """A container as it is."""

    @property
    def name(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def ready(self) -> bool: ...
    @property
    def started(self) -> bool | None: ...
    @property
    def restart_count(self) -> int: ...
    @property
    def state(self) -> StateSeen | None: ...
    @property
    def last_state(self) -> StateSeen | None: ...


class ContainerSeen(Protocol):
    """A container as asked for."""

    @property
    def name(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def restart_policy(self) -> str | None: ...


class ConditionSeen(Protocol):
    """A status condition."""

    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def message(self) -> str | None: ...
    @property
    def last_transition_time(self) -> datetime | None: ...


class MetadataSeen(Protocol):
    """Whose and since when."""

    @property
    def uid(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def creation_timestamp(self) -> datetime | None: ...
    @property
    def deletion_timestamp(self) -> datetime | None: ...


class PodSpecSeen(Protocol):
    """What a pod asks for."""

    @property
    def node_name(self) -> str | None: ...
    @property
    def containers(self) -> Sequence[ContainerSeen] | None: ...
    @property
    def init_containers(self) -> Sequence[ContainerSeen] | None: ...


class PodStateSeen(Protocol):
    """A pod's status on the wire."""

    @property
    def phase(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def conditions(self) -> Sequence[ConditionSeen] | None: ...
    @property
    def container_statuses(self) -> Sequence[ContainerStatusSeen] | None: ...
    @property
    def init_container_statuses(self) -> Sequence[ContainerStatusSeen] | None: ...


class PodSeen(Protocol):
    """A pod on the wire."""

    @property
    def metadata(self) -> MetadataSeen: ...
    @property
    def spec(self) -> PodSpecSeen: ...
    @property
    def status(self) -> PodStateSeen: ...


class RolloutMetadataSeen(MetadataSeen, Protocol):
    """Whose, since when, and which edit and revision of it."""

    @property
    def generation(self) -> int | None: ...
    @property
    def revision(self) -> int | None: ...


class PodTemplateSeen(Protocol):
    """What a deployment makes pods from."""

    @property
    def spec(self) -> PodSpecSeen: ...


class DeploymentSpecSeen(Protocol):
    """What a deployment asks for; `replicas` None is the API's default, 1."""

    @property
    def replicas(self) -> int | None: ...
    @property
    def paused(self) -> bool | None: ...
    @property
    def template(self) -> PodTemplateSeen: ...


class DeploymentStateSeen(Protocol):
    """A deployment's status on the wire; None means 0."""

    @property
    def observed_generation(self) -> int | None: ...
    @property
    def replicas(self) -> int | None: ...
    @property
    def ready_replicas(self) -> int | None: ...
    @property
    def updated_replicas(self) -> int | None: ...
    @property
    def available_replicas(self) -> int | None: ...
    @property
    def conditions(self) -> Sequence[ConditionSeen] | None: ...


class DeploymentSeen(Protocol):
    """A deployment on the wire."""

    @property
    def metadata(self) -> RolloutMetadataSeen: ...
    @property
    def spec(self) -> DeploymentSpecSeen: ...
    @property
    def status(self) -> DeploymentStateSeen: ...
