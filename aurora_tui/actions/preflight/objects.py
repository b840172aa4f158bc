"""The objects that the steps are about, read once for every check that looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations.deployment import path_of
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.kube.writes import Object, read
from aurora_tui.situation.runbook import Note, Restart, Scale, SetImage, Silence, Snapshot, Undo, Wait

_LOOKING = (Wait, Note, Snapshot, Silence)  # steps that change no object of the cluster
_OF_A_DEPLOYMENT = (Undo, Scale, SetImage, Restart)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """An object that a step changes, and how it is now."""

    step: PlannedStep
    name: str
    found: Object

    def __str__(self) -> str:
        return f"{self.found.get('kind') or 'Deployment'} {self.name}"


async def acted_on(reach: Reach, steps: Sequence[PlannedStep]) -> tuple[Acted, ...]:
    """Every object that is there and that a step changes, in the order of the steps. ApiError, Unreachable."""
    paths: Mapping[int, str] = {step.number: path for step in steps if (path := _path(step, reach)) is not None}
    distinct = list(dict.fromkeys(paths.values()))
    read_now = dict(zip(distinct, await asyncio.gather(*(read(reach.cluster, path) for path in distinct)), strict=True))
    found = []
    for step in steps:
        here = read_now.get(paths.get(step.number, ""))
        if here is not None and step.subject is not None:
            found.append(Acted(step=step, name=step.subject.name, found=here))
    return tuple(found)


def _path(step: PlannedStep, reach: Reach) -> str | None:
    if isinstance(step.step, _LOOKING) or step.refusals or step.subject is None:
        return None
    if isinstance(step.step, _OF_A_DEPLOYMENT):
        return path_of(reach.namespace, step.step.deployment)
    return step.subject.path if step.subject.path.startswith("/") else None
