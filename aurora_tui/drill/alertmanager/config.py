"""The embedded Alertmanager's configuration: routes to named receivers, inhibition, the resolve time-out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aurora_tui.drill.alertmanager.matchers import Matcher, all_accept


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that all `matchers` accept go to `receiver`; the first route that fits decides."""

    receiver: str
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` accepts is there, alerts that `target` accepts are inhibited, if they share with it
    the values of the labels in `equal`."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    """resolve_timeout: world seconds after which an alert that is posted without an end, and not again, is over."""

    receiver: str
    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    group_by: tuple[str, ...] = ("alertname",)
    resolve_timeout: float = 300.0

    @property
    def receivers(self) -> tuple[str, ...]:
        """Every receiver's name, those of the routes first."""
        return tuple(dict.fromkeys([*(route.receiver for route in self.routes), self.receiver]))

    def receiver_of(self, labels: Mapping[str, str]) -> str:
        return next((route.receiver for route in self.routes if all_accept(route.matchers, labels)), self.receiver)

    def text(self) -> str:
        """The configuration file that says the same to a real Alertmanager. Receivers notify nobody."""

        def listed(matchers: tuple[Matcher, ...]) -> str:
            return json.dumps([str(matcher) for matcher in matchers])

        lines = [f"global:\n  resolve_timeout: {self.resolve_timeout:.0f}s"]
        lines += [f"route:\n  receiver: {self.receiver}\n  group_by: {json.dumps(list(self.group_by))}"]
        lines += ["  group_wait: 1s\n  group_interval: 15s\n  repeat_interval: 1h\n  routes:"] if self.routes else []
        for route in self.routes:
            lines += [f"    - receiver: {route.receiver}\n      matchers: {listed(route.matchers)}"]
        lines += ["receivers:", *(f"  - name: {name}" for name in self.receivers)]
        lines += ["inhibit_rules:"] if self.inhibitions else []
        for rule in self.inhibitions:
            lines += [f"  - source_matchers: {listed(rule.source)}\n    target_matchers: {listed(rule.target)}"]
            lines += [f"    equal: {json.dumps(list(rule.equal))}"]
        return "\n".join(lines) + "\n"
