"""Alerting and recording rules, evaluated at aligned moments of world time.

Source: rules/alerting.go and rules/manager.go of Prometheus 2.42.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from aurora_tui.clock import iso_micro
from aurora_tui.drill.prometheus import query
from aurora_tui.drill.prometheus.errors import ExecutionFailed, QueryError
from aurora_tui.drill.prometheus.labels import NAME, Labels, drop_name, labels_of
from aurora_tui.drill.prometheus.scrape import aligned
from aurora_tui.drill.prometheus.storage import STALE, Storage
from aurora_tui.drill.prometheus.template import expand

_LOG = logging.getLogger(__name__)
_RESEND_DELAY = 60.0
_RESOLVED_KEPT = 15 * 60.0
_ROUNDING = 1e-6
"""Seconds that a difference of two floats may be too small by; Prometheus counts whole nanoseconds."""
_Results = list[tuple[Labels, float]]

PENDING, FIRING, INACTIVE = "pending", "firing", "inactive"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule (`alert`) or a recording rule (`record`), exactly one of the names set.

    `hold` is the rule file's `for`, `keep_firing` its `keep_firing_for`, in seconds. Annotations and labels may use
    {{ $value }} and {{ $labels.x }}.
    """

    expr: str
    alert: str = ""
    record: str = ""
    hold: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    keep_firing: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated one after the other. `interval` in seconds; 0 means the engine's. A rule that gives more than
    `limit` series or alerts fails; 0 means any number."""

    name: str
    rules: Sequence[Rule]
    interval: float = 0.0
    file: str = "drill.yml"
    limit: int = 0


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """A firing or just resolved alert, to post to an Alertmanager. Times are Unix seconds; `ends_at` None: firing.

    A firing one is to be taken as resolved when no further notice comes by `valid_until`.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    valid_until: float
    generator_url: str = ""

    def body(self) -> dict[str, object]:
        """One element of POST /api/v2/alerts."""
        return {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": iso_micro(self.starts_at),
            "endsAt": iso_micro(self.valid_until if self.ends_at is None else self.ends_at),
            "generatorURL": self.generator_url,
        }


@dataclass(slots=True)
class ActiveAlert:
    """One label set of an alerting rule: pending, firing, or inactive for a while after it resolved."""

    labels: Labels
    annotations: Mapping[str, str]
    value: float
    active_at: float
    state: str = PENDING
    fired_at: float = 0.0
    resolved_at: float = 0.0
    sent_at: float = 0.0
    kept_since: float = 0.0


@dataclass(slots=True)
class RuleState:
    """A rule with what its evaluations left behind."""

    rule: Rule
    health: str = "unknown"
    error: str = ""
    evaluated_at: float = 0.0
    took: float = 0.0
    written: frozenset[Labels] = frozenset()
    alerts: dict[Labels, ActiveAlert] = field(default_factory=dict)

    def open_alerts(self) -> list[ActiveAlert]:
        return [alert for alert in self.alerts.values() if alert.state != INACTIVE]


class RuleEngine:
    """`await run()` evaluates until cancelled; `await evaluate(at)` does one round, at `at` in Unix seconds.

    `notify` is awaited after a round in which alerts began, resolved, or are due to be sent again. An OSError
    or aiohttp.ClientError it raises (nothing listens) is logged, and the notices are sent again with the next round.
    """

    def __init__(
        self,
        storage: Storage,
        groups: Sequence[RuleGroup],
        interval: float,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        notify: Callable[[Sequence[AlertNotice]], Awaitable[None]] | None = None,
    ) -> None:
        self.storage = storage
        self.groups = tuple(groups)
        self.interval = interval
        self.now = now
        self.sleep = sleep
        self.notify = notify
        self.states = [[RuleState(rule) for rule in group.rules] for group in self.groups]
        self._due = [0.0] * len(self.groups)
        for group in self.groups:
            for rule in group.rules:
                query.parse(rule.expr)  # BadQuery now rather than at every round

    def alerts(self) -> Iterator[ActiveAlert]:
        """The pending and firing alerts of all rules."""
        for states in self.states:
            for state in states:
                yield from state.open_alerts()

    async def run(self) -> None:
        while True:
            await self.evaluate(await aligned(self.interval, self.now, self.sleep))

    async def evaluate(self, at: float) -> None:
        for index, group in enumerate(self.groups):
            if at >= self._due[index]:
                self._due[index] = at + group.interval if group.interval > self.interval else 0.0
                await self.evaluate_group(index, at)
        await self._send(at)

    async def evaluate_group(self, index: int, at: float) -> None:
        """Evaluate the rules of `groups[index]` one after the other, each seeing what those before it recorded."""
        for state in self.states[index]:
            await self._evaluate_rule(state, at, self.groups[index].limit)

    async def _evaluate_rule(self, state: RuleState, at: float, limit: int) -> None:
        began = time.monotonic()
        try:
            answer = await self.storage.read(query.instant, state.rule.expr, at)
            results = [(labels, points[0][1]) for labels, points in answer.series]
            gives = self._recorded if state.rule.record else self._alerted
            samples = gives(state, results, at, limit)
            state.health, state.error = "ok", ""
        except QueryError as error:
            state.health, state.error = "err", str(error)
            return
        finally:
            state.evaluated_at, state.took = at, time.monotonic() - began
        for labels, value in samples.items():
            self.storage.append(labels, at, value)
        for labels in state.written - samples.keys():
            self.storage.append(labels, at, STALE)
        state.written = frozenset(samples)

    def _recorded(self, state: RuleState, results: _Results, at: float, limit: int) -> dict[Labels, float]:
        samples: dict[Labels, float] = {}
        for labels, value in results:
            named = labels_of({**dict(labels), **state.rule.labels, NAME: state.rule.record})
            if named in samples:
                raise ExecutionFailed("vector contains metrics with the same labelset after applying rule labels")
            samples[named] = value
        if limit and len(samples) > limit:
            raise ExecutionFailed(f"exceeded limit of {limit} with {len(samples)} series")
        return samples

    def _alerted(self, state: RuleState, results: _Results, at: float, limit: int) -> dict[Labels, float]:
        rule = state.rule
        seen: dict[Labels, ActiveAlert] = {}
        for labels, value in results:
            own = dict(labels)
            named = {name: expand(text, own, value) for name, text in rule.labels.items()}
            key = labels_of({**dict(drop_name(labels)), **named, "alertname": rule.alert})
            if key in seen:
                raise ExecutionFailed("vector contains metrics with the same labelset after applying alert labels")
            annotations = {name: expand(text, own, value) for name, text in rule.annotations.items()}
            seen[key] = ActiveAlert(key, annotations, value, at)
        for key, alert in seen.items():
            known = state.alerts.get(key)
            if known is not None and known.state != INACTIVE:
                known.value, known.annotations, known.kept_since = alert.value, alert.annotations, 0.0
            else:
                state.alerts[key] = alert
        for key, alert in list(state.alerts.items()):
            if key not in seen:
                _end(state, key, alert, at)
            elif alert.state == PENDING and at - alert.active_at >= rule.hold - _ROUNDING:
                alert.state, alert.fired_at = FIRING, at
        opened = state.open_alerts()
        if limit and len(opened) > limit:
            state.alerts.clear()
            raise ExecutionFailed(f"exceeded limit of {limit} with {len(opened)} alerts")
        return _alert_series(rule, opened)

    async def _send(self, at: float) -> None:
        due = [
            alert
            for states in self.states
            for state in states
            for alert in state.alerts.values()
            if _needs_sending(alert, at)
        ]
        if not due or self.notify is None:
            return
        valid_until = at + 4 * max(self.interval, _RESEND_DELAY)
        notices = [
            AlertNotice(dict(alert.labels), alert.annotations, alert.fired_at, alert.resolved_at or None, valid_until)
            for alert in due
        ]
        try:
            await self.notify(notices)
        except (OSError, aiohttp.ClientError) as error:
            _LOG.warning("could not send %d alerts: %s", len(notices), error)
            return
        for alert in due:
            alert.sent_at = at


def _end(state: RuleState, key: Labels, alert: ActiveAlert, at: float) -> None:
    """The alert's condition is gone: forgotten when it never fired, else kept firing as long as the rule says, then
    as resolved for a while."""
    if alert.state == FIRING and state.rule.keep_firing:
        alert.kept_since = alert.kept_since or at
        if at - alert.kept_since < state.rule.keep_firing - _ROUNDING:
            return
    if alert.state == PENDING or (alert.resolved_at and at - alert.resolved_at > _RESOLVED_KEPT):
        del state.alerts[key]
    elif alert.state == FIRING:
        alert.state, alert.resolved_at = INACTIVE, at


def _needs_sending(alert: ActiveAlert, at: float) -> bool:
    if alert.state == PENDING:
        return False
    if alert.resolved_at > alert.sent_at:
        return True
    return alert.sent_at + _RESEND_DELAY < at


def _alert_series(rule: Rule, alerts: Sequence[ActiveAlert]) -> dict[Labels, float]:
    """ALERTS and ALERTS_FOR_STATE. A label whose template came to nothing stands there as it was written: Prometheus
    puts the alert's labels over the rule's."""
    samples: dict[Labels, float] = {}
    for alert in alerts:
        own = {**rule.labels, **dict(alert.labels)}
        samples[labels_of({**own, NAME: "ALERTS", "alertstate": alert.state})] = 1.0
        samples[labels_of({**own, NAME: "ALERTS_FOR_STATE"})] = float(int(alert.active_at))
    return samples
