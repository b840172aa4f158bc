"""kill -9 at every journal point: whoever goes on ends where an undisturbed run ends, and nothing is done twice.

Each case has a cluster of its own; its executor is killed at one moment, and another one goes on with the run.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aurora_tui.drill.bridge import bridge_app
from aurora_tui.drill.kubernetes.kinds import KINDS
from aurora_tui.drill.loopback import Server
from aurora_tui.ledger.log import Log
from aurora_tui.settings import load
from aurora_tui.situation.journal import project
from aurora_tui.situation.run import Run, RunState
from tests.actions.killed import Ended, Executors, executors
from tests.actions.runs import approve, planned
from tests.actions.worlds import World, world

AT_ONCE = 4
LOOK_SECONDS = 60.0  # of world time, after each look at the pods
BUSY = {"Pod", "ReplicaSet", "Event", "Lease", "Node", "Namespace"}  # what others write, and what marks the run


class Effects:
    """What became of the cluster: each change of a spec, each object made and deleted, counted."""

    def __init__(self, here: World) -> None:
        self.seen: Counter[str] = Counter()
        self._specs: dict[tuple[str, str], Any] = {}
        here.cluster.listen(self._note)

    def _note(self, change: str, kind: str, thing: dict[str, Any]) -> None:
        name = thing["metadata"]["name"]
        if kind in BUSY:
            return
        content = {field: value for field, value in thing.items() if field not in ("metadata", "status")}
        if change == "MODIFIED" and self._specs.get((kind, name)) == content:
            return  # its status, its annotations
        self._specs[kind, name] = content
        self.seen[f"{change} {kind} {name} {content}"] += 1


@dataclasses.dataclass(frozen=True)
class Story:
    """One run in one cluster: how its executors ended, what the ledger says, and what became of the cluster."""

    ended: tuple[Ended, ...]
    run: Run
    effects: Counter[str]
    state: dict[str, Any]


@asynccontextmanager
async def bridged(folder: Path) -> AsyncIterator[World]:
    """A world whose bridge answers /health, and whose time passes whenever somebody has looked at the pods.

    So what an executor waits for is never so at its first look, and always at its second, however slow it is.
    """
    bridge = Server("bridge")
    try:
        async with world(folder, urls={"bridge": bridge.url}) as here:
            await here.stop()
            plain = here.app
            here.app = lambda: _looked_at(here, plain())
            await here.start()
            await bridge.start(lambda: bridge_app(here.cluster))
            yield here
    finally:
        await bridge.stop()


def _looked_at(here: World, app: web.Application) -> web.Application:
    @web.middleware
    async def pass_time(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        if request.method == "GET" and request.path.endswith("/pods"):
            here.pass_time(LOOK_SECONDS)
        return answer

    app.middlewares.append(pass_time)
    return app


async def told(folder: Path, runbook: str, choice: str | None, making: Executors, die_at: str = "") -> Story:
    """Carry the bundled runbook out; killed at `die_at`, it is gone on with."""
    async with bridged(folder) as here:
        settings = load((here.profile,))
        book = next(one for one in settings.mission.runbook if one.id == runbook)
        steps = book.step if choice is None else next(one.step for one in book.choice if one.id == choice)
        plan = await planned(here.reach, *steps, runbook=runbook)
        assert not plan.refusals
        await approve(here, plan)
        effects = Effects(here)
        ended = [await making.execute(here.profile, plan.run, die_at)]
        if ended[0].killed:
            ended.append(await making.execute(here.profile, plan.run))
        async with Log(here.settings.ledger, here.clock) as log:
            entries = await log.entries()
        return Story(
            ended=tuple(ended),
            run=project(entries).runs[plan.run],
            effects=effects.seen,
            state=_state(here),
        )


def _state(here: World) -> dict[str, Any]:
    """What of the cluster a run is about: every object's generation and content."""
    return {
        f"{kind.name} {entry.thing['metadata']['name']}": (
            entry.thing["metadata"].get("generation"),
            entry.thing["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision"),
            {field: value for field, value in entry.thing.items() if field not in ("metadata", "status")},
        )
        for kind in KINDS
        if kind.name not in BUSY
        for entry in here.cluster.store.entries(kind)
    }


@pytest.mark.parametrize(("runbook", "choice"), [("rollback", None), ("failover", None), ("failover", "force-now")])
async def test_killed_anywhere_it_ends_as_if_it_had_not_been(tmp_path: Path, runbook: str, choice: str | None) -> None:
    async with executors(AT_ONCE) as making:
        undisturbed = await told(tmp_path / "0", runbook, choice, making[0])
        assert undisturbed.run.state is RunState.VERIFIED, undisturbed.ended[0].output
        moments = undisturbed.ended[0].moments
        left, stories = iter(moments), dict[str, Story]()

        async def work(maker: Executors) -> None:
            for moment in left:
                stories[moment] = await told(tmp_path / moment.replace("/", "-"), runbook, choice, maker, moment)

        await asyncio.gather(*map(work, making))
    for moment in moments:
        story = stories[moment]
        where = f"killed {moment}: {story.ended[-1].output}"
        # How often the lock is renewed is a matter of time.
        assert story.ended[0].killed or "/leases/" in moment, where
        assert story.run.state is RunState.VERIFIED, where
        assert story.state == undisturbed.state, where
        assert story.effects == undisturbed.effects, where
    steps = len(undisturbed.run.steps)
    assert len([moment for moment in moments if " run." in moment]) == 2 * (2 + 2 * steps) - not_begun(undisturbed)


def not_begun(story: Story) -> int:
    """Moments that do not come because a step was found done: its beginning."""
    return 2 * sum(step.already for step in story.run.steps)
