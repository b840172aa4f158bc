"""The alerts panel: every alert once, the most pressing first, with who says so and for how long."""

from __future__ import annotations

from collections import Counter
from functools import partial

from aurora_tui.console.ink import Row, Span, fit, span
from aurora_tui.console.lamps import dark_words, outdated
from aurora_tui.console.moments import alert_age
from aurora_tui.console.table import Column, arrange
from aurora_tui.situation.alert import AlertRow, AlertState
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Severity
from aurora_tui.situation.situation import Situation

STATE = {
    AlertState.FIRING: ("▲", ""),
    AlertState.LOST: ("?", "blind"),
    AlertState.PENDING: ("△", "warn"),
    AlertState.SILENCED: ("–", "dim"),
    AlertState.INHIBITED: ("–", "dim"),
    AlertState.RESOLVED: ("✔", "good"),
}
SEVERITY_INK = {
    Severity.SEV1: "bad bold",
    Severity.SEV2: "bad",
    Severity.SEV3: "warn",
    Severity.SEV4: "",
    Severity.UNKNOWN: "warn",
}
_OPEN = (AlertState.FIRING, AlertState.LOST)
_COLUMNS = (
    Column(room=1),
    Column(),  # severity
    Column(least=10, most=32, late=True),  # name
    Column(right=True),  # since
    Column(most=16),  # state
    Column(drop=2, most=14),  # sources
    Column(drop=3, least=14, most=30),  # subject
)


def is_alert_source(light: SourceLight) -> bool:
    """Whether alerts come from this source; metrics carry Prometheus' own."""
    return light.name.startswith(("alert", "am", "grafana", "prom"))


def title(situation: Situation) -> str:
    """`ALERTS  1 SEV1 · 2 SEV3 · 4 silenced`: what fires now, by severity."""
    counts = Counter(alert.severity.value for alert in situation.alerts if alert.state in _OPEN)
    words = [f"{counts[level.value]} {level.value}" for level in Severity if counts[level.value]]
    if situation.alerts_silenced:
        words.append(f"{situation.alerts_silenced} silenced")
    return f"ALERTS  {' · '.join(words)}" if words else "ALERTS"


def rows(situation: Situation, now: float, width: int) -> list[Row]:
    """First whatever source of alerts cannot be trusted, in words; then the alerts as the Situation orders them."""
    watched = [light for light in situation.lights if is_alert_source(light) and light.watched]
    dark = [light for light in watched if not light.trusted(now)]
    result = [
        Row(
            f"light/{light.name}",
            partial(fit, (span(dark_words(light, now), "unknown"),), width),
            light.name,
            None,
            True,
        )
        for light in dark
    ]
    cells = [(alert, _cells(alert, now)) for alert in situation.alerts]
    layout = arrange(_COLUMNS, [[part.text for part in line] for _, line in cells], width)
    for alert, line in cells:
        row = Row(alert.fingerprint, partial(layout.line, line), _search(alert), alert, alert.state in _OPEN)
        result.append(outdated(row) if dark and len(dark) == len(watched) else row)
    if not cells:
        result.append(Row("none", partial(fit, (_none(situation, now),), width), "none"))
    return result


def _none(situation: Situation, now: float) -> Span:
    watched = [light for light in situation.lights if is_alert_source(light) and light.watched]
    if not watched:
        return span("— no data: no source of alerts is watched", "unknown")
    if not any(light.trusted(now) for light in watched):
        return span("— no data", "unknown")
    return span("✔ no alerts", "good")


def _search(alert: AlertRow) -> str:
    return f"{alert.name} {alert.severity.value} {alert.state.value} {alert.subject} {alert.summary}".lower()


def _cells(alert: AlertRow, now: float) -> tuple[Span, ...]:
    glyph, ink = STATE[alert.state]
    loud = alert.state in _OPEN
    level = SEVERITY_INK[alert.severity] if loud else "dim"
    word = f"{alert.state.value}{', flapping' if alert.flapping and loud else ''}"
    since = alert.pending_since if alert.state is AlertState.PENDING and alert.since is None else alert.since
    return (
        span(glyph, ink or level),
        span(alert.severity.value, level),
        span(alert.name, "" if loud else "dim"),
        span(alert_age(None if since is None else now - since), "" if loud else "dim"),
        span(word, ink or level),
        span("+".join(alert.sources), "dim"),
        span(alert.subject or alert.summary, "dim"),
    )
