"""Ask Prometheus, through prometheus-api-client: time limits, no retries, ranges in chunks, errors in words.

The client is synchronous. One instance, with its own connection, lives in each of a few daemon threads. It drops
the API's warnings, which are read beside it: on Thanos or Mimir they may say that an answer is only part of it.
https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from aurora_tui.kube.decoding import read_json
from aurora_tui.situation.mission import Credentials
from aurora_tui.sources.failure import (
    HttpFailure,
    describe_body,
    describe_shape,
    describe_silence,
    explain,
    http_status,
)
from aurora_tui.sources.hedge import heard
from aurora_tui.sources.http import (
    CONNECT_SECONDS,
    NO_CREDENTIALS,
    READ_SECONDS,
    join,
    requests_session,
    require_success,
)
from aurora_tui.sources.threads import DaemonThreads
from aurora_tui.text import redact_url

if TYPE_CHECKING:
    import requests
    from prometheus_api_client import PrometheusConnect

    from aurora_tui.sources.bounded import BoundedAdapter

T = TypeVar("T")

THREADS = 4
WHOLE_SECONDS = 20.0  # real, from the first byte sent to the last one received
TIME_SECONDS = 10.0  # the same for the server's time
# The API refuses more: "exceeded maximum resolution of 11,000 points per timeseries".
MOST_POINTS = 2_500
# Prometheus seeks `timestamp(selector)` from the range's beginning at each step: 17,280 points took it 0.86 s
# in chunks of 10,000 and 0.23 s in chunks of 1,000.
FEWER_POINTS = 1_000


class Sample(NamedTuple):
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


class Series(NamedTuple):
    """One element of a range matrix: values at their Unix times, points without data left out."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class _Said(msgspec.Struct):
    warnings: list[str] = []


class _Call:
    """One question, which may be cut from another thread while it is being asked, and not a moment longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._adapter: BoundedAdapter | None = None
        self._cut = False
        self._began: float | None = None

    @contextmanager
    def on(self, adapter: BoundedAdapter) -> Iterator[None]:
        """It is being asked by this adapter. HttpFailure when it was cut before it began."""
        with self._lock:
            if self._cut:
                raise HttpFailure("the question was given up", "Nothing needs to be done.", silent=True)
            self._adapter = adapter
        self._began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._adapter = None

    def left(self, seconds: float) -> float:
        """Of so many seconds, those that are left; waiting for a thread does not count."""
        return seconds if self._began is None else self._began + seconds - time.monotonic()

    def cut(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._cut = True
            if self._adapter is not None:
                self._adapter.cut()


class Prometheus:
    """A Prometheus server at `url`. Every method raises HttpFailure in words, and is safe to cancel."""

    def __init__(self, url: str, credentials: Credentials = NO_CREDENTIALS) -> None:
        self.url = url.rstrip("/")
        self.requests = 0
        self._credentials = credentials
        self._threads = DaemonThreads(THREADS, "prometheus")
        # The server's time is asked beside everything else: a question that hangs must not keep it waiting.
        self._pulse_threads = DaemonThreads(2, "prometheus-time")
        self._local = threading.local()
        self._calls: set[_Call] = set()
        self._sessions: list[requests.Session] = []
        self._warnings: dict[str, float] = {}  # and when each was last heard, monotonic

    async def instant(self, query: str) -> list[Sample]:
        """The vector that `query` gives now; a scalar is a vector of one element without labels."""
        return await self._ask(lambda client: _vector(client, query), self._threads, WHOLE_SECONDS)

    async def time(self) -> float:
        """The server's time, Unix seconds. It is a cheap question, which tells whether the server answers at all."""
        answers = await self._ask(lambda client: _vector(client, "time()"), self._pulse_threads, TIME_SECONDS)
        if len(answers) != 1:
            where = redact_url(self.url)
            raise HttpFailure(f"{where} does not tell its time", "Check that this address is a Prometheus.")
        return answers[0].value

    async def range(self, query: str, start: float, end: float, step: float, chunk: int = MOST_POINTS) -> list[Series]:
        """`query` at start, start + step, … up to `end`, in chunks of so many points. Unix seconds."""
        found: dict[tuple[tuple[str, str], ...], Series] = {}
        count = int((end - start) / step + 1e-6) + 1
        chunks = [
            asyncio.ensure_future(
                self._chunk(query, start + first * step, start + (min(first + chunk, count) - 1) * step, step)
            )
            for first in range(0, count, chunk)
        ]
        try:
            for answer in await asyncio.gather(*chunks):
                for series in answer:
                    key = tuple(sorted(series.labels.items()))
                    found.setdefault(key, Series(series.labels, [])).points.extend(series.points)
        finally:
            for asked in chunks:
                asked.cancel()
        return list(found.values())

    async def version(self) -> str | None:
        """`2.42.0`; None when the server does not say (VictoriaMetrics answers an empty object)."""

        def ask(client: PrometheusConnect) -> str | None:
            response = self._local.session.get(join(self.url, "/api/v1/status/buildinfo"), timeout=_TIME_LIMITS)
            data = response.json().get("data") or {}
            version = data.get("version")
            return version if isinstance(version, str) and version else None

        return await self._ask(ask, self._threads, WHOLE_SECONDS)

    def warned(self, within: float) -> list[str]:
        """What answers of the last `within` real seconds warned of: an answer may be only a part."""
        now = time.monotonic()
        return sorted(text for text, heard in list(self._warnings.items()) if now - heard <= within)

    def close(self) -> None:
        """Let go of the threads and connections; a request under way is cut."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._pulse_threads.shutdown(wait=False, cancel_futures=True)
        for call in list(self._calls):
            call.cut()
        for session in self._sessions:
            session.close()

    async def _chunk(self, query: str, start: float, end: float, step: float) -> list[Series]:
        # The client rounds its times to whole seconds; parameters of our own win over it.
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        begin, finish = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)

        def ask(client: PrometheusConnect) -> list[Series]:
            result = client.custom_query_range(query, begin, finish, f"{step:g}", params=exact)
            return [Series(item["metric"], [(t, float(v)) for t, v in item["values"]]) for item in result]

        return await self._ask(ask, self._threads, WHOLE_SECONDS)

    async def _ask(self, ask: Callable[[PrometheusConnect], T], threads: DaemonThreads, seconds: float) -> T:
        """`ask` in one of the threads, where it is given so many seconds, whatever drips.

        Cancelled, it frees the thread at once: one that hangs would keep the next question from being asked.
        """
        self.requests += 1
        call = _Call()
        self._calls.add(call)
        asked = heard(asyncio.get_running_loop().run_in_executor(threads, self._in_thread, ask, call))
        try:
            while not asked.done() and (left := call.left(seconds)) > 0.0:
                await asyncio.wait({asked}, timeout=left)
            if asked.done():
                return asked.result()
            raise HttpFailure(*describe_silence(self.url), silent=True)
        finally:
            if not asked.done():
                call.cut()
                asked.cancel()
            self._calls.discard(call)

    def _in_thread(self, ask: Callable[[PrometheusConnect], T], call: _Call) -> T:
        from prometheus_api_client.exceptions import PrometheusApiClientException
        from requests import RequestException

        try:
            client = self._client()
            with call.on(self._local.adapter):
                return ask(client)
        except (PrometheusApiClientException, RequestException) as error:
            silent = isinstance(error, RequestException) and not isinstance(error, ValueError)
            raise HttpFailure(*explain(error, self.url), status=http_status(error), silent=silent) from error
        except RecursionError as error:
            raise HttpFailure(*describe_shape(self.url, "it is nested too deeply")) from error
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise HttpFailure(*describe_shape(self.url, "not what Prometheus answers")) from error

    def _client(self) -> PrometheusConnect:
        """This thread's client, made when the thread first asks."""
        client: Any = getattr(self._local, "client", None)
        if client is None:
            from prometheus_api_client import PrometheusConnect

            from aurora_tui.sources.bounded import BoundedAdapter

            session = requests_session(self.url, self._credentials)
            session.max_redirects = 0
            session.hooks["response"].append(self._hear)
            client = PrometheusConnect(self.url, session=session, timeout=_TIME_LIMITS)
            adapter = BoundedAdapter()
            session.mount(self.url, adapter)
            self._local.session, self._local.client, self._local.adapter = session, client, adapter
            self._sessions.append(session)
        return client

    def _hear(self, response: requests.Response, **_: object) -> None:
        """Warnings of a good answer; HttpFailure for any other, which the client would tell without its headers."""
        require_success(response, self.url)
        if response.status_code != 200:
            raise HttpFailure(*describe_body(response.content, self.url, f"status {response.status_code}"))
        if b'"warnings"' not in response.content:
            return
        try:
            said = read_json(_SAID, response.content)
        except msgspec.DecodeError:
            return  # whoever reads the answer says so
        if len(self._warnings) > _MOST_WARNINGS:
            self._warnings.clear()
        heard = time.monotonic()
        # PromQL's hints at how a query might be written say nothing of the answer.
        self._warnings.update({text: heard for text in said.warnings if not text.startswith("PromQL info")})


def _vector(client: PrometheusConnect, query: str) -> list[Sample]:
    result = client.custom_query(query)
    if result and not isinstance(result[0], dict):
        return [Sample({}, float(result[1]))]
    return [Sample(item["metric"], float(item["value"][1])) for item in result]


_SAID = msgspec.json.Decoder(_Said)
_MOST_WARNINGS = 20
_TIME_LIMITS = (CONNECT_SECONDS, READ_SECONDS)
