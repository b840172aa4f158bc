"""Alertmanager's HTTP API, version 2, as far as a console uses it; the rest is refused in the real server's words.

https://github.com/prometheus/alertmanager/blob/v0.25.0/api/v2/openapi.yaml
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import msgspec
from aiohttp import hdrs, web

from aurora_tui.drill.alertmanager import grouping, moments, postable_silence
from aurora_tui.drill.alertmanager.alerts import Alerts, Standing
from aurora_tui.drill.alertmanager.go_json import decode
from aurora_tui.drill.alertmanager.matchers import BadMatcher, Matcher, all_accept, parse
from aurora_tui.drill.alertmanager.re2 import BadPattern, anchored
from aurora_tui.drill.alertmanager.refusal import Refusal, required

VERSION = "0.25.0"
_TRUE = {"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}  # go-openapi/swag, ConvertBool
# 0.25 still speaks version 1. The drill does not, and says so as the first version without it does.
_V1_GONE = (
    "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - "
    "please use the equivalent route in the v2 API"
)


def alertmanager_app(alerts: Alerts, now: Callable[[], float]) -> web.Application:
    """The API as an application to serve. now: world time, Unix seconds."""
    api = _Api(alerts, now())
    app = web.Application(middlewares=[_refusals])
    app.router.add_get("/-/ready", _ok)
    app.router.add_get("/-/healthy", _ok)
    app.router.add_get("/api/v2/status", api.status)
    app.router.add_get("/api/v2/receivers", api.receivers)
    app.router.add_get("/api/v2/alerts", api.alerts)
    app.router.add_post("/api/v2/alerts", api.post_alerts)
    app.router.add_get("/api/v2/alerts/groups", api.groups)
    app.router.add_get("/api/v2/silences", api.silences)
    app.router.add_post("/api/v2/silences", api.post_silence)
    app.router.add_get("/api/v2/silence/{id}", api.silence)
    app.router.add_delete("/api/v2/silence/{id}", api.delete_silence)
    app.router.add_route("*", "/api/v1/{rest:.*}", _v1)
    return app


class _Api:
    def __init__(self, alerts: Alerts, started_at: float) -> None:
        self._alerts = alerts
        self._silences = alerts.silences
        self._started_at = started_at

    async def status(self, request: web.Request) -> web.Response:
        version = {
            "branch": "embedded",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "drill",
            "version": VERSION,
        }
        return _json(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": self._alerts.config.text},
                "uptime": moments.write(self._started_at),
                "versionInfo": version,
            }
        )

    async def receivers(self, request: web.Request) -> web.Response:
        return _json([{"name": name} for name in self._alerts.config.receivers])

    async def alerts(self, request: web.Request) -> web.Response:
        matchers, receiver = _filters(request), _receiver(request)
        wanted = _wanted(request)
        found = []
        for standing in self._alerts.firing():
            receivers = [route.receiver for route in standing.routes]
            if receiver is not None and not any(receiver.match(name) for name in receivers):
                continue
            if wanted(standing) and all_accept(matchers, standing.alert.labels):
                found.append(standing.body(receivers))
        return _json(found)

    async def groups(self, request: web.Request) -> web.Response:
        matchers, receiver = _filters(request), _receiver(request)
        wanted = _wanted(request)
        chosen = [
            standing
            for standing in self._alerts.firing()
            if wanted(standing) and all_accept(matchers, standing.alert.labels)
        ]
        return _json(grouping.groups(chosen, receiver))

    async def post_alerts(self, request: web.Request) -> web.Response:
        self._alerts.post(await _body(request, "alerts"))
        return web.Response()

    async def silences(self, request: web.Request) -> web.Response:
        now = self._silences.now()
        return _json([silence.body(now) for silence in self._silences.listed(_filters(request))])

    async def post_silence(self, request: web.Request) -> web.Response:
        posted = postable_silence.read(await _body(request, "silence"), self._silences.now())
        return _json({"silenceID": self._silences.post(posted)})

    async def silence(self, request: web.Request) -> web.Response:
        silence = self._silences.get(_silence_id(request))
        return web.Response(status=404) if silence is None else _json(silence.body(self._silences.now()))

    async def delete_silence(self, request: web.Request) -> web.Response:
        self._silences.expire(_silence_id(request))
        return web.Response()


@web.middleware
async def _refusals(request: web.Request, handler: Callable[[web.Request], object]) -> web.StreamResponse:
    """Refusals and unknown paths in the real server's shapes."""
    try:
        return await handler(request)  # type: ignore[misc, no-any-return]
    except Refusal as refusal:
        return _json(refusal.body, refusal.status)
    except web.HTTPMethodNotAllowed as error:
        allowed = ",".join(sorted(method for method in error.allowed_methods if method != hdrs.METH_HEAD))
        message = f"method {error.method} is not allowed, but [{allowed}] are"
        return _json({"code": 405, "message": message}, 405)
    except web.HTTPNotFound:
        if request.path.startswith("/api/v2/"):
            return _json({"code": 404, "message": f"path {request.path} was not found"}, 404)
        return web.Response(text="404 page not found\n", status=404)


async def _ok(request: web.Request) -> web.Response:
    return web.Response(text="OK")


async def _v1(request: web.Request) -> web.Response:
    return _json({"status": "deprecated", "error": _V1_GONE}, 410)


async def _body(request: web.Request, what: str) -> object:
    if not request.can_read_body:
        raise required(what)
    if request.content_type != "application/json":
        message = f'unsupported media type "{request.content_type}", only [application/json] are allowed'
        raise Refusal(415, message, 415)
    return decode(await request.read(), what)


def _filters(request: web.Request) -> tuple[Matcher, ...]:
    try:
        return tuple(parse(text) for text in request.query.getall("filter", []))
    except BadMatcher as error:
        raise Refusal(400, str(error)) from error


def _receiver(request: web.Request) -> re.Pattern[str] | None:
    """The last one counts; an empty one does not."""
    pattern = request.query.getall("receiver", [""])[-1]
    if not pattern:
        return None
    try:
        return anchored(pattern)
    except BadPattern as error:
        raise Refusal(400, f"failed to parse receiver param: {error}") from error


def _wanted(request: web.Request) -> Callable[[Standing], bool]:
    """By how they stand. `active=false` leaves out those that are neither silenced nor inhibited."""
    active, silenced, inhibited = (_flag(request, name) for name in ("active", "silenced", "inhibited"))
    return lambda standing: (
        (active or not standing.active)
        and (silenced or not standing.silenced_by)
        and (inhibited or not standing.inhibited_by)
    )


def _flag(request: web.Request, name: str) -> bool:
    return (request.query.getall(name, [""])[-1] or "true").lower() in _TRUE


def _silence_id(request: web.Request) -> str:
    text = request.match_info["id"]
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise Refusal(422, f'silenceID in path must be of type uuid: "{text}"', 601) from error


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body) + b"\n", status=status, content_type="application/json")
