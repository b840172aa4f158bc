"""An approved run is carried out step by step: each in the ledger before and after, none done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.operations import operation_of
from aurora_tui.drill.kubernetes.kinds import EVENT, NAMESPACE
from aurora_tui.drill.manifests import NAMESPACE as HOME
from aurora_tui.drill.manifests import STABLE, STANDBY
from aurora_tui.ledger.log import Entry, LedgerError, Log
from aurora_tui.situation.journal import project
from aurora_tui.situation.run import STEP_BEGUN, RunState
from aurora_tui.situation.runbook import Note, Scale
from tests.actions.bundled import bridged, plan_of
from tests.actions.runs import actions, append, approve, carried_out, planned
from tests.actions.worlds import world

UP = Scale(deployment=STANDBY, replicas=3)
MORE = Scale(deployment=STABLE, replicas=5)


async def test_every_step_is_in_the_ledger_before_and_after(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        run = await carried_out(here, await planned(here.reach, UP, MORE))
        assert run.state is RunState.VERIFIED, run.words
        assert here.deployment(STANDBY)["spec"]["replicas"] == 3
        assert here.deployment(STABLE)["spec"]["replicas"] == 5
        assert await actions(here) == [
            "approved", "started", "step.begun 1", "step.done 1", "step.begun 2", "step.done 2", "finished",
        ]  # fmt: skip
        async with Log(here.settings.ledger) as log:
            entries = {f"{one.action} {one.data.get('step')}": one.data for one in await log.entries()}
        before, after = (entries[f"run.step.{word} 1"]["subjects"][0] for word in ("begun", "done"))
        meta = here.deployment(STANDBY)["metadata"]
        assert before["uid"] == after["uid"] == meta["uid"]
        assert int(before["version"]) < int(after["version"])


async def test_what_is_so_already_is_not_done(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, Scale(deployment=STABLE, replicas=3))
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED
        assert run.steps[0].already
        assert await actions(here) == ["approved", "started", "step.done 1", "finished"]
        assert not [one for one in here.writes if "/deployments/" in one.path]


async def test_a_step_that_the_ledger_tells_done_is_not_even_looked_at(tmp_path: Path) -> None:
    """Whoever has scaled it again since had a reason: going on must not undo that."""
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        await approve(here, plan)
        await append(here, "run.started", run=plan.run, executor="eva@bastion:0")
        await append(here, "run.step.done", run=plan.run, step=1, words="there", already=False)
        assert (await carried_out(here, plan)).state is RunState.VERIFIED
        assert here.deployment(STANDBY)["spec"]["replicas"] == 0


async def test_what_an_executor_before_had_begun_is_told_as_done_by_the_run(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP)
        await approve(here, plan)
        await append(here, "run.started", run=plan.run, executor="eva@bastion:0")
        await append(here, STEP_BEGUN, run=plan.run, step=1)
        await operation_of(UP).carry_out(plan.steps[0], here.reach)
        writes = len(here.writes)
        run = await carried_out(here, plan)
        assert (run.state, run.steps[0].already) == (RunState.VERIFIED, False)
        assert not [one for one in here.writes[writes:] if "/deployments/" in one.path]


async def test_kubectl_s_users_see_who_did_what(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        run = await carried_out(
            here, await planned(here.reach, UP, Note(text="call the provider"), runbook="fail-over")
        )
        events = [one.thing for one in here.cluster.store.entries(EVENT, HOME)]
        ours = [one for one in events if one["source"].get("component") == "aurora-tui"]
        assert [(one["reason"], one["involvedObject"]["name"]) for one in ours] == [("AuroraFailOver", STANDBY)]
        assert run.id in ours[0]["message"]
        home = here.cluster.store.get(NAMESPACE, "", HOME)
        assert home is not None
        assert f"run {run.id}" in home.thing["metadata"]["annotations"]["aurora-tui/last-act"]


async def test_a_verified_stage_is_ticked(tmp_path: Path) -> None:
    async with bridged(tmp_path) as here:
        plan = await plan_of(here, "advance", "step-50")
        run = await carried_out(here, plan)
        assert run.state is RunState.VERIFIED, run.words
        async with Log(here.settings.ledger) as log:
            ticks = project(await log.entries()).ticks
        assert ticks["rollout/step-50"].evidence == f"run {run.id}"


async def test_a_stage_that_failed_is_not_ticked(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        plan = msgspec.structs.replace(await plan_of(here, "advance", "step-50"), namespace="elsewhere")
        assert (await carried_out(here, plan)).state is RunState.FAILED
        assert "tick.set" not in await actions(here)


async def test_a_ledger_that_can_no_longer_be_written_stops_it_before_the_next_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Log.append

    async def full(log: Log, action: str, data: Any, **options: Any) -> Entry:
        if action == STEP_BEGUN and data["step"] == 2:
            raise LedgerError("The ledger cannot be written to: database or disk is full", "Make room.")
        return await plain(log, action, data, **options)

    async with world(tmp_path) as here:
        plan = await planned(here.reach, UP, MORE)
        monkeypatch.setattr(Log, "append", full)
        with pytest.raises(LedgerError, match="disk is full"):
            await carried_out(here, plan, patience=0.0)
        assert here.deployment(STANDBY)["spec"]["replicas"] == 3
        assert here.deployment(STABLE)["spec"]["replicas"] == 3
        assert (await actions(here))[-1] == "step.done 1"
        said = capsys.readouterr().err
        assert f"run {plan.run} has stopped. Step 2, Scale {STABLE} to 5: " in said
        assert f"Done: 1 Scale {STANDBY} to 3. Not begun: 2 Scale {STABLE} to 5." in said
