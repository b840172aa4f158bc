"""Which alert inhibits which (inhibit/inhibit.go), looked up by the labels that both must share."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.drill.alertmanager.alert import Alert
from aurora_tui.drill.alertmanager.config import Inhibition
from aurora_tui.drill.alertmanager.matchers import all_accept

_Sources = dict[tuple[str, ...], list[tuple[Alert, bool]]]


class Inhibitors:
    """The alerts that may inhibit others, by rule and by the values of the rule's `equal` labels."""

    def __init__(self, rules: Iterable[Inhibition], alerts: Iterable[Alert]) -> None:
        alerts = list(alerts)
        self._rules = [(rule, _sources(rule, alerts)) for rule in rules]

    def of(self, alert: Alert, now: float) -> list[str]:
        """Fingerprint of one alert that inhibits this one, by the first rule that does; or nothing."""
        for rule, sources in self._rules:
            if not sources or not all_accept(rule.target, alert.labels):
                continue
            both: bool | None = None
            for source, is_target in sources.get(_shared(rule, alert), ()):
                if source.ends_at <= now:
                    continue
                if is_target:
                    # Who is source and target is not inhibited by another such: they would inhibit each other.
                    both = all_accept(rule.source, alert.labels) if both is None else both
                    if both:
                        continue
                return [source.fingerprint]
        return []


def _sources(rule: Inhibition, alerts: Iterable[Alert]) -> _Sources:
    found: _Sources = {}
    for alert in alerts:
        if all_accept(rule.source, alert.labels):
            found.setdefault(_shared(rule, alert), []).append((alert, all_accept(rule.target, alert.labels)))
    return found


def _shared(rule: Inhibition, alert: Alert) -> tuple[str, ...]:
    return tuple([alert.labels.get(name, "") for name in rule.equal])
