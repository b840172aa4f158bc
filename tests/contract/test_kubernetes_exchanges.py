"""The exchanges recorded from a real API server, replayed in their order: same status, same body."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from aurora_tui.drill.kubernetes import Behaviour, kubernetes_app
from aurora_tui.drill.kubernetes.roles import User
from tests.contract.kubernetes_recordings import comparable, differences, exchanges
from tests.contract.kubernetes_watches import missing, stories
from tests.drill.clusters import NAMESPACE, StoppedCluster, namespace

Exchange = dict[str, Any]
# The recording's viewer may do nothing but what everyone may.
_TOKENS: dict[str, str | User] = {"token": "admin", "nobody": User("viewer")}
_BY_VIEWER = {"viewer-403", "ssar-denied", "ssrr"}

# Sent within milliseconds of the one before: controllers had begun, nodes had not. The deployment's counts of that
# moment are left out of the comparison.
AT_ONCE = {("02", index) for index in (8, 9, 10, 14, 15)}
# kubectl deletes a namespace's objects faster than the namespace controller does.
SOONER_STILL = {("09", index) for index in range(1, 13)}
# Where the streams of a recording began: before it; or before the exchange with this index.
BEGUN = {("02", 20): 15, ("08", 10): 5}
# Deployments are counted while controllers and nodes work side by side: which counts are told in between is chance.
MOMENTS = re.compile(r"MODIFIED: (\.(status|metadata\.annotations\.kubernetes\.io/change-cause)\b[^;]*(; )?)+")
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
        self.start = cluster.store.revision
        self.compared: list[str] = []
        self.wrong: list[str] = []
        self.told = 0
        """Watch events compared."""
        self.moments: list[str] = []
        """Those that tell other counts than ours on the way from one state to the next."""
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

    async def run(self, number: str, *, wait: float = 40.0, streams: bool = True) -> None:
        """Replay a recording; between exchanges the cluster has time to finish what it does."""
        recorded, revisions = exchanges(number), dict[int, int]()
        for index, exchange in enumerate(recorded):
            in_flight = (number, index) in AT_ONCE
            if (number, index) not in SOONER_STILL:
                self.cluster.pass_time(0 if in_flight else wait)
            revisions[index] = self.cluster.store.revision
            if "events" in exchange["response"]:
                continue
            status, text = await self.send(exchange)
            self.compare(f"{number}[{index}] {exchange['label']}", exchange, status, text, in_flight)
        self.cluster.pass_time(wait)
        watched = {index: one for index, one in enumerate(recorded) if "events" in one["response"] and streams}
        begun = {index: revisions[BEGUN.get((number, index), 0)] for index in watched}
        heard = await asyncio.gather(*(self.watch(one, begun[index]) for index, one in watched.items()))
        for (index, exchange), events in zip(watched.items(), heard, strict=True):
            self.compare_streams(f"{number}[{index}] {exchange['label']}", exchange, events)

    async def watch(self, exchange: Exchange, revision: int | None) -> list[Exchange]:
        """What the recorded watch tells when it begins at `revision` (None: with what there is)."""
        path = exchange["request"]["path"]
        path = re.sub(r"&resourceVersion=\d+", "", re.sub(r"timeoutSeconds=\d+", "timeoutSeconds=1", path))
        if revision is not None:
            path += f"&resourceVersion={revision}"
        async with self.client.get(path, headers={"Authorization": "Bearer token"}) as response:
            assert response.status == exchange["response"]["status"]
            return [json.loads(line) async for line in response.content]

    def compare_streams(self, name: str, exchange: Exchange, events: list[Exchange]) -> None:
        self.compared.append(name)
        recorded, ours = stories(exchange["response"]["events"]), stories(events)
        for looks, each in recorded.items():
            mine = ours.get(looks, [])
            if len(mine) < len(each):
                self.wrong.append(f"{name}: {len(each)} ≠ {len(mine)} of {looks}")
            for story, own in zip(each, mine, strict=False):
                self.told += len(story)
                for line in missing(story, own):
                    told = self.moments if MOMENTS.fullmatch(line) else self.wrong
                    told.append(f"{name} {looks}: {line}")
        marks = [comparable(e["object"]) for e in exchange["response"]["events"] if e["type"] == "BOOKMARK"]
        own = [comparable(e["object"]) for e in events if e["type"] == "BOOKMARK"]
        if marks and marks[-1] not in own:
            self.wrong.append(f"{name}: no bookmark like {marks[-1]}")

    async def watches_of_pods_that_are_replaced(self) -> None:
        """Recording 07: its pods were deleted by requests that it does not hold."""
        recorded = exchanges("07")
        everything = await self.watch(recorded[0], self.start)
        self.compare_streams("07[0] from the beginning", recorded[0], everything)
        self.compare_streams("07[1] initial events", recorded[1], await self.watch(recorded[1], None))
        begun = self.cluster.store.revision
        for pod in self.cluster.pods(NAMESPACE):
            if pod["metadata"]["labels"]["track"] == "backup":
                path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}"
                async with self.client.delete(path, headers={"Authorization": "Bearer token"}) as response:
                    assert response.status == 200
        self.cluster.pass_time(40)
        self.compare_streams("07[2] from a version", recorded[2], await self.watch(recorded[2], begun))
        status, text = await self.send(recorded[3])
        self.compare("07[3] a page of the past", recorded[3], status, text, in_flight=False)

    async def end_of_a_namespace(self) -> None:
        """Recording 09: its watch began with the pods that were there."""
        recorded = exchanges("09")
        watching, begun = recorded[-1], self.cluster.store.revision
        first = await self.watch(watching, None)
        await self.run("09", streams=False)
        rest = await self.watch(watching, begun)
        self.compare_streams(f"09[{len(recorded) - 1}] {watching['label']}", watching, first + rest)

    async def pages(self) -> None:
        """Recording 10: a forgotten version, a bad token, and two pages of a list of six namespaces."""
        expired, bad, one, two = exchanges("10")
        for name in ("other", "still-other"):
            self.cluster.create(namespace(name))
        self.cluster.store.compact()
        self.compare_streams("10[0] expired", expired, await self.watch(expired, 5))
        for name, exchange in (("10[1] bad token", bad), ("10[2] page 1", one)):
            status, text = await self.send(exchange)
            self.compare(name, exchange, status, text, in_flight=False)
        path = f"/api/v1/namespaces?limit=1&continue={json.loads(text)['metadata']['continue']}"
        status, text = await self.send({**two, "request": {**two["request"], "path": path}})
        self.compare("10[3] page 2", two, status, text, in_flight=False)

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
    replay: Replay, record_property: Callable[[str, object], None]
) -> None:
    for number in ("02", "03", "04", "05", "06"):
        await replay.run(number)
    await replay.watches_of_pods_that_are_replaced()
    await replay.run("08")
    await replay.end_of_a_namespace()
    await replay.pages()
    assert not replay.wrong, "\n".join(replay.wrong)
    everything = sum(len(exchanges(f"{number:02}")) for number in range(2, 11))
    assert len(replay.compared) == everything
    assert len(replay.moments) <= 12, "\n".join(replay.moments)
    record_property(
        "measured",
        f"Kubernetes API: {len(replay.compared)} of {everything} recorded exchanges (02 to 10) answered alike, "
        f"{replay.told} watch events in their order, {len(replay.moments)} of them with other counts on the way",
    )


async def test_discovery_says_of_what_is_served_what_the_real_server_says_of_it(
    replay: Replay, record_property: Callable[[str, object], None]
) -> None:
    """Recording 01. A real server has more kinds and checks; HTTPRoutes it has only where they are installed."""
    answers = []
    for exchange in exchanges("01"):
        status, text = await replay.send(exchange)
        theirs = exchange["response"]["body"]
        assert status == exchange["response"]["status"]
        answers.append((exchange["request"]["path"], theirs, json.loads(text) if isinstance(theirs, dict) else text))
    for path, theirs, ours in answers:
        if path == "/readyz":
            assert ours == theirs
        elif path == "/livez?verbose":
            assert re.fullmatch(r"(\[\+]\S+ ok\n)+livez check passed\n", ours)
            assert re.fullmatch(r"(\[\+]\S+ ok\n)+livez check passed\n", theirs)
        elif path in ("/version", "/api"):
            assert ours.keys() == theirs.keys()
        else:
            list_ = "groups" if path == "/apis" else "resources"
            assert {**ours, list_: []} == {**theirs, list_: []}
            known = {one["name"]: one for one in theirs[list_]}
            for one in ours[list_]:
                if one["name"] != "gateway.networking.k8s.io":
                    assert _served(one) == _served(known[one["name"]])
    record_property("measured", f"Kubernetes API: {len(answers)} of {len(answers)} discovery documents (01) compared")


def _served(found: Exchange) -> Exchange:
    """A group or resource as it is compared: its first version, without a hash that only caches look at."""
    return {
        key: value[:1] if key == "versions" else value for key, value in found.items() if key != "storageVersionHash"
    }
