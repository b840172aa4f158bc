"""The lock: whether another executor, of whichever console, holds the namespace's Lease."""

from __future__ import annotations

from aurora_tui.actions.answer import Answer, ok, refused, together, warning
from aurora_tui.actions.claim import is_claimed
from aurora_tui.actions.holding import LEASE, TAKE_OVER
from aurora_tui.actions.operation import Reach
from aurora_tui.clock import iso
from aurora_tui.kube.lease import Holder, look
from aurora_tui.situation.journal import Journal

TITLE = "lock"


async def lock(reach: Reach, journal: Journal, *, take_over: bool) -> Answer:
    """Refused while another one holds it, unless it is to be taken over. ApiError, Unreachable."""
    holder = await look(reach.cluster, reach.namespace, LEASE)
    if holder is None:
        return ok(TITLE, "free")
    words = _in_words(holder)
    run = journal.runs.get(holder.run)
    if run is not None and not run.state.open and not is_claimed(reach.settings, run.id):
        words = f"left behind by {words}: run {run.id} is {run.state.value}, so it is taken over"
    elif not take_over:
        return refused(
            TITLE, words, "Wait until that run is over; or take the lock over, if you know that it is dead (take-over)."
        )
    # What the executor reads, and what a person does.
    return together(warning(TITLE, words), Answer(forced=(TAKE_OVER, f"the lock is taken over: {words}")))


def _in_words(holder: Holder) -> str:
    since = f" since {iso(holder.since)}" if holder.since is not None else ""
    return f"held by {holder}{since}"
