"""The server's own dry run of every write: admission, quota and schema speak before anything is done.

What could not be tried is said not to have been: silence is no consent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora_tui.actions.answer import Answer, ok, refused, together, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.actions.same_object import first_changed_by
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError, Unreachable, Unreadable
from aurora_tui.situation.runbook import Note, Silence, Snapshot, Wait
from aurora_tui.text import safe

TITLE = "dry run"
_NO_DRY_RUN = "does not support dry run"  # an admission webhook that was not made for it; the write itself may pass
_NO_WRITE = (Wait, Note, Silence, Snapshot)  # nothing of the cluster is written


async def rehearsal(reach: Reach, steps: Sequence[PlannedStep]) -> Answer:
    """Refused for every step whose write the server would refuse as things are now; a warning for what is not tried."""
    writing = [step for step in steps if not isinstance(step.step, _NO_WRITE)]
    untried = {step.number: why for step in writing if (why := _not_tried(step, steps))}
    # Those that write nothing to the cluster have something to try as well: a snapshot's disk.
    wanted = [step for step in steps if step.number not in untried and not step.refusals]
    found = [one for one in await asyncio.gather(*(_rehearse(step, reach) for step in wanted)) if one is not None]
    found += [warning(TITLE, f"not tried: step {number}, {why}") for number, why in untried.items()]
    if found:
        return together(*found)
    tried = [step for step in writing if not step.already]
    if not tried:
        return ok(TITLE, "nothing is to be written: there was nothing to try")
    return ok(TITLE, f"the server would take every write: {len(tried)} tried")


def _not_tried(step: PlannedStep, steps: Sequence[PlannedStep]) -> str:
    """Why the server cannot be asked about this step's write now; "" when it can."""
    if step.refusals:
        return f"{step.title}: it could not be planned"
    first = first_changed_by(step, steps)
    return f"{step.title}: step {first.number} changes its object first" if first is not None else ""


async def _rehearse(step: PlannedStep, reach: Reach) -> Answer | None:
    try:
        await operation_of(step.step).rehearse(step, reach)
        return None
    except AuroraError as error:
        words = f"step {step.number}, {step.title}: {safe(error.what, 400)}"
        passing = isinstance(error, Unreachable | Unreadable) or (
            isinstance(error, ApiError) and (error.status == 429 or error.status >= 500 or _NO_DRY_RUN in error.what)
        )
        if passing:
            return warning(TITLE, f"could not be made: {words}", error.remedy)
        return refused(TITLE, words, error.remedy)
