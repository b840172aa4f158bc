"""The Kubernetes API over HTTP: from path and method to what answers, and every refusal as a Status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from aurora_tui.drill.kubernetes import deletes, discovery, openapi, podlog, table, watch, writes
from aurora_tui.drill.kubernetes.answers import answer, list_json
from aurora_tui.drill.kubernetes.auth import Authenticator, review
from aurora_tui.drill.kubernetes.bodies import json_body
from aurora_tui.drill.kubernetes.call import Call, target_of
from aurora_tui.drill.kubernetes.cluster import Cluster
from aurora_tui.drill.kubernetes.lists import page
from aurora_tui.drill.kubernetes.options import version
from aurora_tui.drill.kubernetes.roles import User, forbidden, wish_of
from aurora_tui.drill.kubernetes.scale import scale_of
from aurora_tui.drill.kubernetes.status import Refused, method_not_allowed, too_large, version_too_large
from aurora_tui.drill.kubernetes.store import Entry
from aurora_tui.drill.kubernetes.watch import WatchHub

_HUB = web.AppKey("hub", WatchHub)
_BODY_BYTES = 3 * 1024 * 1024
"""etcd's limit of 1.5 MB and some; more is answered 413."""


def kubernetes_app(cluster: Cluster, tokens: Mapping[str, str | User] | Authenticator) -> web.Application:
    """The API server of `cluster`. tokens: bearer token → user (see `roles`); a bare name is an administrator's."""
    door = tokens if isinstance(tokens, Authenticator) else Authenticator(tokens)
    hub = WatchHub(cluster.store)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            user = door.user(request)
            return await _dispatch(cluster, hub, request, user)
        except web.HTTPRequestEntityTooLarge:
            refusal = too_large(_BODY_BYTES)
            return answer(refusal.body, refusal.code)
        except Refused as refusal:
            response = answer(refusal.body, refusal.code)
            if "retryAfterSeconds" in refusal.body.get("details", {}):
                response.headers["Retry-After"] = str(refusal.body["details"]["retryAfterSeconds"])
            return response

    async def stop(_: web.Application) -> None:
        hub.end_all()

    app = web.Application(client_max_size=_BODY_BYTES)
    app[_HUB] = hub
    app.router.add_route("*", "/{path:.*}", handle)
    app.on_shutdown.append(stop)
    return app


def _nothing_here() -> web.Response:
    """What the real server's mux says: text, not a Status."""
    return web.Response(text="404 page not found\n", status=404)


async def _dispatch(cluster: Cluster, hub: WatchHub, request: web.Request, user: User) -> web.StreamResponse:
    parts = [part for part in request.path.split("/") if part]
    wish = wish_of(request.method, parts, request.query)
    if not user.may(wish):
        raise forbidden(user, wish)
    if not parts or parts[0] not in ("api", "apis") or len(parts) < (3 if parts[0] == "api" else 4):
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed()
        return _about(request, parts)
    if parts[0] == "apis" and len(parts) == 4 and parts[3] in discovery.REVIEWS.get(parts[1], ()) and parts[2] == "v1":
        if request.method != "POST":
            raise method_not_allowed()
        body = await json_body(request, discovery.REVIEWS[parts[1]][parts[3]])
        return answer(review(parts[3], body, user, cluster.now()), 201)
    target = target_of(parts)
    if target is None:
        return _nothing_here()
    return await _serve(Call(cluster, request, target, user), hub)


def _about(request: web.Request, parts: list[str]) -> web.Response:
    """Discovery and health."""
    if parts and parts[0] in ("livez", "readyz", "healthz"):
        return web.Response(text=discovery.health(parts[0], "verbose" in request.query))
    if parts == ["version"]:
        return answer(discovery.VERSION)
    found: bytes | dict[str, Any] | None = None
    if parts[:2] == ["openapi", "v3"]:
        found = openapi.document("/".join(parts[2:])) if parts[2:] else openapi.index()
    elif parts == ["api"]:
        found = discovery.api_versions(request.host)
    elif parts == ["apis"]:
        found = discovery.group_list()
    elif len(parts) == 2:
        found = discovery.resource_list("", parts[1]) if parts[0] == "api" else discovery.group(parts[1])
    elif len(parts) == 3:
        found = discovery.resource_list(parts[1], parts[2])
    return _nothing_here() if found is None else answer(found)


async def _serve(call: Call, hub: WatchHub) -> web.StreamResponse:
    method, target = call.request.method, call.target
    watching = call.request.query.get("watch") in ("true", "1")
    target.check_verb(method, watching)
    if method in ("GET", "HEAD"):
        if watching and not target.subresource:
            return await watch.serve(call, hub)
        if target.subresource == "log":
            return await podlog.serve(call)
        return _one(call) if target.name else _many(call)
    if method == "POST":
        return await writes.create(call)
    if method == "PUT":
        return await writes.replace(call)
    if method == "PATCH":
        return await writes.patch(call)
    if method == "DELETE":
        return await deletes.delete(call)
    raise method_not_allowed()


def _one(call: Call) -> web.Response:
    form, asked = call.wants(), version(call.request.query)
    if asked > call.cluster.store.revision:
        raise version_too_large(asked, call.cluster.store.revision)
    entry = call.cluster.registry.find(call.target.kind, call.home, call.target.name)
    if call.target.subresource == "scale":
        return answer(scale_of(entry))
    if form == "Table":
        return _table(call, [entry], {"resourceVersion": entry.thing["metadata"]["resourceVersion"]})
    return answer(table.partial(entry) if form == "Partial" else call.shown(entry))


def _many(call: Call) -> web.Response:
    form, kind = call.wants(), call.target.kind
    found = page(call.cluster.store, kind, call.target.namespace, call.request.query)
    if form == "Table":
        return _table(call, found.entries, found.meta())
    if form == "Partial":
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": found.meta()}
        return answer({**head, "items": [table.partial(entry) for entry in found.entries]})
    if call.target.spoken is not None:
        head = {"kind": f"{kind.name}List", "apiVersion": call.spoken.api_version, "metadata": found.meta()}
        return answer({**head, "items": [call.shown(entry) for entry in found.entries]})
    return answer(list_json(kind, found.entries, found.meta()))


def _table(call: Call, entries: list[Entry], meta: dict[str, object]) -> web.Response:
    include = call.request.query.get("includeObject", "Metadata")
    made = table.table(call.target.kind, entries, meta, call.cluster.now(), whole=include == "Object")
    if include == "None":
        for row in made["rows"]:
            row.pop("object")
    return answer(made)
