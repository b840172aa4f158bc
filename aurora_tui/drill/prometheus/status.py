"""What the server says of itself: targets, rules, alerts, build, flags, configuration."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

from aurora_tui.clock import iso, iso_micro
from aurora_tui.drill.durations import show_duration
from aurora_tui.drill.prometheus.config import configuration
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
        own, url = target.own_labels(), urlsplit(target.url)
        interval, timeout = show_duration(scraper.interval), show_duration(scraper.timeout)
        return {
            "discoveredLabels": {
                "__address__": url.netloc,
                "__metrics_path__": url.path,
                "__scheme__": url.scheme,
                "__scrape_interval__": interval,
                "__scrape_timeout__": timeout,
                "job": target.job,
                **target.labels,
            },
            "labels": own,
            "scrapePool": target.job,
            "scrapeUrl": target.url,
            "globalUrl": target.url,
            "lastError": state.error,
            "lastScrape": iso_micro(state.scraped_at) if state.scraped_at else _NEVER,
            "lastScrapeDuration": state.took,
            "health": state.health,
            "scrapeInterval": interval,
            "scrapeTimeout": timeout,
        }

    async def rule_groups(self, request: web.Request) -> object:
        kind = request.query.get("type", "").lower()
        if kind not in ("", "alert", "record"):
            raise BadQuery(f'invalid parameter "type": not supported value "{kind}"')
        engine = self._rules
        groups: list[object] = []
        known = zip(engine.groups, engine.states, strict=True) if engine else ()
        for group, states in sorted(known, key=lambda each: (each[0].file, each[0].name)):
            wanted = [state for state in states if not kind or (kind == "alert") == bool(state.rule.alert)]
            assert engine is not None
            groups.append(
                {
                    "name": group.name,
                    "file": group.file,
                    "rules": [_rule(state) for state in wanted],
                    "interval": group.interval or engine.interval,
                    "limit": group.limit,
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
        """What the exporters say of their metrics."""
        text = request.query.get("limit", "")
        if text and not re.fullmatch(r"[+-]?\d+", text):
            raise BadQuery("limit must be a number")
        limit, wanted = int(text or -1), request.query.get("metric", "")
        found: dict[str, list[Mapping[str, str]]] = {}
        scraper = self._scraper
        for index in range(len(scraper.targets)) if scraper is not None else ():
            assert scraper is not None
            for name, about in scraper.state(index).metadata.items():
                known = found.get(name)
                if known is not None and about not in known:
                    known.append(about)
                elif known is None and wanted in ("", name) and not 0 <= limit <= len(found):
                    found[name] = [about]
        return found

    async def buildinfo(self, request: web.Request) -> object:
        return {"version": VERSION, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}

    async def runtimeinfo(self, request: web.Request) -> object:
        """The real one's keys; those that speak of Go's runtime are empty."""
        return {
            "startTime": iso_micro(self._started),
            "CWD": "",
            "reloadConfigSuccess": True,
            "lastConfigTime": iso(self._started),
            "corruptionCount": 0,
            "goroutineCount": 0,
            "GOMAXPROCS": 1,
            "GOGC": "",
            "GODEBUG": "",
            "storageRetention": "unlimited",
        }

    async def config(self, request: web.Request) -> object:
        return {"yaml": configuration(self._scraper, self._rules)}

    async def flags(self, request: web.Request) -> object:
        """Those of the real server that hold here, too."""
        return {
            "enable-feature": "",
            "query.lookback-delta": "5m",
            "query.timeout": "2m",
            "rules.alert.resend-delay": "1m",
            "web.enable-admin-api": "false",
            "web.route-prefix": "/",
        }


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
        common["duration"], common["keepFiringFor"] = rule.hold, rule.keep_firing
        common["annotations"] = dict(rule.annotations)
        common["alerts"] = [_alert(alert) for alert in alerts]
    return common


def _alert(alert: ActiveAlert) -> object:
    kept = {"keepFiringSince": iso_micro(alert.kept_since)} if alert.kept_since else {}
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "activeAt": iso_micro(alert.active_at),
        **kept,
        "value": format_exponent(alert.value),
    }
