"""Alerts: what Prometheus, Alertmanager and Grafana say, merged into one row each; a source is never dropped."""

from __future__ import annotations

from enum import Enum

import msgspec

from aurora_tui.situation.mission import Severity


class AlertState(Enum):
    """State of a merged alert, most pressing first."""

    FIRING = "firing"
    LOST = "lost"  # vanished while its source could not see: not the same as resolved
    PENDING = "pending"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    RESOLVED = "resolved"


class SourceAlert(msgspec.Struct, frozen=True, kw_only=True):
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


class FiringSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which `ALERTS{alertstate="firing"}` was seen in the history."""

    labels: dict[str, str]
    start: float
    end: float


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
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
