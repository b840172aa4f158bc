"""Which fields objects have and of which types: from fields.txt, made from the official client's models.

Decodes requests as the real server does: a field of another type is an error, one that nobody knows is dropped, told
in a warning, or refused (fieldValidation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from aurora_tui.clock import parse_iso

Object = dict[str, Any]

_FILE = Path(__file__).with_name("fields.txt")
_INTEGERS = {"int32": 2**31, "int64": 2**63}
_GO_NAMES = {"str": "string", "time": "Time", "microtime": "MicroTime", "bytes": "[]uint8", "intstr": "IntOrString"}
_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is a scalar (str, bool, int32, time, …), the name of a type, "[" + the items', or "{" + the values'."""

    name: str
    type: str
    required: bool


@cache
def types() -> Mapping[str, Mapping[str, Field]]:
    """Every type: name → its fields by name."""
    found: dict[str, dict[str, Field]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(": ")
        fields = (one.split(" ") for one in rest.split(", "))
        found[name] = {word.rstrip("!"): Field(word.rstrip("!"), type_, word.endswith("!")) for word, type_ in fields}
    return found


class Misread(ValueError):
    """A field is not of its type; the text is the real decoder's."""


def understood(type_: str, body: Any) -> tuple[Object, list[str]]:
    """(`body` without nulls and fields that the type does not have, what to say of those fields); Misread."""
    if not isinstance(body, dict):
        raise Misread(f"json: cannot unmarshal {_said(body)} into Go value of type v1.{type_}")
    reading = _Reading()
    return reading.struct(type_, body, "", ""), reading.unknown


class _Reading:
    """One object being read."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def struct(self, type_: str, value: Object, exact: str, path: str) -> Object:
        fields, found = types()[type_], {}
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                self.unknown.append(f'unknown field "{exact}{name}"')
            elif item is not None:
                found[name] = self._value(field.type, item, f"{exact}{name}", f"{path}{name}", type_)
        return found

    def _value(self, type_: str, value: Any, exact: str, path: str, inside: str) -> Any:
        """exact: with places in lists; path: as Go tells it; inside: the struct that holds the field."""
        if type_[0] == "[":
            if not isinstance(value, list):
                self._wrong(value, inside, path, f"[]{_go(type_[1:])}")
            return [
                self._value(type_[1:], item, f"{exact}[{index}]", path, inside)
                for index, item in enumerate(value)
                if item is not None
            ]
        if type_[0] == "{":
            if not isinstance(value, dict):
                self._wrong(value, inside, path, f"map[string]{_go(type_[1:])}")
            return {
                key: self._value(type_[1:], "" if item is None else item, f"{exact}.{key}", path, inside)
                for key, item in value.items()
            }
        if type_ in types():
            if not isinstance(value, dict):
                self._wrong(value, inside, path, _go(type_))
            return self.struct(type_, value, f"{exact}.", f"{path}.")
        return self._scalar(type_, value, path, inside)

    def _scalar(self, type_: str, value: Any, path: str, inside: str) -> Any:
        if type_ == "any":
            return value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if type_ in _INTEGERS:
            limit = _INTEGERS[type_]
            if not number or value != int(value) or not -limit <= value < limit:
                self._wrong(value, inside, path, type_)
            return int(value)
        if type_ == "quantity":
            if not (number or isinstance(value, str)) or not _QUANTITY.fullmatch(str(value)):
                raise Misread(_QUANTITY_RULE)
            return str(value)
        if type_ == "intstr":
            if not isinstance(value, str) and not (number and value == int(value)):
                self._wrong(value, inside, path, "int32" if number else "string")
            return int(value) if number else value
        expected = bool if type_ == "bool" else str
        if not isinstance(value, expected):
            self._wrong(value, inside, path, _go(type_))
        if type_ in ("time", "microtime"):
            self._moment(str(value), type_)
        return value

    def _moment(self, value: str, type_: str) -> None:
        try:
            parse_iso(value)
        except ValueError as wrong:
            form = "2006-01-02T15:04:05Z07:00" if type_ == "time" else "2006-01-02T15:04:05.000000Z07:00"
            raise Misread(f'parsing time "{value}" as "{form}": cannot parse "{value}" as "2006"') from wrong

    def _wrong(self, value: Any, inside: str, path: str, wanted: str) -> NoReturn:
        raise Misread(f"json: cannot unmarshal {_said(value)} into Go struct field {inside}.{path} of type {wanted}")


def _go(type_: str) -> str:
    """A type as Go calls it."""
    if type_[0] in "[{":
        return ("[]" if type_[0] == "[" else "map[string]") + _go(type_[1:])
    return f"v1.{type_}" if type_ in types() else _GO_NAMES.get(type_, type_)


def _said(value: Any) -> str:
    """A JSON value's type as Go calls it."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return f"number {value:g}"
    names: dict[type, str] = {str: "string", int: "number", dict: "object", list: "array"}
    return names[type(value)]
