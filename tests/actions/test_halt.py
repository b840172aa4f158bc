"""The bundled halt and resume, carried out by an executor: everything goes, everything comes back, killed or not."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.actions.consent import second_consent
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Plan
from aurora_tui.drill.manifests import before_canary, canary
from aurora_tui.ledger.log import Log
from aurora_tui.situation.journal import project
from aurora_tui.situation.run import Run, RunState
from aurora_tui.situation.runbook import Delete, Restore, Snapshot
from tests.actions.bundled import Effects, bridged, plan_of, state_of
from tests.actions.killed import Executors, executors
from tests.actions.runs import approve, carried_out, planned
from tests.actions.worlds import ADMIN, World, world

AT_ONCE = 4
EMPTY: dict[str, Any] = {}


def as_run(here: World, run: str) -> None:
    """From now on plans are of this run."""
    here.reach = dataclasses.replace(here.reach, run=run)


def plain(state: dict[str, Any]) -> dict[str, Any]:
    """Contents alone: a generation counts from the object's creation."""
    return {name: content for name, (_, _, content) in state.items()}


async def verified(here: World, plan: Plan) -> Run:
    run = await carried_out(here, plan)
    assert run.state is RunState.VERIFIED, run.words
    return run


@pytest.mark.needs("kubectl")
async def test_halt_takes_the_overlay_away_and_resume_brings_it_back(tmp_path: Path) -> None:
    async with bridged(tmp_path) as here:
        before = state_of(here)
        plan = await plan_of(here, "halt")
        assert second_consent(plan) is None
        run = await verified(here, plan)
        assert [one.title for one in run.steps] == ["Keep everything of drill", "Delete everything of drill"]
        assert state_of(here) == EMPTY
        as_run(here, "resume0001")
        await verified(here, await plan_of(here, "resume"))
        assert plain(state_of(here)) == plain(before)


async def test_the_softer_choice_scales_all_to_none_and_leaves_the_rest(tmp_path: Path) -> None:
    async with bridged(tmp_path) as here:
        before = state_of(here)
        await verified(here, await plan_of(here, "halt", "scale-to-0"))
        after = state_of(here)
        assert {name for name in before if before[name] != after[name]} == {
            "Deployment aurora-bridge", "Deployment aurora-bridge-v0",
        }  # fmt: skip
        here.pass_time(60)
        assert not here.cluster.pods(here.reach.namespace)


async def test_after_a_failover_resume_has_a_choice_of_its_own(tmp_path: Path) -> None:
    async with bridged(tmp_path) as here:
        before = state_of(here)
        await verified(here, await plan_of(here, "failover"))
        as_run(here, "resume0001")
        await verified(here, await plan_of(here, "resume", "after-failover"))
        assert plain(state_of(here)) == plain(before)


async def whole(here: World) -> Plan:
    """A halt that takes the namespace too."""
    file = here.folder / "overlay.yaml"
    file.write_text(yaml.safe_dump_all([*before_canary(), *canary()[1:]]))
    plan = await planned(here.reach, Snapshot(path=str(file)), Delete(path=str(file)))
    assert second_consent(plan) is not None
    return plan


async def test_a_halt_that_takes_the_namespace_is_verified_and_taken_back_though_no_lock_can_be_held(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, user=ADMIN) as here:
        before = state_of(here)
        await verified(here, await whole(here))
        assert state_of(here) == EMPTY
        as_run(here, "resume0001")
        await verified(here, await planned(here.reach, Restore()))
        assert plain(state_of(here)) == plain(before)


@pytest.mark.parametrize("seconds", [0, 120], ids=["going", "gone"])
async def test_who_goes_on_with_such_a_halt_finds_no_place_for_a_lock_and_verifies_it(
    tmp_path: Path, seconds: int
) -> None:
    async with world(tmp_path, user=ADMIN) as here:
        plan = await whole(here)
        for one in plan.steps:  # and then the executor is killed
            await operation_of(one.step).carry_out(one, here.reach)
        here.pass_time(seconds)
        await verified(here, plan)
        assert state_of(here) == EMPTY


@dataclasses.dataclass(frozen=True)
class Story:
    """One run in one cluster: the moments of its first executor, and what the ledger and the cluster say then."""

    moments: tuple[str, ...]
    killed: bool
    output: str
    run: Run
    effects: Counter[str]
    state: dict[str, Any]


async def told(folder: Path, runbook: str, making: Executors, die_at: str = "") -> Story:
    """Carry the bundled runbook out, resume after a halt; killed at `die_at`, it is gone on with."""
    async with bridged(folder) as here:
        if runbook == "resume":
            await verified(here, await plan_of(here, "halt"))
            as_run(here, "resume0001")
        plan = await plan_of(here, runbook)
        await approve(here, plan)
        effects = Effects(here)
        ended = [await making.execute(here.profile, plan.run, die_at)]
        if ended[0].killed:
            ended.append(await making.execute(here.profile, plan.run))
        async with Log(here.settings.ledger, here.clock) as log:
            run = project(await log.entries()).runs[plan.run]
        output = ended[-1].output
        return Story(ended[0].moments, ended[0].killed, output, run, effects.seen, plain(state_of(here)))


@pytest.mark.slow
@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("runbook", ["halt", "resume"])
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(tmp_path: Path, runbook: str) -> None:
    async with executors(AT_ONCE) as making:
        undisturbed = await told(tmp_path / "0", runbook, making[0])
        assert undisturbed.run.state is RunState.VERIFIED, undisturbed.output
        left, stories = iter(undisturbed.moments), dict[str, Story]()
        names = itertools.count(1)

        async def work(maker: Executors) -> None:
            for moment in left:
                stories[moment] = await told(tmp_path / str(next(names)), runbook, maker, moment)

        await asyncio.gather(*map(work, making))
    for moment, story in stories.items():
        where = f"killed {moment}: {story.output}"
        assert story.killed or "/leases/" in moment, where  # how often the lock is renewed is a matter of time
        assert story.run.state is RunState.VERIFIED, where
        assert story.state == undisturbed.state, where
        assert story.effects == undisturbed.effects, where
