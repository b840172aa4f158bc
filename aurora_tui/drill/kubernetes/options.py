"""The options of a query that say how to write and what to list, checked as the real server checks them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from aurora_tui.drill.kubernetes.status import Cause, Refused, bad_request

_FIELD_VALIDATION = ("Ignore", "Warn", "Strict")
_MATCHES = ("Exact", "NotOlderThan", "")
_KINDS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}
_LONGEST_MANAGER = 128


def bad_option(kind: str, field: str, why: str, reason: str = "FieldValueInvalid") -> Refused:
    """422: an option that may not have this value."""
    return bad_options(kind, [(reason, why, field)])


def bad_options(kind: str, causes: list[Cause]) -> Refused:
    """422: several of them."""
    said = [f"{field}: {message}" for _, message, field in causes]
    text = said[0] if len(said) == 1 else "[" + ", ".join(said) + "]"
    told = [{"reason": reason, "message": message, "field": field} for reason, message, field in causes]
    details: dict[str, Any] = {"group": "meta.k8s.io", "kind": kind, "causes": told}
    return Refused(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {text}', details)


def unsupported_option(kind: str, field: str, shown: str, supported: Iterable[str]) -> Refused:
    """422: an option that knows only certain values."""
    known = ", ".join(f'"{one}"' for one in supported)
    why = f"Unsupported value: {shown}: supported values: {known}"
    return bad_option(kind, field, why, "FieldValueNotSupported")


def number(query: Mapping[str, str], field: str) -> int:
    """A whole number of the query, 0 when absent; Refused 400."""
    text = query.get(field, "")
    try:
        return int(text or 0)
    except ValueError as wrong:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from wrong


def version(query: Mapping[str, str]) -> int:
    """The resourceVersion of a query, 0 when absent; Refused 400."""
    text = query.get("resourceVersion", "")
    if text and not text.isdecimal():
        why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f"invalid resource version: resourceVersion: {why}")
    return int(text or 0)


def dry_run(request: web.Request) -> bool:
    """dryRun=All; Refused 422 for any other value."""
    values = request.query.getall("dryRun", [])
    if any(value != "All" for value in values):
        raise unsupported_option(_KINDS[request.method], "dryRun", go_strings(values), ("All",))
    return bool(values)


def go_strings(values: Iterable[Any]) -> str:
    """A list of strings as Go prints it."""
    return "[]string{" + ", ".join(json.dumps(str(value)) for value in values) + "}"


def field_validation(request: web.Request) -> str:
    """Ignore, Warn (when not asked otherwise) or Strict; Refused 422."""
    asked = request.query.get("fieldValidation") or "Warn"
    if asked not in _FIELD_VALIDATION:
        raise unsupported_option(
            _KINDS[request.method], "fieldValidation", json.dumps(asked), sorted((*_FIELD_VALIDATION, ""))
        )
    return asked


def field_manager(request: web.Request, applying: bool = False) -> str:
    """Who owns what is written: fieldManager, else the client's name; Refused 422."""
    kind, asked = _KINDS[request.method], request.query.get("fieldManager", "")
    if len(asked.encode()) > _LONGEST_MANAGER:
        why = f"Too long: may not be more than {_LONGEST_MANAGER} bytes"
        raise bad_option(kind, "fieldManager", why, "FieldValueTooLong")
    if not asked.isprintable():
        raise bad_option(
            kind, "fieldManager", f"Invalid value: {json.dumps(asked)}: should only contain printable characters"
        )
    if applying and not asked:
        raise bad_option(kind, "fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
    if not applying and request.method == "PATCH" and "force" in request.query:
        why = "Forbidden: may not be specified for non-apply patch"
        raise bad_option(kind, "force", why, "FieldValueForbidden")
    return asked or request.headers.get("User-Agent", "unknown").partition("/")[0][:_LONGEST_MANAGER]


def check_list(query: Mapping[str, str]) -> None:
    """Refused 422 when the options of a list contradict each other."""
    match, asked, causes = query.get("resourceVersionMatch", ""), query.get("resourceVersion", ""), list[Cause]()

    def forbidden(field: str, why: str) -> None:
        causes.append(("FieldValueForbidden", f"Forbidden: {why}", field))

    if match:
        if not asked:
            forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if query.get("continue"):
            forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        if match not in _MATCHES:
            known = ", ".join(f'"{one}"' for one in _MATCHES)
            why = f'Unsupported value: "{match}": supported values: {known}'
            causes.append(("FieldValueNotSupported", why, "resourceVersionMatch"))
        if match == "Exact" and asked == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            forbidden("resourceVersionMatch", why)
    if "sendInitialEvents" in query:
        forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if causes:
        raise bad_options("ListOptions", causes)


def check_watch(query: Mapping[str, str]) -> None:
    """Refused 422 when the options of a watch contradict each other."""
    match, initial = query.get("resourceVersionMatch", ""), "sendInitialEvents" in query
    if match and not initial:
        why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    elif initial and match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    else:
        return
    raise bad_option("ListOptions", "resourceVersionMatch", why, "FieldValueForbidden")
