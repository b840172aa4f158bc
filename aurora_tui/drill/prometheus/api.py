"""Prometheus' HTTP API over a Storage: queries, metadata, status.

Source: web/api/v1/api.go of 2.42 and https://prometheus.io/docs/prometheus/latest/querying/api/. Whatever is not
served here is refused as the real server refuses an unknown path: 404.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import promql_parser as promql
from aiohttp import web

from aurora_tui.drill.prometheus import query
from aurora_tui.drill.prometheus.errors import BadQuery, QueryError
from aurora_tui.drill.prometheus.evaluate import matchers_of
from aurora_tui.drill.prometheus.floats import format_float, parse_float
from aurora_tui.drill.prometheus.rules import RuleEngine
from aurora_tui.drill.prometheus.scrape import Scraper
from aurora_tui.drill.prometheus.status import StatusPages
from aurora_tui.drill.prometheus.storage import Series, Storage

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_Handler = Callable[[web.Request], Awaitable[object]]


def prometheus_app(
    storage: Storage,
    clock_now: Callable[[], float],
    rules: RuleEngine | None = None,
    targets: Scraper | None = None,
) -> web.Application:
    """The API as an application to serve. `clock_now` gives world time in Unix seconds, the default of `time`."""
    pages = _QueryPages(storage, clock_now)
    status = StatusPages(rules, targets, clock_now)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    for path, handler in (("query", pages.query), ("query_range", pages.query_range), ("labels", pages.labels)):
        app.router.add_route("GET", f"/api/v1/{path}", _answering(handler))
        app.router.add_route("POST", f"/api/v1/{path}", _answering(handler))
    app.router.add_route("GET", "/api/v1/series", _answering(pages.series))
    app.router.add_route("POST", "/api/v1/series", _answering(pages.series))
    app.router.add_route("GET", "/api/v1/label/{name}/values", _answering(pages.label_values))
    for path, page in status.pages().items():
        app.router.add_route("GET", f"/api/v1/{path}", _answering(page))
    app.router.add_get("/-/ready", _ready)
    app.router.add_get("/-/healthy", _healthy)
    app.router.add_route("*", "/{anything:.*}", _not_found)
    app.on_cleanup.append(lambda _: _closed(storage))
    return app


async def _closed(storage: Storage) -> None:
    storage.close()


async def _ready(request: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Ready.\n")


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


async def _not_found(request: web.Request) -> web.Response:
    return web.Response(status=404, text="404 page not found\n")


def _answering(handler: _Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            body, status = {"status": "success", "data": await handler(request)}, 200
        except QueryError as error:
            body = {"status": "error", "errorType": error.error_type, "error": str(error)}
            status = error.status
        return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")

    return answer


class _Form:
    """A request's parameters: the body of a form first, then the query string, as Go's FormValue reads them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    @classmethod
    async def of(cls, request: web.Request) -> _Form:
        pairs: list[tuple[str, str]] = []
        if request.method == "POST":
            pairs += [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
        return cls(pairs + list(request.query.items()))

    def one(self, name: str) -> str:
        return next((value for key, value in self._pairs if key == name), "")

    def every(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def moment(self, name: str, default: float | None = None) -> float:
        """A time in Unix seconds, given as such or as RFC 3339."""
        text = self.one(name)
        if not text and default is not None:
            return default
        number = parse_float(text)
        if number is not None and math.isfinite(number):
            return round(number * 1000) / 1000
        try:
            if "T" not in text:
                raise ValueError(text)
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError(text)
            return moment.timestamp()
        except ValueError as error:
            # With a default the server asks through another function, which adds its own words.
            prefix = f"Invalid time value for '{name}': " if default is not None else ""
            raise _bad_parameter(name, f'{prefix}cannot parse "{text}" to a valid timestamp') from error

    def duration(self, name: str) -> float:
        """Seconds, given as a number or as 1h30m."""
        text = self.one(name)
        number = parse_float(text)
        if number is not None:
            if not math.isfinite(number) or abs(number) * 1e9 > 2**63:
                raise _bad_parameter(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
            return number
        try:
            return promql.parse_duration(text).total_seconds()
        except ValueError as error:
            raise _bad_parameter(name, f'cannot parse "{text}" to a valid duration') from error


def _bad_parameter(name: str, reason: object) -> BadQuery:
    return BadQuery(f'invalid parameter "{name}": {reason}')


class _QueryPages:
    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now

    async def query(self, request: web.Request) -> object:
        form = await _Form.of(request)
        at = form.moment("time", self._now())
        text = _checked_query(form)
        return _result(await self._storage.read(query.instant, text, at))

    async def query_range(self, request: web.Request) -> object:
        form = await _Form.of(request)
        start, end = form.moment("start"), form.moment("end")
        if end < start:
            raise _bad_parameter("end", "end timestamp must not be before start time")
        step = form.duration("step")
        if step <= 0:
            raise _bad_parameter(
                "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        if (end - start) // step > query.MOST_POINTS:
            raise BadQuery(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        return _result(await self._storage.read(query.over_range, _checked_query(form), start, end, step))

    async def series(self, request: web.Request) -> object:
        form = await _Form.of(request)
        if not form.every("match[]"):
            raise BadQuery("no match[] parameter provided")
        return [dict(each.labels) for each in self._matching(form)]

    async def labels(self, request: web.Request) -> object:
        return sorted({name for each in self._matching(await _Form.of(request)) for name, _ in each.labels})

    async def label_values(self, request: web.Request) -> object:
        wanted = request.match_info["name"]
        if not _LABEL_NAME.fullmatch(wanted):
            raise BadQuery(f'invalid label name: "{wanted}"')
        found = self._matching(await _Form.of(request))
        return sorted({value for each in found for name, value in each.labels if name == wanted})

    def _matching(self, form: _Form) -> list[Series]:
        """The series that any `match[]` names (all without one), with samples between `start` and `end`."""
        start, end = form.moment("start", -math.inf) * 1000, form.moment("end", math.inf) * 1000
        found: dict[int, Series] = {}
        for text in form.every("match[]"):
            try:
                tree = query.parse(text)
            except BadQuery as error:
                raise _bad_parameter("match[]", error) from error
            if not isinstance(tree, promql.VectorSelector):
                raise _bad_parameter("match[]", "1:1: parse error: a series selector is expected")
            found.update({id(each): each for each in self._storage.select(matchers_of(tree))})
        chosen = found.values() if form.every("match[]") else list(self._storage)
        within = [each for each in chosen if each.size and each.oldest <= end and each.newest >= start]
        return sorted(within, key=lambda each: each.labels)


def _checked_query(form: _Form) -> str:
    text = form.one("query")
    try:
        query.parse(text)
    except BadQuery as error:
        raise _bad_parameter("query", error) from error
    return text


def _number(moment: float) -> float | int:
    return int(moment) if moment.is_integer() else moment


def _result(answer: query.Answer) -> object:
    if answer.kind == "string":
        return {"resultType": "string", "result": [_number(answer.series[0][1][0][0]), answer.text]}
    if answer.kind == "scalar":
        moment, value = answer.series[0][1][0]
        return {"resultType": "scalar", "result": [_number(moment), format_float(value)]}
    if answer.kind == "vector":
        result = [
            {"metric": dict(labels), "value": [_number(points[0][0]), format_float(points[0][1])]}
            for labels, points in answer.series
        ]
        return {"resultType": "vector", "result": result}
    return {
        "resultType": "matrix",
        "result": [
            {"metric": dict(labels), "values": [[_number(at), format_float(value)] for at, value in points]}
            for labels, points in answer.series
        ],
    }
