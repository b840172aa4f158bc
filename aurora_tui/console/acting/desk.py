"""What the dialog asks of whoever plans and approves: in the product the desk of `actions`, in tests a made-up one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aurora_tui.situation.runbook import Runbook

if TYPE_CHECKING:
    from aurora_tui.actions.plan import Plan
    from aurora_tui.situation.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be planned: a runbook, or the way back of the run `inverse_of`.

    `ground`: why, in the verdict's words at that moment. `blind_accepted`: the person said "act on what I know".
    `override`: why a gate that does not hold is passed all the same, "" when it is not. `take_over`: the lock that
    another one holds.
    """

    title: str
    runbook: Runbook | None = None
    inverse_of: str | None = None
    choice: str | None = None
    ground: str = ""
    blind_accepted: bool = False
    override: str = ""
    take_over: bool = False
    situation: Situation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondConsent:
    """What is taken away beyond what the runbook names: `word` must be typed too, having seen `rest`.

    `recorded`: what the ledger is to say of it.
    """

    title: str
    word: str
    recorded: str
    rest: tuple[str, ...] = ()


class Desk(Protocol):
    """Every method raises AuroraError in words; none of them writes to a cluster."""

    async def recognise(self, situation: Situation | None) -> None:
        """Learn, once, which cluster the console is about; every plan is held against it. `situation`: what it shows.

        AuroraError when nobody answers, or another one than is shown.
        """
        ...

    async def plan(self, wish: Wish) -> Plan:
        """What it would do now. What stands against it is in the plan, not in an error."""
        ...

    async def stale(self, plan: Plan) -> str | None:
        """What changed since `plan` was made, in words: `aurora-bridge changed`; None while all is as it was."""
        ...

    async def second_consent(self, plan: Plan) -> SecondConsent | None:
        """What else must be consented to."""
        ...

    async def approve(self, plan: Plan, reason: str, forced: tuple[str, ...] = ()) -> str:
        """Put it in the ledger and let it be carried out; the run's id. `forced`: what was set aside knowingly."""
        ...

    async def cancel(self, run: str) -> None:
        """Ask for no further step."""
        ...

    async def resume(self, run: str) -> None:
        """Carry on with a run that stopped."""
        ...

    async def abandon(self, run: str, reason: str) -> None:
        """Close a run that stopped, and leave things as they are."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
