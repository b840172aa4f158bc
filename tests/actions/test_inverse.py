"""Taking a run back: what it changed, planned and approved like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.inverse import inverse_runbook
from aurora_tui.actions.plan import Plan
from aurora_tui.drill.manifests import CANARY, NAMESPACE, STABLE, STANDBY
from aurora_tui.errors import UsageError
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.run import Run, RunState, StepRun, StepState
from aurora_tui.situation.runbook import Note, Patch, Restore, Scale, Undo, Wait, WaitFor
from tests.actions.bundled import bridged
from tests.actions.bundled import plan_of as plan_bundled
from tests.actions.desks import bundled, plan_of
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


def pods(name: str) -> Wait:
    return Wait(until=WaitFor.PODS, deployment=name, limit=Duration(240.0))


def rollout(name: str) -> Wait:
    return Wait(until=WaitFor.ROLLOUT, deployment=name, limit=Duration(240.0))


async def test_what_was_brought_up_goes_only_once_what_it_stood_in_for_is_ready(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        steps = (Scale(deployment=STANDBY, replicas=3), Note(text="x"), Scale(deployment=CANARY, replicas=0))
        plan = await planned(here.reach, *steps)
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, DONE, state=RunState.VERIFIED), "F")
        assert back.step == (
            Scale(deployment=CANARY, replicas=3), pods(CANARY), Scale(deployment=STANDBY, replicas=0), rollout(STANDBY),
        )  # fmt: skip
        assert (back.key, back.title) == ("F", "take back: test")


async def test_also_what_went_first_is_back_before_the_other_goes(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        choice = next(one for one in bundled(here, "failover").choice if one.id == "force-now")
        plan = await planned(here.reach, *choice.step)
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, DONE, DONE, state=RunState.VERIFIED), "F")
        assert back.step == (
            Scale(deployment=CANARY, replicas=3), pods(CANARY), Scale(deployment=STANDBY, replicas=0), rollout(STANDBY),
            choice.step[-1],  # the bridge is well: as the run itself ended
        )  # fmt: skip


async def test_traffic_is_led_back_once_the_pods_are_back_and_before_the_others_go(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        runbook = bundled(here, "rollback")
        plan = await planned(here.reach, *runbook.step)
        back = inverse_runbook(plan, run_of(plan, *(DONE for _ in plan.steps), state=RunState.VERIFIED), "R")
        assert [type(one).__name__ for one in back.step] == ["Undo", "Wait", "Wait", "Traffic", "Scale", "Wait", "Wait"]
        assert back.step[1:3] == (rollout(CANARY), pods(CANARY))
        assert back.step[-3:] == (Scale(deployment=STANDBY, replicas=0), rollout(STANDBY), runbook.step[-1])


async def test_a_halt_is_taken_back_by_the_snapshot_and_waits_for_every_deployment(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, *bundled(here, "halt").step)
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, state=RunState.VERIFIED), "H").step
        assert isinstance(back[0], Restore)
        assert set(back[1:]) == {pods(CANARY), pods(STABLE), pods(STANDBY)}


async def test_a_patch_that_took_the_replicas_away_is_waited_for_like_a_scale(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        gone = Patch(resource="deployments.apps", name=CANARY, body='{"spec": {"replicas": 0}}')
        plan = await planned(here.reach, gone, Scale(deployment=STANDBY, replicas=3))
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, state=RunState.VERIFIED), "").step
        assert isinstance(back[0], Patch)
        assert back[1:] == (rollout(CANARY), pods(CANARY), Scale(deployment=STANDBY, replicas=0), rollout(STANDBY))


async def test_a_step_that_was_cut_off_or_failed_is_taken_back_too(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, *(Scale(deployment=name, replicas=5) for name in (CANARY, STABLE, STANDBY)))
        back = inverse_runbook(plan, run_of(plan, DONE, FAILED, WAITING), "").step
        assert [one.deployment for one in back if isinstance(one, Scale)] == [STABLE, CANARY]


async def test_what_was_so_before_the_run_stays(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, Scale(deployment=STABLE, replicas=3), Scale(deployment=STANDBY, replicas=3))
        back = inverse_runbook(plan, run_of(plan, DONE, DONE, already=(1,)), "")
        assert back.step == (Scale(deployment=STANDBY, replicas=0), rollout(STANDBY))


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


@pytest.mark.parametrize("choice", [None, "force-now"])
async def test_while_a_failover_is_taken_back_somebody_always_serves(tmp_path: Path, choice: str | None) -> None:
    async with bridged(tmp_path) as here:
        before = {name: here.deployment(name)["spec"] for name in (CANARY, STABLE, STANDBY)}
        plan = await plan_bundled(here, "failover", choice)
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        served: list[int] = []

        def note(change: str, kind: str, thing: dict[str, Any]) -> None:
            if kind == "Deployment":
                served.append(sum(here.deployment(one)["status"].get("readyReplicas", 0) for one in (CANARY, STANDBY)))

        here.cluster.listen(note)
        back = await plan_of(here, inverse_runbook(plan, run, "F"), inverse_of=run.id)
        assert back.refusals == ()
        again = await carried_out(here, msgspec.structs.replace(back, run="back", reason="x"), executor="eva@bastion:2")
        assert again.state is RunState.VERIFIED, again.words
        assert min(served) >= 3
        assert {name: here.deployment(name)["spec"] for name in (CANARY, STABLE, STANDBY)} == before
