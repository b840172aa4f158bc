"""Since when things are judged: T0 and the operator's resets, as far as they are in force.

Both carry the clock of the machine they were recorded on. What is dated ahead of the server's clock does not count
until that time has come: a reset an hour ahead would else silence its criterion for that hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aurora_tui.situation.freshness import AHEAD_TOLERATED
from aurora_tui.situation.journal import Journal, PhaseRun


def running(journal: Journal, now: float) -> PhaseRun | None:
    """The newest phase that has begun and not ended by `now`."""
    begun = (run for run in reversed(journal.phases) if _in_force(run.started_at, now))
    return next((run for run in begun if run.ended_at is None or not _in_force(run.ended_at, now)), None)


def start(journal: Journal, window: float, now: float) -> float:
    """T0: the running phase's start; without a phase, the end of the last one, at most one `window` back."""
    run = running(journal, now)
    if run is not None:
        return run.started_at
    ends = [run.ended_at for run in journal.phases if run.ended_at is not None and _in_force(run.ended_at, now)]
    return max([now - window, *ends])


def resets(journal: Journal, now: float) -> dict[str, tuple[float, ...]]:
    """Per criterion, the resets that are in force at `now`."""
    found = {name: tuple(at for at in times if _in_force(at, now)) for name, times in journal.resets.items()}
    return {name: times for name, times in found.items() if times}


def dated_ahead(journal: Journal, criteria: Iterable[str], now: float) -> Iterator[str]:
    """What is recorded for a time that has not come, in words."""
    late = "of the server's clock: not counted until then"
    run = journal.current
    if run is not None and not _in_force(run.started_at, now):
        yield f"the start of phase {run.phase} is dated {run.started_at - now:.0f} s ahead {late}"
    for name in criteria:
        ahead = [at for at in journal.resets.get(name, ()) if not _in_force(at, now)]
        if ahead:
            yield f"a reset of {name} is dated {min(ahead) - now:.0f} s ahead {late}"


def _in_force(moment: float, now: float) -> bool:
    return moment - now <= AHEAD_TOLERATED
