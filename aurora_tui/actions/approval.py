"""Approving a plan: what refuses it, and the entry that makes it a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from aurora_tui.actions.book import write
from aurora_tui.actions.plan import Plan, as_data
from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.settings import Settings
from aurora_tui.situation.gate import ticked_last
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.run import APPROVED
from aurora_tui.text import safe


class PlanExpired(AuroraError):
    """The plan is older than it may be, or another desk's: look again before approving."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The plan is older than {seconds:g} s", "Look at a new one, and approve that.")


class PlanChanged(AuroraError):
    """The world is no longer as it was planned for. `plan`: what would be done now."""

    def __init__(self, why: str, plan: Plan) -> None:
        super().__init__(f"The plan is no longer what it was: {why}", "Look at the new one, and approve that.")
        self.plan = plan


def refuse_approval(plan: Plan, reason: str, settings: Settings) -> None:
    """UsageError when `plan` may not be approved, whatever the ledger says."""
    refuse_read_only(settings)
    if not reason.strip():
        raise UsageError("No reason is given", "Say why: it stands in the ledger beside what is done.")
    if plan.refusals:
        raise UsageError(f"{plan.title} is refused: {'; '.join(plan.refusals)}", "Settle that, and plan again.")


def refuse_read_only(settings: Settings) -> None:
    """UsageError where nothing may be done, and nothing recorded."""
    if settings.read_only:
        raise UsageError(
            f"Environment {settings.environment_name} is read-only here", "Leave --read-only or `read_only` out."
        )


def approved(plan: Plan, reason: str, forced: Sequence[str]) -> Plan:
    """`plan` with the operator's words: what goes into the ledger."""
    both = tuple(dict.fromkeys((*plan.forced, *(safe(one, 600) for one in forced))))
    return msgspec.structs.replace(plan, reason=safe(reason.strip(), 1000), forced=both)


async def enter(settings: Settings, clock: Clock, plan: Plan, stage_done: str | None) -> None:
    """Append that `plan` is approved. UsageError when another run is open, or the stage was done meanwhile.

    LedgerError when the ledger cannot be written: nothing has happened then.
    """

    def decide(journal: Journal) -> tuple[str, dict[str, Any]]:
        other = journal.open_run
        if other is not None:
            raise UsageError(
                f"Run {other.id}, {other.title}, approved by {other.approved_by}, is {other.state.value}",
                f"Watch it: aurora-tui runs {other.id}. It must end before another one begins.",
            )
        if stage_done is not None and plan.inverse_of is None and ticked_last(stage_done, journal) is not None:
            raise UsageError(f"{plan.title} was done meanwhile: {stage_done} is ticked", "Plan the next stage.")
        return APPROVED, {"run": plan.run, "plan": as_data(plan)}

    await write(settings, clock, decide)
