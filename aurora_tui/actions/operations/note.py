"""Note: words for the ledger, or something that a person does by hand. Nothing is changed, so it is done at once."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.actions.operation import Permission, Reach, Standing
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.situation.runbook import AnyStep, Note
from aurora_tui.text import safe

_LONGEST = 2000


class NoteOperation:
    """Say it."""

    async def plan(self, step: Note, number: int, reach: Reach) -> PlannedStep:
        """The words, as they will be written."""
        return PlannedStep(number=number, step=step, title=f"Note: {_words(step)}", goal={"noted": True}, limit=1)

    def permissions(self, planned: PlannedStep) -> Sequence[Permission]:
        """None."""
        return ()

    async def rehearse(self, planned: PlannedStep, reach: Reach) -> None:
        """Nothing is written to any cluster."""

    async def standing(self, planned: PlannedStep, reach: Reach) -> Standing:
        """Done: the entry that says so is the note."""
        step = planned.step
        assert isinstance(step, Note)
        return Standing(done=True, words=_words(step))

    async def carry_out(self, planned: PlannedStep, reach: Reach) -> None:
        """Nothing."""

    def inverse(self, planned: PlannedStep) -> Sequence[AnyStep]:
        """What was said stays said."""
        return ()


def _words(step: Note) -> str:
    return safe(step.text, _LONGEST)
