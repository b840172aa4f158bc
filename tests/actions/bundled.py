"""The bundled runbooks in a world of their own: what they do to it, counted, and what it is in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from aurora_tui.actions.plan import Plan
from aurora_tui.drill.bridge import bridge_app
from aurora_tui.drill.kubernetes.kinds import KINDS
from aurora_tui.drill.loopback import Server
from aurora_tui.settings import Settings
from aurora_tui.situation.runbook import AnyStep
from tests.actions.runs import planned
from tests.actions.worlds import World, world

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


def state_of(here: World) -> dict[str, Any]:
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


def steps_of(settings: Settings, runbook: str, part: str | None = None) -> Sequence[AnyStep]:
    """The steps of a bundled runbook, or of one of its choices or stages."""
    book = next(one for one in settings.mission.runbook if one.id == runbook)
    return book.step if part is None else next(one.step for one in (*book.choice, *book.stage) if one.id == part)


async def plan_of(here: World, runbook: str, part: str | None = None) -> Plan:
    """A bundled runbook, or one of its choices or stages, planned on what the world is now."""
    plan = await planned(here.reach, *steps_of(here.settings, runbook, part), runbook=runbook)
    assert not plan.refusals
    book = next(one for one in here.settings.mission.runbook if one.id == runbook)
    return msgspec.structs.replace(plan, stage=part if part in {stage.id for stage in book.stage} else None)
