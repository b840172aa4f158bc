"""What operators recorded, as far as judgement needs it: phases, checklist ticks, checkpoints, resets, backups.

A pure projection of ledger entries; the entries themselves are in `aurora_tui.ledger`.
"""

from __future__ import annotations

import msgspec


class PhaseRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a phase. `started_at` is the T0 of everything counted in it; `sequence` its ledger entry."""

    phase: str
    started_at: float
    started_by: str
    sequence: int
    ended_at: float | None = None
    ended_by: str | None = None
    outcome: str | None = None


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Something done. `key` is `phase/item`, `phase/checkpoint` or `daily/id/YYYY-MM-DD`."""

    key: str
    at: float
    by: str
    evidence: str | None = None
    sequence: int = 0


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """The projection. Maps hold the newest entry for each key; an undone tick is absent."""

    phases: tuple[PhaseRun, ...] = ()
    ticks: dict[str, Tick] = {}
    resets: dict[str, tuple[float, ...]] = {}  # criterion id → times an operator reset it
    backup_at: float | None = None
    size: int = 0
    root: str | None = None

    @property
    def current(self) -> PhaseRun | None:
        """The phase that runs now: the newest start that has no end."""
        return next((run for run in reversed(self.phases) if run.ended_at is None), None)
