"""An approved run is carried out step by step: each in the ledger before and after, none done twice."""

from __future__ import annotations

from pathlib import Path

from aurora_tui.drill.manifests import STABLE, STANDBY
from aurora_tui.situation.run import RunState
from aurora_tui.situation.runbook import Scale
from tests.actions.runs import actions, carried_out, planned
from tests.actions.worlds import world


async def test_every_step_is_in_the_ledger_before_and_after(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, Scale(deployment=STANDBY, replicas=3), Scale(deployment=STABLE, replicas=5))
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 3
        assert here.deployment(STABLE)["spec"]["replicas"] == 5
        assert await actions(here) == [
            "approved", "started", "step.begun 1", "step.done 1", "step.begun 2", "step.done 2", "finished",
        ]  # fmt: skip
