"""What the server says of itself: targets, rules, alerts, build, flags, configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from aurora_tui.clock import iso, iso_micro
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.floats import format_exponent
from aurora_tui.drill.prometheus.rules import FIRING, INACTIVE, PENDING, ActiveAlert, RuleEngine, RuleState
from aurora_tui.drill.prometheus.scrape import Scraper

VERSION = "embedded-2.42"
"""Not a Prometheus, and says so; the number is of the one whose answers it gives."""
_NEVER = "0001-01-01T00:00:00Z"


class StatusPages:
    """One coroutine a page, each giving the `data` of the answer."""

    def __init__(self, rules: RuleEngine | None, scraper: Scraper | None, now: Callable[[], float]) -> None:
        self._rules = rules
        self._scraper = scraper
        self._started = now()

    def pages(self) -> Mapping[str, Callable[[web.Request], Awaitable[object]]]:
        return {
            "targets": self.targets,
            "rules": self.rule_groups,
            "alerts": self.alerts,
            "alertmanagers": self.alertmanagers,
            "metadata": self.metadata,
            "status/buildinfo": self.buildinfo,
            "status/runtimeinfo": self.runtimeinfo,
            "status/config": self.config,
            "status/flags": self.flags,
        }

    async def targets(self, request: web.Request) -> object:
        state = request.query.get("state", "").lower()
        scraper = self._scraper
        active: list[object] | None = []
        if scraper is not None and state != "dropped":
            active = [self._target(scraper, index) for index in range(len(scraper.targets))]
        return {"activeTargets": active, "droppedTargets": []}

    def _target(self, scraper: Scraper, index: int) -> object:
        target, state = scraper.targets[index], scraper.state(index)
        own = target.own_labels()
        interval = f"{scraper.interval:g}s"
        return {
            "discoveredLabels": {"__address__": own["instance"], "job": target.job},
            "labels": own,
            "scrapePool": target.job,
            "scrapeUrl": target.url,
            "globalUrl": target.url,
            "lastError": state.error,
            "lastScrape": iso_micro(state.scraped_at) if state.scraped_at else _NEVER,
            "lastScrapeDuration": state.took,
            "health": state.health,
            "scrapeInterval": interval,
            "scrapeTimeout": interval,
        }

    async def rule_groups(self, request: web.Request) -> object:
        kind = request.query.get("type", "").lower()
        if kind not in ("", "alert", "record"):
            raise BadQuery(f'invalid parameter "type": not supported value "{kind}"')
        engine = self._rules
        groups: list[object] = []
        for group, states in zip(engine.groups, engine.states, strict=True) if engine else ():
            wanted = [state for state in states if not kind or (kind == "alert") == bool(state.rule.alert)]
            assert engine is not None
            groups.append(
                {
                    "name": group.name,
                    "file": group.file,
                    "rules": [_rule(state) for state in wanted],
                    "interval": group.interval or engine.interval,
                    "limit": 0,
                    "evaluationTime": sum(state.took for state in states),
                    "lastEvaluation": _when(max((state.evaluated_at for state in states), default=0.0)),
                }
            )
        return {"groups": groups}

    async def alerts(self, request: web.Request) -> object:
        return {"alerts": [_alert(alert) for alert in self._rules.alerts()] if self._rules else []}

    async def alertmanagers(self, request: web.Request) -> object:
        return {"activeAlertmanagers": [], "droppedAlertmanagers": []}

    async def metadata(self, request: web.Request) -> object:
        return {}

    async def buildinfo(self, request: web.Request) -> object:
        return {"version": VERSION, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}

    async def runtimeinfo(self, request: web.Request) -> object:
        return {"startTime": iso(self._started), "reloadConfigSuccess": True, "storageRetention": "unlimited"}

    async def config(self, request: web.Request) -> object:
        lines = ["global:"]
        if self._scraper:
            lines.append(f"  scrape_interval: {self._scraper.interval:g}s")
        if self._rules:
            lines.append(f"  evaluation_interval: {self._rules.interval:g}s")
        if len(lines) == 1:
            lines = ["global: {}"]
        if self._scraper and self._scraper.targets:
            lines.append("scrape_configs:")
            for target in self._scraper.targets:
                lines += [f"- job_name: {target.job}", f"  honor_labels: {str(target.honor_labels).lower()}"]
                lines += ["  static_configs:", f"  - targets: ['{target.own_labels()['instance']}']"]
        return {"yaml": "\n".join(lines) + "\n"}

    async def flags(self, request: web.Request) -> object:
        return {"query.lookback-delta": "5m", "query.timeout": "2m"}


def _when(moment: float) -> str:
    return iso_micro(moment) if moment else _NEVER


def _rule(state: RuleState) -> object:
    rule = state.rule
    common: dict[str, object] = {
        "name": rule.alert or rule.record,
        "query": rule.expr,
        "health": state.health,
        "evaluationTime": state.took,
        "lastEvaluation": _when(state.evaluated_at),
        "type": "alerting" if rule.alert else "recording",
    }
    if rule.labels or rule.alert:
        common["labels"] = dict(rule.labels)
    if state.error:
        common["lastError"] = state.error
    if rule.alert:
        alerts = state.open_alerts()
        states = {alert.state for alert in alerts}
        common["state"] = FIRING if FIRING in states else PENDING if PENDING in states else INACTIVE
        common["duration"] = rule.hold
        common["annotations"] = dict(rule.annotations)
        common["alerts"] = [_alert(alert) for alert in alerts]
    return common


def _alert(alert: ActiveAlert) -> object:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": iso_micro(alert.active_at),
        "value": format_exponent(alert.value),
    }
