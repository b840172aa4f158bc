"""The latch of "any SEV1 alert fires": tripped by the first firing in the phase, until an operator resets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aurora_tui.situation.alert import AlertState, AlertTrack, FiringSpan, severity
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.mission import Criterion, Severity, SeverityRules


def first_firing(
    wanted: Severity,
    tracks: Sequence[AlertTrack],
    history: Sequence[FiringSpan],
    rules: SeverityRules,
    start: float,
) -> tuple[float, str] | None:
    """When, at or after `start`, an alert of severity `wanted` first fired, and its name; None when none did.

    Silenced and inhibited alerts count: they fired. Synthetic ones (label drill="true") do not.
    """
    firings: list[tuple[float, str]] = [
        (max(span.start, start), span.labels.get("alertname", "?"))
        for span in history
        if span.end >= start and _counts(span.labels, wanted, rules)
    ]
    for track in tracks:
        if not _counts(track.labels, wanted, rules):
            continue
        for report in track.reports:
            # Prometheus tells since when an alert is pending, not when it began to fire.
            fired = report.fired_at if report.fired_at is not None else report.pending_since
            if report.state is AlertState.PENDING or fired is None:
                continue
            if track.gone_at is None or fired >= start:
                firings.append((max(fired, start), track.labels.get("alertname", "?")))
    return min(firings, default=None)


def severity_status(
    criterion: Criterion,
    tracks: Sequence[AlertTrack],
    history: Sequence[FiringSpan],
    rules: SeverityRules,
    *,
    start: float,
    resets: Sequence[float],
    sources_seen: bool,
    folded_to: float | None,
) -> CriterionStatus:
    """A criterion of the kind "any SEV1 alert fires": latched from the first firing after start and last reset."""
    assert criterion.severity is not None
    begin = max([start, *resets])
    first = first_firing(criterion.severity, tracks, history, rules, begin)
    if first is not None:
        state, detail = CriterionState.TRIPPED, first[1]
    elif sources_seen:
        state, detail = CriterionState.OK, None
    else:
        state, detail = CriterionState.NO_DATA, "no alert source answers"
    return CriterionStatus(
        id=criterion.id,
        title=criterion.title,
        then=criterion.then,
        state=state,
        since=first[0] if first else None,
        tripped_at=first[0] if first else None,
        folded_to=folded_to,
        detail=detail,
    )


def _counts(labels: Mapping[str, str], wanted: Severity, rules: SeverityRules) -> bool:
    return labels.get("drill") != "true" and severity(labels, rules)[0] is wanted
