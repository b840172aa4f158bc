"""The protobuf that kubectl insists on: `auth can-i` and `auth whoami` ask in no other way, `create KIND` writes in it.

Only these messages, and of them the fields that kubectl fills in; a message that says more is refused (415), never
half understood. Field numbers are those of k8s.io/api's generated.proto. Answers are JSON, which kubectl takes as well.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.status import bad_request, unsupported_media

Object = dict[str, Any]
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

# message → "number name type": a scalar, a message, "[" + items, "{" + values by string; "-": skipped. Those marked "?"
# are always sent: zeros mean nothing.
_MESSAGES: dict[str, str] = {
    "Unknown": "1 head TypeMeta, 2 raw raw, 3 - -, 4 - -",
    "TypeMeta": "1 apiVersion str, 2 kind str",
    "Time": "1 seconds int, 2 nanos int",
    "IntOrString": "1 type int, 2 intVal int, 3 strVal str",
    "ObjectMeta": "1 name str, 2 generateName str, 3 namespace str, 8 creationTimestamp time, 11 labels {str, "
    "12 annotations {str, 14 finalizers [str",
    "LabelSelector": "1 matchLabels {str, 2 matchExpressions [LabelSelectorRequirement",
    "LabelSelectorRequirement": "1 key str, 2 operator str, 3 values [str",
    "ConfigMap": "1 metadata ObjectMeta, 2 data {str, 3 binaryData {bytes, 4 immutable bool",
    "Secret": "1 metadata ObjectMeta, 2 data {bytes, 3 type str, 4 stringData {str, 5 immutable bool",
    "Namespace": "1 metadata ObjectMeta, 2 - -, 3 - -",
    "Deployment": "1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 - -",
    "DeploymentSpec": "1 replicas int, 2 selector LabelSelector, 3 template PodTemplateSpec, 4 strategy Strategy, "
    "5 minReadySeconds ?int, 6 revisionHistoryLimit int, 7 paused ?bool, 9 progressDeadlineSeconds int",
    "Strategy": "1 type str",
    "PodTemplateSpec": "1 metadata ObjectMeta, 2 spec PodSpec",
    "PodSpec": "2 containers [Container, 3 restartPolicy str, 6 dnsPolicy str",
    "Container": "1 name str, 2 image str, 3 command [str, 4 args [str, 5 workingDir str, 6 ports [ContainerPort, "
    "7 env [EnvVar, 14 imagePullPolicy str",
    "ContainerPort": "1 name str, 2 hostPort ?int, 3 containerPort int, 4 protocol str, 5 hostIP str",
    "EnvVar": "1 name str, 2 value str",
    "PodDisruptionBudget": "1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 - -",
    "PodDisruptionBudgetSpec": "1 minAvailable intstr, 2 selector LabelSelector, 3 maxUnavailable intstr, "
    "4 unhealthyPodEvictionPolicy str",
    "HorizontalPodAutoscaler": "1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 - -",  # autoscaling/v1
    "HorizontalPodAutoscalerSpec": "1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas int, "
    "3 maxReplicas int, 4 targetCPUUtilizationPercentage int",
    "CrossVersionObjectReference": "1 kind str, 2 name str, 3 apiVersion str",
    "SelfSubjectAccessReview": "1 - -, 2 spec SelfSubjectAccessReviewSpec, 3 - -",
    "SelfSubjectAccessReviewSpec": "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes PathAttributes",
    "ResourceAttributes": "1 namespace str, 2 verb str, 3 group str, 4 version str, 5 resource str, 6 subresource str, "
    "7 name str",
    "PathAttributes": "1 path str, 2 verb str",
    "SelfSubjectRulesReview": "1 - -, 2 spec SelfSubjectRulesReviewSpec, 3 - -",
    "SelfSubjectRulesReviewSpec": "1 namespace str",
    "SelfSubjectReview": "1 - -, 2 - -",
}
_FIELDS = {
    message: {int(number): (name, type_) for number, name, type_ in (one.split() for one in text.split(", "))}
    for message, text in _MESSAGES.items()
}


def decode(raw: bytes) -> Object:
    """An object in Kubernetes' protobuf envelope, as its JSON would be; Refused 400, 415."""
    if not raw.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = _message("Unknown", raw[len(_MAGIC) :])
        kind = envelope["head"]["kind"]
        if kind not in _FIELDS or envelope["head"]["apiVersion"] == "autoscaling/v2":
            raise unsupported_media(["application/json"])
        return {**envelope["head"], **_message(kind, envelope.get("raw", b""))}
    except (IndexError, KeyError, UnicodeDecodeError) as wrong:
        raise bad_request("the object provided is not a readable protobuf message") from wrong


def _wire(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers and what they hold."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = raw[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while position < len(raw):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        length = varint() if tag & 7 == 2 else {1: 8, 5: 4}[tag & 7]
        if position + length > len(raw):
            raise IndexError("the message is cut short")
        yield tag >> 3, raw[position : position + length]
        position += length


def _message(name: str, raw: bytes) -> Object:
    found: Object = {}
    for number, value in _wire(raw):
        field, type_ = _FIELDS[name].get(number, ("", ""))
        if field == "-" or (not field and _empty(value)):
            continue
        if not field:
            raise unsupported_media(["application/json"])
        if type_[0] == "[":
            found.setdefault(field, []).append(_value(type_[1:], value))
        elif type_[0] == "{":
            pair = dict(_wire(bytes(value)))
            found.setdefault(field, {})[_value("str", pair.get(1, b""))] = _value(type_[1:], pair.get(2, b""))
        elif not (type_[0] == "?" and _empty(value)) and (plain := _value(type_.lstrip("?"), value)) not in ("", None):
            found[field] = plain
    return found


def _empty(value: int | bytes) -> bool:
    """Whether a field says nothing: zeros, or messages of nothing but such."""
    if isinstance(value, int):
        return value == 0
    try:
        return all(_empty(inner) for _, inner in _wire(value))
    except (IndexError, KeyError):
        return False


def _value(type_: str, value: int | bytes) -> Any:
    if isinstance(value, int):
        return bool(value) if type_ == "bool" else value - (1 << 64) if value >> 63 else value
    if type_ == "str":
        return value.decode()
    if type_ == "bytes":
        return base64.b64encode(value).decode()
    if type_ == "raw":
        return value
    if type_ == "time":
        seconds = _message("Time", value).get("seconds")
        return iso(seconds) if seconds is not None else None
    if type_ == "intstr":
        either = _message("IntOrString", value)
        return either.get("strVal", "") if either.get("type") else either.get("intVal", 0)
    return _message(type_, value)
