"""The embedded Alertmanager: the same requests to it and to the real server get the same answers; and time passes."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from aurora_tui.drill.alertmanager import (
    AlertmanagerConfig,
    Alerts,
    Inhibition,
    Route,
    Silences,
    alertmanager_app,
    fingerprint,
)
from aurora_tui.drill.alertmanager.matchers import Matcher
from aurora_tui.drill.loopback import Server, free_port

CONFIG = AlertmanagerConfig(
    receiver="slack",
    routes=(Route("pagerduty", (Matcher("sev", "SEV1|SEV2", is_regex=True),)),),
    inhibitions=(Inhibition((Matcher("sev", "SEV1"),), (Matcher("sev", "SEV3"),), ("treaty_id",)),),
)
ALERTS = [
    {
        "labels": {"alertname": "RTTHigh", "sev": "SEV2", "treaty_id": "A"},
        "annotations": {"summary": "slow"},
        "generatorURL": "http://prometheus/graph",
    },
    {"labels": {"alertname": "Boom", "sev": "SEV1", "treaty_id": "A"}},
    {"labels": {"alertname": "CapacityLow", "sev": "SEV3", "treaty_id": "A", "empty": ""}},
    {"labels": {"alertname": "CapacityLow", "sev": "SEV3", "treaty_id": "B"}, "startsAt": "2026-01-03T14:00:00Z"},
]
MATCHER = {"name": "alertname", "value": "RTTHigh", "isRegex": False, "isEqual": True}
SILENCE = {
    "matchers": [MATCHER],
    "startsAt": "2024-01-01T00:00:00Z",
    "endsAt": "2099-01-01T00:00:00Z",
    "createdBy": "ops@bastion",
    "comment": "known",
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class WorldClock:
    """Time that passes when the test says so."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def embedded(now: Callable[[], float] = time.time) -> AsyncIterator[httpx.AsyncClient]:
    server = Server("Alertmanager")
    alerts = Alerts(CONFIG, Silences(now), now)
    await server.start(lambda: alertmanager_app(alerts, now))
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
            yield client
    finally:
        await server.stop()


@contextmanager
def real(folder: Path) -> Iterator[str]:
    (folder / "alertmanager.yml").write_text(CONFIG.text())
    url = f"http://127.0.0.1:{free_port()}"
    flags = (
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
        "--log.level=error",
    )
    process = subprocess.Popen(("prometheus-alertmanager", *flags))
    try:
        end = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{url}/-/ready", trust_env=False)
                break
            except httpx.TransportError:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def changed(silence: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**silence, **fields}


def without(silence: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in silence.items() if name != field}


Request = tuple[str, str, Any]
# $1, $2 … stand for the ids that the silences got, in order.
CONVERSATION: tuple[Request, ...] = (
    ("GET", "/-/ready", None),
    ("GET", "/-/healthy", None),
    ("GET", "/api/v2/receivers", None),
    ("GET", "/api/v2/alerts", None),
    ("GET", "/api/v2/silences", None),
    ("POST", "/api/v2/alerts", ALERTS),
    ("GET", "/api/v2/alerts", None),
    ("GET", "/api/v2/alerts?inhibited=false", None),
    ("GET", "/api/v2/alerts?active=false", None),
    ("GET", "/api/v2/alerts?active=maybe", None),
    ("GET", "/api/v2/alerts?silenced=false&inhibited=false", None),
    ("GET", '/api/v2/alerts?filter=sev="SEV2"', None),
    ("GET", "/api/v2/alerts?filter=sev=SEV3&filter=treaty_id!=A", None),
    ("GET", '/api/v2/alerts?filter=sev=~"SEV[12]"', None),
    ("GET", "/api/v2/alerts?filter=sev!~SEV.", None),
    ("GET", "/api/v2/alerts?filter=nonsense", None),
    ("GET", "/api/v2/alerts?receiver=pager.*", None),
    ("GET", "/api/v2/alerts?receiver=pager", None),
    ("GET", "/api/v2/alerts/groups", None),
    ("POST", "/api/v2/alerts", [{"labels": {}}]),
    ("POST", "/api/v2/alerts", [{"labels": {"a": ""}}]),
    ("POST", "/api/v2/alerts", [{"labels": {"a-b": "x"}}]),
    ("POST", "/api/v2/alerts", [{"labels": {"a": "x"}, "annotations": {"a-b": "x"}}]),
    ("POST", "/api/v2/alerts", [{"annotations": {}}]),
    ("POST", "/api/v2/alerts", {"labels": {}}),
    (
        "POST",
        "/api/v2/alerts",
        [{"labels": {"a": "x"}, "startsAt": "2026-01-03T14:00:00Z", "endsAt": "2026-01-03T13:00:00Z"}],
    ),
    ("POST", "/api/v2/alerts", [{"labels": {"a": "x"}, "startsAt": "yesterday"}]),
    ("POST", "/api/v2/silences", SILENCE),
    ("GET", "/api/v2/silences", None),
    ("GET", "/api/v2/silence/$1", None),
    ("GET", "/api/v2/alerts", None),
    ("GET", "/api/v2/alerts?silenced=false", None),
    ("GET", "/api/v2/alerts?active=false", None),
    ("POST", "/api/v2/silences", changed(SILENCE, id="$1", comment="for longer", endsAt="2098-01-01T00:00:00Z")),
    ("GET", "/api/v2/silences", None),
    ("POST", "/api/v2/silences", changed(SILENCE, id=UNKNOWN)),
    ("POST", "/api/v2/silences", changed(SILENCE, matchers=[])),
    ("POST", "/api/v2/silences", changed(SILENCE, matchers=[{"name": "a", "value": "", "isRegex": False}])),
    ("POST", "/api/v2/silences", changed(SILENCE, matchers=[{"name": "a-b", "value": "x", "isRegex": False}])),
    ("POST", "/api/v2/silences", changed(SILENCE, matchers=[{"name": "a", "value": "x"}])),
    ("POST", "/api/v2/silences", changed(SILENCE, endsAt="2023-01-01T00:00:00Z")),
    ("POST", "/api/v2/silences", changed(SILENCE, endsAt="2024-01-02T00:00:00Z")),
    ("POST", "/api/v2/silences", without(SILENCE, "createdBy")),
    ("POST", "/api/v2/silences", without(SILENCE, "endsAt")),
    ("POST", "/api/v2/silences", changed(SILENCE, startsAt="2090-01-01T00:00:00Z", comment="later")),
    ("POST", "/api/v2/silences", changed(SILENCE, matchers=[{**MATCHER, "isEqual": False}], comment="all others")),
    ("GET", "/api/v2/alerts", None),
    ("GET", "/api/v2/silences?filter=alertname=RTTHigh", None),
    ("GET", "/api/v2/silences?filter=alertname=Other", None),
    ("GET", "/api/v2/silences?filter=alertname!=RTTHigh", None),
    ("GET", "/api/v2/silences?filter=alertname=~RTT.*", None),
    ("GET", "/api/v2/silences?filter=sev=", None),
    ("DELETE", "/api/v2/silence/$2", None),
    ("DELETE", "/api/v2/silence/$2", None),
    ("DELETE", "/api/v2/silence/$4", None),
    ("GET", "/api/v2/alerts", None),
    ("DELETE", f"/api/v2/silence/{UNKNOWN}", None),
    ("GET", f"/api/v2/silence/{UNKNOWN}", None),
    ("GET", "/api/v2/silence/not-an-id", None),
    ("POST", "/api/v2/alerts", [{**ALERTS[1], "endsAt": "2026-01-03T14:00:00Z"}]),
    ("GET", "/api/v2/alerts", None),
    ("GET", "/api/v2/nothing", None),
    ("PUT", "/api/v2/alerts", None),
    ("GET", "/nothing", None),
)


async def converse(client: httpx.AsyncClient, ids: list[str]) -> AsyncIterator[tuple[Request, int, str, str]]:
    """Each request's status, content type and body; the ids of silences go to `ids`."""

    def filled(text: str) -> str:
        return re.sub(r"\$(\d)", lambda one: ids[int(one[1]) - 1], text)

    for method, path, body in CONVERSATION:
        content = None if body is None else filled(json.dumps(body)).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        answer = await client.request(method, filled(path), content=content, headers=headers)
        if answer.headers.get("content-type", "").startswith("application/json") and '"silenceID"' in answer.text:
            ids.append(answer.json()["silenceID"])
        # An answer without a body has no type in the real server, and octet-stream in aiohttp's.
        kind = answer.headers.get("content-type", "") if answer.content else ""
        yield (method, path, body), answer.status_code, kind, answer.text


def comparable(text: str, ids: list[str]) -> Any:
    """A body without times and with ids as $1, $2 …; lists keep their order."""
    for place, id in enumerate(ids, 1):
        text = text.replace(id, f"${place}")
    text = _MOMENT.sub("TIME", text).replace("[POST,GET]", "[GET,POST]")  # the real one picks an order each time
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return _in_order(body)


def _in_order(body: Any) -> Any:
    """With a fixed order where the real server has none: ids of silences, the alerts of a group."""
    if isinstance(body, list):
        return [_in_order(each) for each in body]
    if not isinstance(body, dict):
        return body
    ordered = {name: _in_order(value) for name, value in body.items()}
    if "silencedBy" in ordered:
        ordered["silencedBy"].sort()
    if "alerts" in ordered:
        ordered["alerts"].sort(key=lambda alert: alert["fingerprint"])
    return ordered


@pytest.mark.needs("prometheus-alertmanager")
async def test_it_answers_as_the_real_server_does(tmp_path: Path) -> None:
    with real(tmp_path) as url:
        async with embedded() as ours, httpx.AsyncClient(base_url=url, trust_env=False) as theirs:
            our_ids: list[str] = []
            their_ids: list[str] = []
            our_talk, their_talk = converse(ours, our_ids), converse(theirs, their_ids)
            async for request, their_status, their_kind, their_text in their_talk:
                _, status, kind, text = await anext(our_talk)
                assert (status, kind) == (their_status, their_kind), (request, text, their_text)
                if request[0] == "GET" and request[1].startswith("/api/v2/silences") and status == 200:
                    assert _UUID.search(text) or text == "[]\n"
                assert comparable(text, our_ids) == comparable(their_text, their_ids), request


@pytest.mark.needs("prometheus-alertmanager", "amtool")
async def test_amtool_works_with_it(tmp_path: Path) -> None:
    import asyncio

    async def amtool(client: httpx.AsyncClient, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "amtool",
            f"--alertmanager.url={client.base_url}",
            *arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err
        return out.decode()

    async with embedded() as client:
        await client.post("/api/v2/alerts", json=ALERTS)
        assert "RTTHigh" in await amtool(client, "alert", "query")
        id = (await amtool(client, "silence", "add", "alertname=RTTHigh", "--comment=x", "--author=me")).strip()
        assert "RTTHigh" not in await amtool(client, "alert", "query")
        await amtool(client, "silence", "expire", id)
        assert "RTTHigh" in await amtool(client, "alert", "query")


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
    clock = WorldClock(1_767_448_800.0)
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        clock.at += CONFIG.resolve_timeout - 1
        assert await names(client) == ["RTTHigh"]
        clock.at += 2
        assert await names(client) == []


async def test_posting_again_keeps_an_alert_and_its_first_start() -> None:
    clock = WorldClock(1_767_448_800.0)
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
    clock = WorldClock(1_767_448_800.0)  # 2026-01-03T14:00:00Z
    silence = changed(SILENCE, startsAt="2026-01-03T14:01:00Z", endsAt="2026-01-03T14:02:00Z")
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[:1])
        await client.post("/api/v2/silences", json=silence)
        states = []
        for _ in range(3):
            alert = (await client.get("/api/v2/alerts")).json()[0]
            found = (await client.get("/api/v2/silences")).json()[0]
            states.append((found["status"]["state"], alert["status"]["state"]))
            clock.at += 61
        assert states == [("pending", "active"), ("active", "suppressed"), ("expired", "active")]


async def test_inhibition_ends_with_its_source() -> None:
    clock = WorldClock(1_767_448_800.0)
    async with embedded(clock) as client:
        await client.post("/api/v2/alerts", json=ALERTS[1:3])
        by_name = {alert["labels"]["alertname"]: alert for alert in (await client.get("/api/v2/alerts")).json()}
        assert by_name["CapacityLow"]["status"]["inhibitedBy"] == [by_name["Boom"]["fingerprint"]]
        await client.post("/api/v2/alerts", json=[{**ALERTS[1], "endsAt": "2026-01-03T14:00:00Z"}])
        clock.at += 1
        [left] = (await client.get("/api/v2/alerts")).json()
        assert left["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}


async def test_what_it_does_not_speak_is_refused_as_newer_servers_do() -> None:
    async with embedded() as client:
        gone = await client.get("/api/v1/alerts")
        assert gone.status_code == 410
        assert gone.json()["status"] == "deprecated"
        wrong = await client.post("/api/v2/alerts", content=b"[]", headers={"Content-Type": "text/plain"})
        assert (wrong.status_code, wrong.json()["code"]) == (415, 415)


async def test_status_shows_the_configuration_it_runs() -> None:
    async with embedded() as client:
        status = (await client.get("/api/v2/status")).json()
        assert status["cluster"] == {"peers": [], "status": "disabled"}
        assert "receiver: pagerduty" in status["config"]["original"]
        assert status["versionInfo"]["version"] == "0.25.0"
