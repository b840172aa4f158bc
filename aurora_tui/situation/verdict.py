"""The verdict: one word for the whole situation, worst first, always with its reasons and the next deadline."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum

import msgspec

from aurora_tui.situation.alert import AlertRow, AlertState
from aurora_tui.situation.checkpoint import Timer, next_due
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.freshness import LightState, SourceLight
from aurora_tui.situation.mission import Direction, Severity
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.slo import SloState, SloStatus
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Role, Rollout


class Word(Enum):
    """Verdicts, worst first (DESIGN, "The screen")."""

    ROLL_BACK = "ROLL BACK"
    BLIND = "BLIND"
    ROLL_BACK_IN = "ROLL BACK IN"
    WATCH = "WATCH"
    GO = "GO"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why, in words. `since` and `deadline` are Unix seconds so that a screen can count them itself."""

    text: str
    word: Word
    since: float | None = None
    deadline: float | None = None
    about: str | None = None  # id of the SLO, criterion, alert or source


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`deadline` is when something becomes worse by itself (a trip), `next_due` the next checkpoint."""

    word: Word
    reasons: tuple[Reason, ...]
    deadline: float | None = None
    next_due: float | None = None
    next_due_title: str | None = None
    runbook: str | None = None


_RANK = {word: rank for rank, word in enumerate(Word)}
SKEW_WARNING = 5.0
# A pod may take this long to start before it counts as unwell.
STARTING_GRACE = 120.0
_SETTLING_INTERVALS = 3


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the verdict is made from, already judged at `now`. `essential` lights must be live for GO."""

    now: float
    scrape_interval: float
    lights: tuple[SourceLight, ...]
    essential: frozenset[str]
    slos: tuple[SloStatus, ...]
    criteria: tuple[CriterionStatus, ...]
    alerts: tuple[AlertRow, ...]
    deployments: tuple[DeploymentStatus, ...]
    pods: tuple[PodStatus, ...]
    probes: tuple[ProbeStatus, ...]
    timers: tuple[Timer, ...]


def decide(evidence: Evidence) -> Verdict:
    """The worst word that any reason calls for, all reasons worst first, and the deadlines. GO has none against it."""
    reasons = [
        *_tripped(evidence),
        *_blind(evidence),
        *_breaching(evidence),
        *_watch_measures(evidence),
        *_watch_workloads(evidence),
    ]
    reasons.sort(key=lambda reason: (_RANK[reason.word], reason.deadline or math.inf))
    due = next_due(evidence.timers)
    word = reasons[0].word if reasons else Word.GO
    if not reasons:
        reasons.append(_all_well(evidence))
    leading = next((status for status in evidence.criteria if status.id == reasons[0].about), None)
    return Verdict(
        word=word,
        reasons=tuple(reasons),
        deadline=min((reason.deadline for reason in reasons if reason.deadline is not None), default=None),
        next_due=due.due_at if due else None,
        next_due_title=due.title if due else None,
        runbook=leading.then if leading else None,
    )


def _number(value: float | None, digits: int, unit: str) -> str:
    if value is None:
        return "—"
    return f"{value:.{digits}f} {unit}".rstrip()


def _measure(status: CriterionStatus) -> str:
    value = "" if status.value is None else f" {_number(status.value, status.digits, status.unit)}"
    return f"{status.title}{value} {status.op} {_number(status.limit, status.digits, '')}"


def _tripped(evidence: Evidence) -> Iterator[Reason]:
    for status in evidence.criteria:
        if status.state is not CriterionState.TRIPPED:
            continue
        if status.op is None:
            text = f"{status.title}: {status.detail or 'fired'}"
        else:
            text = f"{_measure(status)} for {Duration(status.hold or 0)}"
        yield Reason(text=text, word=Word.ROLL_BACK, since=status.tripped_at, about=status.id)


def _blind(evidence: Evidence) -> Iterator[Reason]:
    for light in evidence.lights:
        if light.name in evidence.essential and not light.trusted(evidence.now):
            yield Reason(
                text=_why_dark(light, evidence.now), word=Word.BLIND, since=light.observed_at, about=light.name
            )
    metrics_dark = any(light.name == "metrics" and not light.trusted(evidence.now) for light in evidence.lights)
    for status in evidence.criteria:
        if status.state is CriterionState.TRIPPED_UNVERIFIED:
            yield Reason(
                text=f"{status.title} cannot be proved healthy: {status.detail or 'no data for the whole hold'}",
                word=Word.BLIND,
                since=status.since,
                about=status.id,
            )
        elif not metrics_dark and status.state is CriterionState.NO_DATA and _long_missing(status, evidence):
            why = status.detail or status.source_error or "no data"
            yield Reason(text=f"{status.title}: {why}", word=Word.BLIND, since=status.since, about=status.id)
        elif not metrics_dark and status.source_error is not None:
            yield Reason(
                text=f"{status.title} cannot be read: {status.source_error}",
                word=Word.BLIND,
                since=status.folded_to,
                about=status.id,
            )
    if metrics_dark:
        return  # said once; every SLO is unknown by it
    for slo in evidence.slos:
        if slo.state is SloState.UNKNOWN:
            why = slo.why_unknown or "no data"
            yield Reason(text=f"{slo.title}: {why}", word=Word.BLIND, since=slo.measured_at, about=slo.id)


def _long_missing(status: CriterionStatus, evidence: Evidence) -> bool:
    """One lost scrape is bridged, as the criterion's own clock bridges it; a longer gap is not."""
    if status.since is None or status.folded_to is None:
        return True
    return evidence.now - status.since > 2 * _SETTLING_INTERVALS * evidence.scrape_interval


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
            yield Reason(
                text=_measure(status),
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
            text = (
                f"{slo.title} {slo.statistic or ''} {value}, objective {sign} {_number(slo.threshold, slo.digits, '')}"
            )
            yield Reason(text=text, word=Word.WATCH, about=slo.id)
    for alert in evidence.alerts:
        grave = alert.severity in (Severity.SEV1, Severity.SEV2)
        if grave and alert.state in (AlertState.FIRING, AlertState.LOST):
            word = "lost while its source could not see" if alert.state is AlertState.LOST else "firing"
            text = f"{alert.severity.value} {alert.name} {word}"
            yield Reason(text=text, word=Word.WATCH, since=alert.since, about=alert.fingerprint)
    for status in evidence.criteria:
        if status.cannot_trip is not None:
            text = f"{status.title}: this criterion cannot trip, {status.cannot_trip}"
            yield Reason(text=text, word=Word.WATCH, about=status.id)
    for light in evidence.lights:
        if light.skew is not None and abs(light.skew) > SKEW_WARNING:
            text = f"this machine's clock and {light.title}'s differ by {abs(light.skew):.0f} s"
            yield Reason(text=text, word=Word.WATCH, about=light.name)


def _watch_workloads(evidence: Evidence) -> Iterator[Reason]:
    parts = {item.name: item for item in evidence.deployments if item.role is not Role.OTHER}
    for deployment in parts.values():
        if deployment.rollout is Rollout.FAILED:
            text = f"{deployment.name} rollout failed: {deployment.rollout_detail or 'no progress'}"
            yield Reason(text=text, word=Word.WATCH, about=deployment.name)
    for pod in evidence.pods:
        young = pod.created_at is not None and evidence.now - pod.created_at < STARTING_GRACE and pod.restarts == 0
        if pod.owner in parts and not pod.healthy and not young and pod.reason != "Terminating":
            yield Reason(text=f"{pod.name} {pod.reason}", word=Word.WATCH, since=pod.restarted_at, about=pod.uid)
    for light in evidence.lights:
        if light.watched and light.name not in evidence.essential and not light.trusted(evidence.now):
            yield Reason(text=_why_dark(light, evidence.now), word=Word.WATCH, about=light.name)
    for probe in evidence.probes:
        if not probe.ok:
            yield Reason(text=f"{probe.title}: {probe.detail}", word=Word.WATCH, about=probe.id)


def _all_well(evidence: Evidence) -> Reason:
    unwatched = [light.title for light in evidence.lights if not light.watched]
    text = f"{len(evidence.slos)} SLOs met, {len(evidence.criteria)} criteria clear"
    if unwatched:
        text += f"; not watched: {', '.join(unwatched)}"
    return Reason(text=text, word=Word.GO)
