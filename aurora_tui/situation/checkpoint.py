"""Checkpoints: what is due, when, and what is done. Starts come from the ledger, so timers survive restarts."""

from __future__ import annotations

from enum import Enum

import msgspec


class TimerState(Enum):
    """State of one row of the checkpoints panel."""

    DONE = "done"
    NEXT = "next"
    LATER = "later"
    OVERDUE = "overdue"
    UNKNOWN = "unknown"


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the checkpoints panel. `due_at` and `done_at` are Unix seconds."""

    id: str
    title: str
    state: TimerState
    due_at: float | None = None
    done_at: float | None = None
    done_by: str | None = None
    evidence: str | None = None
    detail: str | None = None


class ChecklistRow(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the phase's checklist. `done` None: an automatic item that cannot be known now."""

    id: str
    title: str
    automatic: bool
    done: bool | None
    why: str | None = None
    by: str | None = None
    at: float | None = None


class PhaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The phase that runs. `elapsed` is not here: it is now − started_at."""

    id: str
    title: str
    started_at: float
    length: float
    traffic_percent: float | None
    step: str | None = None
    green_since: float | None = None
    green_hours: float | None = None
    green_needed: int | None = None
    soak_day: int | None = None
    soak_days: int | None = None
    next: str | None = None
