"""A real Alertmanager with ops/alertmanager: what arrives at PagerDuty and at Slack, and what is inhibited.

The file is as it is, but for addresses, the place of the secrets, and waiting times.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from aurora_tui.drill.alertmanager import shipped
from aurora_tui.drill.loopback import Server
from tests.contract.alertmanager_pair import serving_pair
from tests.ops.rules import PROMETHEUS, alerting, named
from tests.servers import RunningServer
from tests.servers_alertmanager import post, real_alertmanager

pytestmark = [pytest.mark.needs("prometheus-alertmanager"), pytest.mark.xdist_group("alertmanager")]

FOLDER = Path(__file__).resolve().parents[2] / "ops" / "alertmanager"
KEY = "0123456789abcdef"
TREATY = "AURORA-AKASH-001"
PRESENCE = PROMETHEUS / "rules" / "presence.yml"


@dataclass
class Sink:
    """Stands for PagerDuty and Slack: keeps what it is sent."""

    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v2/enqueue", self._event)
        app.router.add_post("/services/hook", self._message)
        return app

    async def _event(self, request: web.Request) -> web.Response:
        await self._keep(self.events, await request.json())
        return web.json_response({"status": "success"}, status=202)

    async def _message(self, request: web.Request) -> web.Response:
        await self._keep(self.messages, await request.json())
        return web.Response(text="ok")

    async def _keep(self, kept: list[dict[str, Any]], body: dict[str, Any]) -> None:
        async with self._more:
            kept.append(body)
            self._more.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60), self._more:
            await self._more.wait_for(condition)


@asynccontextmanager
async def notifying(folder: Path) -> AsyncIterator[tuple[RunningServer, Sink]]:
    sink, server = Sink(), Server("sink")
    await server.start(sink.app)
    (folder / "pagerduty-routing-key").write_text(KEY)
    (folder / "slack-webhook-url").write_text(f"{server.url}/services/hook")
    shutil.copy(FOLDER / "aurora.tmpl", folder)
    text = (FOLDER / "alertmanager.yml").read_text().replace("/etc/alertmanager/secrets", str(folder))
    text = text.replace("routing_key_file:", f"url: {server.url}/v2/enqueue\n        routing_key_file:")
    text = re.sub(r"group_wait: \w+", "group_wait: 0s", text)
    text = re.sub(r"group_interval: \w+", "group_interval: 1s", text)
    try:
        async with real_alertmanager(folder, text) as real:
            yield real, sink
    finally:
        await server.stop()


def alert(name: str, sev: str, summary: str = "", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "sev": sev, **labels}, "annotations": {"summary": summary}}


def told(given: dict[str, Any], **annotations: str) -> dict[str, Any]:
    return {**given, "annotations": {**given["annotations"], **annotations}}


async def test_pagerduty_gets_events_that_it_accepts_one_incident_a_group_and_their_end(tmp_path: Path) -> None:
    first = alert("RTTHigh", "SEV2", "Round trips of 412 ms", treaty_id=TREATY, pod="a")
    second = alert("RTTHigh", "SEV2", "Round trips of 412 ms", treaty_id=TREATY, pod="b")
    leak = alert("Leak", "SEV1")
    async with notifying(tmp_path) as (real, sink):
        await post(real, "alerts", [first, second, leak])
        await sink.until(lambda: {event["payload"]["source"] for event in sink.events} >= {TREATY, "aurora"})
        now = datetime.now(UTC)
        over = {"startsAt": (now - timedelta(minutes=5)).isoformat(), "endsAt": now.isoformat()}
        await post(real, "alerts", [{**first, **over}, {**second, **over}])
        await sink.until(lambda: any(event["event_action"] == "resolve" for event in sink.events))
    assert sink.messages == []
    for event in sink.events:
        assert event["routing_key"] == KEY
        assert 0 < len(event["dedup_key"]) <= 255
        assert event["payload"]["source"]
        assert event["payload"]["summary"]
        assert event["payload"]["severity"] in {"critical", "error", "warning", "info"}
    by_source: dict[str, list[dict[str, Any]]] = {}
    for event in sink.events:
        by_source.setdefault(event["payload"]["source"], []).append(event)
    assert len({event["dedup_key"] for event in by_source[TREATY]}) == 1
    opened = by_source[TREATY][0]
    assert opened["event_action"] == "trigger"
    assert opened["payload"]["summary"] == f"SEV2 RTTHigh on {TREATY}: Round trips of 412 ms"
    assert opened["payload"]["severity"] == "error"
    assert by_source["aurora"][0]["payload"]["severity"] == "critical"


async def test_slack_gets_warnings_escaped_and_synthetic_alerts_reach_nobody(tmp_path: Path) -> None:
    low = alert("CapacityLow", "SEV3", "<!channel> 12 % & falling", provider="akash")
    synthetic = alert("AlertTest", "SEV1", "a test", drill="true", treaty_id=TREATY)
    async with notifying(tmp_path) as (real, sink):
        await post(real, "alerts", [synthetic])
        await post(real, "alerts", [low])
        await sink.until(lambda: bool(sink.messages))
        await post(real, "alerts", [alert("RTTHigh", "SEV2", treaty_id="B")])  # comes after whatever was under way
        await sink.until(lambda: bool(sink.events))
    [message] = sink.messages[0]["attachments"]
    assert message["title"] == "SEV3 CapacityLow"
    assert message["text"].strip() == "▲ &lt;!channel&gt; 12 % &amp; falling"
    assert "AlertTest" not in str(sink.events) + str(sink.messages)
    assert {event["payload"]["source"] for event in sink.events} == {"B"}


async def test_the_next_step_arrives_at_pagerduty_and_at_slack(tmp_path: Path) -> None:
    rollback = named("RollbackRTT")["annotations"]["runbook"]
    pages = [told(alert("RollbackRTT", "SEV2", treaty_id="A", pod=pod), runbook=rollback) for pod in "ab"]
    theirs = told(alert("KubeOther", "SEV2", treaty_id="C"), runbook_url="https://runbooks.example/other")
    mixed = [told(alert("Mixed", "SEV2", treaty_id="D", pod=pod), runbook=f"look at {pod}") for pod in "ab"]
    warnings = [told(alert("CapacityLow", "SEV3", f"low {p}", provider=p), runbook="<ask> for more") for p in "xy"]
    steps = {"A": rollback, "C": "https://runbooks.example/other", "D": "look at a / look at b"}
    lines = ["▲ low x", "▲ low y", "→ &lt;ask&gt; for more"]
    async with notifying(tmp_path) as (real, sink):
        await post(real, "alerts", [*pages, theirs, *mixed, *warnings])
        # A group may be told of before its second alert has joined it, and is then told of again.
        await sink.until(lambda: next_steps(sink) == steps)
        await sink.until(lambda: any(written(message) == lines for message in sink.messages))


def next_steps(sink: Sink) -> dict[str, str]:
    """By source, what its newest event at PagerDuty says to do."""
    return {event["payload"]["source"]: event["payload"]["custom_details"]["runbook"] for event in sink.events}


def written(message: dict[str, Any]) -> list[str]:
    return str(message["attachments"][0]["text"]).strip().splitlines()


@pytest.mark.needs("amtool")
async def test_the_command_of_the_runbook_silences_a_decommissioned_treaty_and_no_other(tmp_path: Path) -> None:
    (runbook,) = {rule["annotations"]["runbook"] for rule in alerting(PRESENCE) if rule["alert"] == "SLOUnknown"}
    command = shlex.split(runbook[runbook.index("amtool ") :].replace("{{ $labels.treaty_id }}", "OLD"))
    async with real_alertmanager(tmp_path) as real:
        await post(real, "alerts", [alert("SLOUnknown", "SEV2", treaty_id=treaty) for treaty in ("OLD", "NEW")])
        where = f"--alertmanager.url={real.url}"
        run = await asyncio.to_thread(subprocess.run, [*command, where], capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stdout + run.stderr
        async with httpx.AsyncClient(trust_env=False) as client:
            listed = (await client.get(f"{real.url}/api/v2/alerts")).json()
    silenced = {each["labels"]["treaty_id"]: bool(each["status"]["silencedBy"]) for each in listed}
    assert silenced == {"OLD": True, "NEW": False}


INHIBITED = {
    "a warning of the treaty that was paged for": (
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A"}),
        ("NoRequests", {"sev": "SEV3", "treaty_id": "A"}),
        True,
    ),
    "not one of another treaty": (
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A"}),
        ("NoRequests", {"sev": "SEV3", "treaty_id": "B"}),
        False,
    ),
    "not one of no treaty, by a page of no treaty": (
        ("ExporterDown", {"sev": "SEV2"}),
        ("CapacityLow", {"sev": "SEV3", "provider": "akash"}),
        False,
    ),
    "the same alert, less severe": (
        ("RTTHigh", {"sev": "SEV1", "treaty_id": "A"}),
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A"}),
        True,
    ),
    "not another page of the treaty": (
        ("RTTHigh", {"sev": "SEV1", "treaty_id": "A"}),
        ("FillRateLow", {"sev": "SEV2", "treaty_id": "A"}),
        False,
    ),
    "the budget's burning, by the breach of its objective": (
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        ("ErrorBudgetBurn", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        True,
    ),
    "not the burning of another budget": (
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        ("ErrorBudgetBurn", {"sev": "SEV2", "treaty_id": "A", "slo": "fill"}),
        False,
    ),
    "the breach of an objective, by what one is asked to roll back for": (
        ("RollbackRTT", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        True,
    ),
    "the budget's burning, by what one is asked to roll back for": (
        ("RollbackProvenance", {"sev": "SEV2", "treaty_id": "A", "slo": "provenance"}),
        ("ErrorBudgetBurn", {"sev": "SEV2", "treaty_id": "A", "slo": "provenance"}),
        True,
    ),
    "not the breach of another objective": (
        ("RollbackRTT", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        ("FillRateLow", {"sev": "SEV2", "treaty_id": "A", "slo": "fill"}),
        False,
    ),
    "never the request to roll back": (
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        ("RollbackRTT", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        False,
    ),
    "absent data of an exporter that is down": (
        ("ExporterDown", {"sev": "SEV2", "treaty_id": "A"}),
        ("SLOUnknown", {"sev": "SEV2", "treaty_id": "A", "slo": "rtt"}),
        True,
    ),
    "not absent data of another treaty": (
        ("ExporterDown", {"sev": "SEV2", "treaty_id": "A"}),
        ("SLOUnknown", {"sev": "SEV2", "treaty_id": "B", "slo": "rtt"}),
        False,
    ),
    "absent data when no exporter is scraped": (
        ("ExporterAbsent", {"sev": "SEV2"}),
        ("NoTreatySeen", {"sev": "SEV2"}),
        True,
    ),
    "what Grafana makes of missing data, when the exporter is down": (
        ("ExporterDown", {"sev": "SEV2", "treaty_id": "A"}),
        ("RTTHigh", {"sev": "SEV2", "slo": "rtt", "origin": "grafana"}),
        True,
    ),
    "the same where Grafana remembers the treaty": (
        ("ExporterDown", {"sev": "SEV2", "treaty_id": "A"}),
        ("RTTHigh", {"sev": "SEV2", "slo": "rtt", "origin": "grafana", "treaty_id": "A"}),
        True,
    ),
    "the same when no exporter is scraped": (
        ("ExporterAbsent", {"sev": "SEV2"}),
        ("FillRateLow", {"sev": "SEV2", "slo": "fill", "origin": "grafana"}),
        True,
    ),
    "not what Grafana sees of another treaty": (
        ("ExporterDown", {"sev": "SEV2", "treaty_id": "A"}),
        ("RTTHigh", {"sev": "SEV2", "slo": "rtt", "origin": "grafana", "treaty_id": "B"}),
        False,
    ),
    "what the simulator alone could tell": (
        ("SimulatorDown", {"sev": "SEV3"}),
        ("AlertCannotFire", {"sev": "SEV4", "rule": "CapacityLow"}),
        True,
    ),
    "not a real alert, by a synthetic one": (
        ("RTTHigh", {"sev": "SEV1", "treaty_id": "A", "drill": "true"}),
        ("RTTHigh", {"sev": "SEV2", "treaty_id": "A"}),
        False,
    ),
}


def test_what_is_inhibited_by_the_real_server_and_by_the_embedded_one(tmp_path: Path) -> None:
    with serving_pair(tmp_path, shipped().text) as pair:
        for place, (source, target, inhibited) in enumerate(INHIBITED.values()):
            posted = [{"labels": {"alertname": name, **_own(labels, place)}} for name, labels in (source, target)]
            pair.same("POST", "/api/v2/alerts", posted)
            listed = json.loads(pair.same("GET", "/api/v2/alerts").text)
            [found] = [each for each in listed if each["labels"] == posted[1]["labels"]]
            assert bool(found["status"]["inhibitedBy"]) is inhibited, (source, target)
            pair.same("POST", "/api/v2/alerts", [{**each, "endsAt": "2026-01-01T00:00:00Z"} for each in posted])
            pair.same("GET", "/api/v2/alerts")


def _own(labels: dict[str, str], place: int) -> dict[str, str]:
    """Labels with a treaty and a provider of their own, so that no case meddles with another."""
    return {name: f"{value}{place}" if name in ("treaty_id", "provider") else value for name, value in labels.items()}
