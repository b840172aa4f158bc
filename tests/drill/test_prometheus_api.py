"""The HTTP API where it is about the server itself: formats, answers while a query runs, speed."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from array import array
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from aurora_tui.drill.prometheus import STALE, Storage, prometheus_app, query
from aurora_tui.drill.prometheus.floats import format_exponent, format_float

START = 1_700_000_000.0
COUNT = 17_280
END = START + (COUNT - 1) * 15
BOUNDS = ("5", "10", "25", "50", "100", "150", "200", "250", "300", "350", "400", "500", "1000", "+Inf")
P95 = "histogram_quantile(0.95, sum by (treaty_id, le) (rate(x_bucket[2m])))"


@pytest.fixture(scope="module")
def history() -> Storage:
    """72 h at 15 s of one histogram."""
    storage, rng = Storage(), random.Random(1)
    times = array("d", (START + index * 15 for index in range(COUNT)))
    columns = [array("d") for _ in BOUNDS]
    totals = [0.0] * len(BOUNDS)
    for _ in range(COUNT):
        seen = rng.randint(20, 30)
        for index, column in enumerate(columns):
            totals[index] += seen * (index + 1) / len(BOUNDS)
            column.append(totals[index])
    for bound, column in zip(BOUNDS, columns, strict=True):
        storage.extend({"__name__": "x_bucket", "treaty_id": "A", "le": bound}, times, column)
    storage.extend({"__name__": "x_count", "treaty_id": "A"}, times, columns[-1])
    return storage


@pytest.fixture
async def client(history: Storage) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    app = prometheus_app(history, lambda: END)
    app.on_cleanup.clear()  # the storage serves the next test too
    async with TestClient(TestServer(app)) as client:
        yield client


def test_quantiles_have_all_of_eleven_thousand_steps(history: Storage) -> None:
    answer = query.over_range(history, P95, END - 10_999 * 15, END, 15)
    assert len(answer.series[0][1]) == 11_000


@pytest.mark.slow
def test_eleven_thousand_steps_and_instants_are_quick(
    history: Storage, record_property: Callable[[str, object], None]
) -> None:
    def best_of(repeats: int, ask: Callable[[], object]) -> float:
        took = []
        for _ in range(repeats):
            began = time.thread_time()
            ask()
            took.append(time.thread_time() - began)
        return min(took)

    share = 'sum(increase(x_bucket{le="350"}[72h])) / sum(increase(x_count[72h]))'
    steps = best_of(3, lambda: query.over_range(history, P95, END - 10_999 * 15, END, 15))
    instant = best_of(10, lambda: query.instant(history, P95, END))
    increase = best_of(10, lambda: query.instant(history, share, END))
    record_property(
        "measured",
        f"Prometheus: a quantile at 11,000 steps in {steps * 1000:.0f} ms of CPU, at one in {instant * 1000:.1f} ms, "
        f"a share of 72 h in {increase * 1000:.1f} ms",
    )
    assert (steps < 0.5, instant < 0.005, increase < 0.01) == (True, True, True)


async def test_other_requests_are_answered_during_a_query(
    client: TestClient,  # type: ignore[type-arg]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over_range, go_on = query.over_range, threading.Event()

    def held(*arguments: Any) -> query.Answer:
        assert go_on.wait(20), "nothing was answered meanwhile"
        return over_range(*arguments)

    monkeypatch.setattr(query, "over_range", held)
    asked: dict[str, str | float] = {"query": P95, "start": END - 150, "end": END, "step": 15}
    heavy = asyncio.create_task(client.get("/api/v1/query_range", params=asked))
    for _ in range(4):
        assert (await client.get("/-/ready")).status == 200
        assert not heavy.done()
    go_on.set()
    assert (await heavy).status == 200


async def test_samples_may_come_while_queries_run() -> None:
    storage = Storage()
    times = [START + index * 15 for index in range(2_000)]
    for index in range(20):
        storage.extend({"__name__": "x", "index": str(index)}, times, [1.0] * len(times))
    reading = [
        asyncio.create_task(storage.read(query.over_range, text, START, START + 40_000, 15.0))
        for text in ("sum(rate(x[5m]))", "sum(x)", "max(last_over_time(x[5m]))")
    ]
    at = times[-1]
    while not all(task.done() for task in reading):
        at += 15
        for index in range(25):
            storage.append({"__name__": "x", "index": str(index)}, at, STALE if index == 3 else 1.0)
        await asyncio.sleep(0)
    assert all(answer.series for answer in await asyncio.gather(*reading))
    storage.close()


async def test_time_defaults_to_the_worlds_clock(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = await (await client.get("/api/v1/query", params={"query": "time()"})).json()
    assert answer == {"status": "success", "data": {"resultType": "scalar", "result": [END, str(int(END))]}}


async def test_the_server_says_what_it_is(client: TestClient) -> None:  # type: ignore[type-arg]
    answer = await (await client.get("/api/v1/status/buildinfo")).json()
    assert answer["data"]["version"].startswith("embedded")
    for page in ("runtimeinfo", "flags", "config"):
        assert (await client.get(f"/api/v1/status/{page}")).status == 200
    assert (await client.get("/-/healthy")).status == 200


@pytest.mark.parametrize(
    "text", ["holt_winters(x_count[5m], 0.5, 0.5)", 'count_values("v", x_count)', "limitk(1, x_count)"]
)
async def test_what_is_not_implemented_is_refused(client: TestClient, text: str) -> None:  # type: ignore[type-arg]
    answer = await client.get("/api/v1/query", params={"query": text})
    assert answer.status == 400
    assert (await answer.json())["errorType"] == "bad_data"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (1e16, "10000000000000000"),
        (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"),
        (0.00001, "0.00001"),
        (1e-7, "1e-07"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_values_are_written_as_prometheus_writes_them(value: float, text: str) -> None:
    assert format_float(value) == text


@pytest.mark.parametrize(("value", "text"), [(412.5, "4.125e+02"), (0.0, "0e+00"), (-3e-7, "-3e-07"), (1.0, "1e+00")])
def test_alert_values_are_written_with_an_exponent(value: float, text: str) -> None:
    assert format_exponent(value) == text
