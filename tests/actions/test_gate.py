"""A stage is climbed when its gate holds; otherwise for a reason that stands in the ledger."""

from __future__ import annotations

from pathlib import Path

from aurora_tui.actions.plan import Outcome
from aurora_tui.drill.manifests import CANARY
from aurora_tui.situation.journal import project
from aurora_tui.situation.runbook import Note, Runbook, Scale, Stage
from tests.actions.desks import book, bundled, check, gate, plan_of, situation, titles
from tests.actions.worlds import world
from tests.situation.missions import NOW, records, started, ticked

ROLLOUT = project(records(started(NOW, "rollout")))


def climb(*conditions: str) -> Runbook:
    """One stage that says something."""
    stage = Stage(id="step-25", title="25 %", done="rollout/step-25", gate=conditions, step=(Note(text="x"),))
    return book(stage=(stage,))


async def test_a_stage_whose_gate_holds_may_be_climbed(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        judged = situation(gates=(gate("step-25", ("phase:rollout", True, "rollout runs")),))
        plan = await plan_of(here, climb("phase:rollout"), journal=ROLLOUT, judged=judged)
        assert (plan.stage, plan.title) == ("step-25", "test: 25 %")
        assert check(plan, "gate phase:rollout").outcome is Outcome.OK
        assert plan.refusals == ()


async def test_a_gate_that_does_not_hold_refuses_by_each_condition(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        findings = (("slos", False, "RTT 94 % of 95 % needed"), ("green_hours:168", None, "an SLO has no data"))
        judged = situation(gates=(gate("step-25", *findings),))
        plan = await plan_of(here, climb("slos", "green_hours:168"), journal=ROLLOUT, judged=judged)
        assert plan.refusals == (
            "gate slos: RTT 94 % of 95 % needed",
            "gate green_hours:168: an SLO has no data",
        )


async def test_a_gate_is_overridden_for_a_reason_that_is_recorded(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        judged = situation(gates=(gate("step-25", ("slos", False, "RTT 94 %"), ("verdict:go", True, "GO")),))
        plan = await plan_of(
            here, climb("slos", "verdict:go"), journal=ROLLOUT, judged=judged, override="the owner decided so"
        )
        assert plan.refusals == ()
        assert check(plan, "gate slos").outcome is Outcome.WARNING
        assert plan.forced == ("gate slos overridden: the owner decided so (it said: RTT 94 %)",)


async def test_a_blank_override_is_none(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        judged = situation(gates=(gate("step-25", ("slos", False, "RTT 94 %")),))
        plan = await plan_of(here, climb("slos"), journal=ROLLOUT, judged=judged, override="  ")
        assert plan.refusals == ("gate slos: RTT 94 %",)


async def test_a_gate_that_nobody_judged_is_shut(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        assert (await plan_of(here, climb("slos"), journal=ROLLOUT)).refusals == (
            "gate slos: not known: nobody looked",
        )
        other = situation(gates=(gate("step-50", ("slos", True, "all met")),))
        plan = await plan_of(here, climb("slos"), journal=ROLLOUT, judged=other)
        assert plan.refusals == ("gate slos: not judged yet: plan again in a moment",)


async def test_a_stage_out_of_its_turn_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        advance = bundled(here, "advance")
        plan = await plan_of(here, advance, journal=ROLLOUT, stage="step-100", judged=situation())
        assert check(plan, "gate order").words == "25 % of the traffic comes next"
        assert check(plan, "gate order").outcome is Outcome.REFUSED


async def test_the_bundled_stages_follow_the_rollouts_checkpoints(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        advance = bundled(here, "advance")
        entries = [started(NOW, "rollout")]
        for expected, weights, replicas in (("step-25", 25, 1), ("step-50", 50, 2), ("step-100", 100, 3)):
            plan = await plan_of(here, advance, journal=project(records(*entries)), judged=situation())
            assert plan.stage == expected
            goals = [one.step for one in plan.steps]
            assert goals[0] == Scale(deployment=CANARY, replicas=replicas)
            assert next(one.weights for one in goals if hasattr(one, "weights"))["aurora-bridge"] == weights
            assert not any(one.refusals for one in plan.steps)
            entries.append(ticked(NOW + 1, f"rollout/{expected}"))


async def test_a_runbook_without_stages_has_no_gate(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await plan_of(here, book(Note(text="x")), judged=situation())
        assert not [title for title in titles(plan) if title.startswith("gate")]
