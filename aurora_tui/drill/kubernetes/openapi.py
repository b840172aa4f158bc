"""OpenAPI v3 of the kinds served here: what kubectl reads before it applies, validates and explains.

Built from fields.txt; texts that describe fields there are none. OpenAPI v2 is not served.
https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec

from aurora_tui.drill.kubernetes.kinds import HTTP_ROUTE, KINDS, Kind
from aurora_tui.drill.kubernetes.ownership import ATOMIC, ATOMIC_MAPS, LIST_KEYS
from aurora_tui.drill.kubernetes.patch import MERGE_KEYS, MERGED_PRIMITIVES
from aurora_tui.drill.kubernetes.schema import Field, types

Object = dict[str, Any]

_SCALARS: dict[str, Object] = {
    "any": {"type": "object"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "intstr": {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
    "microtime": {"type": "string", "format": "date-time"},
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "str": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
}
_META = (
    "Condition", "DeleteOptions", "LabelSelector", "LabelSelectorRequirement", "ManagedFieldsEntry", "ObjectMeta",
    "OwnerReference", "Preconditions",
)  # fmt: skip
_PACKAGES = (
    ("io.k8s.api.apps.v1", ("Deployment", "ReplicaSet", "RollingUpdateDeployment")),
    ("io.k8s.api.autoscaling.v2", ("Horizontal", "HPA", "Metric", "CrossVersion")),
    ("io.k8s.api.policy.v1", ("PodDisruptionBudget", "Eviction")),
    ("io.k8s.api.coordination.v1", ("Lease",)),
    ("io.k8s.networking.gateway.v1", ("HTTPRoute", "HTTPBackendRef", "ParentReference")),
)
"""Which package a type is of, by how its name begins; all others are core's."""
_RETAIN_KEYS = {("DeploymentSpec", "strategy"): "retainKeys", ("PodSpec", "volumes"): "merge,retainKeys"}
_WRITE_OPTIONS = ("dryRun", "fieldManager", "fieldValidation")
_ACTIONS = {"get": "get", "put": "update", "patch": "patch", "delete": "delete"}


def _name(type_: str) -> str:
    if type_ in _META:
        return f"io.k8s.apimachinery.pkg.apis.meta.v1.{type_}"
    for package, beginnings in _PACKAGES:
        if type_.startswith(beginnings) or (package.endswith("v2") and "Metric" in type_):
            return f"{package}.{type_}"
    return f"io.k8s.api.core.v1.{type_}"


def _schema(type_: str) -> Object:
    if type_[0] == "[":
        return {"type": "array", "items": _schema(type_[1:])}
    if type_[0] == "{":
        return {"type": "object", "additionalProperties": _schema(type_[1:])}
    if type_ in types():
        return {"allOf": [{"$ref": f"#/components/schemas/{_name(type_)}"}]}
    return dict(_SCALARS[type_])


def _property(owner: str, field: Field) -> Object:
    made = _schema(field.type)
    place, inner = (owner, field.name), field.type[1:]
    if (owner, field.name) in ATOMIC_MAPS:
        made["x-kubernetes-map-type"] = "atomic"
    if field.type[0] != "[":
        if place in _RETAIN_KEYS:
            made["x-kubernetes-patch-strategy"] = _RETAIN_KEYS[place]
        return made
    keys = LIST_KEYS.get(place)
    made["x-kubernetes-list-type"] = "atomic" if keys is None else "map" if keys else "set"
    if keys:
        made["x-kubernetes-list-map-keys"] = list(keys)
    merge_key = next((key for key in MERGE_KEYS.get(field.name, ()) if key in types().get(inner, ())), None)
    if merge_key is not None:
        made["x-kubernetes-patch-merge-key"] = merge_key
    if merge_key is not None or field.name in MERGED_PRIMITIVES:
        made["x-kubernetes-patch-strategy"] = _RETAIN_KEYS.get(place, "merge")
    return made


def _definition(type_: str) -> Object:
    fields = types()[type_].values()
    made: Object = {"type": "object", "properties": {field.name: _property(type_, field) for field in fields}}
    required = [field.name for field in fields if field.required]
    if required:
        made["required"] = required
    if type_ in ATOMIC:
        made["x-kubernetes-map-type"] = "atomic"
    return made


def _reached(type_: str, found: dict[str, None]) -> None:
    """`type_` and every type it is made of."""
    bare = type_.lstrip("[{")
    if bare in types() and bare not in found:
        found[bare] = None
        for field in types()[bare].values():
            _reached(field.type, found)


def _identity(kind: Kind) -> Object:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}


def _parameters(names: tuple[str, ...]) -> list[Object]:
    return [{"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}} for name in names]


def _operation(kind: Kind, action: str, options: tuple[str, ...] = ()) -> Object:
    content = {"application/json": {"schema": _schema(kind.name)}}
    return {
        "operationId": f"{action}{kind.version.capitalize()}{kind.name}",
        "parameters": _parameters(options),
        "responses": {"200": {"description": "OK", "content": content}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _identity(kind),
    }


def _paths(kind: Kind) -> Object:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    collection = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    spoken = ["json-patch+json", "merge-patch+json", "apply-patch+yaml"]
    if kind is not HTTP_ROUTE:  # custom resources have no strategic merge
        spoken.insert(2, "strategic-merge-patch+json")
    one: Object = {}
    for method, action in _ACTIONS.items():
        options = () if method == "get" else ("dryRun",) if method == "delete" else _WRITE_OPTIONS
        one[method] = _operation(kind, action, (*options, "force") if method == "patch" else options)
    body = {f"application/{media}": {"schema": {"type": "object"}} for media in spoken}
    one["patch"]["requestBody"] = {"content": body, "required": True}
    many = {"get": _operation(kind, "list"), "post": _operation(kind, "post", _WRITE_OPTIONS)}
    paths: Object = {collection: many, f"{collection}/{{name}}": one}
    if kind.namespaced:
        paths[f"{root}/{kind.plural}"] = {"get": _operation(kind, "list")}
    return paths


def _places() -> dict[str, list[Kind]]:
    """Which kinds are at api/v1, apis/apps/v1, …"""
    places: dict[str, list[Kind]] = {}
    for kind in KINDS:
        place = f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"
        places.setdefault(place, []).append(kind)
    return places


@cache
def document(place: str) -> bytes | None:
    """GET /openapi/v3/PLACE, e.g. apis/apps/v1; None: nothing is served there."""
    kinds = _places().get(place)
    if kinds is None:
        return None
    reached: dict[str, None] = {}
    for kind in kinds:
        _reached(kind.name, reached)
    schemas = {_name(type_): _definition(type_) for type_ in sorted(reached, key=_name)}
    for kind in kinds:
        schemas[_name(kind.name)]["x-kubernetes-group-version-kind"] = [_identity(kind)]
    paths = {path: item for kind in kinds for path, item in _paths(kind).items()}
    info = {"title": "Kubernetes", "version": "v1.35.0"}
    return msgspec.json.encode({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})


@cache
def index() -> Object:
    """GET /openapi/v3: where the documents are; their addresses change with their contents."""
    paths: Object = {}
    for place in _places():
        digest = hashlib.sha256(document(place) or b"").hexdigest()[:32].upper()
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"}
    return {"paths": paths}
