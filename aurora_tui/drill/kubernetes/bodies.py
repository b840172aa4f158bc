"""The bodies of requests, JSON, some protobuf and the YAML of a server-side apply, into objects of their type."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from aurora_tui.drill.kubernetes import protobuf
from aurora_tui.drill.kubernetes.schema import Misread, understood
from aurora_tui.drill.kubernetes.status import bad_request, unsupported_media

Object = dict[str, Any]


def typed(type_: str, body: Any, head: str) -> tuple[Object, list[str]]:
    """(the object, its unknown fields in words); Refused 400, in words that begin with `head`."""
    try:
        return understood(type_, body)
    except Misread as wrong:
        raise bad_request(f"{head}: {wrong}") from wrong


async def json_body(request: web.Request, what: str) -> Object:
    """The request's body, JSON or protobuf, as a JSON object; Refused 415, 400."""
    if request.content_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(await request.read())
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise unsupported_media(["application/json"])
    raw = await request.read()
    try:
        body = json.loads(raw)
    except ValueError as wrong:
        text = f"couldn't get version/kind; json parse error: {decoding(wrong, raw)}"
        raise bad_request(f"the object provided is unrecognized (must be of type {what}): {text}") from wrong
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {what})")
    return body


def yaml_object(raw: bytes) -> Object:
    """The configuration of a server-side apply; Refused 400. Clients mostly send JSON, which is YAML too."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = _yaml(raw)
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}")
    return body


def _yaml(raw: bytes) -> Any:
    import yaml  # 20 ms, and seldom wanted

    class Plain(yaml.SafeLoader):  # type: ignore[misc]  # the library has no types
        """YAML as JSON knows it: no dates."""

    Plain.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(raw, Plain)  # a safe loader, only poorer
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        raise bad_request(f"error decoding YAML: {wrong}") from wrong


def decoding(wrong: ValueError, raw: bytes) -> str:
    """What Go's JSON decoder says of the same mistake."""
    if isinstance(wrong, json.JSONDecodeError):
        rest = raw.decode("utf-8", "replace")[wrong.pos :].strip()
        if not rest or wrong.pos >= len(raw.decode("utf-8", "replace").rstrip()):
            return "unexpected end of JSON input"
        return f"invalid character '{rest[0]}' looking for beginning of value"
    return "invalid character in JSON input"
