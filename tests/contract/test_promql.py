"""The embedded Prometheus answers as the real one: the same samples in both, the same queries to both over HTTP."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, seed, settings

from aurora_tui.drill.prometheus import Storage, prometheus_app
from tests.contract import promql_grammar as grammar
from tests.contract.conftest import COMPARED
from tests.contract.promql_cases import INSTANT_ONLY, QUERIES, REFUSED, mission_queries
from tests.contract.promql_samples import END, INTERVAL, START, fill_storage, remote_write_request
from tests.servers import real_prometheus

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.xdist_group("promql")]

RANDOM_QUERIES = 500
INSTANTS = (START - 1, START, START + 60, START + 1234.567, START + 2265, START + 3015, START + 3600, END, END + 300)
RANGES = ((START - 60, END + 600, 60.0), (START + 1500.25, START + 2700, 15.0), (START + 3, END, 37.5))


@dataclass
class Both:
    """The two servers, and how many answers were compared."""

    real: httpx.Client
    ours: httpx.Client
    compared: int = 0

    def same(self, path: str, parameters: dict[str, Any]) -> None:
        real, ours = self.real.get(path, params=parameters), self.ours.get(path, params=parameters)
        self.compared += 1
        if not same_answer(real, ours) and not self._same_when_asked_again(path, parameters, real, ours):
            pytest.fail(f"{path} {parameters}\nreal: {real.text[:1500]}\nours: {ours.text[:1500]}")

    def _same_when_asked_again(
        self, path: str, parameters: dict[str, Any], real: httpx.Response, ours: httpx.Response
    ) -> bool:
        """The real server adds computed series in a random order, and so may round differently the next time.

        True when it once answers as ours does, or contradicts itself.
        """
        for _ in range(6):
            again = self.real.get(path, params=parameters)
            if same_answer(again, ours) or not same_answer(again, real):
                return True
        return False

    def same_instant(self, query: str, at: float) -> None:
        self.same("/api/v1/query", {"query": query, "time": at})

    def same_range(self, query: str, start: float, end: float, step: float) -> None:
        self.same("/api/v1/query_range", {"query": query, "start": start, "end": end, "step": step})


def same_answer(real: httpx.Response, ours: httpx.Response) -> bool:
    """The same data, or the same status and type of error."""
    left, right = real.json(), ours.json()
    if (real.status_code, left.get("errorType")) != (ours.status_code, right.get("errorType")):
        return False
    return real.status_code != 200 or same_data(left["data"], right["data"])


def same_data(real: dict[str, Any], ours: dict[str, Any]) -> bool:
    if real["resultType"] != ours["resultType"]:
        return False
    if real["resultType"] in ("scalar", "string"):
        return same_points([real["result"]], [ours["result"]])
    left, right = points_by_labels(real["result"]), points_by_labels(ours["result"])
    return left.keys() == right.keys() and all(same_points(left[key], right[key]) for key in left)


def points_by_labels(result: list[dict[str, Any]]) -> dict[tuple[tuple[str, str], ...], list[list[Any]]]:
    found = {tuple(sorted(each["metric"].items())): each.get("values") or [each["value"]] for each in result}
    assert len(found) == len(result)
    return found


def same_points(real: list[list[Any]], ours: list[list[Any]]) -> bool:
    return len(real) == len(ours) and all(
        abs(a[0] - b[0]) < 1e-9 and same_value(a[1], b[1]) for a, b in zip(real, ours, strict=True)
    )


def same_value(real: str, ours: str) -> bool:
    if real == ours:
        return True
    try:
        return math.isclose(float(real), float(ours), rel_tol=1e-9, abs_tol=1e-11)
    except ValueError:
        return False


@asynccontextmanager
async def embedded() -> AsyncIterator[str]:
    storage = Storage()
    fill_storage(storage)
    runner = web.AppRunner(prometheus_app(storage, lambda: END), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Both servers in a thread with an event loop of its own, so that tests can ask them one after the other."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    ready: list[tuple[str, str]] = []
    started, finish = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        flags = ["--web.enable-remote-write-receiver"]
        async with real_prometheus(folder, "global: {}\n", flags=flags) as real, embedded() as ours:
            ready.append((real.url, ours))
            started.set()
            await finish.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert started.wait(30)
        assert ready, "a server did not start"
        with (
            httpx.Client(base_url=ready[0][0], trust_env=False) as real,
            httpx.Client(base_url=ready[0][1], trust_env=False) as ours,
        ):
            headers = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
            written = real.post("/api/v1/write", content=remote_write_request(), headers=headers)
            assert written.status_code == 204, written.text
            yield Both(real, ours)
    finally:
        loop.call_soon_threadsafe(finish.set)
        thread.join(30)


@pytest.fixture(autouse=True)
def _counted(both: Both, record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Tells the summary how many answers this test compared."""
    before = both.compared
    yield
    record_property(COMPARED, both.compared - before)


@pytest.mark.parametrize("query", QUERIES)
def test_instant_query_answers_as_prometheus(both: Both, query: str) -> None:
    for at in INSTANTS:
        both.same_instant(query, at)


@pytest.mark.parametrize("query", QUERIES)
def test_range_query_answers_as_prometheus(both: Both, query: str) -> None:
    for start, end, step in RANGES:
        both.same_range(query, start, end, step)


@pytest.mark.parametrize("query", mission_queries())
def test_query_of_the_mission_answers_as_prometheus(both: Both, query: str) -> None:
    for at in INSTANTS:
        both.same_instant(query, at)
    for start, end, step in RANGES:
        both.same_range(query, start, end, step)


@pytest.mark.parametrize("query", INSTANT_ONLY)
def test_query_of_another_type_answers_as_prometheus(both: Both, query: str) -> None:
    both.same_instant(query, START + 1800)
    both.same_range(query, START, START + 600, 60)


@pytest.mark.parametrize("query", REFUSED)
def test_query_is_refused_as_prometheus_refuses_it(both: Both, query: str) -> None:
    both.same_instant(query, START + 1800)
    both.same_range(query, START, START + 600, 60)


@pytest.mark.parametrize(
    "query", ["sort(requests_total)", "sort_desc(treaty_fill_rate)", "topk(2, tied)", "bottomk(2, requests_total)"]
)
def test_sorted_results_come_in_the_same_order(both: Both, query: str) -> None:
    for at in INSTANTS:
        answers = [
            server.get("/api/v1/query", params={"query": query, "time": at}).json() for server in (both.real, both.ours)
        ]
        orders = [[each["metric"] for each in answer["data"]["result"]] for answer in answers]
        assert orders[0] == orders[1]


@seed(20260103)
@settings(max_examples=RANDOM_QUERIES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(query=grammar.queries(), at=grammar.moments, step=grammar.steps)
def test_any_query_answers_as_prometheus(both: Both, query: str, at: float, step: float) -> None:
    both.same_instant(query, at)
    both.same_range(query, at, at + 40 * step, step)


@pytest.mark.parametrize(
    "parameters",
    [
        {"query": "up", "start": 0, "end": 11_001, "step": 1},
        {"query": "up", "start": 10, "end": 5, "step": 1},
        {"query": "up", "start": 0, "end": 5, "step": 0},
        {"query": "up", "start": 0, "end": 5, "step": -1},
        {"query": "up", "start": "soon", "end": 5, "step": 1},
        {"query": "up", "start": 0, "end": 5, "step": "wide"},
        {"query": "up", "start": 0, "end": 5},
        {"query": "up[5m]", "start": 0, "end": 5, "step": 1},
        {"query": '"text"', "start": 0, "end": 5, "step": 1},
    ],
)
def test_bad_range_request_is_refused_in_the_same_words(both: Both, parameters: dict[str, Any]) -> None:
    real, ours = (server.get("/api/v1/query_range", params=parameters) for server in (both.real, both.ours))
    assert (ours.status_code, ours.json()) == (real.status_code, real.json())


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("requests_total + on (job) requests_total", END),
        ("bridge_info * on (version) group_left () requests_total", END),
        ("requests_total * on (job) group_left () bytes_total", END),
        ('label_replace(up, "1bad", "x", "job", ".*")', END),
        ('label_replace(up, "instance", "x", "job", ".*")', END),
        ('-{__name__=~"requests_total|bytes_total"}', END),
        ("up", "never"),
    ],
)
def test_failing_query_is_explained_in_the_same_words(both: Both, query: str, at: float | str) -> None:
    real, ours = (server.get("/api/v1/query", params={"query": query, "time": at}) for server in (both.real, both.ours))
    assert real.status_code != 200
    assert (ours.status_code, ours.json()) == (real.status_code, real.json())


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/api/v1/series", {"match[]": ["up", 'requests_total{instance="a:1"}']}),
        ("/api/v1/series", {"match[]": "late_total", "start": START, "end": START + 600}),
        ("/api/v1/series", {}),
        ("/api/v1/series", {"match[]": "up["}),
        ("/api/v1/labels", {}),
        ("/api/v1/labels", {"match[]": "up"}),
        ("/api/v1/label/__name__/values", {}),
        ("/api/v1/label/instance/values", {"match[]": "up"}),
        ("/api/v1/label/nowhere/values", {}),
        ("/api/v1/label/b-ad/values", {}),
        ("/api/v1/alerts", {}),
        ("/api/v1/rules", {}),
        ("/api/v1/targets", {}),
    ],
)
def test_metadata_answers_as_prometheus(both: Both, path: str, parameters: dict[str, Any]) -> None:
    real, ours = (server.get(path, params=parameters) for server in (both.real, both.ours))
    assert (ours.status_code, ours.json().get("errorType")) == (real.status_code, real.json().get("errorType"))
    if real.status_code == 200:
        assert ours.json() == real.json()


def test_unknown_path_is_not_found(both: Both) -> None:
    real, ours = (server.get("/api/v1/nothing") for server in (both.real, both.ours))
    assert (ours.status_code, ours.text) == (real.status_code, real.text)


def test_form_in_a_post_is_read(both: Both) -> None:
    form = {"query": "sum(up)", "start": START, "end": START + INTERVAL * 4, "step": "15s"}
    real, ours = (server.post("/api/v1/query_range", data=form) for server in (both.real, both.ours))
    assert ours.json() == real.json()
