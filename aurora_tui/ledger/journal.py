"""The words of the ledger that operators' commands write: phases, checklist ticks, criterion resets.

Each function appends one entry (`after` as `Log.append` takes it). What the entries mean for judgement is read in
`aurora_tui.situation.journal`.
"""

from __future__ import annotations

import os
import pwd
import socket

from aurora_tui.clock import iso_micro
from aurora_tui.ledger.log import Entry, Log

PHASE_STARTED = "phase.started"
PHASE_ENDED = "phase.ended"
TICKED = "tick.set"
UNTICKED = "tick.cleared"
CRITERION_RESET = "criterion.reset"
BACKUP_MADE = "backup.made"


def current_actor() -> str:
    """Who acts, as `user@host`: the account the process runs as, whatever the environment claims."""
    number = os.getuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:
        user = f"uid{number}"  # a container that runs under a bare number
    return f"{user}@{socket.gethostname()}"


async def start_phase(log: Log, phase: str, started_at: float, *, actor: str, after: int | None = None) -> Entry:
    """Record that `phase` started at `started_at` (Unix seconds): the T0 of everything counted in it."""
    return await log.append(
        PHASE_STARTED, {"phase": phase, "started_at": iso_micro(started_at)}, actor=actor, after=after
    )


async def end_phase(log: Log, phase: str, outcome: str, *, actor: str, after: int | None = None) -> Entry:
    """Record that `phase` ended, and how (`completed`, `rolled back`, `abandoned` …)."""
    return await log.append(PHASE_ENDED, {"phase": phase, "outcome": outcome}, actor=actor, after=after)


async def tick(log: Log, key: str, evidence: str | None, *, actor: str, after: int | None = None) -> Entry:
    """Record that `key` is done (`phase/item`, `phase/checkpoint`, `daily/id/YYYY-MM-DD`), and on what evidence."""
    return await log.append(TICKED, {"key": key, "evidence": evidence}, actor=actor, after=after)


async def untick(log: Log, key: str, reason: str, *, actor: str, after: int | None = None) -> Entry:
    """Take a tick back, and say why."""
    return await log.append(UNTICKED, {"key": key, "reason": reason}, actor=actor, after=after)


async def reset_criterion(log: Log, criterion: str, reason: str, *, actor: str, after: int | None = None) -> Entry:
    """Clear a criterion's latch: from this entry's time it is judged anew."""
    return await log.append(CRITERION_RESET, {"criterion": criterion, "reason": reason}, actor=actor, after=after)
