"""An embedded Prometheus: samples in memory, PromQL evaluated as 2.42 does it, its HTTP API, scrapes and rules."""

from __future__ import annotations

from aurora_tui.drill.prometheus.api import prometheus_app
from aurora_tui.drill.prometheus.rules import AlertNotice, Rule, RuleEngine, RuleGroup
from aurora_tui.drill.prometheus.scrape import Scraper, Target
from aurora_tui.drill.prometheus.storage import STALE, Storage

__all__ = [
    "STALE",
    "AlertNotice",
    "Rule",
    "RuleEngine",
    "RuleGroup",
    "Scraper",
    "Storage",
    "Target",
    "prometheus_app",
]
