"""How the drill's containers behave: healthy, crashing, out of memory, without an image, never ready, …"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class Ending(Enum):
    """What becomes of a container after it started (or tried to)."""

    RUNS = "runs"
    EXITS = "exits"
    OUT_OF_MEMORY = "out of memory"
    UNHEALTHY = "unhealthy"
    """Its liveness probe fails and the kubelet kills it."""
    NO_IMAGE = "no image"
    NO_CONFIG = "no config"
    """A ConfigMap or Secret that it takes its environment from is missing."""
    INIT_FAILS = "init fails"
    """It never starts: the pod's first init container ends with `exit_code` every time."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way for a container to live. `after` is world seconds from its start to its end.

    >>> Behaviour.crash_loop(exit_code=2, after=30)
    """

    ending: Ending
    exit_code: int = 0
    after: float = 0.0
    says: tuple[str, ...] = ()
    """Last log lines before the end."""
    ready: bool = True
    """False: its readiness probe never succeeds."""
    start_seconds: float | None = None
    """World seconds: from scheduling to the start, from that to readiness, from SIGTERM to the end. None: as usual."""
    ready_seconds: float | None = None
    stop_seconds: float | None = None
    missing: str = 'configmap "settings" not found'
    """What NO_CONFIG says is missing."""

    HEALTHY: ClassVar[Behaviour]
    IMAGE_PULL_ERROR: ClassVar[Behaviour]
    CONFIG_ERROR: ClassVar[Behaviour]
    NEVER_READY: ClassVar[Behaviour]
    OOM: ClassVar[Behaviour]
    CRASH_LOOP: ClassVar[Behaviour]

    @staticmethod
    def crash_loop(exit_code: int = 1, after: float = 20.0, says: tuple[str, ...] = ()) -> Behaviour:
        """Ends with `exit_code` every time, `after` seconds into each run (exit code 0 shows as Completed)."""
        return Behaviour(Ending.EXITS, exit_code, after, says)

    @staticmethod
    def oom(after: float = 60.0) -> Behaviour:
        """Killed for memory (exit code 137, OOMKilled) `after` seconds into each run."""
        return Behaviour(Ending.OUT_OF_MEMORY, 137, after)

    @staticmethod
    def unhealthy(after: float = 60.0) -> Behaviour:
        """Its liveness probe fails from `after` seconds into each run on; some probes later the kubelet restarts it."""
        return Behaviour(Ending.UNHEALTHY, 137, after)

    @staticmethod
    def init_failure(exit_code: int = 1) -> Behaviour:
        """The first init container fails; a pod without init containers is not affected."""
        return Behaviour(Ending.INIT_FAILS, exit_code)

    @staticmethod
    def slow(
        start_seconds: float | None = None, ready_seconds: float | None = None, stop_seconds: float | None = None
    ) -> Behaviour:
        """Healthy, but it takes its time. A stop longer than the pod's grace ends in SIGKILL."""
        return Behaviour(
            Ending.RUNS, start_seconds=start_seconds, ready_seconds=ready_seconds, stop_seconds=stop_seconds
        )


Behaviour.HEALTHY = Behaviour(Ending.RUNS)
Behaviour.IMAGE_PULL_ERROR = Behaviour(Ending.NO_IMAGE)
Behaviour.CONFIG_ERROR = Behaviour(Ending.NO_CONFIG)
Behaviour.NEVER_READY = Behaviour(Ending.RUNS, ready=False)
Behaviour.OOM = Behaviour.oom()
Behaviour.CRASH_LOOP = Behaviour.crash_loop()


@dataclass(frozen=True, slots=True)
class Rule:
    """`behaviour` for the pods of `namespace` that match; of several rules the last that matches holds.

    `match` is a pod's or its deployment's (or ReplicaSet's) name, or labels that it must carry; `image` narrows it to
    pods with a container of that image, `nth` to the n-th (from 0, oldest first) pod of each ReplicaSet.
    """

    namespace: str
    match: str | dict[str, str]
    behaviour: Behaviour
    image: str | None = None
    nth: int | None = None

    def covers(self, pod: dict[str, Any], position: int) -> bool:
        """Whether the rule holds for `pod`, the `position`-th of its ReplicaSet."""
        meta = pod["metadata"]
        if meta["namespace"] != self.namespace or (self.nth is not None and self.nth != position):
            return False
        if self.image is not None and all(c["image"] != self.image for c in pod["spec"]["containers"]):
            return False
        labels = meta.get("labels", {})
        if isinstance(self.match, dict):
            return all(labels.get(key) == value for key, value in self.match.items())
        names = {meta["name"]}
        for owner in meta.get("ownerReferences", ()):
            names |= {owner["name"], owner["name"].removesuffix("-" + labels.get("pod-template-hash", ""))}
        return self.match in names
