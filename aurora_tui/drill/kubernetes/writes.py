"""Create, replace, patch and delete, as a request asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from aurora_tui.drill.kubernetes.call import Call, Object, decoding, json_body
from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.lists import page
from aurora_tui.drill.kubernetes.patch import json_patch, merge_patch, strategic_merge
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.kubernetes.scale import scale_of, scaled
from aurora_tui.drill.kubernetes.status import bad_request, conflict, method_not_allowed, success, unsupported_media
from aurora_tui.drill.kubernetes.store import Entry

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge,
}
_APPLY = "application/apply-patch+yaml"
_POLICIES = ("Background", "Foreground", "Orphan")


def answer(body: bytes | Object, code: int = 200) -> web.Response:
    """A JSON response."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return web.Response(
        body=raw, status=code, headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    )


def _same_kind(kind: Kind, body: Object) -> None:
    said = (body.get("apiVersion", kind.api_version), body.get("kind", kind.name))
    if said != (kind.api_version, kind.name):
        raise bad_request(
            f'{said[1]} in version "{str(said[0]).rpartition("/")[2]}" cannot be handled as a {kind.name}: no kind '
            f'"{said[1]}" is registered for version "{said[0]}"'
        )


async def create(call: Call) -> web.Response:
    """POST to a collection."""
    kind = call.target.kind
    if call.target.name:
        raise method_not_allowed()
    body = await json_body(call.request, kind.name)
    _same_kind(kind, body)
    entry = call.cluster.registry.create(kind, body, call.home, call.dry_run)
    return answer(entry.json, 201)


async def replace(call: Call) -> web.Response:
    """PUT an object, its status or its scale."""
    target = call.target
    if not target.name or target.subresource == "log":
        raise method_not_allowed()
    before = call.cluster.registry.find(target.kind, call.home, target.name)
    if target.subresource == "scale":
        body = await json_body(call.request, "Scale")
        return _update(call, before, scaled(before, body))
    body = await json_body(call.request, target.kind.name)
    _same_kind(target.kind, body)
    name = (body.get("metadata") or {}).get("name", target.name)
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    return _update(call, before, body, put=True)


async def patch(call: Call) -> web.Response:
    """PATCH an object, its status or its scale: JSON patch, merge patch, strategic merge patch."""
    target = call.target
    if not target.name or target.subresource == "log":
        raise method_not_allowed()
    apply_patch = _PATCHES.get(call.request.content_type)
    custom = "." in target.kind.group and not target.kind.group.endswith("coordination.k8s.io")
    if apply_patch is None or (custom and apply_patch is strategic_merge):
        known = call.request.content_type in (_APPLY, *_PATCHES)
        accepted = [media for media, way in _PATCHES.items() if not (custom and way is strategic_merge)]
        raise unsupported_media(accepted if known else None)
    raw = await call.request.read()
    before = call.cluster.registry.find(target.kind, call.home, target.name)
    try:
        wanted = json.loads(raw)
    except ValueError as wrong:
        raise bad_request(f"error decoding patch: {decoding(wrong, raw)}") from wrong
    if apply_patch is not json_patch and not isinstance(wanted, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    if target.subresource == "scale":
        return _update(call, before, scaled(before, apply_patch(scale_of(before), wanted)))
    head = {"kind": target.kind.name, "apiVersion": target.kind.api_version}
    after = apply_patch({**head, **before.copy()}, wanted)
    if not isinstance(after, dict) or not isinstance(after.get("metadata"), dict):
        raise bad_request("the patched object has no metadata")
    if after["metadata"].get("name") != target.name:
        name = after["metadata"].get("name")
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    _same_kind(target.kind, after)
    return _update(call, before, after)


def _update(call: Call, before: Entry, after: Object, put: bool = False) -> web.Response:
    status = call.target.subresource == "status"
    entry = call.cluster.registry.update(call.target.kind, before, after, call.dry_run, status=status, put=put)
    return answer(scale_of(entry) if call.target.subresource == "scale" else entry.json)


async def delete(call: Call) -> web.Response:
    """DELETE an object, or the selected ones of a collection."""
    target, registry = call.target, call.cluster.registry
    if target.subresource:
        raise method_not_allowed()
    options = await _delete_options(call)
    if not target.name:
        if "deletecollection" not in target.kind.verbs or (target.kind.namespaced and target.namespace is None):
            raise method_not_allowed()
        doomed = page(call.cluster.store, target.kind, target.namespace, call.request.query)
        for entry in doomed.entries:
            registry.delete(entry, options, call.dry_run)
        return answer(list_json(target.kind, doomed.entries, doomed.meta()))
    entry = registry.find(target.kind, call.home, target.name)
    last, gone = registry.delete(entry, options, call.dry_run)
    if gone and not target.kind.answers_with_object:
        return answer(success(target.kind, target.name, entry.thing["metadata"]["uid"]))
    return answer(last.json)


async def _delete_options(call: Call) -> DeleteOptions:
    """From the body (DeleteOptions) and, over it, the query."""
    raw = await call.request.read()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as wrong:
        raise bad_request(f"error decoding delete options: {decoding(wrong, raw)}") from wrong
    query, demands = call.request.query, body.get("preconditions") or {}
    policy = query.get("propagationPolicy") or body.get("propagationPolicy") or "Background"
    if body.get("orphanDependents") or query.get("orphanDependents") == "true":
        policy = "Orphan"
    if policy not in _POLICIES:
        known = ", ".join(f'"{one}"' for one in (*_POLICIES, "nil"))
        why = f'Unsupported value: "{policy}": supported values: {known}'
        raise bad_request(f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {why}')
    grace = query.get("gracePeriodSeconds", body.get("gracePeriodSeconds"))
    if grace is not None and int(grace) < 0:
        raise conflict(call.target.kind, call.target.name, "gracePeriodSeconds must be 0 or more")
    return DeleteOptions(
        None if grace is None else int(grace), policy, demands.get("uid"), demands.get("resourceVersion")
    )


def list_json(kind: Kind, entries: list[Entry], meta: Object) -> bytes:
    """A list's JSON, put together from what its objects were encoded to before."""
    head = b'{"kind":"%sList","apiVersion":"%s","metadata":%s,"items":[' % (
        kind.name.encode(),
        kind.api_version.encode(),
        msgspec.json.encode(meta),
    )
    return head + b",".join([entry.item for entry in entries]) + b"]}"
