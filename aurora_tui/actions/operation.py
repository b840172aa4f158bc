"""What a kind of step can do: be planned, tell whether it is done, be done, and be taken back.

An operation never trusts what was: each call reads afresh. So a run that was killed anywhere is resumed by asking
every step where it stands, and what is done is not done again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aurora_tui.actions.plan import PlannedStep, Subject
from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import Connection
from aurora_tui.settings import Settings
from aurora_tui.situation.runbook import AnyStep


class Changed(AuroraError):
    """The world is no longer as it was approved: another one acted, the object is another one. Never retried."""


class Impossible(AuroraError):
    """The step cannot be done, now or later: refused by the API, its target is gone. Never retried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an operation works on. `folder`: where snapshots lie, beside the ledger. `run`: the run's id.

    `connection` None: the environment has no cluster; whoever needs one says so in words (`cluster_of`).
    """

    settings: Settings
    connection: Connection | None
    namespace: str
    folder: Path
    run: str
    clock: Clock

    @property
    def cluster(self) -> Connection:
        """The connection. AuroraError when the environment has no cluster."""
        if self.connection is None:
            raise AuroraError(
                f"Environment {self.settings.environment_name} names no cluster", "Set its [cluster] table."
            )
        return self.connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a step stands: `done` when its goal is so; `words` says how far it is, for a person who waits."""

    done: bool
    words: str
    subjects: tuple[Subject, ...] = ()  # as read now, for the journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A right that carrying a step out needs, as a SelfSubjectAccessReview asks for it."""

    verb: str
    group: str
    resource: str
    name: str = ""
    subresource: str = ""
    namespace: str | None = None


class Operation(Protocol):
    """One kind of step. All methods raise AuroraError in words; ApiError and Unreachable pass through."""

    async def plan(self, step: Any, number: int, reach: Reach) -> PlannedStep:
        """What carrying out `step` would do now. What stands against it goes into `refusals`, not into an error."""
        ...

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """The rights that it needs."""
        ...

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Every write as a server dry run (`dryRun=All`); ApiError when one would be refused."""
        ...

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Whether it is done. Changed when neither what was before nor the goal is so."""
        ...

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Do it once, guarded: ApiError 409 when the object was written to since it was read just now.

        Called only when `standing` was not done. Returns without waiting for the effect.
        """
        ...

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """The steps that take it back; none when there is nothing to take back, or no way to."""
        ...


OperationOf = Callable[[AnyStep], Operation]
Wait = Callable[[float], Awaitable[None]]
