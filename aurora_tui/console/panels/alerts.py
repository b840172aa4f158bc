"""The alerts panel: every alert once, the most pressing first, with who says so and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec

from aurora_tui.console.ink import Line, Row, Span, fit, span
from aurora_tui.console.lamps import dark_words, outdated
from aurora_tui.console.moments import alert_age
from aurora_tui.console.table import Column, Layout, arrange
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
    Column(),  # how many
    Column(right=True),  # since
    Column(most=16),  # state
    Column(drop=2, most=14),  # sources
    Column(drop=3, least=14, most=30),  # subject
)
_GATHERED = 4  # more of one name than these are one row
_MEASURED = 500  # rows that decide the columns


class AlertGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of one name, severity and state, the oldest first."""

    members: tuple[AlertRow, ...]

    @property
    def key(self) -> tuple[str, Severity, AlertState]:
        """What they share."""
        return _key(self.members[0])

    def now_in(self, alerts: Sequence[AlertRow]) -> AlertGroup | None:
        """The same group in a newer list; None when nothing of it is left."""
        members = tuple(alert for alert in alerts if _key(alert) == self.key)
        return AlertGroup(members=members) if members else None


def _key(alert: AlertRow) -> tuple[str, Severity, AlertState]:
    return alert.name, alert.severity, alert.state


def gathered(alerts: Sequence[AlertRow]) -> list[AlertRow | AlertGroup]:
    """The alerts, many of a kind as one: each group stands where its first one would."""
    counts = Counter(map(_key, alerts))
    groups: dict[tuple[str, Severity, AlertState], list[AlertRow]] = {}
    order: list[AlertRow | tuple[str, Severity, AlertState]] = []
    for alert in alerts:
        key = _key(alert)
        if counts[key] <= _GATHERED:
            order.append(alert)
        elif key in groups:
            groups[key].append(alert)
        else:
            groups[key] = [alert]
            order.append(key)
    return [one if isinstance(one, AlertRow) else AlertGroup(members=tuple(groups[one])) for one in order]


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


def rows(situation: Situation, now: float, width: int, opened: bool = False) -> list[Row]:
    """First whatever source of alerts cannot be trusted, in words; then the alerts as the Situation orders them.

    Many of one name are one row, unless `opened`.
    """
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
    shown = situation.alerts if opened else gathered(situation.alerts)
    sample = [[part.text for part in _cells(one, now)] for one in shown[:_MEASURED]]
    layout = arrange(_COLUMNS, sample, width)
    lost = bool(dark) and len(dark) == len(watched)
    for one in shown:
        row = _row(layout, one, now)
        result.append(outdated(row) if lost else row)
    if not shown:
        result.append(Row("none", partial(fit, (_none(situation, now),), width), "none"))
    return result


def _row(layout: Layout, one: AlertRow | AlertGroup, now: float) -> Row:
    draw = partial(_line, layout, one, now)
    if isinstance(one, AlertGroup):
        name, severity, state = one.key
        return Row(f"group/{name}/{severity.value}/{state.value}", draw, _search(one.members[0]), one, state in _OPEN)
    return Row(one.fingerprint, draw, _search(one), one, one.state in _OPEN)


def _line(layout: Layout, one: AlertRow | AlertGroup, now: float) -> Line:
    return layout.line(_cells(one, now))


def _none(situation: Situation, now: float) -> Span:
    watched = [light for light in situation.lights if is_alert_source(light) and light.watched]
    if not watched:
        return span("— no data: no source of alerts is watched", "unknown")
    if not any(light.trusted(now) for light in watched):
        return span("— no data", "unknown")
    return span("✔ no alerts", "good")


def _search(alert: AlertRow) -> str:
    return f"{alert.name} {alert.severity.value} {alert.state.value} {alert.subject} {alert.summary}".lower()


def _cells(one: AlertRow | AlertGroup, now: float) -> tuple[Span, ...]:
    members = one.members if isinstance(one, AlertGroup) else (one,)
    count, subject = "", ""
    if isinstance(one, AlertGroup):
        count, subject = f"×{len(members):,}", f"{members[0].subject or members[0].summary}, …"
    alert, flapping = members[0], any(member.flapping for member in members)
    glyph, ink = STATE[alert.state]
    loud = alert.state in _OPEN
    level = SEVERITY_INK[alert.severity] if loud else "dim"
    word = f"{alert.state.value}{', flapping' if flapping and loud else ''}"
    since = alert.pending_since if alert.state is AlertState.PENDING and alert.since is None else alert.since
    return (
        span(glyph, ink or level),
        span(alert.severity.value, level),
        span(alert.name, "" if loud else "dim"),
        span(count, level),
        span(alert_age(None if since is None else now - since), "" if loud else "dim"),
        span(word, ink or level),
        span("+".join(alert.sources), "dim"),
        span(subject or alert.subject or alert.summary, "dim"),
    )
