"""Prometheus' HTTP API over a Storage: queries, metadata, status.

Source: web/api/v1/api.go of 2.42 and https://prometheus.io/docs/prometheus/latest/querying/api/. Whatever is not
served here is refused as the real server refuses an unknown path: 404.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from aurora_tui.drill.prometheus import query
from aurora_tui.drill.prometheus.errors import BadQuery, QueryError
from aurora_tui.drill.prometheus.floats import format_float
from aurora_tui.drill.prometheus.form import Form, bad_parameter
from aurora_tui.drill.prometheus.rules import RuleEngine
from aurora_tui.drill.prometheus.scrape import Scraper
from aurora_tui.drill.prometheus.status import StatusPages
from aurora_tui.drill.prometheus.storage import Series, Storage
from aurora_tui.drill.prometheus.syntax import read_selector

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_Page = Callable[[web.Request], Awaitable[object]]


def prometheus_app(
    storage: Storage,
    clock_now: Callable[[], float],
    rules: RuleEngine | None = None,
    targets: Scraper | None = None,
) -> web.Application:
    """The API as an application to serve. `clock_now` gives world time in Unix seconds, the default of `time`."""
    pages = _QueryPages(storage, clock_now)
    status = StatusPages(rules, targets, clock_now)
    app = web.Application(client_max_size=16 * 1024 * 1024, middlewares=[_as_go_refuses])
    for path, handler in (
        ("query", pages.query),
        ("query_range", pages.query_range),
        ("labels", pages.labels),
        ("series", pages.series),
    ):
        app.router.add_route("GET", f"/api/v1/{path}", _answering(handler))
        app.router.add_route("POST", f"/api/v1/{path}", _answering(handler))
    app.router.add_route("GET", "/api/v1/label/{name}/values", _answering(pages.label_values))
    for path, page in status.pages().items():
        app.router.add_route("GET", f"/api/v1/{path}", _answering(page))
    app.router.add_route("OPTIONS", "/api/v1/{anything:.*}", _options)
    app.router.add_get("/-/ready", _ready)
    app.router.add_get("/-/healthy", _healthy)
    app.router.add_route("OPTIONS", "/-/{page:ready|healthy}", _options_of_a_page)
    app.on_cleanup.append(lambda _: _closed(storage))
    return app


async def _closed(storage: Storage) -> None:
    storage.close()


async def _ready(request: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Ready.\n")


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="Prometheus Server is Healthy.\n")


async def _options(request: web.Request) -> web.Response:
    return web.Response(status=204)


async def _options_of_a_page(request: web.Request) -> web.Response:
    return web.Response(headers={"Allow": "GET, HEAD, OPTIONS"})


@web.middleware
async def _as_go_refuses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A path or method that nothing serves is refused in the real server's words."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refusal:
        allowed = sorted({"GET", "OPTIONS"} | refusal.allowed_methods)
        if refusal.allowed_methods == {"OPTIONS"}:
            return web.Response(status=404, text="404 page not found\n")
        return web.Response(status=405, text="Method Not Allowed\n", headers={"Allow": ", ".join(allowed)})
    except web.HTTPNotFound:
        return web.Response(status=404, text="404 page not found\n")


def _answering(handler: _Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            body, status = {"status": "success", "data": await handler(request)}, 200
        except QueryError as error:
            body = {"status": "error", "errorType": error.error_type, "error": str(error)}
            status = error.status
        return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")

    return answer


class _QueryPages:
    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now

    async def query(self, request: web.Request) -> object:
        form = await Form.of(request)
        at = form.moment("time", self._now())
        limit = form.time_limit(query.QUERY_TIMEOUT)
        text = form.one("query")
        try:
            query.parse(text)
        except BadQuery as error:
            raise bad_parameter("query", error) from error
        return _result(await self._storage.read(query.instant, text, at, query.Limit(limit)))

    async def query_range(self, request: web.Request) -> object:
        form = await Form.of(request)
        start, end = form.moment("start"), form.moment("end")
        if end < start:
            raise bad_parameter("end", "end timestamp must not be before start time")
        step = form.duration("step")
        if step <= 0:
            raise bad_parameter(
                "step", "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        if (end - start) // step > query.MOST_POINTS:
            raise BadQuery(
                "exceeded maximum resolution of 11,000 points per timeseries. "
                "Try decreasing the query resolution (?step=XX)"
            )
        limit = form.time_limit(query.QUERY_TIMEOUT)
        text = form.one("query")
        query.parse(text)
        return _result(await self._storage.read(query.over_range, text, start, end, step, query.Limit(limit)))

    async def series(self, request: web.Request) -> object:
        form = await Form.of(request)
        if not form.every("match[]"):
            raise BadQuery("no match[] parameter provided")
        start, end = _span(form)
        try:
            found = self._chosen(form)
        except BadQuery as error:
            raise bad_parameter("match[]", error) from error
        return [dict(each.labels) for each in found if each.size and each.oldest <= end and each.newest >= start]

    async def labels(self, request: web.Request) -> object:
        found = self._named(await Form.of(request))
        return sorted({name for each in found for name, _ in each.labels})

    async def label_values(self, request: web.Request) -> object:
        wanted = request.match_info["name"]
        if not _LABEL_NAME.fullmatch(wanted):
            raise BadQuery(f'invalid label name: "{wanted}"')
        found = self._named(await Form.of(request))
        return sorted({value for each in found for name, value in each.labels if name == wanted})

    def _named(self, form: Form) -> list[Series]:
        """What label names and values are taken from: as in the server's head block, `start` and `end` choose all of
        what is stored or nothing."""
        start, end = _span(form)
        chosen = self._chosen(form) if form.every("match[]") else list(self._storage)
        oldest, newest = self._storage.bounds()
        return chosen if oldest * 1000 <= end and newest * 1000 >= start else []

    def _chosen(self, form: Form) -> list[Series]:
        """The series that any `match[]` names, sorted by labels."""
        selected = [read_selector(text) for text in form.every("match[]")]
        for matchers in selected:
            if all(matcher.accepts_value("") for matcher in matchers):
                raise BadQuery("match[] must contain at least one non-empty matcher")
        found = {id(each): each for matchers in selected for each in self._storage.select(matchers)}
        return sorted(found.values(), key=lambda each: each.labels)


def _span(form: Form) -> tuple[float, float]:
    """`start` and `end` in milliseconds, everything without them."""
    return form.moment("start", -math.inf) * 1000, form.moment("end", math.inf) * 1000


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
