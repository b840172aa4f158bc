"""Alerts as they are posted, merged, end by themselves, and are silenced or inhibited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from aurora_tui.drill.alertmanager import moments
from aurora_tui.drill.alertmanager.config import AlertmanagerConfig
from aurora_tui.drill.alertmanager.fingerprint import fingerprint
from aurora_tui.drill.alertmanager.matchers import LABEL_NAME, all_accept
from aurora_tui.drill.alertmanager.refusal import Refusal, malformed, required
from aurora_tui.drill.alertmanager.silences import Silences

_KEPT = 1800.0  # what is resolved is forgotten after this (cmd/alertmanager: --alerts.gc-interval)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. timed: its end is only the resolve time-out, because none was posted. Times are Unix seconds."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float
    updated_at: float
    generator_url: str
    timed: bool
    fingerprint: str

    def after(self, old: Alert) -> Alert:
        """This alert where `old`, with the same labels, is known already (types/types.go, Merge)."""
        overlap = old.starts_at < self.ends_at < old.ends_at or old.starts_at < self.starts_at < old.ends_at
        if not overlap:
            return self
        starts_at = min(self.starts_at, old.starts_at)
        resolved = self.ends_at <= self.updated_at
        if not resolved and old.ends_at > self.ends_at and not old.timed:
            return replace(self, starts_at=starts_at, ends_at=old.ends_at)
        return replace(self, starts_at=starts_at)


class Alerts:
    """All alerts. now: world time, Unix seconds."""

    def __init__(self, config: AlertmanagerConfig, silences: Silences, now: Callable[[], float]) -> None:
        self.config = config
        self.silences = silences
        self._now = now
        self._by_fingerprint: dict[str, Alert] = {}

    def post(self, body: object) -> None:
        """Take the alerts of POST /api/v2/alerts. Good ones count even when others are refused."""
        now = self._now()
        if not isinstance(body, list):
            raise malformed("alerts", "json: cannot unmarshal object into Go value of type models.PostableAlerts")
        for place, each in enumerate(body):
            if not isinstance(each, dict):
                raise malformed("alerts", "json: cannot unmarshal into Go value of type models.PostableAlert")
            if each.get("labels") is None:
                raise required(f"{place}.labels")
        read = [self._read(each, now) for each in body]
        problems: list[str] = []
        for alert in read:
            if isinstance(alert, str):
                problems.append(alert)
                continue
            old = self._by_fingerprint.get(alert.fingerprint)
            self._by_fingerprint[alert.fingerprint] = alert if old is None else alert.after(old)
        if problems:
            raise Refusal(400, "; ".join(problems))

    def _read(self, body: Mapping[str, object], now: float) -> Alert | str:
        """A posted alert, or why it is invalid."""
        labels, annotations = _texts(body.get("labels"), "labels"), _texts(body.get("annotations"), "annotations")
        starts_at, ends_at = moments.read(body.get("startsAt"), "alerts"), moments.read(body.get("endsAt"), "alerts")
        timed = ends_at is None
        if starts_at is None:
            starts_at = now if ends_at is None else min(now, ends_at)
        if ends_at is None:
            ends_at = now + self.config.resolve_timeout
        labels = {name: value for name, value in labels.items() if value}
        if ends_at < starts_at:
            return "start time must be before end time"
        if not labels:
            return "at least one label pair required"
        for kind, names in (("label set", labels), ("annotations", annotations)):
            for name in names:
                if not LABEL_NAME.match(name):
                    return f'invalid {kind}: invalid name "{name}"'
        url = str(body.get("generatorURL") or "")
        return Alert(labels, annotations, starts_at, ends_at, now, url, timed, fingerprint(labels))

    def firing(self) -> list[Alert]:
        """Those that have not ended, by fingerprint."""
        now = self._now()
        for old in [alert.fingerprint for alert in self._by_fingerprint.values() if alert.ends_at + _KEPT < now]:
            del self._by_fingerprint[old]
        there = (alert for alert in self._by_fingerprint.values() if alert.ends_at > now)
        return sorted(there, key=lambda alert: alert.fingerprint)

    def inhibiting(self, alert: Alert) -> list[str]:
        """Fingerprint of an alert that inhibits this one, at most one for each rule (inhibit/inhibit.go)."""
        return list(dict.fromkeys(self._inhibitors(alert)))

    def _inhibitors(self, alert: Alert) -> Iterator[str]:
        for rule in self.config.inhibitions:
            if not all_accept(rule.target, alert.labels):
                continue
            both = all_accept(rule.source, alert.labels)
            for other in self.firing():
                # An alert that is source and target is not inhibited by another such: they would silence each other.
                if not all_accept(rule.source, other.labels) or (both and all_accept(rule.target, other.labels)):
                    continue
                if all(other.labels.get(name, "") == alert.labels.get(name, "") for name in rule.equal):
                    yield other.fingerprint
                    break

    def body(self, alert: Alert) -> dict[str, object]:
        """The alert as GET /api/v2/alerts gives it."""
        silenced, inhibited = self.silences.silencing(alert.labels), self.inhibiting(alert)
        body: dict[str, object] = {
            "annotations": dict(alert.annotations),
            "endsAt": moments.write(alert.ends_at),
            "fingerprint": alert.fingerprint,
            "receivers": [{"name": self.config.receiver_of(alert.labels)}],
            "startsAt": moments.write(alert.starts_at),
            "status": {
                "inhibitedBy": inhibited,
                "silencedBy": silenced,
                "state": "suppressed" if silenced or inhibited else "active",
            },
            "updatedAt": moments.write(alert.updated_at),
        }
        if alert.generator_url:
            body["generatorURL"] = alert.generator_url
        return {**body, "labels": dict(alert.labels)}


def _texts(value: object, name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise malformed("alerts", f"json: cannot unmarshal into Go struct field .{name} of type models.LabelSet")
    return dict(value)
