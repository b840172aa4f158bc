"""kill -9 at every journal point, and at every write: the run ends as if nothing had been, nothing done twice.

The bundled runbooks with their choices and stages; halt and resume are in test_halt.
Each case has a cluster of its own; its executor is killed at one moment, and another one goes on with the run.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from aurora_tui.ledger.journal import TICKED
from aurora_tui.ledger.log import Log
from aurora_tui.situation.journal import project
from aurora_tui.situation.run import Run, RunState
from aurora_tui.situation.runbook import Wait
from tests.actions.bundled import Effects, bridged, plan_of, state_of
from tests.actions.killed import Ended, Executors, executors
from tests.actions.runs import approve

AT_ONCE = 4


@dataclasses.dataclass(frozen=True)
class Story:
    """One run in one cluster: how its executors ended, what the ledger says, and what became of the cluster."""

    ended: tuple[Ended, ...]
    run: Run
    found_done: tuple[bool, ...]  # of each step that does something, whether it is told as found done
    ticks: tuple[str, ...]
    effects: Counter[str]
    state: dict[str, Any]


async def told(folder: Path, runbook: str, part: str | None, making: Executors, die_at: str = "") -> Story:
    """Carry the bundled runbook out; killed at `die_at`, it is gone on with."""
    async with bridged(folder) as here:
        plan = await plan_of(here, runbook, part)
        await approve(here, plan)
        effects = Effects(here)
        ended = [await making.execute(here.profile, plan.run, die_at)]
        if ended[0].killed:
            ended.append(await making.execute(here.profile, plan.run))
        async with Log(here.settings.ledger, here.clock) as log:
            entries = await log.entries()
        run = project(entries).runs[plan.run]
        acting = [planned.number for planned in plan.steps if not isinstance(planned.step, Wait)]
        return Story(
            ended=tuple(ended),
            run=run,
            found_done=tuple(step.already for step in run.steps if step.number in acting),
            ticks=tuple(entry.data["key"] for entry in entries if entry.action == TICKED),
            effects=effects.seen,
            state=state_of(here),
        )


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: a process that is killed loses nothing of it, and no disk is slow."""
    with TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        yield Path(folder)


async def undone_by_no_kill(memory: Path, runbook: str, part: str | None) -> None:
    async with executors(AT_ONCE) as making:
        undisturbed = await told(memory / "0", runbook, part, making[0])
        assert undisturbed.run.state is RunState.VERIFIED, undisturbed.ended[0].output
        moments = undisturbed.ended[0].moments
        left, stories = iter(moments), dict[str, Story]()

        async def work(maker: Executors) -> None:
            for moment in left:
                stories[moment] = await told(memory / moment.replace("/", "-"), runbook, part, maker, moment)

        await asyncio.gather(*map(work, making))
    for moment in moments:
        story = stories[moment]
        where = f"killed {moment}: {story.ended[-1].output}"
        # How often the lock is renewed is a matter of time.
        assert story.ended[0].killed or "/leases/" in moment, where
        assert story.run.state is RunState.VERIFIED, where
        assert story.state == undisturbed.state, where
        assert story.effects == undisturbed.effects, where
        assert story.found_done == undisturbed.found_done, where
        assert story.ticks == undisturbed.ticks, where
    steps = len(undisturbed.run.steps)
    assert len([moment for moment in moments if " run." in moment]) == 2 * (2 + 2 * steps) - not_begun(undisturbed)


@pytest.mark.parametrize("runbook", ["rollback", "failover"])
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(memory: Path, runbook: str) -> None:
    await undone_by_no_kill(memory, runbook, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runbook", "part"),
    [
        ("failover", "force-now"),
        ("halt", "scale-to-0"),
        ("advance", "canary-10"),
        ("advance", "step-25"),
        ("advance", "step-50"),
        ("advance", "step-100"),
    ],
)
async def test_so_do_its_choices_and_stages(memory: Path, runbook: str, part: str) -> None:
    await undone_by_no_kill(memory, runbook, part)


def not_begun(story: Story) -> int:
    """Moments that do not come because a step was found done: its beginning."""
    return 2 * sum(step.already for step in story.run.steps)
