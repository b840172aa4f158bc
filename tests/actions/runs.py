"""Runs for tests: a plan of any steps, made on a world, and approved in its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aurora_tui.actions.executor import work_through
from aurora_tui.actions.identity import identify
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Plan, as_data
from aurora_tui.actions.record import RunRecord
from aurora_tui.clock import iso
from aurora_tui.ledger.log import Log
from aurora_tui.situation.run import APPROVED, Run
from aurora_tui.situation.runbook import AnyStep
from tests.actions.worlds import World

EVA = "eva@bastion"
EXECUTOR = "eva@bastion:1"


async def planned(reach: Reach, *steps: AnyStep, runbook: str = "test", forced: Sequence[str] = ()) -> Plan:
    """The plan of these steps, on what the world is now."""
    return Plan(
        run=reach.run,
        runbook=runbook,
        title=runbook,
        environment=reach.settings.environment_name,
        namespace=reach.namespace,
        cluster=await identify(reach.cluster),
        made_at=iso(reach.clock.now()),
        steps=tuple([await operation_of(step).plan(step, number, reach) for number, step in enumerate(steps, 1)]),
        reason="a test",
        forced=tuple(forced),
    )


async def approve(here: World, plan: Plan) -> None:
    """Approve `plan`, unless that was done before."""
    async with Log(here.settings.ledger, here.clock) as log:
        if not any(entry.action == APPROVED and entry.data["run"] == plan.run for entry in await log.entries()):
            await log.append(APPROVED, {"run": plan.run, "plan": as_data(plan)}, actor=EVA)


async def append(here: World, action: str, **data: Any) -> None:
    """Append what another process says."""
    async with Log(here.settings.ledger, here.clock) as log:
        await log.append(action, data, actor=EVA)


async def carried_out(here: World, plan: Plan, executor: str = EXECUTOR, patience: float = 30.0) -> Run:
    """Approve `plan` unless it is, and carry it out in this process, through the world's own connection and clock."""
    await approve(here, plan)
    async with Log(here.settings.ledger, here.clock) as log:
        record = RunRecord(log, plan.run, EVA, patience)
        before = (await record.run()).executor
        await record.started(executor)
        return await work_through(plan, record, here.reach, executor, before)


async def actions(here: World) -> list[str]:
    """The words of the ledger's entries, `run.` left out; with the step's number where there is one."""
    async with Log(here.settings.ledger, here.clock) as log:
        found = await log.entries()
    return [" ".join([one.action.removeprefix("run."), str(one.data.get("step", ""))]).strip() for one in found]
