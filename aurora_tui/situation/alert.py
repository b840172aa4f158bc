"""Alerts: what Prometheus, Alertmanager and Grafana say, merged into one row each; a source is never dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

import msgspec

from aurora_tui.situation.mission import Severity, SeverityRules


class AlertState(Enum):
    """State of a merged alert, most pressing first."""

    FIRING = "firing"
    LOST = "lost"  # vanished while its source could not see: not the same as resolved
    PENDING = "pending"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    RESOLVED = "resolved"


class SourceAlert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One alert as one source tells it. `state` is firing, pending, silenced or inhibited."""

    source: str  # "prom", "am", "grafana"
    labels: dict[str, str]
    state: AlertState
    annotations: dict[str, str] = {}
    pending_since: float | None = None
    fired_at: float | None = None
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    fingerprint: str | None = None
    value: str | None = None
    generator_url: str | None = None


class FiringSpan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch in which `ALERTS{alertstate="firing"}` was seen in the history."""

    labels: dict[str, str]
    start: float
    end: float


class AlertRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One merged alert as shown. `since` is when it fired (or became pending), `sources` all that know it."""

    fingerprint: str
    name: str
    severity: Severity
    severity_known: bool
    state: AlertState
    since: float | None
    pending_since: float | None = None
    sources: tuple[str, ...] = ()
    subject: str = ""  # what it is about, from labels: "provider akash"
    summary: str = ""
    flapping: bool = False
    transitions: int = 0
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    generator_url: str | None = None
    lost_at: float | None = None


class AlertTrack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of one alert between looks, so that flapping and loss can be told.

    `transitions` are the times it began or ceased to fire. A LOST alert is lost to what could not be seen when it
    vanished (`lost_to`); `sight_back_at` is since when all of that can be seen again.
    """

    labels: dict[str, str]
    reports: tuple[SourceAlert, ...]
    state: AlertState
    since: float | None
    transitions: tuple[float, ...] = ()
    gone_at: float | None = None
    lost_at: float | None = None
    lost_to: tuple[str, ...] = ()
    sight_back_at: float | None = None


FLAPPING_TRANSITIONS = 4
FLAPPING_WINDOW = 1800.0
RESOLVED_SHOWN_FOR = 600.0
_ORDER = {state: rank for rank, state in enumerate(AlertState)}
_SEVERITY_ORDER = {Severity.SEV1: 0, Severity.SEV2: 1, Severity.SEV3: 2, Severity.UNKNOWN: 2, Severity.SEV4: 3}
_NAMED = frozenset(Severity.__members__) - {"UNKNOWN"}
_IDENTITY_LABELS = frozenset({"alertname", "severity", "sev"})


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a-64 over sorted `name 0xff value 0xff`, 16 hex digits."""
    return _fnv(tuple(sorted(labels.items())))


@lru_cache(maxsize=8192)  # byte by byte: asked again of every alert at every look
def _fnv(labels: tuple[tuple[str, str], ...]) -> str:
    value = 0xCBF29CE484222325
    for name, text in labels:
        for byte in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def severity(labels: Mapping[str, str], rules: SeverityRules) -> tuple[Severity, bool]:
    """The severity these labels mean, and whether a rule knew them. The first label that is set decides."""
    for name in rules.labels:
        text = labels.get(name)
        if text:
            known = rules.values.get(text) or rules.values.get(text.lower())
            if known is None and text.upper() in _NAMED:
                known = Severity[text.upper()]
            return (known, True) if known is not None else (Severity.UNKNOWN, False)
    return Severity.UNKNOWN, False


def rows(tracks: Sequence[AlertTrack], rules: SeverityRules) -> tuple[AlertRow, ...]:
    """The alerts panel, most pressing first: by state, then severity, then age."""
    shown = [_row(track, rules) for track in tracks]
    shown.sort(key=lambda row: (_ORDER[row.state], _SEVERITY_ORDER[row.severity], row.since or 0.0, row.name))
    return tuple(shown)


def _row(track: AlertTrack, rules: SeverityRules) -> AlertRow:
    level, known = severity(track.labels, rules)
    annotations: dict[str, str] = {}
    for report in reversed(track.reports):
        annotations.update(report.annotations)
    pending = [report.pending_since for report in track.reports if report.pending_since is not None]
    return AlertRow(
        fingerprint=_told(track) or fingerprint(track.labels),
        name=track.labels.get("alertname", "?"),
        severity=level,
        severity_known=known,
        state=track.state,
        since=track.since,
        pending_since=min(pending, default=None),
        sources=tuple(sorted({report.source for report in track.reports}, reverse=True)),
        subject=_subject(track.labels),
        summary=annotations.get("summary", ""),
        flapping=len(track.transitions) >= FLAPPING_TRANSITIONS,
        transitions=len(track.transitions),
        labels=track.labels,
        annotations=annotations,
        silenced_by=tuple(dict.fromkeys(silence for report in track.reports for silence in report.silenced_by)),
        inhibited_by=tuple(dict.fromkeys(other for report in track.reports for other in report.inhibited_by)),
        generator_url=next((report.generator_url for report in track.reports if report.generator_url), None),
        lost_at=track.lost_at,
    )


def _told(track: AlertTrack) -> str | None:
    """The fingerprint as Alertmanager tells it, which saves making it."""
    return next((one.fingerprint for one in track.reports if one.fingerprint and one.labels == track.labels), None)


def _subject(labels: Mapping[str, str]) -> str:
    """What the alert is about: its most telling label, or none."""
    for name in ("provider", "pod", "deployment", "tenant", "treaty_id", "service", "instance"):
        if name in labels:
            return f"{name.removesuffix('_id')} {labels[name]}"
    other = sorted(set(labels) - _IDENTITY_LABELS)
    return f"{other[0]} {labels[other[0]]}" if other else ""
