"""What is looked at before the word may be typed: every check side by side, each bounded, each in words.

A check that cannot be made says so: a WARNING, or REFUSED where not knowing may do harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Check, Cluster, PlannedStep
from aurora_tui.actions.preflight.identity import recognise
from aurora_tui.actions.preflight.rules import rules
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.runbook import Stage
from aurora_tui.situation.situation import Situation

if TYPE_CHECKING:
    from aurora_tui.actions.planning import Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Every check, in the order of its showing; what was set aside knowingly; and which cluster answered."""

    cluster: Cluster | None
    checks: tuple[Check, ...]
    forced: tuple[str, ...]


async def preflight(
    reach: Reach,
    asked: Asked,
    stage: Stage | None,
    journal: Journal,
    situation: Situation | None,
    planning: Awaitable[tuple[PlannedStep, ...]],
) -> Preflight:
    """Look at everything; what needs the steps' plans is looked at once they are there."""
    plain = rules(reach, asked, stage, journal, situation)
    if reach.connection is None:
        await planning
        return Preflight(cluster=None, checks=plain.checks, forced=plain.forced)
    ((cluster, identity),) = await asyncio.gather(
        recognise(reach, asked.seen),
    )
    answers = [plain, identity]
    return Preflight(
        cluster=cluster,
        checks=tuple(check for answer in answers for check in answer.checks),
        forced=tuple(words for answer in answers for words in answer.forced),
    )
