"""Taking a run back: what it changed, last first, planned and approved like any other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aurora_tui.actions.inverse import inverse_runbook
from aurora_tui.actions.plan import Plan
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY
from aurora_tui.errors import UsageError
from aurora_tui.situation.run import Run, RunState, StepRun, StepState
from aurora_tui.situation.runbook import Note, Scale, Undo, Wait, WaitFor
from tests.actions.desks import plan_of
from tests.actions.runs import carried_out, planned
from tests.actions.worlds import world


def run_of(plan: Plan, *states: StepState, state: RunState = RunState.FAILED, already: tuple[int, ...] = ()) -> Run:
    """A run of `plan` whose steps stand so."""
    steps = tuple(
        StepRun(number=number, title="", state=one, already=number in already) for number, one in enumerate(states, 1)
    )
    return Run(
        id=plan.run, runbook="test", title="test", environment="drill", steps=steps, approved_at=0.0,
        approved_by="eva", sequence=1, state=state,
    )  # fmt: skip


DONE, FAILED, RUNNING, WAITING = StepState.DONE, StepState.FAILED, StepState.RUNNING, StepState.WAITING


async def test_what_was_done_is_taken_back_last_first(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        steps = (Scale(deployment=STANDBY, replicas=3), Note(text="x"), Scale(deployment=CANARY, replicas=0))
        plan = await planned(here.reach, *steps)
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, DONE, state=RunState.VERIFIED), "F")
        assert back.step == (Scale(deployment=CANARY, replicas=3), Scale(deployment=STANDBY, replicas=0))
        assert (back.key, back.title) == ("F", "take back: test")


async def test_a_step_that_was_cut_off_or_failed_is_taken_back_too(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, *(Scale(deployment=name, replicas=5) for name in (CANARY, STABLE, STANDBY)))
        assert [one.deployment for one in inverse_runbook(plan, run_of(plan, DONE, FAILED, WAITING), "").step] == [  # type: ignore[union-attr]
            STABLE, CANARY,
        ]  # fmt: skip


async def test_what_was_so_before_the_run_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, Scale(deployment=STABLE, replicas=3), Scale(deployment=STANDBY, replicas=3))
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, already=(1,)), "")
        assert back.step == (Scale(deployment=STANDBY, replicas=0),)


async def test_a_run_that_changed_nothing_cannot_be_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        waits = (Wait(until=WaitFor.PODS, deployment=CANARY), Scale(deployment=STANDBY, replicas=3))
        plan = await planned(here.reach, *waits)
        with pytest.raises(UsageError, match="changed nothing"):
            inverse_runbook(plan, run_of(plan, FAILED, WAITING), "")


async def test_a_run_that_goes_on_cannot_be_taken_back(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, Scale(deployment=STANDBY, replicas=3))
        with pytest.raises(UsageError, match="is not over"):
            inverse_runbook(plan, run_of(plan, RUNNING, state=RunState.RUNNING), "")


async def test_a_run_and_its_inverse_leave_the_world_as_it_was(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        before = {name: here.deployment(name)["spec"] for name in (CANARY, STABLE, STANDBY)}
        steps = (Undo(deployment=CANARY), Scale(deployment=STANDBY, replicas=2), Scale(deployment=CANARY, replicas=1))
        run = await carried_out(here, plan := await planned(here.reach, *steps))
        assert run.state is RunState.VERIFIED, run.words
        assert here.deployment(CANARY)["spec"] != before[CANARY]
        here.pass_time(60)
        back = await plan_of(here, inverse_runbook(plan, run, "R"), inverse_of=run.id)
        assert back.refusals == ()
        assert back.inverse_of == run.id
        again = await carried_out(here, msgspec.structs.replace(back, run="back", reason="x"), executor="eva@bastion:2")
        assert again.state is RunState.VERIFIED, again.words
        assert {name: here.deployment(name)["spec"] for name in (CANARY, STABLE, STANDBY)} == before
        assert here.cluster.deployment(NAMESPACE, CANARY) is not None
