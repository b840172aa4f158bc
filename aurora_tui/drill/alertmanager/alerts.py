"""All alerts: posted, merged, ending by themselves; and how each stands: silenced, inhibited, active."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aurora_tui.drill.alertmanager import moments, postable_alerts
from aurora_tui.drill.alertmanager.alert import Alert
from aurora_tui.drill.alertmanager.config import AlertmanagerConfig, Route
from aurora_tui.drill.alertmanager.inhibition import Inhibitors
from aurora_tui.drill.alertmanager.refusal import Refusal
from aurora_tui.drill.alertmanager.silences import Silence, Silences

_FORGETTING = 1800.0  # world seconds between two times of forgetting what is resolved (--alerts.gc-interval)


@dataclass(slots=True)
class _Known:
    """An alert with what is worked out once for it: its routes, its fixed JSON, the silences that may cover it."""

    alert: Alert
    routes: list[Route]
    fixed: dict[str, Any]
    covering: tuple[Silence, ...] = ()
    covered_at: int = -1  # the version of the silences that `covering` is of


@dataclass(frozen=True, slots=True)
class Standing:
    """A firing alert and how it stands. routes: those it takes. body: as GET /api/v2/alerts gives it."""

    alert: Alert
    routes: list[Route]
    silenced_by: list[str]
    inhibited_by: list[str]
    fixed: dict[str, Any]

    @property
    def active(self) -> bool:
        return not self.silenced_by and not self.inhibited_by

    def body(self, receivers: list[str]) -> dict[str, Any]:
        status = {
            "inhibitedBy": self.inhibited_by,
            "silencedBy": self.silenced_by,
            "state": "active" if self.active else "suppressed",
        }
        return {**self.fixed, "receivers": [{"name": name} for name in receivers], "status": status}


class Alerts:
    """now: world time, Unix seconds."""

    def __init__(self, config: AlertmanagerConfig, silences: Silences, now: Callable[[], float]) -> None:
        self.config = config
        self.silences = silences
        self._now = now
        self._known: dict[str, _Known] = {}
        self._inhibitors: Inhibitors | None = None  # made when somebody looks: many may post before
        self._forget_at = now() + _FORGETTING

    def post(self, body: object) -> None:
        """Take the alerts of POST /api/v2/alerts. Good ones count even when others are refused."""
        self._forget()
        alerts, problems = postable_alerts.read(body, self._now(), self.config.resolve_timeout)
        for alert in alerts:
            known = self._known.get(alert.fingerprint)
            merged = alert if known is None else alert.after(known.alert)
            routes = self.config.route.matching(alert.labels) if known is None else known.routes
            self._known[alert.fingerprint] = _Known(merged, routes, _fixed(merged))
        self._inhibitors = None
        if problems:
            raise Refusal(400, "; ".join(problems))

    def firing(self) -> list[Standing]:
        """Those that have not ended, by fingerprint."""
        now = self._now()
        if self._inhibitors is None:
            self._inhibitors = Inhibitors(self.config.inhibitions, (each.alert for each in self._known.values()))
        there = [known for known in self._known.values() if known.alert.ends_at >= now]
        there.sort(key=lambda known: known.alert.fingerprint)
        return [self._standing(known, self._inhibitors, now) for known in there]

    def _standing(self, known: _Known, inhibitors: Inhibitors, now: float) -> Standing:
        if known.covered_at != self.silences.version:
            known.covering = self.silences.covering(known.alert.labels)
            known.covered_at = self.silences.version
        silenced_by = [each.id for each in known.covering if each.starts_at <= now < each.ends_at]
        inhibited_by = inhibitors.of(known.alert, now)
        return Standing(known.alert, known.routes, silenced_by, inhibited_by, known.fixed)

    def _forget(self) -> None:
        now = self._now()
        if now >= self._forget_at:
            self._known = {print: known for print, known in self._known.items() if known.alert.ends_at > now}
            self._forget_at = now + _FORGETTING


def _fixed(alert: Alert) -> dict[str, Any]:
    """What of an alert's JSON does not change by itself."""
    fixed: dict[str, Any] = {
        "annotations": dict(alert.annotations),
        "endsAt": moments.write(alert.ends_at),
        "fingerprint": alert.fingerprint,
        "startsAt": moments.write(alert.starts_at),
        "updatedAt": moments.write(alert.updated_at),
    }
    if alert.generator_url:
        fixed["generatorURL"] = alert.generator_url
    return {**fixed, "labels": dict(alert.labels)}
