"""Checkpoints: what is due, when, and what is done. Starts come from the ledger, so timers survive restarts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec

from aurora_tui.situation.alert import AlertRow, FiringSpan
from aurora_tui.situation.journal import Journal, PhaseRun, Tick
from aurora_tui.situation.mission import Daily, Mission, Phase
from aurora_tui.situation.slo import SloStatus


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


_DAY = 86400.0
# A daily round can be caught up on for so long; after that the day is missed.
LATE_ROUND = 43200.0


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What checkpoints and checklists are judged on, at `now`.

    `green_since`: all SLOs met without a break since. `alerts_known`: whether "none fired" can be said at all.
    """

    mission: Mission
    journal: Journal
    slos: tuple[SloStatus, ...]
    alerts: tuple[AlertRow, ...]
    firing_history: tuple[FiringSpan, ...]
    green_since: float | None
    now: float
    alerts_known: bool = False

    @property
    def run(self) -> PhaseRun | None:
        """The phase that runs."""
        return self.journal.current

    @property
    def phase(self) -> Phase | None:
        """Its plan; None when none runs or the mission file no longer knows it."""
        run = self.run
        return next((phase for phase in self.mission.phase if run and phase.id == run.phase), None)

    @property
    def green_hours(self) -> float | None:
        """Consecutive hours of this phase with every SLO met; None when that is not known."""
        if self.green_since is None or self.run is None:
            return None
        return max(0.0, self.now - max(self.green_since, self.run.started_at)) / 3600


def timers(ground: Ground) -> tuple[Timer, ...]:
    """The checkpoints panel: the phase's checkpoints, today's rounds of the daily protocol, the ledger's backup."""
    rows: list[Timer] = []
    run, phase = ground.run, ground.phase
    if run is None:
        rows.append(
            Timer(id="phase", title="No phase runs", state=TimerState.UNKNOWN, detail="aurora-tui phase start PHASE")
        )
    elif phase is None:
        rows.append(
            Timer(
                id="phase",
                title=f"Phase {run.phase} runs",
                state=TimerState.UNKNOWN,
                detail="the mission file does not know it",
            )
        )
    else:
        rows.extend(_phase_timers(phase, run, ground))
        rows.extend(_daily_timers(run, ground))
    rows.append(_backup_timer(ground))
    upcoming = min(
        (row.due_at for row in rows if row.state is TimerState.LATER and row.due_at is not None), default=None
    )
    return tuple(
        msgspec.structs.replace(row, state=TimerState.NEXT)
        if row.state is TimerState.LATER and row.due_at == upcoming
        else row
        for row in rows
    )


def next_due(rows: tuple[Timer, ...]) -> Timer | None:
    """What must be done first: the oldest overdue row, else the next one."""
    waiting = [row for row in rows if row.state in (TimerState.OVERDUE, TimerState.NEXT) and row.due_at is not None]
    return min(waiting, key=lambda row: (row.state is not TimerState.OVERDUE, row.due_at or 0.0), default=None)


def phase_status(ground: Ground) -> PhaseStatus | None:
    """The running phase for the header; None when none runs."""
    run, phase = ground.run, ground.phase
    if run is None:
        return None
    if phase is None:
        return PhaseStatus(id=run.phase, title=run.phase, started_at=run.started_at, length=0.0, traffic_percent=None)
    steps = [item for item in phase.checkpoint if item.traffic_percent is not None]
    taken = [item for item in steps if ticked(ground.journal, f"{phase.id}/{item.id}", run) is not None]
    needs_green = any((item.check or "").startswith("green_hours:") for item in phase.checklist)
    soaking = needs_green and float(phase.length) == ground.mission.mission.soak_days * _DAY
    return PhaseStatus(
        id=phase.id,
        title=phase.title,
        started_at=run.started_at,
        length=float(phase.length),
        traffic_percent=max((item.traffic_percent or 0.0 for item in taken), default=phase.traffic_percent),
        step=f"step {len(taken)} of {len(steps)}" if steps else None,
        green_since=ground.green_since if needs_green else None,
        green_hours=ground.green_hours if needs_green else None,
        green_needed=ground.mission.mission.green_hours if needs_green else None,
        soak_day=min(ground.mission.mission.soak_days, int(max(0.0, ground.now - run.started_at) // _DAY) + 1)
        if soaking
        else None,
        soak_days=ground.mission.mission.soak_days if soaking else None,
        next=phase.next,
    )


def _phase_timers(phase: Phase, run: PhaseRun, ground: Ground) -> Iterator[Timer]:
    for item in phase.checkpoint:
        due = run.started_at + float(item.at)
        yield _timer(f"{phase.id}/{item.id}", item.title, due, ground, run, item.detail)
    if not any(float(item.at) == float(phase.length) for item in phase.checkpoint):
        due = run.started_at + float(phase.length)
        state = TimerState.OVERDUE if ground.now >= due else TimerState.LATER
        yield Timer(id=f"{phase.id}/end", title=f"{phase.title} ends", state=state, due_at=due)


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One day's round of the daily protocol: `key` in the ledger, `due_at` Unix seconds."""

    item: Daily
    key: str
    due_at: float


def rounds(mission: Mission, journal: Journal, now: float) -> tuple[Round, ...]:
    """The rounds of the running phase that are to be done at `now`, one a `[[daily]]`; empty when no phase runs.

    Today's; but yesterday's while it is not done, fell due in this phase and is not too late to catch up on: the
    night round of 23:59 is done after midnight.
    """
    run = journal.current
    if run is None:
        return ()
    zone = ZoneInfo(mission.mission.day_zone)
    today = datetime.fromtimestamp(now, zone).date()
    found: list[Round] = []
    for item in mission.daily:
        if item.phases and run.phase not in item.phases:
            continue
        last, this = _round(item, today - timedelta(days=1), zone), _round(item, today, zone)
        open_still = not ticked(journal, last.key, run) and last.due_at >= run.started_at
        if open_still and now - last.due_at <= LATE_ROUND:
            found.append(last)
        elif this.due_at >= run.started_at:
            found.append(this)
    return tuple(found)


def _round(item: Daily, day: date, zone: ZoneInfo) -> Round:
    hour, minute = (int(part) for part in item.at.split(":"))
    # An hour that comes twice counts the first time; one that is skipped, when the clock is put forward.
    due = datetime.combine(day, time(hour, minute), zone)
    return Round(item=item, key=f"daily/{item.id}/{day.isoformat()}", due_at=due.timestamp())


def _daily_timers(run: PhaseRun, ground: Ground) -> Iterator[Timer]:
    for one in rounds(ground.mission, ground.journal, ground.now):
        yield _timer(one.key, one.item.title, one.due_at, ground, run, ", ".join(one.item.tasks))


def _timer(key: str, title: str, due: float, ground: Ground, run: PhaseRun, detail: str | None) -> Timer:
    tick = ticked(ground.journal, key, run)
    if tick is not None:
        return Timer(
            id=key,
            title=title,
            state=TimerState.DONE,
            due_at=due,
            done_at=tick.at,
            done_by=tick.by,
            evidence=tick.evidence,
            detail=detail,
        )
    state = TimerState.OVERDUE if ground.now >= due else TimerState.LATER
    return Timer(id=key, title=title, state=state, due_at=due, detail=detail)


def _backup_timer(ground: Ground) -> Timer:
    rpo = ground.mission.mission.ledger_rpo
    made = ground.journal.backup_at
    if made is None:
        return Timer(id="backup", title="Ledger backup", state=TimerState.UNKNOWN, detail=f"none made yet, RPO {rpo}")
    fresh = ground.now - made <= float(rpo)
    return Timer(
        id="backup",
        title="Ledger backup",
        state=TimerState.DONE if fresh else TimerState.OVERDUE,
        done_at=made,
        due_at=made + float(rpo),
        detail=f"RPO {rpo}",
    )


def ticked(journal: Journal, key: str, run: PhaseRun) -> Tick | None:
    """The tick for `key`, if it was set in this run: a repeated phase starts with an empty list."""
    tick = journal.ticks.get(key)
    return tick if tick is not None and tick.sequence > run.sequence else None
