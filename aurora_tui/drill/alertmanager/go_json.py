"""JSON bodies as Go decodes them into typed structures (encoding/json): what is wrong, in its words."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aurora_tui.drill.alertmanager import moments
from aurora_tui.drill.alertmanager.refusal import Refusal, malformed, required

Fields = Mapping[str, str]
"""Go's type of each field: string, bool, time (a string that is parsed), or the name of a slice or map."""
_FITS = {"string": str, "bool": bool, "time": str, "models.LabelSet": dict, "models.Matchers": list}


def decode(raw: bytes, what: str) -> object:
    """A request's body. Refusal when it is empty, or no JSON."""
    if not raw:
        raise required(what)
    try:
        return json.loads(raw)
    except UnicodeDecodeError as error:
        raise malformed(what, "invalid UTF-8") from error
    except json.JSONDecodeError as error:
        at = error.pos
        while at < len(error.doc) and error.doc[at].isspace():
            at += 1
        if at >= len(error.doc) or error.msg.startswith("Unterminated"):
            raise malformed(what, "unexpected EOF") from error
        reason = f"invalid character {_quoted(error.doc[at])} looking for beginning of value"
        raise malformed(what, reason) from error


def check(body: Mapping[str, object], fields: Fields, what: str, owner: str) -> dict[str, float | None]:
    """The times among `fields`. Refusal for the first value, in the body's order, of a type that Go does not take.

    owner: the structure as Go's message calls it.
    """
    times: dict[str, float | None] = {}
    for name, value in body.items():
        type = fields.get(name)
        if type is None or value is None:
            continue
        if not isinstance(value, _FITS[type]):
            named = "string" if type == "time" else type
            raise mistyped(value, what, f"{owner}.{name}", named)
        if isinstance(value, dict):
            for each in value.values():
                if each is not None and not isinstance(each, str):
                    raise mistyped(each, what, f"{owner}.{name}", "string")
        if type == "time":
            times[name] = _moment(str(value), what)
    return times


def _moment(text: str, what: str) -> float | None:
    try:
        return moments.read(text)
    except moments.BadMoment as error:
        raise malformed(what, str(error)) from error


def kind(value: object) -> str:
    """What Go's decoder calls a value."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def quoted(text: str) -> str:
    """`text` as Go's %q writes it."""
    return json.dumps(text, ensure_ascii=False)


def _quoted(char: str) -> str:
    return {"'": r"'\''", '"': "'\"'"}.get(char, f"'{char}'")


def expected(value: object, what: str, type: str) -> Refusal:
    """A whole value of the wrong type."""
    return malformed(what, f"json: cannot unmarshal {kind(value)} into Go value of type {type}")


def mistyped(value: object, what: str, field: str, type: str) -> Refusal:
    """A field's value of the wrong type."""
    return malformed(what, f"json: cannot unmarshal {kind(value)} into Go struct field {field} of type {type}")
