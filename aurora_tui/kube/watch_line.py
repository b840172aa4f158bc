"""One line of a watch: what it tells, or why it cannot be taken.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from aurora_tui.kube.connection import decode
from aurora_tui.kube.errors import Status, Unreadable, status_error
from aurora_tui.kube.objects import Object
from aurora_tui.text import safe

T = TypeVar("T", bound=Object)


class _Event(msgspec.Struct):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"null")


_EVENT = msgspec.json.Decoder(_Event)
_STATUS = msgspec.json.Decoder(Status)
_BOOKMARK = msgspec.json.Decoder(Object)


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """`item` is so now, or `gone`; without one, nothing changed up to `version`. `version`: "" when it has none."""

    version: str
    item: T | None = None
    gone: bool = False


def read_line(line: bytes, request: str, read: Callable[[bytes, str], T]) -> Told[T]:
    """What a line of the watch `request` tells. ApiError when it tells of one; Unreadable when it is no such line.

    `read` reads one object, as `listing.reader` makes it.
    """
    event = decode(_EVENT, line, request)
    raw = bytes(event.object)
    match event.type:
        case "ADDED" | "MODIFIED" | "DELETED":
            item = read(raw, request)
            return Told(item.metadata.resource_version, item, gone=event.type == "DELETED")
        case "BOOKMARK":
            return Told(decode(_BOOKMARK, raw, request).metadata.resource_version)
        case "ERROR":
            raise status_error(decode(_STATUS, raw, request), request)
    raise Unreadable(f"{request}: an event of type {safe(event.type, 40)!r}", "Is this a Kubernetes API?")
