"""Prometheus' HTTP API over a Storage."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from aurora_tui.drill.prometheus.rules import RuleEngine
from aurora_tui.drill.prometheus.scrape import Scraper
from aurora_tui.drill.prometheus.storage import Storage


def prometheus_app(
    storage: Storage,
    clock_now: Callable[[], float],
    rules: RuleEngine | None = None,
    targets: Scraper | None = None,
) -> web.Application:
    """The API as an application to serve. `clock_now` gives world time in Unix seconds, the default of `time`."""
    app = web.Application()
    return app
