"""What a kubelet knows of one pod: where its containers stand, and when the next step is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from aurora_tui.drill.kubernetes import containers
from aurora_tui.drill.kubernetes.behaviour import Behaviour
from aurora_tui.drill.kubernetes.logs import ContainerLog
from aurora_tui.drill.kubernetes.store import Object


class Stage(Enum):
    """Where a pod's first container stands."""

    STARTING = auto()
    INITIALIZING = auto()
    """An init container runs, has failed, or waits for its next try."""
    NO_IMAGE = auto()
    NO_CONFIG = auto()
    RUNNING = auto()
    EXITED = auto()
    BACKING_OFF = auto()
    OVER = auto()
    STOPPING = auto()


@dataclass(slots=True)
class Init:
    """The init container that is being run, and those before it, which are done."""

    done: list[Object] = field(default_factory=list)
    """Terminated states of those that have succeeded."""
    state: Object = field(default_factory=lambda: containers.waiting("PodInitializing"))
    last: Object = field(default_factory=dict)
    restarts: int = 0
    failures: int = 0
    running_since: float | None = None


@dataclass(slots=True)
class Life:
    """What a kubelet knows of one pod. Times are world time; `due` is when the next step comes."""

    uid: str
    node: str
    began: float
    due: float | None
    stage: Stage = Stage.STARTING
    address: str = ""
    state: Object = field(default_factory=lambda: containers.waiting("ContainerCreating"))
    last: Object = field(default_factory=dict)
    running_since: float = 0.0
    ready: bool = False
    ready_at: float | None = None
    """When a readiness probe will succeed; None: not of itself."""
    ends_at: float | None = None
    probe_at: float | None = None
    """When the next failing probe is told of."""
    failed_probes: int = 0
    restarts: int = 0
    failures: int = 0
    grace: int | None = None
    """Seconds in which a pod that is to go must be gone."""
    init: Init | None = None
    """None: the pod has no init containers."""
    behaviour: Behaviour = Behaviour.HEALTHY
    log: ContainerLog = field(default_factory=ContainerLog)

    def next_due(self) -> float | None:
        """While it runs: readiness, its end, or a probe that fails, whichever comes first."""
        coming = [self.ends_at, self.probe_at, None if self.ready else self.ready_at]
        return min((moment for moment in coming if moment is not None), default=None)
