"""One request to the API, taken apart: which resource, which object, which form of answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from aurora_tui.drill.kubernetes.auth import User
from aurora_tui.drill.kubernetes.cluster import Cluster
from aurora_tui.drill.kubernetes.kinds import BY_PATH, Kind
from aurora_tui.drill.kubernetes.status import Refused, bad_request, unsupported_media

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names. `namespace` None: all of them (or the kind has none); `name` "": the collection."""

    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request for a resource."""

    cluster: Cluster
    request: web.Request
    target: Target
    user: User

    @property
    def home(self) -> str:
        """The namespace as the store spells it."""
        return self.target.namespace or ""

    @property
    def dry_run(self) -> bool:
        """dryRun=All; Refused 400 for any other value."""
        values = self.request.query.getall("dryRun", [])
        if any(value != "All" for value in values):
            raise bad_request(f'dryRun: Unsupported value: "{values[0]}": supported values: "All"')
        return bool(values)

    def wants(self) -> str:
        """ "Table", "Partial" or "" (the object itself), from the Accept header; Refused 406."""
        accept = self.request.headers.get("Accept", "*/*")
        for one in accept.split(","):
            media, *options = [part.strip() for part in one.split(";")]
            if media in ("application/json", "*/*", "application/*"):
                form = next((o[3:] for o in options if o.startswith("as=")), "")
                if form in ("Table", ""):
                    return form
                if form.startswith("PartialObjectMetadata"):
                    return "Partial"
        message = "only the following media types are accepted: application/json"
        raise Refused(406, "NotAcceptable", message, {})


def target_of(parts: list[str]) -> Target | None:
    """What the path /api/v1/… or /apis/GROUP/VERSION/… (in parts) names; None: nothing this API serves."""
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace: str | None = None
    if rest[0] == "namespaces" and len(rest) >= 3 and (group or rest[2] != "status"):
        namespace, rest = rest[1], rest[2:]
    kind = BY_PATH.get((group, version, rest[0]))
    if kind is None or len(rest) > 3 or (namespace is not None and not kind.namespaced):
        return None
    if len(rest) > 1 and kind.namespaced and namespace is None:
        return None
    if len(rest) == 3 and rest[2] not in kind.subresources:
        return None
    return Target(kind, namespace, *rest[1:])


async def json_body(request: web.Request, what: str) -> Object:
    """The request's body as a JSON object; Refused 415, 400."""
    content_type = request.content_type
    if content_type not in ("application/json", "application/octet-stream"):
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


def decoding(wrong: ValueError, raw: bytes) -> str:
    """What Go's JSON decoder says of the same mistake."""
    if isinstance(wrong, json.JSONDecodeError):
        rest = raw.decode("utf-8", "replace")[wrong.pos :].strip()
        if not rest or wrong.pos >= len(raw.decode("utf-8", "replace").rstrip()):
            return "unexpected end of JSON input"
        return f"invalid character '{rest[0]}' looking for beginning of value"
    return "invalid character in JSON input"
