"""The little protobuf that kubectl insists on: it asks `auth can-i` and `auth whoami` in no other way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aurora_tui.drill.kubernetes.status import bad_request

Object = dict[str, Any]
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

# Field numbers of k8s.io/api's generated.proto; only what a question holds, not its answer.
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_OTHER = {1: "path", 2: "verb"}
_ACCESS = {1: ("resourceAttributes", _RESOURCE), 2: ("nonResourceAttributes", _OTHER)}


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a message; others are stepped over."""
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
        if tag & 7 == 2:
            length = varint()
            yield tag >> 3, raw[position : position + length]
            position += length
        elif tag & 7 == 0:
            varint()
        else:
            position += {1: 8, 5: 4}[tag & 7]


def _strings(raw: bytes, names: dict[int, str]) -> Object:
    return {names[number]: value.decode() for number, value in _fields(raw) if number in names and value}


def decode_review(raw: bytes) -> Object:
    """A self review in Kubernetes' protobuf envelope, as its JSON would be; Refused 400."""
    if not raw.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = dict(_fields(raw[len(_MAGIC) :]))
        kind = _strings(envelope.get(1, b""), {1: "apiVersion", 2: "kind"})
        spec_raw = dict(_fields(envelope.get(2, b""))).get(2, b"")
        if kind.get("kind") == "SelfSubjectAccessReview":
            spec: Object = {}
            for number, value in _fields(spec_raw):
                name, names = _ACCESS[number]
                spec[name] = _strings(value, names)
            return {**kind, "spec": spec}
        return {**kind, "spec": _strings(spec_raw, {1: "namespace"})}
    except (IndexError, KeyError, UnicodeDecodeError) as wrong:
        raise bad_request("the object provided is not a readable protobuf message") from wrong
