"""The running phase's checklist: ticked by people, or judged where it can be judged; never guessed."""

from __future__ import annotations

from aurora_tui.situation.alert import AlertState, severity
from aurora_tui.situation.checkpoint import ChecklistRow, Ground, ticked
from aurora_tui.situation.latch import is_drill
from aurora_tui.situation.mission import ChecklistItem, Phase, Severity
from aurora_tui.situation.slo import SloState

COMPLETE = 0.99
_GRAVITY = [Severity.SEV1, Severity.SEV2, Severity.SEV3, Severity.SEV4]

Finding = tuple[bool | None, str]


def checklist(ground: Ground) -> tuple[ChecklistRow, ...]:
    """A row an item of the running phase; empty when none runs."""
    phase = ground.phase
    if phase is None:
        return ()
    return tuple(_row(item, phase, ground) for item in phase.checklist)


def _row(item: ChecklistItem, phase: Phase, ground: Ground) -> ChecklistRow:
    assert ground.run is not None
    if item.check is not None:
        done, why = judge(item.check, phase, ground)
        return ChecklistRow(id=item.id, title=item.title, automatic=True, done=done, why=why)
    tick = ticked(ground.journal, f"{phase.id}/{item.id}", ground.run)
    if tick is None:
        return ChecklistRow(id=item.id, title=item.title, automatic=False, done=False)
    return ChecklistRow(
        id=item.id, title=item.title, automatic=False, done=True, why=tick.evidence, by=tick.by, at=tick.at
    )


def judge(check: str, phase: Phase, ground: Ground) -> Finding:
    """Whether an automatic item holds, and why; None when it cannot be known now."""
    assert ground.run is not None
    kind, _, rest = check.partition(":")
    match kind:
        case "slo":
            return _slo(rest, phase, ground)
        case "slos":
            return _all([_slo(slo.id, phase, ground) for slo in ground.mission.slo])
        case "green_hours":
            hours = ground.green_hours
            if hours is None:
                return None, "not known: an SLO has no data"
            return hours >= float(rest), f"{hours:.1f} of {rest} h green"
        case "no_incidents":
            return _no_incidents(Severity(rest), ground)
        case "phase_done":
            last = next((run for run in reversed(ground.journal.phases) if run.phase == rest), None)
            if last is not None and last.outcome == "completed":
                return True, f"completed by {last.ended_by}"
            return False, f"{rest} is not completed"
        case "checkpoint":
            tick = ticked(ground.journal, f"{phase.id}/{rest}", ground.run)
            return tick is not None, "not done yet" if tick is None else f"by {tick.by}"
        case "daily":
            return _daily(rest, ground)
        case _:
            return None, f"unknown check {check}"


def _slo(name: str, phase: Phase, ground: Ground) -> Finding:
    """Met over the whole window: the good share reaches the budgeted one, on data that is all but complete.

    In a phase as long as the window, all of the window must lie in it: what was good before proves nothing of it.
    """
    assert ground.run is not None
    status = next((slo for slo in ground.slos if slo.id == name), None)
    objective = next((slo for slo in ground.mission.slo if slo.id == name), None)
    if status is None or objective is None or status.compliance is None:
        return None, "not known: no data over the window"
    said = f"{status.title} {status.compliance:.1%} good of {objective.budget:.0%} needed"
    if status.compliance < objective.budget:
        return False, said
    window, elapsed = ground.mission.mission.window, ground.now - ground.run.started_at
    if elapsed < window <= phase.length:
        return False, f"{status.title}: {max(0.0, elapsed) / 3600:.1f} of {window / 3600:g} h seen in this phase"
    if status.completeness is None or status.completeness < COMPLETE or status.state is SloState.UNKNOWN:
        return None, f"{said}, but data is missing"
    return True, said


def _all(findings: list[Finding]) -> Finding:
    for wanted in (False, None):
        for done, why in findings:
            if done is wanted:
                return done, why
    return (True, "all met") if findings else (None, "no SLO")


def _no_incidents(least: Severity, ground: Ground) -> Finding:
    """No alert of this severity or a graver one fired since the phase began."""
    assert ground.run is not None
    grave = _GRAVITY[: _GRAVITY.index(least) + 1] if least in _GRAVITY else []
    begin = ground.run.started_at
    fired = {
        row.name
        for row in ground.alerts
        if row.severity in grave and row.state is not AlertState.PENDING and not is_drill(row.labels)
        if row.since is None or row.since >= begin or row.state is not AlertState.RESOLVED
    }
    for span in ground.firing_history:
        counts = span.end >= begin and not is_drill(span.labels)
        if counts and severity(span.labels, ground.mission.severity)[0] in grave:
            fired.add(span.labels.get("alertname", "?"))
    if fired:
        return False, f"fired: {', '.join(sorted(fired))}"
    return (True, "none fired") if ground.alerts_known else (None, "not known: an alert source does not answer")


def _daily(rest: str, ground: Ground) -> Finding:
    assert ground.run is not None
    name, _, needed = rest.partition(":")
    days = [
        key
        for key, tick in ground.journal.ticks.items()
        if key.startswith(f"daily/{name}/") and tick.sequence > ground.run.sequence
    ]
    return len(days) >= int(needed), f"{len(days)} of {needed} days"
