"""Faults of what monitoring says: true answers of Prometheus and Alertmanager, changed. JSON stays well formed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.faults.http1 import Request, header, without
from tests.faults.proxy import Exchange, Fault

_NEAR = 30 * 86400.0  # a number that lies as near to now is a time


class Rewritten(Fault):
    """Every JSON answer through `change`; `asked` may change the request before."""

    def asked(self, request: Request) -> Request:
        return request

    def change(self, request: Request, document: Any) -> Any:
        return document

    async def answer(self, exchange: Exchange) -> None:
        request = self.asked(exchange.request)
        plain = without(request.headers, "accept-encoding")  # what is packed cannot be changed
        response = await exchange.forward(replace(request, headers=plain))
        body = await response.body()
        if "json" in (header(response.headers, "content-type") or ""):
            body = json.dumps(self.change(exchange.request, json.loads(body))).encode()
        date = self.date(header(response.headers, "date"))
        kept = without(response.headers, "content-length", "transfer-encoding", "date")
        response.headers = [*kept, *([("Date", date)] if date else []), ("Content-Length", str(len(body)))]
        exchange.writer.write(response.head() + body)
        await exchange.writer.drain()

    def date(self, said: str | None) -> str | None:
        """The answer's Date header."""
        return said


@dataclass(frozen=True)
class ClockOff(Rewritten):
    """The server's clock is `seconds` ahead of ours (below 0: behind): its data, its `time()` and its `Date`."""

    seconds: float

    @property
    def name(self) -> str:
        return f"clock {abs(self.seconds) / 60:g} min {'ahead' if self.seconds > 0 else 'behind'}"

    def asked(self, request: Request) -> Request:
        parts = urlsplit(request.target)
        told = parse_qsl(parts.query)
        back = {"time", "start", "end"}
        query = urlencode([(name, _shifted(value, -self.seconds) if name in back else value) for name, value in told])
        return replace(request, target=f"{parts.path}?{query}" if query else parts.path)

    def change(self, request: Request, document: Any) -> Any:
        return _everywhere(document, lambda value: _moment(value, self.seconds))

    def date(self, said: str | None) -> str | None:
        return said and format_datetime(parsedate_to_datetime(said) + timedelta(seconds=self.seconds), usegmt=True)


class Duplicates(Rewritten):
    """Every series and every sample twice, every alert twice."""

    def change(self, request: Request, document: Any) -> Any:
        return _with_lists(document, lambda items: [item for item in items for _ in range(2)])


class OutOfOrder(Rewritten):
    """Series, samples and alerts last one first."""

    def change(self, request: Request, document: Any) -> Any:
        return _with_lists(document, lambda items: items[::-1])


@dataclass(frozen=True)
class Vanished(Rewritten):
    """Whatever is asked of a metric with `text` in its name has no series."""

    text: str = "treaty_"

    def change(self, request: Request, document: Any) -> Any:
        gone = self.text in request.query.get("query", "")
        return {**document, "data": {**document["data"], "result": []}} if gone else document


def _shifted(text: str, seconds: float) -> str:
    return f"{float(text) + seconds:.3f}"


def _everywhere(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _everywhere(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_everywhere(item, change) for item in value]
    return change(value)


def _moment(value: Any, seconds: float) -> Any:
    """A time, as a number or as text of either kind, moved; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
        if value < "1970":
            return value  # how Go writes that there is none
        return (datetime.fromisoformat(value).astimezone(UTC) + timedelta(seconds=seconds)).isoformat()
    try:
        number = float(value)
    except ValueError:
        return value
    if abs(number - time.time()) > _NEAR:
        return value
    return f"{number + seconds:.3f}" if isinstance(value, str) else number + seconds


def _with_lists(document: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """The lists of an answer, changed: alerts; a vector's or matrix's series, and the samples of each."""
    if isinstance(document, list):
        return change(document)
    data = document.get("data")
    if not isinstance(data, dict):
        return document
    if data.get("resultType") in ("vector", "matrix"):
        series = [
            {**item, "values": change(item["values"])} if "values" in item else item for item in change(data["result"])
        ]
        data = {**data, "result": series}
    elif isinstance(data.get("alerts"), list):
        data = {**data, "alerts": change(data["alerts"])}
    return {**document, "data": data}
