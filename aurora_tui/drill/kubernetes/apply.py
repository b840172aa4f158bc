"""Server-side apply: what the object becomes, who owns what then, and which conflicts forbid it (pure)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from aurora_tui.drill.kubernetes.ownership import (
    ATOMIC,
    ATOMIC_MAPS,
    LIST_KEYS,
    Manager,
    Object,
    Owners,
    Path,
    applied_paths,
    conflicts,
    flat,
    shown,
    step_of,
)
from aurora_tui.drill.kubernetes.schema import types
from aurora_tui.drill.kubernetes.status import Refused

_BEFORE = "before-first-apply"


def applied(
    type_: str, live: Mapping[str, Any], config: Object, manager: Manager, force: bool, now: str
) -> tuple[Object, list[Object]]:
    """(the object, its managedFields) after `config` is applied to `live`; Refused 409 on conflicts without force."""
    entries = live["metadata"].get("managedFields") or []
    owners = Owners(entries)
    there = flat(type_, live)
    if not entries:
        owners.sets[Manager(_BEFORE, manager.api_version)] = set(there)
    asked = applied_paths(type_, config)
    clashes = conflicts(owners, manager, asked, there)
    if clashes and not force:
        raise _refusal(owners, clashes)
    for other, path in clashes:
        owners.sets[other].discard(path)
    had = owners.sets.get(manager, set())
    given_up = had - asked.keys()
    owners.sets[manager] = set(asked)
    thing = _merged(type_, copy.deepcopy(dict(live)), config, "", "")
    kept = owners.others(manager) | asked.keys()
    for path in sorted(given_up, key=len):  # an item before its fields: without its key it could not be found
        if not any(held[: len(path)] == path for held in kept):
            _drop(type_, thing, path)
    if had != owners.sets[manager] or flat(type_, thing) != there:
        owners.wrote.add(manager)
    return thing, owners.entries(now)


def _refusal(owners: Owners, clashes: list[tuple[Manager, Path]]) -> Refused:
    """409, in the real server's words."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {owners.said(other)}", "field": shown(path)}
        for other, path in clashes
    ]
    if len(clashes) == 1:
        other, path = clashes[0]
        message = f"Apply failed with 1 conflict: conflict with {owners.said(other)}: {shown(path)}"
    else:
        by_owner: dict[Manager, list[str]] = {}
        for other, path in clashes:
            by_owner.setdefault(other, []).append(f"- {shown(path)}")
        told = (f"conflicts with {owners.said(other)}:\n" + "\n".join(paths) for other, paths in by_owner.items())
        message = f"Apply failed with {len(clashes)} conflicts: " + "\n".join(told)
    return Refused(409, "Conflict", message, {"causes": causes})


def _merged(type_: str, old: Any, new: Any, owner: str, field: str) -> Any:
    """`old` with what `new` says: structs and maps merge, lists with keys merge by them, anything else is replaced."""
    if type_[0] == "[" and isinstance(old, list) and (keys := LIST_KEYS.get((owner, field))) is not None:
        items = {step_of(keys, item): item for item in old}
        for item in new:
            step = step_of(keys, item)
            items[step] = _merged(type_[1:], items[step], item, owner, "") if keys and step in items else item
        return list(items.values())
    fields = types().get(type_)
    mergeable = (fields is not None and type_ not in ATOMIC) or (type_[0] == "{" and (owner, field) not in ATOMIC_MAPS)
    if not mergeable or not isinstance(old, dict) or not isinstance(new, dict):
        return new
    result = dict(old)
    for name, item in new.items():
        inner = type_[1:] if fields is None else fields[name].type if name in fields else "any"
        result[name] = _merged(inner, old[name], item, type_, name) if name in old else item
    return result


def _drop(type_: str, thing: Any, path: Path) -> None:
    """Take the field or item at `path` away, and the map or list that it leaves empty."""
    step, rest = path[0], path[1:]
    name, fields = step[2:], types().get(type_)
    if not isinstance(thing, dict) or name not in thing:
        return
    inner = type_[1:] if fields is None else fields[name].type
    if not rest:
        del thing[name]
        return
    if rest[0][0] == "f":
        _drop(inner, thing[name], rest)
    else:
        keys = LIST_KEYS.get((type_, name), ())
        place = next((i for i, item in enumerate(thing[name]) if step_of(keys, item) == rest[0]), None)
        if place is None:
            return
        if len(rest) == 1:
            del thing[name][place]
        else:
            _drop(inner[1:], thing[name][place], rest[1:])
    if not thing[name] and inner[0] in "[{":
        del thing[name]
