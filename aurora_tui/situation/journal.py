"""What operators recorded, as far as judgement needs it: phases, checklist ticks, checkpoints, resets, backups.

A pure projection of ledger entries; the entries themselves are in `aurora_tui.ledger`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from aurora_tui.situation.run import Run, folded


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
    runs: dict[str, Run] = {}  # by id, oldest first
    backup_at: float | None = None
    size: int = 0
    root: str | None = None

    @property
    def open_run(self) -> Run | None:
        """The run that may still change something: there is one at a time."""
        return next((run for run in reversed(self.runs.values()) if run.state.open), None)

    @property
    def current(self) -> PhaseRun | None:
        """The phase that runs now: the newest start that has no end."""
        return next((run for run in reversed(self.phases) if run.ended_at is None), None)


EMPTY = Journal()


class Record(Protocol):
    """A ledger entry as far as this projection reads it."""

    @property
    def sequence(self) -> int: ...
    @property
    def at(self) -> float: ...
    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


def project(records: Iterable[Record], onto: Journal = EMPTY) -> Journal:
    """The journal after these entries: a fold, so that `project(b, project(a))` equals `project(a + b)`.

    Entries of other kinds, and ones whose data is not what their action asks for, change nothing but the size.
    """
    phases = list(onto.phases)
    ticks = dict(onto.ticks)
    resets = dict(onto.resets)
    runs: Mapping[str, Run] = onto.runs
    backup_at = onto.backup_at
    size = onto.size
    for record in records:
        size = max(size, record.sequence)
        match record.action, record.data:
            case "phase.started", {"phase": str(phase), "started_at": str(text)}:
                started_at = _moment(text)
                if started_at is None:
                    continue
                # A phase that starts ends the one before it: two T0 would make every timer ambiguous.
                phases = [_ended(run, record, "superseded") for run in phases]
                phases.append(
                    PhaseRun(phase=phase, started_at=started_at, started_by=record.actor, sequence=record.sequence)
                )
            case "phase.ended", {"phase": str(phase), "outcome": str(outcome)}:
                phases = [_ended(run, record, outcome) if run.phase == phase else run for run in phases]
            case "tick.set", {"key": str(key), **rest}:
                evidence = rest.get("evidence")
                ticks[key] = Tick(
                    key=key,
                    at=record.at,
                    by=record.actor,
                    evidence=evidence if isinstance(evidence, str) else None,
                    sequence=record.sequence,
                )
            case "tick.cleared", {"key": str(key)}:
                ticks.pop(key, None)
            case "criterion.reset", {"criterion": str(criterion)}:
                resets[criterion] = (*resets.get(criterion, ()), record.at)
            case "backup.made", _:
                backup_at = record.at
            case str(action), _ if action.startswith("run."):
                runs = folded(runs, record.sequence, record.at, record.actor, action, dict(record.data))
    return Journal(
        phases=tuple(phases),
        ticks=ticks,
        resets=resets,
        runs=dict(runs),
        backup_at=backup_at,
        size=size,
        root=onto.root,
    )


def _ended(run: PhaseRun, record: Record, outcome: str) -> PhaseRun:
    if run.ended_at is not None:
        return run
    return msgspec.structs.replace(run, ended_at=record.at, ended_by=record.actor, outcome=outcome)


def _moment(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time; None for anything else, and for a time without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()
