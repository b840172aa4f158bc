"""A real Prometheus and the embedded one with the same samples, asked the same things over HTTP."""

from __future__ import annotations

import asyncio
import math
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from aurora_tui.drill.prometheus import Storage, prometheus_app
from tests.contract.promql_samples import END, fill_storage, remote_write_request
from tests.servers import real_prometheus

INSTANT, RANGE = "/api/v1/query", "/api/v1/query_range"
_CONNECTIONS = 4
_PAIR = re.compile(r"\[(\{[^}]*\}), (\{[^}]*\})\]")
Question = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass
class Pair:
    """The two servers, and how many answers were compared."""

    real: httpx.Client
    ours: httpx.Client
    compared: int = 0

    def ask(self, path: str, parameters: dict[str, Any]) -> tuple[Answer, Answer]:
        """What the real server and ours say."""
        self.compared += 1
        real, ours = (server.get(path, params=parameters) for server in (self.real, self.ours))
        return Answer(real.status_code, real.json()), Answer(ours.status_code, ours.json())

    def same(self, path: str, parameters: dict[str, Any]) -> None:
        """Fails unless both answer the same: data equal to 1e-9, or the same status, type and text of an error."""
        real, ours = self.ask(path, parameters)
        if not same_answer(real, ours) and not self._same_when_asked_again((path, parameters), real, ours):
            pytest.fail(difference((path, parameters), real, ours))

    def same_instant(self, query: str, at: float) -> None:
        self.same(INSTANT, {"query": query, "time": at})

    def same_range(self, query: str, start: float, end: float, step: float) -> None:
        self.same(RANGE, {"query": query, "start": start, "end": end, "step": step})

    def differences(self, questions: Iterable[Question]) -> list[str]:
        """Asks both all of them, a few at a time; what was not answered alike, the shortest first."""
        asked = list(questions)
        self.compared += len(asked)
        urls = [str(server.base_url).rstrip("/") for server in (self.real, self.ours)]
        found = []
        for question, real, ours in asyncio.run(_answers(urls, asked)):
            if not same_answer(real, ours) and not self._same_when_asked_again(question, real, ours):
                found.append(difference(question, real, ours))
        return sorted(found, key=len)

    def _same_when_asked_again(self, question: Question, real: Answer, ours: Answer) -> bool:
        """The real server adds computed series in a random order, and so may round differently the next time.

        True when it once answers as ours does, or contradicts itself.
        """
        path, parameters = question
        for _ in range(8):
            got = self.real.get(path, params=parameters)
            again = Answer(got.status_code, got.json())
            if same_answer(again, ours) or not same_answer(again, real):
                return True
        return False


async def _answers(urls: list[str], questions: list[Question]) -> list[tuple[Question, Answer, Answer]]:
    answers: list[tuple[Question, Answer, Answer]] = []
    waiting = iter(questions)
    async with aiohttp.ClientSession() as session:

        async def ask(url: str, question: Question) -> Answer:
            path, parameters = question
            async with session.get(url + path, params=parameters) as answer:
                return Answer(answer.status, await answer.json())

        async def work() -> None:
            for question in waiting:
                real, ours = await asyncio.gather(*(ask(url, question) for url in urls))
                answers.append((question, real, ours))

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))
    return answers


def difference(question: Question, real: Answer, ours: Answer) -> str:
    return f"{question[0]} {question[1]}\nreal: {real.status} {str(real.body)[:1500]}\nours: {str(ours.body)[:1500]}"


def same_answer(real: Answer, ours: Answer) -> bool:
    left, right = real.body, ours.body
    if (real.status, left.get("errorType")) != (ours.status, right.get("errorType")):
        return False
    if real.status != 200:
        return same_words(left["error"], right["error"])
    return left.keys() == right.keys() and same_data(left["data"], right["data"])


def same_words(real: str, ours: str) -> bool:
    """The same text. Two series that stand in each other's way may be named in either order."""
    return real == ours or _PAIR.sub(_sorted, real) == _PAIR.sub(_sorted, ours)


def _sorted(found: re.Match[str]) -> str:
    return "[" + ", ".join(sorted((found[1], found[2]))) + "]"


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
async def embedded(storage: Storage, now: Callable[[], float]) -> AsyncIterator[str]:
    """The URL of an embedded server over `storage`."""
    runner = web.AppRunner(prometheus_app(storage, now), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass
class _Serving:
    """Both servers in a thread with an event loop of its own, so that tests can ask them one after the other."""

    folder: Path
    urls: list[str] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        storage = Storage()
        fill_storage(storage)
        flags = ["--web.enable-remote-write-receiver"]
        async with (
            real_prometheus(self.folder, "global: {}\n", flags=flags) as real,
            embedded(storage, lambda: END) as ours,
        ):
            self.urls += [real.url, ours]
            self.started.set()
            await self.finish.wait()

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self.serve())
        finally:
            self.started.set()


@contextmanager
def serving_pair(folder: Path) -> Iterator[Pair]:
    """Both, with the samples of promql_samples."""
    loop, serving = asyncio.new_event_loop(), _Serving(folder)
    thread = threading.Thread(target=serving.run, args=(loop,))
    thread.start()
    try:
        assert serving.started.wait(60)
        assert serving.urls, "a server did not start"
        real_url, our_url = serving.urls
        with (
            httpx.Client(base_url=real_url, trust_env=False, timeout=60) as real,
            httpx.Client(base_url=our_url, trust_env=False, timeout=60) as ours,
        ):
            headers = {"Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
            written = real.post("/api/v1/write", content=remote_write_request(), headers=headers)
            assert written.status_code == 204, written.text
            yield Pair(real, ours)
    finally:
        loop.call_soon_threadsafe(serving.finish.set)
        thread.join(60)
        loop.close()
