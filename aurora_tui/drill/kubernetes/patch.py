"""The three ways to patch an object: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch."""

from __future__ import annotations

import copy
from typing import Any

from aurora_tui.drill.kubernetes.status import bad_request, patch_rejected

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "conditions": ("type",),
    "containerStatuses": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "ports": ("containerPort", "port"),
}
"""Lists that strategic merge patch merges by key (from the API's patchMergeKey marks); other lists are replaced."""

MERGED_PRIMITIVES = frozenset({"finalizers"})


def json_patch(document: Any, operations: Any) -> Any:
    """`document` after RFC 6902 `operations`; Refused 422 when one does not apply, 400 when they are not a patch."""
    if not isinstance(operations, list) or any(not isinstance(o, dict) or "path" not in o for o in operations):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document = copy.deepcopy(document)
    for operation in operations:
        document = _one(document, operation)
    return document


def _one(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation.get("op"), _steps(operation["path"])
    if name in ("move", "copy"):
        source = _steps(str(operation.get("from")))
        value = copy.deepcopy(_at(document, source))
        if name == "move":
            _drop(document, source)
        return _put(document, path, value, insert=True)
    if name == "test":
        if _at(document, path) != operation.get("value"):
            raise patch_rejected()
    elif name == "remove":
        _at(document, path)
        _drop(document, path)
    elif name == "add":
        return _put(document, path, operation.get("value"), insert=True)
    elif name == "replace":
        _at(document, path)
        return _put(document, path, operation.get("value"), insert=False)
    else:
        raise patch_rejected()
    return document


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise patch_rejected()
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _child(parent: Any, step: str) -> Any:
    if isinstance(parent, dict) and step in parent:
        return parent[step]
    if isinstance(parent, list) and step.isdigit() and int(step) < len(parent):
        return parent[int(step)]
    raise patch_rejected()


def _at(document: Any, path: list[str]) -> Any:
    for step in path:
        document = _child(document, step)
    return document


def _drop(document: Any, path: list[str]) -> None:
    parent = _at(document, path[:-1])
    if isinstance(parent, list):
        del parent[int(path[-1])]
    else:
        del parent[path[-1]]


def _put(document: Any, path: list[str], value: Any, insert: bool) -> Any:
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and insert and last == "-":
        parent.append(value)
    elif isinstance(parent, list) and last.isdigit() and int(last) < len(parent) + insert:
        if insert:
            parent.insert(int(last), value)
        else:
            parent[int(last)] = value
    else:
        raise patch_rejected()
    return document


def merge_patch(document: Any, patch: Any) -> Any:
    """`document` after RFC 7386 `patch`: objects merge, null deletes, anything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge(document: Any, patch: Any) -> Any:
    """`document` after a strategic merge patch: lists named in MERGE_KEYS merge by key, with the `$` directives."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field) or [] if item not in value]
        elif key == "$retainKeys":
            result = {name: kept for name, kept in result.items() if name in value}
        elif key.startswith("$"):
            continue
        elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            result.pop(key, None)
        elif isinstance(value, list):
            result[key] = _merge_list(key, result.get(key) or [], value)
        else:
            result[key] = strategic_merge(result.get(key), value)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            field = key.partition("/")[2]
            if field in result:
                result[field] = _ordered(field, result[field], order)
    return result


def _merge_key(field: str, items: list[Any]) -> str | None:
    for key in MERGE_KEYS.get(field, ()):
        if all(isinstance(item, dict) and key in item for item in items if "$patch" not in item or len(item) > 1):
            return key
    return None


def _merge_list(field: str, old: list[Any], patch: list[Any]) -> list[Any]:
    if field in MERGED_PRIMITIVES:
        return old + [item for item in patch if item not in old]
    key = _merge_key(field, patch)
    if key is None:
        return copy.deepcopy(patch)
    if any(item == {"$patch": "replace"} for item in patch):
        return [copy.deepcopy(item) for item in patch if item != {"$patch": "replace"}]
    merged = list(old)
    for item in patch:
        place = next((i for i, kept in enumerate(merged) if kept.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if place is not None:
                del merged[place]
        elif place is None:
            merged.append(strategic_merge({}, item))
        else:
            merged[place] = strategic_merge(merged[place], item)
    return merged


def _ordered(field: str, items: list[Any], order: list[Any]) -> list[Any]:
    """`items` in the patch's order; those it does not name keep their place behind."""
    key = _merge_key(field, order)
    places = {(item.get(key) if key else item): place for place, item in enumerate(order)}
    return sorted(items, key=lambda item: places.get(item.get(key) if key else item, len(places)))
