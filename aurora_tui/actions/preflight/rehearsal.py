"""The server's own dry run of every write: admission, quota and schema speak before anything is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aurora_tui.actions.answer import Answer, ok, refused, together, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.errors import AuroraError
from aurora_tui.kube.errors import ApiError, Unreachable, Unreadable
from aurora_tui.text import safe

TITLE = "dry run"
_NO_DRY_RUN = "does not support dry run"  # an admission webhook that was not made for it; the write itself may pass


async def rehearsal(reach: Reach, steps: Sequence[PlannedStep]) -> Answer:
    """Refused for every step whose write the server would refuse as things are now."""
    wanted = [step for step in steps if not step.refusals]
    found = [one for one in await asyncio.gather(*(_rehearse(step, reach) for step in wanted)) if one is not None]
    return together(*found) if found else ok(TITLE, "the server would take every write")


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
