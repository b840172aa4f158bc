"""Makes the API's fields.txt of the official client's models: `python -m tests.drill.kubernetes_fields`."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import kubernetes.aio.client as client

from aurora_tui.drill import kubernetes as served

FILE = Path(served.__file__).with_name("fields.txt")
_HEAD = """\
# Types and their fields: "Type: field type, required! type, list [type, map {type". Made by
# tests/drill/kubernetes_fields.py of the official Python client's models (Apache License 2.0, The Kubernetes Authors);
# HTTPRoute's fields are the Gateway API's.
"""
_ROOTS = (
    "V1Namespace", "V1Node", "V1Pod", "CoreV1Event", "V1Service", "V1ConfigMap", "V1Secret", "V1Deployment",
    "V1ReplicaSet", "V1Lease", "V2HorizontalPodAutoscaler", "V1PodDisruptionBudget", "V1Eviction", "V1Scale",
    "V1DeleteOptions", "V1ResourceQuota",
)  # fmt: skip
_GATEWAY = """\
HTTPBackendRef: filters [any, group str, kind str, name! str, namespace str, port int32, weight int32
HTTPRoute: apiVersion str, kind str, metadata ObjectMeta, spec! HTTPRouteSpec, status HTTPRouteStatus
HTTPRouteRule: backendRefs [HTTPBackendRef, filters [any, matches [any, name str, retry any, sessionPersistence any, \
timeouts HTTPRouteTimeouts
HTTPRouteSpec: hostnames [str, parentRefs [ParentReference, rules [HTTPRouteRule, useDefaultGateways str
HTTPRouteStatus: parents! [any
HTTPRouteTimeouts: backendRequest str, request str
ParentReference: group str, kind str, name! str, namespace str, port int32, sectionName str"""

# What the models do not tell apart.
_INT64 = frozenset(
    {
        "activeDeadlineSeconds", "capacity", "deletionGracePeriodSeconds", "expirationSeconds", "fsGroup", "generation",
        "gid", "gracePeriodSeconds", "observedGeneration", "runAsGroup", "runAsUser", "sizeBytes", "supplementalGroups",
        "terminationGracePeriodSeconds", "tolerationSeconds", "uid",
    }
)  # fmt: skip
_MICRO = frozenset({"acquireTime", "eventTime", "lastObservedTime", "renewTime"})
_QUANTITIES = frozenset(
    {
        "allocatable",
        "allocatedResources",
        "averageValue",
        "divisor",
        "hard",
        "limits",
        "overhead",
        "requests",
        "sizeLimit",
    }
    | {"tolerance", "used"}
)
_INT_OR_STRING = frozenset({"maxSurge", "maxUnavailable", "minAvailable", "port", "targetPort"})


def text() -> str:
    """The file's contents."""
    found: dict[str, str] = {}
    for root in _ROOTS:
        _visit(getattr(client, root), found)
    return _HEAD + "\n".join(sorted([*found.values(), *_GATEWAY.splitlines()])) + "\n"


def _short(model: type) -> str:
    return re.sub(r"^(Core|Events|Discovery)?V\d", "", model.__name__)


def _visit(model: Any, found: dict[str, str]) -> None:
    name = _short(model)
    if name in found:
        return
    found[name] = ""
    fields = []
    for attribute, field in model.model_fields.items():
        alias = field.validation_alias
        known = field.serialization_alias or getattr(alias, "choices", [alias])[0] or attribute
        required = "!" if field.is_required() else ""
        fields.append(f"{known}{required} {_exact(name, known, _type(field.annotation, found))}")
    found[name] = f"{name}: {', '.join(fields)}"


def _type(annotation: Any, found: dict[str, str]) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(inner[0], found)
    if origin is typing.Union:
        kinds = [one for one in inner if one is not type(None)]
        return _type(kinds[0], found) if len(kinds) == 1 else "any"
    if origin is list:
        return "[" + _type(inner[0], found)
    if origin is dict:
        return "{" + _type(inner[1], found)
    if hasattr(annotation, "model_fields"):
        _visit(annotation, found)
        return _short(annotation)
    return "any" if annotation in (Any, object) else str(annotation.__name__)


def _exact(owner: str, field: str, type_: str) -> str:
    """Quantities, byte strings, 64-bit numbers and the like are plain texts and numbers to the models."""
    bare = type_.lstrip("[{")
    mark = type_[: len(type_) - len(bare)]
    if field == "fieldsV1":
        return "any"
    if bare == "int":
        bare = "int64" if field in _INT64 else "int32"
    elif bare == "datetime":
        bare = "microtime" if field in _MICRO else "time"
    elif bare == "any" and (owner, field) in {("Secret", "data"), ("ConfigMap", "binaryData")}:
        bare = "bytes"
    elif bare == "any" and field in _INT_OR_STRING:
        bare = "intstr"
    elif bare == "str" and (
        (field in _QUANTITIES and mark != "[")
        or (field == "value" and owner.startswith("Metric"))
        or (field == "capacity" and mark == "{")
    ):
        bare = "quantity"
    return mark + bare


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
