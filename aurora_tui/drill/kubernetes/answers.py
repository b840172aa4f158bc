"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import web

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.store import Entry

Object = dict[str, Any]


def answer(body: bytes | Object, code: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """A JSON response. warnings: what clients show to their users (RFC 9111's Warning, code 299)."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    response = web.Response(
        body=raw, status=code, headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    )
    for warning in warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


def list_json(kind: Kind, entries: list[Entry], meta: Object) -> bytes:
    """A list's JSON, put together from what its objects were encoded to before."""
    head = b'{"kind":"%sList","apiVersion":"%s","metadata":%s,"items":[' % (
        kind.name.encode(),
        kind.api_version.encode(),
        msgspec.json.encode(meta),
    )
    return head + b",".join([entry.item for entry in entries]) + b"]}"
