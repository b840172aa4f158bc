"""Alerts as the real Alertmanager and the real Prometheus tell them, Grafana's by its documented answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aurora_tui.settings import Settings
from aurora_tui.situation.alert import AlertState, fingerprint, rows
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.merge import merge
from aurora_tui.situation.mission import Credentials, Environment, HttpSource
from aurora_tui.situation.observation import AlertsObserved, Observation, SourceFailed
from aurora_tui.sources.alerts import AlertSource, alert_sources
from tests.servers import free_port, real_prometheus
from tests.servers_alertmanager import PROGRAM, fire, real_alertmanager, silence
from tests.situation.missions import SEVERITIES, mission
from tests.sources.stand_in import page

RULES = """
groups:
- name: canary
  interval: 1s
  rules:
  - alert: RTTHigh
    expr: vector(412) > 400
    labels: {severity: critical, treaty_id: A}
    annotations: {summary: "RTT is {{ $value }} ms"}
  - alert: FillLow
    expr: vector(0.7) < 0.8
    for: 1h
    labels: {severity: warning}
"""
# It finds its Alertmanagers some seconds after its first alert: say it again soon.
RESEND = ["--rules.alert.resend-delay=1s"]


def settings(auth: Credentials | None = None, **urls: str) -> Settings:
    def source(url: str) -> HttpSource:
        return HttpSource(url=url, interval=Duration(0.1), auth=auth or Credentials())

    return Settings(
        mission=mission(),
        environment_name="test",
        environment=Environment(**{name: source(url) for name, url in urls.items()}),
        files=(),
        ledger=Path("ledger.db"),
        theme="aurora-dark",
        read_only=False,
    )


@asynccontextmanager
async def told(source: AlertSource) -> AsyncIterator[Callable[[Callable[[Any], bool]], Awaitable[Any]]]:
    """`until(holds)`: the first observation from now on for which it holds."""
    heard: asyncio.Queue[Observation] = asyncio.Queue()
    running = asyncio.create_task(source.run(heard.put_nowait))

    async def until(holds: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(20):
            while not holds(observation := await heard.get()):
                pass
        return observation

    try:
        yield until
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await source.close()


async def seen(source: AlertSource, holds: Callable[[AlertsObserved], bool]) -> AlertsObserved:
    async with told(source) as until:
        answer: AlertsObserved = await until(lambda found: isinstance(found, AlertsObserved) and holds(found))
    return answer


async def failure(source: AlertSource) -> str:
    async with told(source) as until:
        failed: SourceFailed = await until(lambda found: isinstance(found, SourceFailed))
    return failed.error


def only(sources: list[AlertSource]) -> AlertSource:
    [source] = sources
    return source


@pytest.mark.needs(PROGRAM)
async def test_alertmanager_tells_firing_silenced_and_inhibited_alerts(tmp_path: Path) -> None:
    now = time.time()
    async with real_alertmanager(tmp_path) as server:
        quiet = await silence(server, now - 1, now + 3600, alertname="Known")
        grave = {"alertname": "CanaryDown", "sev": "SEV1"}
        await fire(
            server,
            grave,
            {"alertname": "Known", "sev": "SEV2"},
            {"alertname": "Small", "sev": "SEV3"},
            started=now - 90,
        )
        source = only(alert_sources(settings(alertmanager=server.url)))

        def settled(answer: AlertsObserved) -> bool:
            return len(answer.alerts) == 3 and sum(alert.state is AlertState.FIRING for alert in answer.alerts) == 1

        answer = await seen(source, settled)
    found = {alert.labels["alertname"]: alert for alert in answer.alerts}
    assert {name: alert.state.value for name, alert in found.items()} == {
        "CanaryDown": "firing",
        "Known": "silenced",
        "Small": "inhibited",
    }
    assert found["CanaryDown"].fired_at == pytest.approx(now - 90, abs=0.01)
    assert found["Known"].silenced_by == (quiet,)
    assert found["Small"].inhibited_by == (fingerprint(grave),)
    assert answer.source == "am"
    assert answer.version
    assert answer.latency is not None
    # Our fingerprint is Alertmanager's own, for any labels.
    assert all(alert.fingerprint == fingerprint(alert.labels) for alert in answer.alerts)


@pytest.mark.needs(PROGRAM)
async def test_fingerprints_are_alertmanagers_for_labels_of_any_kind(tmp_path: Path) -> None:
    labels = [
        {"alertname": "é ÿ 日本", "z": "1", "a_b": "2"},
        {"alertname": "X", "quote": 'a"b\\c', "long": "x" * 500},
        {"only": "one"},
    ]
    async with real_alertmanager(tmp_path) as server:
        await fire(server, *labels)
        source = only(alert_sources(settings(alertmanager=server.url)))
        answer = await seen(source, lambda answer: len(answer.alerts) == 3)
    assert [alert.fingerprint for alert in answer.alerts] == [fingerprint(alert.labels) for alert in answer.alerts]


@pytest.mark.needs(PROGRAM, "prometheus")
async def test_one_alert_of_prometheus_and_alertmanager_is_one_row_of_both(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    async with real_alertmanager(tmp_path / "am") as manager:
        config = f"""
global: {{evaluation_interval: 1s, external_labels: {{cluster: eu, replica: "1"}}}}
rule_files: ["{rules}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{manager.url.removeprefix("http://")}"]}}]}}]}}
"""
        async with real_prometheus(tmp_path / "prom", config, flags=RESEND) as prometheus:
            place = settings(alertmanager=manager.url, prometheus=prometheus.url)
            [am, prom] = alert_sources(place)
            sent = await seen(am, lambda answer: len(answer.alerts) == 1)
            own = await seen(prom, lambda answer: len(answer.alerts) == 2)
    tracks = merge({"am": sent.alerts, "prom": own.alerts}, (), time.time(), blind={})
    firing, pending = rows(tracks, SEVERITIES)
    assert (firing.name, firing.state, firing.sources) == ("RTTHigh", AlertState.FIRING, ("prom", "am"))
    assert firing.labels["cluster"] == "eu"
    assert firing.summary == "RTT is 412 ms"
    assert firing.fingerprint == sent.alerts[0].fingerprint
    assert firing.since is not None
    assert firing.pending_since is not None
    assert (pending.name, pending.state, pending.sources) == ("FillLow", AlertState.PENDING, ("prom",))


async def test_grafanas_own_alerts_are_read_from_its_prometheus_api() -> None:
    def alert(state: str, name: str) -> dict[str, Any]:
        labels = {"alertname": name, "grafana_folder": "Aurora", "__alert_rule_uid__": "x"}
        return {"labels": labels, "annotations": {"__orgId__": "1", "summary": "s"}, "state": state, "activeAt": WHEN}

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.path == "/api/prometheus/grafana/api/v1/alerts"
        found = [
            alert("Alerting", "A"),
            alert("Pending", "B"),
            alert("Normal", "C"),
            alert("Alerting (NoData)", "D"),
            alert("Normal (MissingSeries)", "E"),
            alert("Error", "F"),
        ]
        return web.json_response({"status": "success", "data": {"alerts": found}})

    async with page(answer) as url:
        told_by = await seen(only(alert_sources(settings(grafana=url))), lambda answer: True)
    assert {one.labels["alertname"]: one.state.value for one in told_by.alerts} == {
        "A": "firing",
        "B": "pending",
        "D": "firing",
        "F": "firing",
    }
    first = told_by.alerts[0]
    assert first.labels == {"alertname": "A", "grafana_folder": "Aurora"}
    assert first.annotations == {"summary": "s"}
    assert first.pending_since == 1_767_448_931.123456


WHEN = "2026-01-03T14:02:11.123456789Z"


async def test_an_alert_muted_by_a_time_interval_is_silenced() -> None:
    alert = {
        "labels": {"alertname": "Night"},
        "annotations": {},
        "startsAt": WHEN,
        "status": {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["nights"]},
        "fingerprint": "x",
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"versionInfo": {}} if request.path.endswith("status") else [alert])

    async with page(answer) as url:
        told_by = await seen(only(alert_sources(settings(alertmanager=url))), lambda answer: True)
    [one] = told_by.alerts
    assert (one.state, one.silenced_by) == (AlertState.SILENCED, ("nights",))


async def test_times_of_go_that_mean_never_are_not_known() -> None:
    alert = {"labels": {"alertname": "X"}, "state": "firing", "activeAt": "0001-01-01T00:00:00Z"}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "success", "data": {"alerts": [alert, {**alert, "activeAt": "soon"}]}})

    async with page(answer) as url:
        told_by = await seen(only(alert_sources(settings(prometheus=url))), lambda answer: True)
    assert [one.pending_since for one in told_by.alerts] == [None, None]


# Failures, in words


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, "", "answered 401. Give credentials"),
        (500, "oops", "answered 500: oops. The server is in trouble"),
        (302, "", "answered 302. It redirects"),
        (200, "<!DOCTYPE html><title>Log in</title>", "answered a web page, not JSON. A login page"),
        (200, '{"status":"success"}', "answered JSON of another kind"),
        (200, '[{"labels":1}]', "answered JSON of another kind"),
    ],
)
@pytest.mark.parametrize("kind", ["alertmanager", "prometheus", "grafana"])
async def test_a_wrong_answer_is_told_in_words(
    kind: str, status: int, body: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret-token")

    async def wrong(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer s3cret-token"
        if request.path.endswith("/status") and status == 200:
            return web.json_response({"versionInfo": {"version": "0.25.0"}})
        return web.Response(status=status, text=body)

    async with page(wrong) as url:
        error = await failure(only(alert_sources(settings(Credentials(bearer_env="TOKEN"), **{kind: url}))))
    assert words in error
    assert url in error
    assert "s3cret" not in error


async def test_a_refused_connection_is_told_without_the_addresss_secrets() -> None:
    url = f"http://on-call:s3cret@127.0.0.1:{free_port()}/?token=s3cret"
    error = await failure(only(alert_sources(settings(alertmanager=url))))
    assert "refuses the connection" in error
    assert "s3cret" not in error


async def test_a_body_that_drips_is_cut_at_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.sources.alerts.LOOK_SECONDS", 0.3)

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    async with page(drip) as url:
        error = await failure(only(alert_sources(settings(prometheus=url))))
    assert "gives no answer within 0.3 s. Check the network" in error


async def test_a_source_comes_back_by_itself() -> None:
    answers = [web.Response(status=500), web.json_response({"status": "success", "data": {"alerts": []}})]

    async def turn(_: web.Request) -> web.StreamResponse:
        return answers.pop(0) if len(answers) > 1 else web.json_response({"status": "success", "data": {"alerts": []}})

    async with page(turn) as url, told(only(alert_sources(settings(prometheus=url)))) as until:
        await until(lambda found: isinstance(found, SourceFailed))
        await until(lambda found: isinstance(found, AlertsObserved))


@pytest.mark.parametrize("source", ["prometheus", "grafana"])
@pytest.mark.parametrize(
    "body",
    [{"status": "success", "data": {}}, {"data": {"alerts": []}}, {"status": "error", "data": {"alerts": []}}, {}],
)
async def test_an_answer_without_a_list_or_without_success_is_not_read_as_no_alerts(
    source: str, body: dict[str, object]
) -> None:
    async def odd(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    async with page(odd) as url, told(only(alert_sources(settings(**{source: url})))) as until:
        failed = await until(lambda _: True)
    assert isinstance(failed, SourceFailed)
    assert "answered JSON of another kind" in failed.error


async def test_a_list_that_a_server_writes_as_null_is_an_empty_one() -> None:
    async def nothing(_: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "success", "data": {"alerts": None}})

    async with page(nothing) as url, told(only(alert_sources(settings(prometheus=url)))) as until:
        answer = await until(lambda found: isinstance(found, AlertsObserved))
    assert answer.alerts == ()


def test_only_what_is_configured_is_asked() -> None:
    assert alert_sources(settings()) == []
    named = [source.name for source in alert_sources(settings(prometheus="http://p", alertmanager="http://a"))]
    assert named == ["am", "prom"]
