"""Planning: what a runbook would do now, read afresh, with everything checked that can be checked beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Cluster, Plan, PlannedStep
from aurora_tui.actions.preflight import preflight
from aurora_tui.actions.same_object import first_changed_by, in_sequence
from aurora_tui.clock import iso
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.situation.gate import next_stage
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.runbook import AnyStep, Runbook, Stage
from aurora_tui.situation.situation import Situation
from aurora_tui.text import safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for. `choice` and `stage` are ids; None: the runbook's own steps, or its next stage.

    `ground`: why, in the verdict's words. `seen`: the cluster that the person has been looking at.
    The rest is set aside knowingly, and recorded: `on_what_we_know` although health cannot be proved, `override` the
    reason for which a gate that does not hold is passed, `take_over` the lock that another one holds,
    `without_ledger` although the ledger cannot be written (only where the runbook allows it).
    `inverse_of`: the run that is taken back.
    """

    runbook: Runbook
    choice: str | None = None
    stage: str | None = None
    ground: str = ""
    on_what_we_know: bool = False
    override: str = ""
    take_over: bool = False
    without_ledger: bool = False
    seen: Cluster | None = None
    inverse_of: str | None = None


async def make_plan(reach: Reach, asked: Asked, journal: Journal, situation: Situation | None) -> Plan:
    """The plan of `asked`, on fresh reads; what stands against it is in it (`Plan.refusals`), not raised.

    `situation`: as judged now; None when nobody looked. UsageError when there is nothing to plan.
    """
    made_at = iso(reach.clock.now())
    stage = chosen_stage(asked, reach, journal)
    steps = chosen_steps(asked, stage)
    planning = asyncio.ensure_future(_planned(steps, reach))
    try:
        found = await preflight(reach, asked, stage, journal, situation, steps, planning)
        planned = await planning
    finally:
        planning.cancel()
    target = asked.runbook.target
    return Plan(
        run=reach.run,
        runbook=asked.runbook.id,
        title=asked.runbook.title if stage is None else f"{asked.runbook.title}: {stage.title}",
        environment=reach.settings.environment_name,
        namespace=reach.namespace,
        cluster=found.cluster,
        made_at=made_at,
        steps=planned,
        checks=found.checks,
        choice=asked.choice,
        stage=None if stage is None else stage.id,
        target=None if target is None else round(target),
        ground=safe(asked.ground, 1000),
        forced=found.forced,
        inverse_of=asked.inverse_of,
    )


def chosen_stage(asked: Asked, reach: Reach, journal: Journal) -> Stage | None:
    """The stage that is asked for, or comes next; None when the runbook has none. UsageError when there is no such."""
    stages = asked.runbook.stage
    if not stages:
        if asked.stage is not None:
            raise UsageError(f"Runbook {asked.runbook.id} has no stages", "Leave the stage out.")
        return None
    if asked.stage is not None:
        found = next((one for one in stages if one.id == asked.stage), None)
        if found is None:
            known = ", ".join(one.id for one in stages)
            raise UsageError(f"Runbook {asked.runbook.id} has no stage {safe(asked.stage, 80)}", f"There are: {known}.")
        return found
    following = next_stage(asked.runbook, journal, reach.settings.mission)
    if following is None:
        raise UsageError(f"Every stage of {asked.runbook.title} is behind us", "There is nothing left to do.")
    return following


def chosen_steps(asked: Asked, stage: Stage | None) -> tuple[AnyStep, ...]:
    """The steps to plan. UsageError when there are none."""
    runbook = asked.runbook
    if asked.choice is not None:
        choice = next((one for one in runbook.choice if one.id == asked.choice), None)
        if choice is None:
            known = ", ".join(one.id for one in runbook.choice) or "none"
            raise UsageError(f"Runbook {runbook.id} has no choice {safe(asked.choice, 80)}", f"There are: {known}.")
        steps = choice.step
    else:
        steps = runbook.step if stage is None else stage.step
    if not steps:
        raise UsageError(
            f"Runbook {runbook.id} has no steps", "Write them in the mission file: aurora-tui config schema."
        )
    return steps


async def _planned(steps: tuple[AnyStep, ...], reach: Reach) -> tuple[PlannedStep, ...]:
    """Every step, planned side by side: planning only reads. Then each as those before it will leave things."""
    planned = in_sequence(await asyncio.gather(*(_one(step, number, reach) for number, step in enumerate(steps, 1))))
    return tuple(_with_note(one, planned) for one in planned)


async def _one(step: AnyStep, number: int, reach: Reach) -> PlannedStep:
    try:
        return await operation_of(step).plan(step, number, reach)
    except AuroraError as error:
        title = " ".join(filter(None, (str(step.__struct_config__.tag), _about(step))))
        return PlannedStep(
            number=number, step=step, title=title, refusals=(safe(str(error), 600),), limit=round(step.limit)
        )


def _about(step: AnyStep) -> str:
    """What a step that could not be planned is about: the first name in it."""
    names = ("deployment", "pod", "name", "path", "route", "probe")
    return next((value for name in names if isinstance(value := getattr(step, name, None), str)), "")


def _with_note(step: PlannedStep, steps: Sequence[PlannedStep]) -> PlannedStep:
    """`step`, saying which step before it changes its object first: its own now → after is as of now."""
    if step.subject is None or not (step.changes or step.diff) or first_changed_by(step, steps) is not None:
        return step  # nothing of it is as of now
    before = [
        one
        for one in steps
        if one.number < step.number
        and one.subject is not None
        and one.subject.path == step.subject.path
        and not one.already
        and (one.changes or one.diff)
    ]
    if not before:
        return step
    numbers = ", ".join(str(one.number) for one in before)
    note = f"as {step.subject} is now; step {numbers} changes it first"
    return msgspec.structs.replace(step, why=f"{step.why}; {note}" if step.why else note)
