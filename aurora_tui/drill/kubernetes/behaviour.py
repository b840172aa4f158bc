"""How the drill's containers behave: healthy, crashing, out of memory, or with an image that cannot be pulled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar


class Ending(Enum):
    """What becomes of a container after it started (or tried to)."""

    RUNS = "runs"
    EXITS = "exits"
    OUT_OF_MEMORY = "out of memory"
    NO_IMAGE = "no image"


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

    HEALTHY: ClassVar[Behaviour]
    IMAGE_PULL_ERROR: ClassVar[Behaviour]
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


Behaviour.HEALTHY = Behaviour(Ending.RUNS)
Behaviour.IMAGE_PULL_ERROR = Behaviour(Ending.NO_IMAGE)
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
