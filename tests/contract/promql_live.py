"""A real Prometheus that scrapes and evaluates rules for some seconds, and the embedded one put through the same.

The real one goes first. Ours is then given the very bodies it was served, at the times of its scrapes, and evaluates
its rules at the times of its evaluations (each group records `tick`).

A machine too busy to be scraped in time is given more of it: `pace` times all that is written here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

from aurora_tui.drill.prometheus import RuleEngine, Scraper, Storage, Target, prometheus_app
from aurora_tui.drill.prometheus.labels import Labels, labels_of
from aurora_tui.drill.prometheus.rule_file import read_rule_file
from aurora_tui.drill.prometheus.series import STALE
from tests.contract.promql_samples import Samples, write_request
from tests.servers import real_prometheus, reserved_port

INTERVAL = 0.25
WARM_UP = 1.5
"""Seconds in which the real server does not write ALERTS yet: it waits two rounds for what it could restore."""
LENGTH = 6.4
SETTLING = 1.5
_PATIENCE = 60.0

_FULL = """\
# HELP x Something that goes up and down.
# TYPE x gauge
x{a="1"} 5
x{a="2"} NaN
# HELP seen_total Counted.
# TYPE seen_total counter
seen_total 7
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 3.5
h_count 2
plain{job="own",instance="own",treaty_id="own"} 4
"""
BODIES: tuple[tuple[int, str], ...] = (
    (200, _FULL),
    (200, _FULL.replace('x{a="1"} 5', 'x{a="1"} 6')),
    (200, _FULL.replace('x{a="2"} NaN\n', "")),
    (200, _FULL.replace('x{a="1"} 5\n', "")),
    (200, _FULL),
    (500, "no"),
    (503, _FULL),
    (200, _FULL),
    (200, _FULL + "broken {{{ 1\n"),
    (200, ""),
    (200, _FULL + "stamped 1 {earlier}\n"),
    (200, _FULL + "stamped 2 {earlier}\n"),
    (200, _FULL),
    (200, 'x{a="1"} 1\nx{a="1"} 2\n'),
    (200, 'x{a="1"} +Inf\nx{a="3"} -Inf\n'),
    (200, _FULL),
)
RULES = """\
groups:
  - name: first
    interval: 250ms
    rules:
      - {record: tick, expr: vector(1), labels: {group: first}}
      - {record: "job:level:mean", expr: avg by (treaty) (level), labels: {kind: mean, empty: ""}}
      - {record: "doubled", expr: "2 * job:level:mean"}
      - {record: clash, expr: level, labels: {treaty: all}}
      - {record: fails, expr: 'label_replace(level, "1bad", "", "", "")'}
      - alert: High
        expr: level > 5
        for: 750ms
        labels: {severity: critical, desk: "{{ $labels.treaty }}-desk"}
        annotations: {summary: '{{ $labels.treaty }} at {{ $value }}, {{ printf "%.2f" $value }} of {{ $labels.no }}'}
      - {alert: Kept, expr: level > 7, keep_firing_for: 700ms}
      - {alert: AtOnce, expr: level == 9}
      - {alert: Gone, expr: 'absent(level{treaty="B"})', for: 500ms, labels: {treaty: B}}
      - {alert: NotANumber, expr: level != level}
      - {alert: SameLabels, expr: level > 0, labels: {treaty: all}}
      - alert: Shown
        expr: >-
          label_replace(vector(0.000123456), "n", "a", "", "")
          or label_replace(vector(1.234567891e+06), "n", "b", "", "")
          or label_replace(vector(-0.25), "n", "c", "", "") or label_replace(vector(NaN), "n", "d", "", "")
          or label_replace(vector(+Inf), "n", "e", "", "") or label_replace(vector(0), "n", "f", "", "")
          or label_replace(vector(1e+15), "n", "g", "", "") or label_replace(vector(93784.5), "n", "h", "", "")
          or label_replace(vector(999999.5), "n", "i", "", "") or label_replace(vector(61), "n", "j", "", "")
          or label_replace(vector(-3700), "n", "k", "", "") or label_replace(vector(0.0421), "n", "l", "", "")
        labels: {sum: "{{ $labels.n }}{{ $labels.n }}", empty: "{{ $labels.nowhere }}"}
        annotations:
          value: "{{ $value }} {{.Value}} {{ .Labels.n }}"
          human: "{{ $value | humanize }} {{ humanize $value }}"
          percent: "{{ $value | humanizePercentage }}"
          duration: "{{ $value | humanizeDuration }}"
          printed: '{{ printf "%.2f %%" $value }} {{ $value | printf "%.3g" }} {{ printf "%e" $value }}'
          as_it_is: '{{ printf "%v" $value }} {{ printf "%s" $labels.n }}'
          text: '{{ printf "%s!" $labels.n }} {{ "quoted" }} {{- " trimmed " -}} {{ $labels.n }}'
          plain: "no template, 5 % { }"
      - {alert: OnAlerts, expr: 'sum by (alertname) (ALERTS{alertname!="Shown",alertstate="firing"}) > 1'}
  - name: limited
    interval: 500ms
    limit: 1
    rules:
      - {record: tick, expr: vector(1), labels: {group: limited}}
      - {record: many, expr: level + 0}
      - {alert: Many, expr: level > 6}
"""


def stretched(text: str, pace: int) -> str:
    """The rules, or a query, with all durations (750ms, 3s) `pace` times as long."""
    return re.sub(r"\b(\d+)(ms|s)\b", lambda found: f"{int(found[1]) * pace}{found[2]}", text)


def levels(begin: float, pace: int) -> dict[Labels, Samples]:
    """Samples every 100 ms from `begin` on: rising and falling, missing, ended, not a number."""
    shapes: Mapping[str, tuple[float | None, ...]] = {
        "A": (3, 6, 6, 6, 6, 6, 8, 9, 9, 6, 6, 6, 3, 8, 3, 3),
        "B": (4, 4, 8, 8, STALE, None, None, None, 9, 9, 9, STALE, 6, 6, 6, 6),
        "C": (float("nan"), 9, 4, 6, float("nan"), 8, 8, float("inf"), 9, 1, 9, 1, 9, 9, 9, 9),
    }
    found: dict[Labels, Samples] = {}
    for treaty, shape in shapes.items():
        column: Samples = []
        for place, level in enumerate(shape):
            stamps = [round(begin + (place * 0.4 + part * 0.1) * pace, 3) for part in range(4)]
            if level is not None:
                column += [(stamp, level) for stamp in stamps]
        found[labels_of({"__name__": "level", "treaty": treaty})] = column
    return found


class Disturbed(Exception):
    """A scrape took longer than it may, on a machine too busy: what followed says nothing."""


@dataclass
class Exporter:
    """Serves BODIES one after the other, the last for ever, and remembers what it said."""

    said: list[tuple[int, str]] = field(default_factory=list)
    said_again: int = 0
    all_said: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        if "embedded" in request.headers["User-Agent"]:  # the real one goes on scraping meanwhile
            status, text = self.said[self.said_again]
            self.said_again += 1
            return web.Response(status=status, text=text)
        status, text = BODIES[min(len(self.said), len(BODIES) - 1)]
        text = text.replace("{earlier}", str(round(time.time() * 1000) - 50))
        self.said.append((status, text))
        if len(self.said) > len(BODIES) + 1:
            self.all_said.set()
        return web.Response(status=status, text=text)


@asynccontextmanager
async def lived_through(
    folder: Path, pace: int
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient, float, float]]:
    """The real server and ours, and when it began and ended. Disturbed when the machine is too busy for this pace."""
    exporter = Exporter()
    app = web.Application()
    app.router.add_get("/metrics", exporter.answer)
    rules = folder / "rules.yml"
    await asyncio.to_thread(rules.write_text, stretched(RULES, pace))
    with reserved_port() as nobody:
        async with TestServer(app) as server:
            targets = [
                Target("aurora", f"http://127.0.0.1:{server.port}/metrics", {"treaty_id": "T"}, honor_labels=True),
                Target("gone", f"http://127.0.0.1:{nobody}/metrics"),
            ]
            flags = ["--web.enable-remote-write-receiver", "--scrape.discovery-reload-interval=50ms"]
            async with (
                real_prometheus(folder, _configuration(targets, rules, pace), flags=flags) as prometheus,
                httpx.AsyncClient(base_url=prometheus.url, trust_env=False, timeout=60) as real,
            ):
                begun = round(time.time() + WARM_UP * pace, 3)
                await _write(real, levels(begun, pace))
                async with asyncio.timeout(_PATIENCE * pace):
                    await exporter.all_said.wait()
                    await asyncio.sleep(
                        begun + (LENGTH + SETTLING) * pace - time.time()
                    )  # its samples are of these times
                ended = round(time.time(), 3)
                await _written_until(real, ended, pace)
                async with _ours(real, targets, rules, (begun, ended), pace) as ours:
                    yield real, ours, begun, ended


def _configuration(targets: list[Target], rules: Path, pace: int) -> str:
    interval = f"{INTERVAL * pace * 1000:.0f}ms"
    jobs = "".join(
        f"  - job_name: {each.job}\n    honor_labels: {str(each.honor_labels).lower()}\n    static_configs:\n"
        f"      - targets: ['{each.url.split('/')[2]}']\n        labels: {dict(each.labels)}\n"
        for each in targets
    )
    return (
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
        f"rule_files: ['{rules}']\nscrape_configs:\n{jobs}"
    )


async def _write(real: httpx.AsyncClient, series: dict[Labels, Samples]) -> None:
    headers = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    written = await real.post("/api/v1/write", content=write_request(series), headers=headers)
    assert written.status_code == 204, written.text


async def _written_until(real: httpx.AsyncClient, moment: float, pace: int) -> None:
    """Waits until each target and group has been through a later round: what is older is then all there.

    Disturbed when a scrape came to another end than its body asks for.
    """
    async with asyncio.timeout(_PATIENCE * pace):
        for query in ("min(timestamp(up))", "min(timestamp(tick))"):
            newest = 0.0
            while newest <= moment:
                answer = (await real.get("/api/v1/query", params={"query": query})).json()
                newest = float(answer["data"]["result"][0]["value"][1])
    query = f'up{{job="aurora"}}[{_PATIENCE * pace:.0f}s]'
    answer = (await real.get("/api/v1/query", params={"query": query, "time": moment})).json()
    came = [value == "1" for _, value in answer["data"]["result"][0]["values"]]
    meant = [status == 200 and "{{{" not in text for status, text in BODIES]
    if came != meant + [True] * (len(came) - len(meant)):
        raise Disturbed(f"scrapes came to {came}, not {meant}")


async def _stamps(real: httpx.AsyncClient, query: str, at: float, pace: int) -> list[float]:
    """The times of a series' samples in the minute before `at`."""
    answer = (await real.get("/api/v1/query", params={"query": f"{query}[{60 * pace}s]", "time": at})).json()
    return [moment for moment, _ in answer["data"]["result"][0]["values"]]


@asynccontextmanager
async def _ours(
    real: httpx.AsyncClient, targets: list[Target], rules: Path, span: tuple[float, float], pace: int
) -> AsyncIterator[httpx.AsyncClient]:
    storage, (begun, ended), interval = Storage(), span, INTERVAL * pace
    for labels, samples in levels(begun, pace).items():
        storage.extend(labels, [at for at, _ in samples], [value for _, value in samples])
    scraper = Scraper(storage, targets, interval, lambda: ended, asyncio.sleep)
    for index, target in enumerate(targets):
        for at in await _stamps(real, f'up{{job="{target.job}"}}', ended, pace):
            await scraper.scrape_once(at, index)
    engine = RuleEngine(storage, read_rule_file(rules), interval, lambda: ended, asyncio.sleep)
    rounds = [
        (at, index)
        for index, group in enumerate(engine.groups)
        for at in await _stamps(real, f'tick{{group="{group.name}"}}', ended, pace)
    ]
    for at, index in sorted(rounds):
        await engine.evaluate_group(index, at)
    async with (
        TestServer(prometheus_app(storage, lambda: ended, engine, scraper)) as server,
        httpx.AsyncClient(base_url=str(server.make_url("/")), trust_env=False, timeout=60) as ours,
    ):
        yield ours
