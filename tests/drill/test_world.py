"""The world in a process of its own: what it serves, how it changes, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from aurora_tui.clock import parse_iso
from aurora_tui.commands.drill_world import Served, run
from aurora_tui.drill.loopback import LeavesThisMachine, check_loopback
from aurora_tui.drill.manifests import CANARY, GOOD, NAMESPACE, before_canary, canary, image
from aurora_tui.drill.market import AGGREGATE, TREATY
from aurora_tui.drill.scenario import Scenario, event_of
from aurora_tui.drill.series import Generation
from aurora_tui.drill.world import World, WorldOptions
from aurora_tui.errors import UsageError
from aurora_tui.settings import load
from tests.drills import served

SCENARIOS = Path(__file__).resolve().parents[2] / "ops" / "scenarios"
RULES = SCENARIOS.parent / "prometheus" / "rules"
DRILL = (sys.executable, "-m", "aurora_tui", "drill")
LIMIT = 60.0  # seconds: a busy machine is no failure
_CALM = Served(
    scenario="calm",
    speed=1.0,
    exporter="histograms",
    fixed_ports=False,
    real_prometheus=False,
    seed=None,
    directory=None,
    end_with_stdin=False,
)
SPEED = 120.0
P95 = "histogram_quantile(0.95, sum by (treaty_id, le) (rate(treaty_rtt_ms_bucket[2m])))"


@asynccontextmanager
async def world_in(
    folder: Path, *, generation: Generation = Generation.HISTOGRAMS, scenario: Scenario | None = None
) -> AsyncIterator[tuple[World, httpx.AsyncClient]]:
    world = await World.start(
        WorldOptions(scenario=scenario or Scenario(name="test"), directory=folder, speed=SPEED, generation=generation)
    )
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
            yield world, client
    finally:
        await world.close()


async def until(condition: Callable[[], Any], limit: float = LIMIT) -> Any:
    """The first true answer of an asynchronous condition."""
    end = time.monotonic() + limit
    while not (answer := await condition()):
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.05)
    return answer


async def ask(world: World, client: httpx.AsyncClient, query: str) -> dict[str, float]:
    """An instant query's values by treaty."""
    answer = await client.get(f"{world.urls['prometheus']}/api/v1/query", params={"query": query})
    assert answer.status_code == 200, answer.text
    return {
        each["metric"].get("treaty_id", each["metric"].get("component", "")): float(each["value"][1])
        for each in answer.json()["data"]["result"]
    }


def ended(pid: int, limit: float = LIMIT) -> bool:
    try:
        psutil.Process(pid).wait(limit)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_serve_tells_where_the_world_is_and_ends_without_a_trace() -> None:
    with served("--scenario", "rtt-surge", "--speed", "20") as ready:
        assert set(ready["urls"]) == {
            "prometheus",
            "alertmanager",
            "kubernetes",
            "bridge",
            "exporter",
            "simulator",
            "control",
        }
        assert ready["pid"] == ready["process"]
        assert (ready["scenario"], ready["speed"], ready["phase"]["id"]) == ("rtt-surge", 20, "canary")
        settings = load([Path(ready["profile"])])
        assert settings.environment.drill
        assert settings.environment_name == "drill"
        assert settings.clock.speed == 20
        assert settings.ledger == Path(ready["ledger"])
        started_at = parse_iso(ready["phase"]["started_at"])
        assert settings.clock.world_origin - started_at == pytest.approx(31.2 * 3600, abs=1)
        status = (sys.executable, "-m", "aurora_tui", "phase", "status", "--config", ready["profile"])
        phase = subprocess.run(status, capture_output=True, text=True, check=True, timeout=LIMIT).stdout
        assert re.search(r"canary.*31:1\d", phase, re.IGNORECASE | re.DOTALL)  # the ledger holds its start already
        process = psutil.Process(ready["pid"])
        addresses = {each.laddr.ip for each in process.net_connections() if each.status == psutil.CONN_LISTEN}
        assert addresses == {"127.0.0.1"}
        folder = Path(ready["profile"]).parent
        assert folder.is_dir()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) in (0, None)
        assert not folder.exists()


def test_the_end_of_standard_input_ends_a_consoles_world() -> None:
    process = subprocess.Popen((*DRILL, "--serve", "--end-with-stdin"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        folder = Path(json.loads(process.stdout.readline())["profile"]).parent
        process.stdin.close()
        assert process.wait(LIMIT) == 0
    assert not folder.exists()


def test_a_killed_console_takes_its_world_along() -> None:
    program = (
        "import sys, time\n"
        "from aurora_tui.commands.drill_console import StartedWorld\n"
        "with StartedWorld([]) as world:\n"
        "    print(world._ready_line()['pid'], flush=True)\n"
        "    time.sleep(60)\n"
    )
    console = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE)
    assert console.stdout is not None
    with console.stdout:
        world = int(console.stdout.readline())
        console.kill()
        console.wait()
    assert ended(world)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scenario": "clam"}, "There is no scenario 'clam'"),
        ({"scenario": "none.toml"}, "Cannot read the scenario none.toml"),
        ({"speed": 0.0}, "--speed 0 is not possible"),
        ({"real_prometheus": True, "speed": 20.0}, "a real server keeps real time"),
    ],
)
def test_what_cannot_be_is_a_usage_error(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(replace(_CALM, **given))
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_missing_server_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="apt install prometheus"):
        run(replace(_CALM, real_prometheus=True))


def test_a_taken_fixed_port_is_named() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 9109))
            other.listen()
        except OSError:
            pass  # someone has it already: as good
        ran = subprocess.run(
            (*DRILL, "--serve", "--fixed-ports"), capture_output=True, text=True, check=False, timeout=60
        )
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert "Port 9109, for the aurora exporter, is taken" in ran.stderr


def test_a_folder_with_another_drills_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "remembrancer.db").touch()
    with pytest.raises(UsageError, match="holds another drill's ledger"):
        run(replace(_CALM, directory=tmp_path))


def test_a_drill_speaks_with_this_machine_only() -> None:
    assert check_loopback("http://127.0.0.1:9090")
    with pytest.raises(LeavesThisMachine, match=r"example\.org"):
        check_loopback("https://example.org/api")


async def test_three_days_of_history_are_there_and_scrapes_go_on(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):
        # As of the world's first moment: what its start took of a fast world's time is missing from no look at it.
        began = f"@ {world.clock.world_origin:.3f}"
        counted = await ask(world, client, f"count_over_time(treaty_rtt_ms_count[71h] {began})")
        assert counted[TREATY] >= 71 * 240 - 1

        async def scraped() -> bool:
            fresh = (await ask(world, client, "count_over_time(treaty_rtt_ms_count[2m])")).get(TREATY, 0)
            return world.clock.now() > world.clock.world_origin + 130 and fresh >= 7

        await until(scraped)
        assert await ask(world, client, "up") == {TREATY: 1, "simulator": 1}
        values = await ask(world, client, P95)
        assert 290 < values[TREATY] < 345
        assert 290 < values[AGGREGATE] < 345
        assert await ask(world, client, "resets(treaty_rtt_ms_count[1h])") == {TREATY: 0, AGGREGATE: 0}


async def test_the_first_generation_has_no_histograms(tmp_path: Path) -> None:
    async with world_in(tmp_path, generation=Generation.GAUGES) as (world, client):
        assert 200 < (await ask(world, client, "treaty_rtt_ms"))[TREATY] < 300
        assert await ask(world, client, "treaty_rtt_ms_bucket") == {}


async def test_a_surge_of_the_canary_ends_when_its_image_is_rolled_back(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):
        await world.apply(event_of({"do": "latency-surge", "factor": 1.55}))

        async def slow() -> bool:
            return (await ask(world, client, P95)).get(TREATY, 0) > 400

        async def well() -> bool:
            return (await ask(world, client, P95)).get(TREATY, 999) < 345

        await until(slow)
        world.cluster.apply_manifests(before_canary())
        await until(well)
        assert world.state()["in_force"] == []
        assert world.state()["canary_image"] == image(GOOD)


async def test_a_crashing_pod_crashes_until_its_image_is_gone(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):

        async def restarts() -> list[int]:
            pods = [pod for pod in world.cluster.pods(NAMESPACE) if pod["metadata"]["labels"]["app"] == CANARY]
            return [pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods]

        async def health() -> dict[str, Any]:
            found: dict[str, Any] = (await client.get(f"{world.urls['bridge']}/health")).json()
            return found

        assert (await health())["status"] == "ok"
        await world.apply(event_of({"do": "canary-crash"}))
        await until(lambda: _is(restarts, lambda counts: max(counts) >= 2))
        await until(lambda: _is(health, lambda page: page["status"] == "degraded"))
        world.cluster.apply_manifests(before_canary())
        await until(lambda: _is(restarts, lambda counts: len(counts) == 3 and max(counts) == 0))
        await until(lambda: _is(health, lambda page: page["status"] == "ok"))


async def _is(look: Callable[[], Any], fits: Callable[[Any], bool]) -> bool:
    return fits(await look())


async def test_a_stopped_exporter_is_down_until_it_starts_again(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):

        async def up(value: float) -> bool:
            return (await ask(world, client, "up")).get(TREATY) == value

        await world.apply(event_of({"do": "exporter-stop"}))
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{world.urls['exporter']}/metrics")
        await until(lambda: up(0))
        assert (await client.get(f"{world.urls['simulator']}/metrics")).status_code == 200
        await world.apply(event_of({"do": "exporter-start"}))
        await until(lambda: up(1))


async def test_an_outage_raises_the_capacity_alert_in_prometheus_and_alertmanager(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):

        async def posted() -> list[dict[str, Any]]:
            return (await client.get(f"{world.urls['alertmanager']}/api/v2/alerts")).json()  # type: ignore[no-any-return]

        await world.apply(event_of({"do": "outage", "provider": "flux"}))
        found = await until(lambda: _some(posted, "CapacityLow"))
        assert found["labels"]["provider"] == "flux"
        assert found["labels"]["sev"] == "SEV3"
        assert found["receivers"] == [{"name": "slack"}]
        await world.apply(event_of({"do": "alert", "labels": {"alertname": "Boom", "sev": "SEV1"}}))
        assert (await until(lambda: _some(posted, "Boom")))["receivers"] == [{"name": "pagerduty"}]


async def _some(posted: Callable[[], Any], name: str) -> dict[str, Any] | None:
    return next((alert for alert in await posted() if alert["labels"]["alertname"] == name), None)


async def test_the_control_endpoint_takes_events_and_refuses_nonsense(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):
        events = f"{world.urls['control']}/control/events"
        answer = await client.post(events, json={"do": "latency-surge", "factor": 1.5})
        assert answer.json()["in_force"] == ["latency-surge"]
        for bad in ({"do": "dance"}, {"do": "outage", "provider": "azure"}):
            refused = await client.post(events, json=bad)
            assert refused.status_code == 400
            assert "Not an event" in refused.json()["error"]
        assert (await client.post(events, content=b"{")).status_code == 400
        await client.post(events, json={"do": "recover"})
        state = (await client.get(f"{world.urls['control']}/control/state")).json()
        assert (state["in_force"], state["events"]) == ([], 2)


async def test_the_api_is_away_and_back_and_knows_the_operator_no_more_until_recovery(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):
        events = f"{world.urls['control']}/control/events"
        context = ssl.create_default_context(cadata=loopback_authority(world))
        async with httpx.AsyncClient(verify=context, trust_env=False, headers={"Authorization": "Bearer drill"}) as api:

            async def status() -> int | None:
                try:
                    return (await api.get(f"{world.urls['kubernetes']}/api/v1/namespaces/{NAMESPACE}")).status_code
                except httpx.TransportError:
                    return None

            assert await status() == 200
            answer = await client.post(events, json={"do": "api-outage", "seconds": 80000})
            assert answer.json()["in_force"] == ["api-outage"]
            assert await status() is None
            await client.post(events, json={"do": "recover"})
            assert await status() == 200
            await client.post(events, json={"do": "api-outage", "seconds": 1})
            await until(lambda: _is(status, lambda code: code == 200))
            await client.post(events, json={"do": "expire-token"})
            assert await status() == 401
            answer = await client.post(events, json={"do": "recover"})
            assert (await status(), answer.json()["in_force"]) == (200, [])


def loopback_authority(world: World) -> str:
    """The certificate of the world's API, as its kubeconfig has it."""
    [cluster] = json.loads(world.kubeconfig.read_text())["clusters"]
    return b64decode(cluster["cluster"]["certificate-authority-data"]).decode()


async def test_the_bridge_is_down_with_503_when_no_pod_is_left(tmp_path: Path) -> None:
    async with world_in(tmp_path) as (world, client):
        nothing = [
            {**each, "spec": {**each["spec"], "replicas": 0}}
            for each in [*before_canary(), *canary()]
            if each["kind"] == "Deployment"
        ]
        world.cluster.apply_manifests(nothing)

        async def status() -> int:
            return (await client.get(f"{world.urls['bridge']}/health")).status_code

        await until(lambda: _is(status, lambda code: code == 503))


@pytest.mark.needs("prometheus", "promtool", "prometheus-alertmanager")
def test_real_servers_hold_the_same_history_and_end_with_the_world() -> None:
    with served("--real-prometheus") as ready:
        children = psutil.Process(ready["pid"]).children(recursive=True)
        assert {child.name()[:10] for child in children} == {"prometheus"}
        query = "count_over_time(treaty_rtt_ms_count[1h])"
        answer = httpx.get(f"{ready['urls']['prometheus']}/api/v1/query", params={"query": query}, trust_env=False)
        counts = {each["metric"]["treaty_id"]: float(each["value"][1]) for each in answer.json()["data"]["result"]}
        assert counts[TREATY] >= 238
        groups = httpx.get(f"{ready['urls']['prometheus']}/api/v1/rules", trust_env=False).json()["data"]["groups"]
        assert {Path(group["file"]) for group in groups} == set(RULES.glob("*.yml"))  # production's own
        psutil.Process(ready["pid"]).kill()  # the hardest end: no chance to tidy up
        assert all(ended(child.pid) for child in children)
        assert Path(ready["profile"]).parent.is_dir()
        subprocess.run(["rm", "-r", str(Path(ready["profile"]).parent)], check=True)
