"""Create, replace, patch and apply, as a request asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes import autoscaling_v1, deletes, options
from aurora_tui.drill.kubernetes.admission import Attempt
from aurora_tui.drill.kubernetes.answers import answer
from aurora_tui.drill.kubernetes.apply import applied
from aurora_tui.drill.kubernetes.bodies import decoding, json_body, typed, yaml_object
from aurora_tui.drill.kubernetes.call import Call, Object
from aurora_tui.drill.kubernetes.kinds import HTTP_ROUTE, Kind
from aurora_tui.drill.kubernetes.ownership import Manager, written_by
from aurora_tui.drill.kubernetes.patch import json_patch, merge_patch, strategic_merge
from aurora_tui.drill.kubernetes.registry import Owning
from aurora_tui.drill.kubernetes.roles import Wish, forbidden
from aurora_tui.drill.kubernetes.scale import scale_of, scaled
from aurora_tui.drill.kubernetes.schema import Misread, understood
from aurora_tui.drill.kubernetes.status import (
    Refused,
    bad_request,
    conflict,
    method_not_allowed,
    unsupported_media,
)
from aurora_tui.drill.kubernetes.store import Entry

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge,
}
_APPLY = "application/apply-patch+yaml"
_READ_ONLY = ("log", "eviction")


def _same_kind(kind: Kind, body: Object) -> None:
    said = (body.get("apiVersion", kind.api_version), body.get("kind", kind.name))
    if said != (kind.api_version, kind.name):
        raise bad_request(
            f'{said[1]} in version "{str(said[0]).rpartition("/")[2]}" cannot be handled as a {kind.name}: no kind '
            f'"{said[1]}" is registered for version "{said[0]}"'
        )


def _same_name(call: Call, thing: Object) -> None:
    name = (thing.get("metadata") or {}).get("name", call.target.name)
    if name != call.target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.target.name})")


def _read(call: Call, body: Any, type_: str = "") -> Object:
    """The object of a create or a PUT; Refused 400."""
    thing, unknown = typed(type_ or call.target.kind.name, body, call.subject)
    if wrong := call.tell(unknown):
        raise bad_request(f"{call.subject}: {wrong}")
    return thing


def _owning(call: Call) -> Owning:
    """The writer owns what it changes."""
    name, now = options.field_manager(call.request), iso(call.cluster.now())
    return written_by(name, call.target.kind, now, call.target.subresource)


async def create(call: Call) -> web.Response:
    """POST to a collection, or an Eviction to a pod."""
    kind = call.target.kind
    if call.target.subresource == "eviction":
        return await deletes.evict(call)
    if call.target.name:
        raise method_not_allowed()
    body = await json_body(call.request, kind.name)
    _same_kind(call.spoken, body)
    if call.target.spoken is not None:
        body, unknown = autoscaling_v1.newer(body, call.subject)
        if wrong := call.tell(unknown):
            raise bad_request(f"{call.subject}: {wrong}")
    thing = _read(call, body)
    entry = call.cluster.registry.create(kind, thing, call.home, call.dry_run, _owning(call))
    return answer(call.shown(entry), 201, call.warnings)


async def replace(call: Call) -> web.Response:
    """PUT an object, its status or its scale."""
    target = call.target
    if not target.name or target.subresource in _READ_ONLY:
        raise method_not_allowed()
    before = call.cluster.registry.find(target.kind, call.home, target.name)
    if target.subresource == "scale":
        body = _read(call, await json_body(call.request, "Scale"), "Scale")
        return _update(call, before, scaled(before, body))
    body = await json_body(call.request, target.kind.name)
    _same_kind(target.kind, body)
    body = _read(call, body)
    _same_name(call, body)
    return _update(call, before, body, put=True)


async def patch(call: Call) -> web.Response:
    """PATCH an object, its status or its scale: JSON patch, merge patch, strategic merge patch, server-side apply."""
    target, media = call.target, call.request.content_type
    if not target.name or target.subresource in _READ_ONLY:
        raise method_not_allowed()
    custom = target.kind is HTTP_ROUTE  # the one custom resource: those have no strategic merge
    spoken = [one for one in _PATCHES if not (custom and _PATCHES[one] is strategic_merge)]
    if media == _APPLY and target.subresource != "scale":
        return await _apply(call)
    if media not in spoken:
        raise unsupported_media(spoken if media in (_APPLY, *_PATCHES) else None)
    raw = await call.request.read()
    before = call.cluster.registry.find(target.kind, call.home, target.name)
    try:
        wanted = json.loads(raw)
    except ValueError as wrong:
        raise bad_request(f"error decoding patch: {decoding(wrong, raw)}") from wrong
    if _PATCHES[media] is not json_patch and not isinstance(wanted, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    if target.subresource == "scale":
        scale = _patched(call, "Scale", _PATCHES[media](scale_of(before), wanted))
        return _update(call, before, scaled(before, scale))
    head = {"kind": target.kind.name, "apiVersion": target.kind.api_version}
    after = _PATCHES[media]({**head, **before.copy()}, wanted)
    if not isinstance(after, dict) or not isinstance(after.get("metadata"), dict):
        raise bad_request("the patched object has no metadata")
    _same_name(call, after)
    _same_kind(target.kind, after)
    return _update(call, before, _patched(call, target.kind.name, after))


def _patched(call: Call, type_: str, after: Any) -> Object:
    """What a patch has made of an object; Refused 422 when that cannot be read."""
    try:
        thing, unknown = understood(type_, after)
        wrong = call.tell(unknown)
    except Misread as misread:
        wrong = str(misread)
    if not wrong:
        return thing
    shown = json.dumps(json.dumps(after, separators=(",", ":")))
    cause = {"reason": "FieldValueInvalid", "message": f"Invalid value: {shown}: {wrong}", "field": "patch"}
    raise Refused(422, "Invalid", f' "" is invalid: patch: {cause["message"]}', {"causes": [cause]})


async def _apply(call: Call) -> web.Response:
    """Server-side apply: creates what is not there."""
    target, registry, now = call.target, call.cluster.registry, iso(call.cluster.now())
    name = options.field_manager(call.request, applying=True)
    config = yaml_object(await call.request.read())
    _same_kind(target.kind, config)
    _same_name(call, config)
    config, unknown = typed(target.kind.name, config, call.subject)
    if unknown:
        _not_declared(call, unknown)
    if "managedFields" in (config.get("metadata") or {}):
        raise bad_request("metadata.managedFields must be nil")
    manager = Manager(name, target.kind.api_version, "Apply", target.subresource)
    force = call.request.query.get("force") in ("true", "1")
    before = call.cluster.store.get(target.kind, call.home, target.name)
    aside = ("kind", "apiVersion") if target.subresource == "status" else ("kind", "apiVersion", "status")
    said = {field: config[field] for field in config if field not in aside}
    if before is None:
        if target.subresource:
            registry.find(target.kind, call.home, target.name)
        return _applied_anew(call, said, manager, now)
    version = (config.get("metadata") or {}).get("resourceVersion")
    if version not in (None, "", before.thing["metadata"]["resourceVersion"]):
        raise conflict(target.kind, target.name)
    thing, entries = applied(target.kind.name, before.thing, said, manager, force, now)
    return _update(call, before, thing, owning=lambda *_: entries)


def _applied_anew(call: Call, config: Object, manager: Manager, now: str) -> web.Response:
    """What is not there is created, by those who may."""
    target = call.target
    wish = Wish("create", target.kind.group, target.kind.version, target.kind.plural, "", target.name, call.home)
    if not call.user.may(wish):
        raise forbidden(call.user, wish)
    thing = {**config, "metadata": {**(config.get("metadata") or {}), "name": target.name}}
    empty: Object = {"metadata": {}}
    _, entries = applied(target.kind.name, empty, thing, manager, False, now)
    owned = [entry for entry in entries if entry["operation"] == "Apply"]
    entry = call.cluster.registry.create(target.kind, thing, call.home, call.dry_run, lambda *_: owned)
    return answer(entry.json, 201)


def _not_declared(call: Call, unknown: list[str]) -> None:
    """An apply of a field that the schema does not have: the real server calls it an internal error."""
    kind, field = call.target.kind, unknown[0].partition('"')[2].rstrip('"')
    what = f"{call.home}/{call.target.name}; {kind.api_version}, Kind={kind.name}"
    refusal = Refused(500, "", f"failed to create typed patch object ({what}): .{field}: field not declared in schema")
    del refusal.body["reason"]
    raise refusal


def _update(call: Call, before: Entry, after: Object, put: bool = False, owning: Owning | None = None) -> web.Response:
    target, registry = call.target, call.cluster.registry
    status, owning = target.subresource == "status", owning or _owning(call)
    if registry.judges:  # they come last: what is wrong in itself is refused before
        wanted = registry.update(target.kind, before, after, True, status=status, put=put, owning=owning)
        registry.judge(
            Attempt(
                operation="UPDATE",
                kind=target.kind,
                namespace=call.home,
                name=target.name,
                subresource=target.subresource,
                thing=wanted.thing,
            )
        )
    entry = registry.update(target.kind, before, after, call.dry_run, status=status, put=put, owning=owning)
    return answer(scale_of(entry) if call.target.subresource == "scale" else entry.json, 200, call.warnings)
