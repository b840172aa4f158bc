"""Several steps of one plan on the same object: each finds what those before it make, or the plan is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_tui.actions.plan import Change, Outcome
from aurora_tui.drill.manifests import CANARY, STABLE, STANDBY
from aurora_tui.situation.run import RunState
from aurora_tui.situation.runbook import AnyStep, Patch, Restart, Scale, SetImage, Undo, Wait, WaitFor
from tests.actions.bundled import bridged
from tests.actions.desks import book, check, plan_of
from tests.actions.runs import carried_out
from tests.actions.worlds import world

UP, DOWN = Scale(deployment=STANDBY, replicas=3), Scale(deployment=STANDBY, replicas=1)
WAIT = Wait(until=WaitFor.PODS, deployment=STANDBY)


def image(container: str = "bridge", of: str = STANDBY) -> SetImage:
    return SetImage(deployment=of, container=container, image=f"{container}:2")


def labelled(where: str, value: str) -> Patch:
    body = json.dumps({"metadata": {"labels": {where: value}}})
    return Patch(resource="deployments.apps", name=STANDBY, body=body)


async def test_a_second_scaling_finds_what_the_first_makes(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, WAIT, DOWN))
        assert plan.refusals == ()
        later = plan.steps[2]
        assert later.changes == (Change(what="replicas", now="3", after="1"),)
        assert later.before == {"replicas": 3}
        assert later.why == "step 1 makes it 3 first"
        assert "--current-replicas=3" in later.kubectl


async def test_scaled_back_to_what_it_is_now_is_a_change_all_the_same(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, Scale(deployment=STANDBY, replicas=0)))
        assert [one.already for one in plan.steps] == [False, False]


async def test_scaled_to_what_a_step_before_makes_is_no_change(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(UP, UP, DOWN))
        assert [one.already for one in plan.steps] == [False, True, False]
        assert plan.steps[2].why == "step 1 makes it 3 first"


async def test_a_deployment_is_scaled_twice_in_one_run(tmp_path: Path) -> None:
    async with bridged(tmp_path) as here:
        plan = await plan_of(here, book(UP, WAIT, DOWN))
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 1


async def test_what_an_earlier_step_changes_cannot_be_tried_and_is_said_not_to_have_been(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        found = check(await plan_of(here, book(UP, WAIT, DOWN)), "dry run")
        assert found.outcome is Outcome.WARNING
        assert found.words == f"not tried: step 3, Scale {STANDBY} to 1: step 1 changes its object first"


@pytest.mark.parametrize(
    "steps",
    [
        (Undo(deployment=CANARY), image(of=CANARY)),
        (image(of=CANARY), Undo(deployment=CANARY)),
        (Restart(deployment=STANDBY), Restart(deployment=STANDBY)),
        (image(), SetImage(deployment=STANDBY, container="bridge", image="bridge:3")),
        (labelled("tier", "a"), labelled("tier", "b")),
        (Patch(resource="deployments.apps", name=STANDBY, body='{"spec": {"replicas": 2}}'), UP),
    ],
)
async def test_what_nobody_can_know_beforehand_is_refused_when_it_is_planned(
    tmp_path: Path, steps: tuple[AnyStep, ...]
) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(*steps))
        assert plan.steps[0].refusals == ()
        assert "changes the same first" in plan.steps[1].refusals[0]


@pytest.mark.parametrize(
    "steps",
    [
        (Undo(deployment=CANARY), Scale(deployment=CANARY, replicas=1)),
        (image(), Restart(deployment=STANDBY)),
        (labelled("tier", "a"), labelled("team", "b")),
        (labelled("tier", "a"), UP),
        (UP, Scale(deployment=STABLE, replicas=1)),
    ],
)
async def test_steps_that_do_not_meet_are_carried_out_one_after_the_other(
    tmp_path: Path, steps: tuple[AnyStep, ...]
) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(*steps))
        assert plan.refusals == ()
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
