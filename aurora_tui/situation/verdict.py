"""The verdict: one word for the whole situation, worst first, always with its reasons and the next deadline."""

from __future__ import annotations

import math
from collections.abc import Iterator

from aurora_tui.situation.alert import AlertRow, AlertState
from aurora_tui.situation.checkpoint import next_due
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.evidence import Evidence, Reason, Verdict, Word
from aurora_tui.situation.freshness import AHEAD_TOLERATED, LightState, SourceLight
from aurora_tui.situation.latch import is_drill
from aurora_tui.situation.mission import Direction, Severity
from aurora_tui.situation.slo import SloState
from aurora_tui.situation.unwell import unwell

__all__ = ["BRIDGED_INTERVALS", "SKEW_WARNING", "Evidence", "Reason", "Verdict", "Word", "decide"]


_RANK = {word: rank for rank, word in enumerate(Word)}
SKEW_WARNING = 5.0
# A gap in a criterion's points is bridged for three scrape intervals, and a point takes as long to be folded.
BRIDGED_INTERVALS = 6


def decide(evidence: Evidence) -> Verdict:
    """The worst word that any reason calls for, all reasons worst first, and the deadlines. GO has none against it."""
    reasons = [
        *_tripped(evidence),
        *_blind(evidence),
        *_breaching(evidence),
        *_watch_measures(evidence),
        *unwell(evidence),
        *_watch_sources(evidence),
    ]
    reasons.sort(key=lambda reason: (_RANK[reason.word], reason.deadline or math.inf))
    due = next_due(evidence.timers)
    word = reasons[0].word if reasons else Word.GO
    if not reasons:
        reasons.append(_all_well(evidence))
    return Verdict(
        word=word,
        reasons=tuple(reasons),
        deadline=min((reason.deadline for reason in reasons if reason.deadline is not None), default=None),
        next_due=due.due_at if due else None,
        next_due_title=due.title if due else None,
        runbook=_runbook(reasons[0], evidence),
    )


def _number(value: float | None, digits: int, unit: str) -> str:
    if value is None:
        return "—"
    return f"{value:.{digits}f} {unit}".rstrip()


def _runbook(leading: Reason, evidence: Evidence) -> str | None:
    """What the leading reason calls for: only a criterion that breaches or has tripped calls for anything."""
    grave = (CriterionState.BREACHING, CriterionState.TRIPPED, CriterionState.TRIPPED_UNVERIFIED)
    return next(
        (
            status.then
            for status in evidence.criteria
            if status.id == leading.about and status.state in grave and leading.word is not Word.WATCH
        ),
        None,
    )


def _name(status: CriterionStatus, evidence: Evidence) -> str:
    """What a criterion measures, as the SLO panel calls it; its own title tells the limit and hold already."""
    slo = next((slo for slo in evidence.slos if slo.id == status.slo), None)
    return status.title if slo is None else " ".join(filter(None, (slo.title, status.statistic)))


def _limit(status: CriterionStatus) -> str:
    return f"{status.op} {_number(status.limit, status.digits, '')}"


def _tripped(evidence: Evidence) -> Iterator[Reason]:
    for status in evidence.criteria:
        if status.state is not CriterionState.TRIPPED:
            continue
        if status.op is None:
            text = f"{status.title}: {status.detail or 'fired'}"
        else:
            text = f"{_name(status, evidence)} {_limit(status)} for {Duration(status.hold or 0)}; {_now(status)}"
        yield Reason(
            text=text, word=Word.ROLL_BACK, since=status.tripped_at, about=status.id, remedy=_how_to_reset(status)
        )


def _now(status: CriterionStatus) -> str:
    """Where a tripped criterion stands now. It is latched: recovered, it must not read as bad, nor bad as over."""
    if status.value is None or status.op is None or status.limit is None:
        return "now not known"
    current = f"now {_number(status.value, status.digits, status.unit)}"
    over = status.value > status.limit if ">" in status.op else status.value < status.limit
    return f"{current}, still {'over' if '>' in status.op else 'under'}" if over else f"{current}: recovered, latched"


def _how_to_reset(status: CriterionStatus) -> str:
    when = "once rolled back and watched" if status.state is CriterionState.TRIPPED else "once it is measured and well"
    return f"{when}: aurora-tui criterion reset {status.id} --reason ..."


def _blind(evidence: Evidence) -> Iterator[Reason]:
    for light in evidence.lights:
        if light.name in evidence.essential and not light.trusted(evidence.now):
            yield Reason(
                text=_why_dark(light, evidence.now), word=Word.BLIND, since=light.observed_at, about=light.name
            )
    if evidence.namespace_missing:
        # Nothing is sick where nothing is.
        text = f"namespace {evidence.namespace} does not exist in this cluster"
        yield Reason(text=text, word=Word.BLIND, about="cluster")
    metrics_dark = any(light.name == "metrics" and not light.trusted(evidence.now) for light in evidence.lights)
    for status in evidence.criteria:
        name = _name(status, evidence)
        if status.state is CriterionState.TRIPPED_UNVERIFIED:
            why = status.detail or "cannot be proved healthy"
            yield Reason(text=f"{name}: {why}", word=Word.BLIND, about=status.id, remedy=_how_to_reset(status))
        elif not metrics_dark and status.state is CriterionState.NO_DATA:
            yield from _without_data(status, name, evidence)
    if metrics_dark:
        return  # said once; every SLO is unknown by it
    for slo in evidence.slos:
        if slo.state is SloState.UNKNOWN:
            why = slo.why_unknown or "no data"
            yield Reason(text=f"{slo.title}: {why}", word=Word.BLIND, since=slo.measured_at, about=slo.id)


def _without_data(status: CriterionStatus, name: str, evidence: Evidence) -> Iterator[Reason]:
    """BLIND, but for the two cases in which nothing is wrong.

    A lost scrape or a failed question is bridged, as the criterion's own clock bridges it. A judgement that has just
    begun (a phase's start, a reset) has no point yet: that is not blindness, but never GO either.
    """
    bridged = BRIDGED_INTERVALS * evidence.scrape_interval
    measured = status.op is not None
    if (
        measured
        and status.folded_to is None
        and evidence.now - evidence.judged_since.get(status.id, -math.inf) <= bridged
    ):
        text = f"{name} is judged anew: its first points are not in yet"
        yield Reason(text=text, word=Word.WATCH, about=status.id)
    elif (
        status.folded_to is None
        or status.since is None
        or not -AHEAD_TOLERATED <= evidence.now - status.since <= bridged
    ):
        why = status.source_error or status.detail or "no data"
        # The one that may trip first leads: it was breaching when the data went.
        yield Reason(
            text=f"{name}: {why}", word=Word.BLIND, since=status.since, deadline=status.trips_at, about=status.id
        )


def _why_dark(light: SourceLight, now: float) -> str:
    match light.state(now):
        case LightState.STARTING:
            return f"waiting for {light.title}"
        case LightState.OFF:
            return f"{light.title} not configured"
        case _:
            return f"{light.title}: {light.error or 'no answer'}"


def _breaching(evidence: Evidence) -> Iterator[Reason]:
    for status in evidence.criteria:
        if status.state is CriterionState.BREACHING:
            value = None if status.value is None else _number(status.value, status.digits, status.unit)
            yield Reason(
                text=" ".join(filter(None, (_name(status, evidence), value, _limit(status)))),
                word=Word.ROLL_BACK_IN,
                since=status.since,
                deadline=status.trips_at,
                about=status.id,
            )


def _watch_measures(evidence: Evidence) -> Iterator[Reason]:
    for slo in evidence.slos:
        if slo.state is SloState.MISSES:
            sign = "≥" if slo.direction is Direction.AT_LEAST else "≤"
            value = _number(slo.value, slo.digits, slo.unit)
            what = " ".join(filter(None, (slo.title, slo.statistic, value)))
            text = f"{what}, objective {sign} {_number(slo.threshold, slo.digits, '')}"
            yield Reason(text=text, word=Word.WATCH, about=slo.id)
    yield from _watch_alerts(evidence)
    for status in evidence.criteria:
        if status.cannot_trip is not None:
            text = f"{_name(status, evidence)}: {status.cannot_trip}"
            yield Reason(text=text, word=Word.WATCH, about=status.id)


def _watch_alerts(evidence: Evidence) -> Iterator[Reason]:
    """One reason for each name of a grave alert that is open, however many there are of it."""
    open_ones: dict[tuple[Severity, str, AlertState], list[AlertRow]] = {}
    for alert in evidence.alerts:
        grave = alert.severity in (Severity.SEV1, Severity.SEV2)
        if grave and alert.state in (AlertState.FIRING, AlertState.LOST) and not is_drill(alert.labels):
            open_ones.setdefault((alert.severity, alert.name, alert.state), []).append(alert)
    for (level, name, state), alerts in open_ones.items():
        word = "lost while its source could not see" if state is AlertState.LOST else "firing"
        times = f" ×{len(alerts)}" if len(alerts) > 1 else ""
        since = min((alert.since for alert in alerts if alert.since is not None), default=None)
        yield Reason(
            text=f"{level.value} {name}{times} {word}", word=Word.WATCH, since=since, about=alerts[0].fingerprint
        )


def _watch_sources(evidence: Evidence) -> Iterator[Reason]:
    for light in evidence.lights:
        if light.skew is not None and abs(light.skew) > SKEW_WARNING:
            text = f"this machine's clock and that of {light.title} differ by {abs(light.skew):.0f} s"
            yield Reason(text=text, word=Word.WATCH, about=light.name)
        if light.watched and light.name not in evidence.essential and not light.trusted(evidence.now):
            yield Reason(text=_why_dark(light, evidence.now), word=Word.WATCH, about=light.name)
    for text in evidence.dated_ahead:
        yield Reason(text=text, word=Word.WATCH, about="ledger")
    for probe in evidence.probes:
        if not probe.ok:
            yield Reason(text=f"{probe.title}: {probe.detail}", word=Word.WATCH, about=probe.id)


def _all_well(evidence: Evidence) -> Reason:
    unwatched = [light.title for light in evidence.lights if not light.watched]
    slos, criteria = len(evidence.slos), len(evidence.criteria)
    text = f"{slos} SLO{'s' * (slos != 1)} met, {criteria} criteri{'a' if criteria != 1 else 'on'} clear"
    if unwatched:
        text += f"; not watched: {', '.join(unwatched)}"
    return Reason(text=text, word=Word.GO)
