"""The latch of "any SEV1 alert fires": tripped by the first firing in the phase, until an operator resets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aurora_tui.situation.alert import AlertState, AlertTrack, FiringSpan, fingerprint, severity
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.firing import FiringHistory
from aurora_tui.situation.mission import Criterion, Mission, Severity, SeverityRules


def is_drill(labels: Mapping[str, str]) -> bool:
    """Whether an alert is synthetic (label drill="true"): posted to test the way to the pager."""
    return labels.get("drill") == "true"


def remember(
    firings: Sequence[FiringSpan], tracks: Sequence[AlertTrack], mission: Mission, now: float
) -> tuple[FiringSpan, ...]:
    """`firings` and what fires now, one span an alert and firing, of the severities that criteria ask for.

    Prometheus' history knows only its own alerts, and a resolved alert leaves the list: without this a trip by an
    alert that only Alertmanager or Grafana knows would unlatch by itself.
    """
    wanted = {rule.severity for rule in mission.criterion if rule.severity is not None}
    spans = {(fingerprint(span.labels), span.start): span for span in firings}
    for track in tracks:
        fired = None if track.gone_at is not None or is_drill(track.labels) else _fired_at(track)
        if fired is not None and severity(track.labels, mission.severity)[0] in wanted:
            spans[fingerprint(track.labels), fired] = FiringSpan(labels=track.labels, start=fired, end=now)
    return tuple(spans.values())


def first_firing(
    wanted: Severity, firings: Sequence[FiringSpan], rules: SeverityRules, start: float
) -> tuple[float, str] | None:
    """When, at or after `start`, an alert of severity `wanted` first fired, and its name; None when none did.

    Silenced and inhibited alerts count: they fired. Synthetic ones (label drill="true") do not.
    """
    found = [
        (max(span.start, start), span.labels.get("alertname", "?"))
        for span in firings
        if span.end >= start and not is_drill(span.labels) and severity(span.labels, rules)[0] is wanted
    ]
    return min(found, default=None)


def severity_status(
    criterion: Criterion,
    firings: Sequence[FiringSpan],
    rules: SeverityRules,
    *,
    start: float,
    sources_seen: bool,
    history: FiringHistory,
    why_unknown: str | None,
    source_error: str | None = None,
) -> CriterionStatus:
    """A criterion of the kind "any SEV1 alert fires": latched from the first firing at or after `start`.

    `start` is T0 or the operator's last reset after it; `firings` are Prometheus' history and what was seen live.
    OK needs both: a source that tells what fires now, and a history in which nothing fired (`why_unknown` says why
    that is not known). A trip stands without either.
    """
    assert criterion.severity is not None
    first = first_firing(criterion.severity, firings, rules, start)
    since = first[0] if first else None
    if first is not None:
        state, detail = CriterionState.TRIPPED, f"{first[1]} fired"
    elif not sources_seen:
        state, detail = CriterionState.NO_DATA, "no alert source answers"
    elif why_unknown is not None:
        state, detail = CriterionState.NO_DATA, why_unknown
        # Since when, only where a gap at the end is all that is missing: such a gap may be bridged.
        since = history.to if history.reaches(start) else None
    else:
        state, detail = CriterionState.OK, None
    return CriterionStatus(
        id=criterion.id,
        title=criterion.title,
        then=criterion.then,
        state=state,
        since=since,
        tripped_at=first[0] if first else None,
        folded_to=history.to,
        source_error=history.error or source_error,
        detail=detail,
    )


def _fired_at(track: AlertTrack) -> float | None:
    """Since when it fires, as far as its sources tell; None while it is pending."""
    firing = [report for report in track.reports if report.state is not AlertState.PENDING]
    told = [report.fired_at for report in firing if report.fired_at is not None]
    # Prometheus tells since when an alert is pending, not when it began to fire.
    return min(told or [report.pending_since for report in firing if report.pending_since is not None], default=None)
