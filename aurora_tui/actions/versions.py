"""Whether the objects of a plan are still as they were read: one small question an object, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from aurora_tui.actions.plan import Plan, Subject
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError

_SECONDS = 5.0


class _Metadata(msgspec.Struct, rename={"version": "resourceVersion"}):
    uid: str = ""
    version: str = ""


class _Head(msgspec.Struct):
    metadata: _Metadata


_HEAD = msgspec.json.Decoder(_Head)


async def changed(connection: Connection, plan: Plan) -> str | None:
    """What is no longer as `plan` read it, in words; None when all is. AuroraError when it cannot be asked."""
    found = await asyncio.gather(*(_change(connection, subject) for subject in subjects_of(plan)))
    return next((words for words in found if words is not None), None)


def subjects_of(plan: Plan) -> Iterable[Subject]:
    """The objects of `plan` that the API holds, each once, as they were read first."""
    by_path: dict[str, Subject] = {}
    for step in plan.steps:
        if step.subject is not None and step.subject.path.startswith("/"):
            by_path.setdefault(step.subject.path, step.subject)
    return by_path.values()


async def _change(connection: Connection, subject: Subject) -> str | None:
    try:
        found = await connection.get_object(subject.path, _HEAD, whole_seconds=_SECONDS)
    except ApiError as error:
        if error.status != 404 or error.reason != "NotFound":
            raise
        return None if subject.uid is None else f"{subject} is gone"
    if subject.uid is None:
        return f"{subject} is there now"
    if found.metadata.uid != subject.uid:
        return f"{subject} was deleted and made anew"
    if subject.version is not None and found.metadata.version != subject.version:
        return f"{subject} was changed"
    return None
