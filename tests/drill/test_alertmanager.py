"""The embedded Alertmanager as time passes; tests/contract holds its answers against the real server's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from aurora_tui.drill.alertmanager import Alerts, Silences, alertmanager_app, fingerprint, read
from aurora_tui.drill.loopback import Server

CONFIG = read("""
route:
  receiver: slack
  routes: [{receiver: pagerduty, matchers: ['sev=~"SEV1|SEV2"']}]
inhibit_rules: [{source_matchers: [sev="SEV1"], target_matchers: [sev="SEV3"], equal: [treaty_id]}]
receivers: [{name: slack}, {name: pagerduty}]
""")
ALERTS: list[dict[str, Any]] = [
    {"labels": {"alertname": "RTTHigh", "sev": "SEV2", "treaty_id": "A"}},
    {"labels": {"alertname": "Boom", "sev": "SEV1", "treaty_id": "A"}},
    {"labels": {"alertname": "CapacityLow", "sev": "SEV3", "treaty_id": "A"}},
]
SILENCE = {
    "matchers": [{"name": "alertname", "value": "RTTHigh", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-01-03T14:01:00Z",
    "endsAt": "2026-01-03T14:02:00Z",
    "createdBy": "ops@bastion",
    "comment": "known",
}
BEGINNING = 1_767_448_800.0  # 2026-01-03T14:00:00Z


class WorldClock:
    """Time that passes when the test says so."""

    def __init__(self, at: float = BEGINNING) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def embedded(now: WorldClock) -> AsyncIterator[httpx.AsyncClient]:
    server = Server("Alertmanager")
    alerts = Alerts(CONFIG, Silences(now), now)
    await server.start(lambda: alertmanager_app(alerts, now))
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            yield client
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"alertname": "RTTHigh", "sev": "SEV2", "treaty_id": "A"}, "b1ddc0c1c75cea0a"),
        ({"alertname": "CapacityLow", "sev": "SEV3", "treaty_id": "B"}, "e7b5e73e2fe9794c"),
        ({}, "cbf29ce484222325"),
    ],
)
def test_fingerprints_are_those_of_the_real_server(labels: dict[str, str], expected: str) -> None:
    assert fingerprint(labels) == expected


async def names(client: httpx.AsyncClient) -> list[str]:
    return sorted(alert["labels"]["alertname"] for alert in (await client.get("/api/v2/alerts")).json())


async def test_an_alert_without_an_end_is_over_after_the_resolve_timeout() -> None:
    clock = WorldClock()
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        clock.at += CONFIG.resolve_timeout - 1
        assert await names(client) == ["RTTHigh"]
        clock.at += 2
        assert await names(client) == []


async def test_posting_again_keeps_an_alert_and_its_first_start() -> None:
    clock = WorldClock()
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        before = (await client.get("/api/v2/alerts")).json()[0]
        clock.at += 240
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        clock.at += 240
        after = (await client.get("/api/v2/alerts")).json()[0]
        assert after["startsAt"] == before["startsAt"]
        assert after["endsAt"] > before["endsAt"]


async def test_a_silence_begins_and_ends_by_the_worlds_clock() -> None:
    clock = WorldClock()
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        await client.post("/api/v2/silences", json=SILENCE)
        states = []
        for _ in range(3):
            alert = (await client.get("/api/v2/alerts")).json()[0]
            found = (await client.get("/api/v2/silences")).json()[0]
            states.append((found["status"]["state"], alert["status"]["state"]))
            clock.at += 61
        assert states == [("pending", "active"), ("active", "suppressed"), ("expired", "active")]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_a_time_before_or_after_all_years_is_refused(moment: str) -> None:
    async with embedded(WorldClock()) as client:
        alert = await client.post("/api/v2/alerts", json=[{**ALERTS[0], "startsAt": moment}])
        silence = await client.post("/api/v2/silences", json={**SILENCE, "endsAt": moment})
    assert (alert.status_code, silence.status_code) == (400, 400)
    assert "out of range" in alert.text


async def test_inhibition_ends_with_its_source() -> None:
    clock = WorldClock()
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[1:3])
        by_name = {alert["labels"]["alertname"]: alert for alert in (await client.get("/api/v2/alerts")).json()}
        assert by_name["CapacityLow"]["status"]["inhibitedBy"] == [by_name["Boom"]["fingerprint"]]
        await client.post("/api/v2/alerts", json=[{**ALERTS[1], "endsAt": "2026-01-03T14:00:00Z"}])
        clock.at += 1
        [left] = (await client.get("/api/v2/alerts")).json()
        assert left["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}


async def test_expired_silences_are_forgotten_after_five_days() -> None:
    clock = WorldClock()
    async with embedded(clock) as client:
        await client.post("/api/v2/silences", json=SILENCE)
        clock.at += 5 * 86400
        [silence] = (await client.get("/api/v2/silences")).json()
        assert silence["status"] == {"state": "expired"}
        clock.at += 180
        assert (await client.get("/api/v2/silences")).json() == []
        assert (await client.get(f"/api/v2/silence/{silence['id']}")).status_code == 404


async def test_what_it_does_not_speak_is_refused_as_newer_servers_do() -> None:
    async with embedded(WorldClock()) as client:
        gone = await client.get("/api/v1/alerts")
        assert gone.status_code == 410
        assert gone.json()["status"] == "deprecated"
        for path in ("/metrics", "/", "/-/reload", "/debug/pprof/"):
            assert (await client.get(path)).status_code == 404


async def test_status_shows_the_configuration_it_runs() -> None:
    async with embedded(WorldClock()) as client:
        status = (await client.get("/api/v2/status")).json()
        assert status["cluster"] == {"peers": [], "status": "disabled"}
        assert status["config"]["original"] == CONFIG.text
        assert status["versionInfo"]["version"] == "0.25.0"
