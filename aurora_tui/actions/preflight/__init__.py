"""What is looked at before the word may be typed: every check side by side, each bounded, each in words.

A check that cannot be made says so: a WARNING, or REFUSED where not knowing may do harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurora_tui.actions.answer import Answer, bounded, together
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Check, Cluster, PlannedStep
from aurora_tui.actions.preflight.autoscalers import autoscalers
from aurora_tui.actions.preflight.budgets import budgets
from aurora_tui.actions.preflight.identity import recognise
from aurora_tui.actions.preflight.lock import lock
from aurora_tui.actions.preflight.objects import acted_on
from aurora_tui.actions.preflight.owners import owners
from aurora_tui.actions.preflight.place import place
from aurora_tui.actions.preflight.quota import quota
from aurora_tui.actions.preflight.rehearsal import rehearsal
from aurora_tui.actions.preflight.rights import rights
from aurora_tui.actions.preflight.rules import rules
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.runbook import AnyStep, Stage
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
    steps: tuple[AnyStep, ...],
    planning: Awaitable[tuple[PlannedStep, ...]],
) -> Preflight:
    """Look at everything. `planning`: the steps as planned; what needs them is looked at once they are there."""
    plain = rules(reach, asked, stage, journal, situation)
    if reach.connection is None:
        await planning
        return Preflight(cluster=None, checks=plain.checks, forced=plain.forced)
    (cluster, identity), here, held, about_steps = await asyncio.gather(
        recognise(reach, asked.seen),
        bounded("namespace", place(reach, steps)),
        bounded("lock", lock(reach, journal, take_over=asked.take_over)),
        _about_steps(reach, planning),
    )
    whole = together(identity, plain, here, held, about_steps)
    return Preflight(cluster=cluster, checks=whole.checks, forced=whole.forced)


async def _about_steps(reach: Reach, planning: Awaitable[tuple[PlannedStep, ...]]) -> Answer:
    """What can be looked at only once the steps are planned."""
    planned = await planning

    async def about_objects() -> Answer:
        acted = await acted_on(reach, planned)
        others = await asyncio.gather(
            bounded("quota", quota(reach, acted)), bounded("disruption budget", budgets(reach, acted))
        )
        return together(owners(acted), *others)

    return together(
        *await asyncio.gather(
            bounded("rights", rights(reach, planned)),
            bounded("dry run", rehearsal(reach, planned)),
            bounded("autoscaler", autoscalers(reach, planned)),
            bounded("owner", about_objects(), seconds=11.0),  # two looks, one after the other
        )
    )
