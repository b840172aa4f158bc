"""Marks that an act leaves for those who look with kubectl: an Event on the object, an annotation on the namespace.

A mark is never worth more than the act: what goes wrong with one comes back as words, and is not raised.
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Protocol

from aurora_tui.clock import iso
from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import MANAGER, Object, PatchType, create, patch
from aurora_tui.text import safe

LAST_ACT = "aurora-tui/last-act"
RUN = "aurora-tui/run"
LONGEST_MESSAGE = 1024  # bytes, as the API counts them
_LONGEST_REASON = _LONGEST_INSTANCE = 128
_LONGEST_STEM = 200  # of a name's 253
_LONGEST_NAME = 120
_SECONDS = 5.0  # a mark holds nothing up
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class Marked(Protocol):
    """An object acted on, as a plan names it. `path` is of the object in the API, `version` its resourceVersion."""

    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str | None: ...
    @property
    def uid(self) -> str | None: ...
    @property
    def version(self) -> str | None: ...


async def record_event(
    connection: Connection,
    namespace: str,
    subject: Marked,
    reason: str,
    message: str,
    run: str,
    *,
    actor: str,
    at: float | None = None,
    warning: bool = False,
) -> str | None:
    """An Event on `subject`: None when it is there, or why it is not. The same event again is one event.

    reason: one word, as in AuroraRollback. actor: who did it, in words. at: Unix seconds by the cluster's clock (None:
    the wall's). namespace: where it goes for an object that is in none.
    """
    home = subject.namespace or namespace
    event = _event(subject, home, reason, _told(message, run, actor), run, actor, time.time() if at is None else at)
    if warning:
        event["type"] = "Warning"
    try:
        await create(connection, f"/api/v1/namespaces/{home}/events", event, seconds=_SECONDS)
    except ApiError as error:
        if error.status == 409 and error.reason == "AlreadyExists":
            return None
        return _why(error)
    except AuroraError as error:
        return _why(error)
    return None


async def annotate_namespace(connection: Connection, namespace: str, text: str) -> str | None:
    """The namespace says what was done last, `text`: None when it does, or why it does not."""
    body: Object = {"metadata": {"annotations": {LAST_ACT: _bytes(safe(text, LONGEST_MESSAGE), LONGEST_MESSAGE)}}}
    try:
        await patch(connection, f"/api/v1/namespaces/{namespace}", body, PatchType.MERGE, seconds=_SECONDS)
    except AuroraError as error:
        return _why(error)
    return None


def _event(subject: Marked, home: str, reason: str, message: str, run: str, actor: str, at: float) -> Object:
    """A core/v1 Event as recorders write them: counted once, without eventTime."""
    involved = {
        "apiVersion": _api_version(subject.path),
        "kind": subject.kind,
        "name": subject.name,
        "namespace": home,  # the event's own, as the API demands, even for the namespace itself
        "uid": subject.uid,
        "resourceVersion": subject.version,
    }
    same = "\n".join((run, subject.path, subject.uid or "", reason, message))
    digest = hashlib.sha256(same.encode()).hexdigest()[:16]
    stem = subject.name[:_LONGEST_STEM].rstrip("-.")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{stem if _SUBDOMAIN.fullmatch(stem) else MANAGER}.{digest}",
            "namespace": home,
            "annotations": {RUN: safe(run, _LONGEST_NAME)},
        },
        "involvedObject": {field: value for field, value in involved.items() if value},
        "reason": safe(reason, _LONGEST_REASON),
        "message": message,
        "type": "Normal",
        "count": 1,
        "firstTimestamp": iso(at),
        "lastTimestamp": iso(at),
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
        "reportingInstance": _bytes(safe(actor, _LONGEST_INSTANCE), _LONGEST_INSTANCE),
    }


def _told(message: str, run: str, actor: str) -> str:
    """The message with run and actor, which stay when it is cut."""
    end = f" (run {safe(run, _LONGEST_NAME)}, {safe(actor, _LONGEST_NAME)})"
    return _bytes(safe(message, LONGEST_MESSAGE), LONGEST_MESSAGE - len(end.encode())) + end


def _bytes(text: str, limit: int) -> str:
    """`text` in at most `limit` bytes of UTF-8."""
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[: limit - 3].decode("utf-8", "ignore") + "…"


def _api_version(path: str) -> str:
    """apps/v1 of /apis/apps/v1/…, v1 of /api/v1/…"""
    parts = path.strip("/").split("/")
    return "/".join(parts[1:3]) if parts[0] == "apis" else parts[1]


def _why(error: AuroraError) -> str:
    return safe(error.what, LONGEST_MESSAGE)
