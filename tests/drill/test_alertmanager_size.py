"""The embedded Alertmanager with a thousand alerts: the work grows with their number, not with its square."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from aurora_tui.drill.alertmanager import Alerts, Silences, alertmanager_app, shipped
from aurora_tui.drill.alertmanager.matchers import Matcher
from aurora_tui.drill.loopback import Server

SILENCES = 50


def many(count: int) -> list[dict[str, Any]]:
    """Alerts of which a fiftieth inhibits the others of its treaty; a hundred groups for a thousand."""
    return [
        {
            "labels": {
                "alertname": f"A{place % 5}",
                "sev": "SEV2" if place % 50 == 0 else "SEV3",
                "treaty_id": f"T{place % 100}",
                "pod": f"p{place}",
            }
        }
        for place in range(count)
    ]


def silence(place: int) -> dict[str, Any]:
    return {
        "matchers": [
            {"name": "pod", "value": f"p{place}|p1{place}", "isRegex": True},
            {"name": "alertname", "value": f"A{place % 5}", "isRegex": False},
        ],
        "startsAt": "2024-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "eva",
        "comment": "known",
    }


async def filled(client: httpx.AsyncClient, count: int) -> None:
    assert (await client.post("/api/v2/alerts", json=many(count))).status_code == 200
    for place in range(SILENCES):
        assert (await client.post("/api/v2/silences", json=silence(place))).status_code == 200


async def matches_asked(count: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many matchers two looks at `count` alerts in a row try."""
    tried = 0
    accepts = Matcher.accepts

    def counting(self: Matcher, labels: dict[str, str]) -> bool:
        nonlocal tried
        tried += 1
        return accepts(self, labels)

    alerts = Alerts(shipped(), Silences(time.time), time.time)
    server = Server("Alertmanager")
    await server.start(lambda: alertmanager_app(alerts, time.time))
    counts = []
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as client:
            await filled(client, count)
            with monkeypatch.context() as patch:
                patch.setattr(Matcher, "accepts", counting)
                for _ in range(2):
                    tried = 0
                    assert len((await client.get("/api/v2/alerts")).json()) == count
                    counts.append(tried)
    finally:
        await server.stop()
    return counts


async def test_twice_the_alerts_are_twice_the_work_and_a_second_look_is_less(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = await matches_asked(500, monkeypatch), await matches_asked(1000, monkeypatch)
    assert large[0] <= 2.2 * small[0]
    assert large[1] <= large[0] / 2


@pytest.mark.slow
async def test_a_thousand_alerts_in_a_hundred_groups_are_told_within_60_ms(
    record_property: Callable[[str, object], None],
) -> None:
    alerts = Alerts(shipped(), Silences(time.time), time.time)
    server = Server("Alertmanager")
    await server.start(lambda: alertmanager_app(alerts, time.time))
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as client:
            await filled(client, 1000)
            assert len((await client.get("/api/v2/alerts/groups")).json()) == 100
            taken = []
            for _ in range(20):
                began = time.perf_counter()
                assert len((await client.get("/api/v2/alerts")).json()) == 1000
                taken.append(1000 * (time.perf_counter() - began))
    finally:
        await server.stop()
    record_property("measured", f"Alertmanager: 1000 alerts and {SILENCES} silences told in {min(taken):.0f} ms")
    assert min(taken) <= 60
