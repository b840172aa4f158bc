"""The configuration in effect, written as Prometheus writes it at /api/v1/status/config."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from aurora_tui.drill.durations import show_duration
from aurora_tui.drill.prometheus.rules import RuleEngine
from aurora_tui.drill.prometheus.scrape import Scraper, Target

_MINUTE = 60.0
_LONGEST_SCRAPE = 10.0
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")


def configuration(scraper: Scraper | None, rules: RuleEngine | None) -> str:
    """YAML. Rules that came from no file are not named."""
    scraping = scraper.interval if scraper else _MINUTE
    lines = [
        "global:",
        f"  scrape_interval: {show_duration(scraping)}",
        f"  scrape_timeout: {show_duration(min(scraping, _LONGEST_SCRAPE))}",
        f"  evaluation_interval: {show_duration(rules.interval if rules else _MINUTE)}",
    ]
    files = dict.fromkeys(group.file for group in rules.groups) if rules else {}
    if files:
        lines += ["rule_files:", *(f"- {_written(file)}" for file in files)]
    if scraper and scraper.targets:
        lines.append("scrape_configs:")
        for target in scraper.targets:
            lines += _job(target, scraping)
    return "\n".join(lines) + "\n"


def _job(target: Target, interval: float) -> Sequence[str]:
    url = urlsplit(target.url)
    lines = [
        f"- job_name: {_written(target.job)}",
        *(["  honor_labels: true"] if target.honor_labels else []),
        "  honor_timestamps: true",
        f"  scrape_interval: {show_duration(interval)}",
        f"  scrape_timeout: {show_duration(min(interval, _LONGEST_SCRAPE))}",
        f"  metrics_path: {_written(url.path or '/metrics')}",
        f"  scheme: {url.scheme}",
        "  follow_redirects: true",
        "  enable_http2: true",
        "  static_configs:",
        "  - targets:",
        f"    - {url.netloc}",
    ]
    labels = {**target.labels, **({"instance": target.instance} if target.instance else {})}
    if labels:
        lines += ["    labels:", *(f"      {_written(name)}: {_written(labels[name])}" for name in sorted(labels))]
    return lines


def _written(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
