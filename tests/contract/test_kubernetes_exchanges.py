"""The exchanges recorded from a real API server, replayed in their order: same status, same body."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from aurora_tui.drill.kubernetes import Behaviour, kubernetes_app
from aurora_tui.drill.kubernetes.roles import User
from tests.contract.kubernetes_recordings import comparable, differences, exchanges
from tests.drill.clusters import NAMESPACE, StoppedCluster

Exchange = dict[str, Any]
# The recording's viewer may do nothing but what everyone may.
_TOKENS: dict[str, str | User] = {"token": "admin", "nobody": User("viewer")}
_BY_VIEWER = {"viewer-403", "ssar-denied", "ssrr"}

# Exchanges of the recordings that this API does not take part in, and why.
LEFT_OUT: dict[str, str] = {
}
# Sent within milliseconds of the one before: controllers had begun, nodes had not. The deployment's counts of that
# moment are left out of the comparison.
AT_ONCE = {("02", index) for index in (8, 9, 10, 14, 15)}
# kubectl deletes a namespace's objects faster than the namespace controller does.
SOONER_STILL = {("09", index) for index in range(1, 13)}
# The recording's nodes were simulated by something simpler than ours: its crashing pod never ran.
SIMPLER_NODES = re.compile(r"^08\[3].*\.items\[0]\.status\.(conditions\[\d]\.(reason|message)|containerStatuses)")


@pytest.fixture
async def replay() -> AsyncIterator[Replay]:
    cluster = StoppedCluster()
    async with TestClient(TestServer(kubernetes_app(cluster, _TOKENS))) as client:
        yield Replay(cluster, client)


class Replay:
    """The world of the recordings, made again request by request."""

    def __init__(self, cluster: StoppedCluster, client: TestClient[Any, Any]) -> None:
        self.cluster = cluster
        self.client = client
        self.compared: list[str] = []
        self.wrong: list[str] = []
        cluster.behave(NAMESPACE, "aurora-bridge", Behaviour.crash_loop(1, 1), image="aurora/bridge:crashy")

    async def send(self, exchange: Exchange) -> tuple[int, str]:
        request = exchange["request"]
        headers = dict(request["headers"])
        if exchange["label"] != "unauthenticated-401":
            headers["Authorization"] = "Bearer " + ("nobody" if exchange["label"] in _BY_VIEWER else "token")
        body = request["body"]
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        async with self.client.request(request["method"], request["path"], headers=headers, data=data) as response:
            return response.status, await response.text()

    async def run(self, number: str, *, wait: float = 40.0) -> None:
        """Replay a recording; between exchanges the cluster has time to finish what it does."""
        for index, exchange in enumerate(exchanges(number)):
            in_flight = (number, index) in AT_ONCE
            if (number, index) not in SOONER_STILL:
                self.cluster.pass_time(0 if in_flight else wait)
            if exchange["label"] in LEFT_OUT or "events" in exchange["response"]:
                continue
            status, text = await self.send(exchange)
            self.compare(f"{number}[{index}] {exchange['label']}", exchange, status, text, in_flight)

    def compare(self, name: str, exchange: Exchange, status: int, text: str, in_flight: bool) -> None:
        self.compared.append(name)
        recorded = exchange["response"]["body"]
        ours = json.loads(text) if isinstance(recorded, dict) else text
        found = [] if status == exchange["response"]["status"] else [f" {exchange['response']['status']} ≠ {status}"]
        recorded, ours = comparable(recorded), comparable(ours)
        if isinstance(recorded, dict) and recorded.get("kind") == "EventList":
            found += missing_events(recorded["items"], ours["items"])
        else:
            found += differences(recorded, ours)
        lines = (f"{name}{line}" for line in found)
        self.wrong += [
            line for line in lines if not SIMPLER_NODES.match(line) and not (in_flight and ".status." in line)
        ]


def missing_events(recorded: list[Exchange], ours: list[Exchange]) -> list[str]:
    """Recorded events that have no match here, in reason, message and fields (more of them, of the nodes, are fine)."""

    def said(event: Exchange) -> tuple[str, ...]:
        about = event["involvedObject"]
        return event["reason"], event["message"], about["kind"], *sorted(event), *sorted(about)

    here = {said(event) for event in ours}
    return [f": no event like {said(event)}" for event in recorded if said(event) not in here]


async def test_a_deployments_life_its_conflicts_and_its_end_read_as_recorded(
    replay: Replay, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("02", "03", "04", "05", "06", "07", "08", "09"):
        await replay.run(number)
    with capsys.disabled():
        print(f"\nKubernetes API: {len(replay.compared)} recorded exchanges compared, {len(LEFT_OUT)} left out")
    assert not replay.wrong, "\n".join(replay.wrong)
    assert len(replay.compared) >= 90


async def test_a_bad_continue_token_is_refused_as_recorded(replay: Replay) -> None:
    (exchange,) = (e for e in exchanges("10") if e["label"] == "list-bad-continue-400")
    status, text = await replay.send(exchange)
    replay.compare("10", exchange, status, text, in_flight=False)
    assert replay.wrong == []


async def test_what_discovery_says_of_a_resource_is_what_the_real_server_says_of_it(replay: Replay) -> None:
    recorded = {e["request"]["path"]: e for e in exchanges("01")}
    for path in ("/api/v1", "/apis/apps/v1"):
        theirs = {r["name"]: r for r in recorded[path]["response"]["body"]["resources"]}
        _, text = await replay.send(recorded[path])
        ours = json.loads(text)
        assert {**ours, "resources": []} == {**recorded[path]["response"]["body"], "resources": []}
        for resource in ours["resources"]:
            assert resource == {k: v for k, v in theirs[resource["name"]].items() if k != "storageVersionHash"}


@pytest.mark.parametrize("path", ["/readyz", "/version", "/api", "/apis"])
async def test_health_and_version_have_the_recorded_form(replay: Replay, path: str) -> None:
    (exchange,) = (e for e in exchanges("01") if e["request"]["path"] == path)
    status, text = await replay.send(exchange)
    body = exchange["response"]["body"]
    assert status == exchange["response"]["status"]
    if isinstance(body, dict):
        assert json.loads(text).keys() == body.keys()
    else:
        assert text == body
