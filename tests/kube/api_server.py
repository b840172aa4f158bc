"""A small Kubernetes API on loopback: it holds what a test puts into it and misbehaves when told to."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

RECORDINGS = Path(__file__).parent / "recordings"
Misdeed = Callable[[web.Request], Awaitable[web.StreamResponse]]


def recording(name: str) -> Any:
    """A recorded answer of a real API server (kube-apiserver 1.35)."""
    return json.loads((RECORDINGS / name).read_text())


def pod(name: str, uid: str | None = None, namespace: str = "prod", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": uid or f"uid-{name}"},
        "spec": {"containers": [{"name": "bridge", "image": "bridge:1"}]},
        "status": {"phase": "Running"} | status,
    }


def status_body(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class ApiServer:
    """Lists with pages, watches with history, /readyz, /version and the reviews.

    `misdeeds[where]` are done once each, in order, instead of the right answer; `where` is "list", "watch" or a
    path. `always` is done every time. `requests` is every path asked for, with its query.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.objects: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.history: list[tuple[int, str, str, dict[str, Any]]] = []
        self.version = 100
        self.compacted = 0
        self.requests: list[str] = []
        self.headers: list[Any] = []
        self.misdeeds: dict[str, list[Misdeed]] = defaultdict(list)
        self.always: dict[str, Misdeed] = {}
        self.namespaces: dict[str, str] = {}  # uids that are not `uid-NAME`
        self.present = {"pods", "deployments", "replicasets", "events"}
        self.watches: list[asyncio.Transport] = []
        self._changed = asyncio.Condition()
        self._server: TestServer | None = None

    async def __aenter__(self) -> ApiServer:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1", scheme="https" if self._tls else "http")
        await self._server.start_server(shutdown_timeout=0.1, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await self._server.close()

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return len(self.watches)

    def cut(self) -> None:
        """Break every open watch, as a load balancer does when it restarts."""
        for transport in self.watches:
            transport.abort()

    @property
    def url(self) -> str:
        assert self._server is not None
        return str(self._server.make_url("")).rstrip("/")

    def path(self, resource: str, namespace: str = "prod") -> str:
        group = "apis/apps/v1" if resource in ("deployments", "replicasets") else "api/v1"
        return f"/{group}/namespaces/{namespace}/{resource}"

    async def put(self, path: str, item: dict[str, Any]) -> None:
        self.version += 1
        item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        uid = item["metadata"]["uid"]
        kind = "MODIFIED" if uid in self.objects[path] else "ADDED"
        self.objects[path][uid] = item
        await self._remember(kind, path, item)

    async def delete(self, path: str, uid: str) -> None:
        self.version += 1
        item = self.objects[path].pop(uid)
        gone = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        await self._remember("DELETED", path, gone)

    async def _remember(self, kind: str, path: str, item: dict[str, Any]) -> None:
        self.history.append((self.version, path, kind, item))
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        self.headers.append(request.headers)
        kind = "watch" if "watch" in request.query else "list" if "/namespaces/" in request.path else request.path
        for where in (kind, request.path):
            if self.misdeeds[where]:
                return await self.misdeeds[where].pop(0)(request)
            if where in self.always:
                return await self.always[where](request)
        if request.path == "/readyz":
            return web.Response(text="ok")
        if request.path == "/version":
            return web.json_response({"gitVersion": "v1.35.0"})
        if request.path.endswith("/selfsubjectreviews"):
            return web.json_response({"status": {"userInfo": {"username": "ada"}}}, status=201)
        if request.path.endswith("/selfsubjectaccessreviews"):
            asked = (await request.json())["spec"]["resourceAttributes"]
            return web.json_response({"status": {"allowed": asked["resource"] != "events"}}, status=201)
        if request.path.endswith("/log"):
            return web.Response(text="one\n\x1b[31mtwo\n")
        parts = request.path.split("/")
        if len(parts) == 5 and parts[3] == "namespaces":
            uid = self.namespaces.get(parts[4], f"uid-{parts[4]}")
            return web.json_response({"metadata": {"name": parts[4], "uid": uid}, "status": {"phase": "Active"}})
        if parts[-1] not in self.present:
            return web.json_response(status_body(404, "NotFound", "not here"), status=404)
        return await (self._watch(request) if "watch" in request.query else self._list(request))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        items = list(self.objects[request.path].values())
        version, start = self.version, 0
        if "continue" in request.query:
            version, start = json.loads(base64.b64decode(request.query["continue"]))
        limit = int(request.query.get("limit", "0")) or len(items)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if start + limit < len(items):
            metadata["continue"] = base64.b64encode(json.dumps([version, start + limit]).encode()).decode()
        return web.json_response({"metadata": metadata, "items": items[start : start + limit] or None})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        response = await open_stream(request)
        if since < self.compacted:
            await send(response, "ERROR", status_body(410, "Expired", f"too old resource version: {since}"))
            return response
        if since > self.version:
            return response
        position = 0
        assert isinstance(request.transport, asyncio.Transport)
        transport = request.transport
        self.watches.append(transport)
        try:
            while True:
                while position < len(self.history):
                    version, path, kind, item = self.history[position]
                    position += 1
                    if version > since and path == request.path:
                        await send(response, kind, item)
                async with self._changed:
                    if position >= len(self.history):
                        await self._changed.wait()
        finally:
            self.watches.remove(transport)


async def open_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


async def send(response: web.StreamResponse, kind: str, item: dict[str, Any]) -> None:
    await response.write(json.dumps({"type": kind, "object": item}).encode() + b"\n")


def fails(code: int, reason: str = "", message: str = "no", **headers: str) -> Misdeed:
    async def misdeed(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(status_body(code, reason, message), status=code, headers=named)

    return misdeed


def page(code: int, html: str = "<html><title>Bad Gateway</title></html>") -> Misdeed:
    async def misdeed(request: web.Request) -> web.StreamResponse:
        return web.Response(text=html, status=code, content_type="text/html")

    return misdeed


def error_event(code: int, reason: str) -> Misdeed:
    async def misdeed(request: web.Request) -> web.StreamResponse:
        response = await open_stream(request)
        await send(response, "ERROR", status_body(code, reason, "too old resource version: 5 (901)"))
        return response

    return misdeed


def writes(*lines: bytes) -> Misdeed:
    """A stream of these lines, then its end."""

    async def misdeed(request: web.Request) -> web.StreamResponse:
        response = await open_stream(request)
        for line in lines:
            await response.write(line)
        return response

    return misdeed


closes_at_once = writes()


async def hangs(request: web.Request) -> web.StreamResponse:
    """Headers, then nothing more."""
    response = await open_stream(request)
    await asyncio.Event().wait()
    return response


async def cuts(request: web.Request) -> web.StreamResponse:
    """The connection breaks in the middle of an answer."""
    response = await open_stream(request)
    await response.write(b'{"type":"ADDED","obj')
    assert request.transport is not None
    request.transport.close()
    return response
