"""Hold a document against the mission's types: every unknown key, missing key and wrong value, in one pass.

msgspec stops at the first error; here its description of the types is walked instead, so that a person can correct
everything at once. What passes here, msgspec converts.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import msgspec
from msgspec.inspect import (
    BoolType,
    CustomType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from aurora_tui.settings.document import Document, Place
from aurora_tui.settings.problem import Problem, is_secret, problem_at
from aurora_tui.settings.rules import rule_for
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.mission import Mission

_WHOLE_MISSION = "a file that holds [mission] must hold the whole mission; aurora-tui config schema describes it"
# float's whole numbers end here; TOML's own limit is 64 bits.
_LARGEST_INT = 1 << 53


def shape_problems(document: Document) -> list[Problem]:
    """Every problem that one value, seen alone, can have."""
    walk = _Walk(document)
    walk.struct(_mission_type(), document.values, ())
    return walk.problems


@functools.cache
def _mission_type() -> StructType:
    described = type_info(Mission)
    assert isinstance(described, StructType)
    return described


class _Walk:
    """One pass over one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def wrong(self, place: Place, wrong: str, right: str, *, show: bool = True) -> None:
        self.problems.append(problem_at(self.document, place, wrong, right, show=show))

    def struct(self, kind: StructType, value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            return self.wrong(place, "is not a table", "write it as a [table] of keys")
        fields = {field.encode_name: field for field in kind.fields}
        for key in [key for key in value if key not in fields]:
            self.wrong((*place, key), "unknown key", self.instead_of(key, fields, (*place, key)), show=False)
        for key, field in fields.items():
            if key in value:
                self.field(kind, field, value[key], (*place, key))
            elif field.required:
                right = f"write {_described(field.type)}" if place else _WHOLE_MISSION
                self.wrong((*place, key), "missing", right)

    def field(self, kind: StructType, field: Field, value: Any, place: Place) -> None:
        before = len(self.problems)
        self.value(field.type, value, place)
        rule = rule_for(kind.cls, field.name)
        if rule is not None and len(self.problems) == before:
            verdict = rule(Duration.parse(value) if _is_duration(field.type) else value)
            if verdict is not None:
                self.wrong(place, *verdict)

    def value(self, kind: Type, value: Any, place: Place) -> None:
        """Dispatch on the kind of type; only the kinds that the mission uses are known."""
        if isinstance(kind, UnionType):
            # The unions here are "something or None", and TOML has no null; or tables that a key of theirs tells apart.
            tables = _tagged(kind)
            if tables:
                return self.tagged(tables, value, place)
            kind = next(option for option in kind.types if not isinstance(option, NoneType))
        if isinstance(kind, StructType):
            self.struct(kind, value, place)
        elif isinstance(kind, VarTupleType):
            if not isinstance(value, list):
                return self.wrong(place, "is not a list", f"write {_described(kind)}")
            for index, entry in enumerate(value):
                self.value(kind.item_type, entry, (*place, index))
        elif isinstance(kind, DictType):
            if not isinstance(value, dict):
                return self.wrong(place, "is not a table", "write it as a [table] of keys")
            for key, entry in value.items():
                self.value(kind.value_type, entry, (*place, key))
        else:
            wrong = _leaf_wrong(kind, value)
            if wrong is not None:
                self.wrong(place, wrong, f"write {_described(kind)}")

    def tagged(self, kinds: list[StructType], value: Any, place: Place) -> None:
        """One of several tables, which one its tag says."""
        if not isinstance(value, dict):
            return self.wrong(place, "is not a table", "write it as a [table] of keys")
        tag = str(kinds[0].tag_field)
        known = {str(kind.tag): kind for kind in kinds}
        chosen = value.get(tag)
        right = "write one of " + ", ".join(f'"{name}"' for name in known)
        if tag not in value:
            return self.wrong((*place, tag), "missing", right)
        if not isinstance(chosen, str) or chosen not in known:
            return self.wrong((*place, tag), "is not one of those known", right)
        self.struct(known[chosen], {key: entry for key, entry in value.items() if key != tag}, place)

    def instead_of(self, key: str, fields: dict[str, Field], place: Place) -> str:
        if is_secret(place) and {"bearer_env", "auth"} & fields.keys():
            return "secrets are not written here: name them, for example auth.bearer_env or auth.password_file"
        import difflib  # only when there is a mistake to explain

        near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6)
        if near:
            return f'did you mean "{near[0]}"?'
        return "known here: " + ", ".join(fields)


def _leaf_wrong(kind: Type, value: Any) -> str | None:
    """What is wrong with a single value; None when nothing is."""
    if isinstance(kind, StrType):
        return None if isinstance(value, str) else "is not text"
    if isinstance(kind, EnumType):
        known = [member.value for member in kind.cls]
        return None if isinstance(value, str) and value in known else "is not one of those known"
    if _is_duration(kind):
        return _duration_wrong(value)
    if isinstance(kind, BoolType):
        return None if isinstance(value, bool) else "is neither true nor false"
    if isinstance(kind, IntType):
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INT
        return None if fits else "is not a whole number"
    if isinstance(kind, FloatType):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return "is not a number"
        finite = abs(value) <= _LARGEST_INT if isinstance(value, int) else math.isfinite(value)
        return None if finite else "is not a finite number"
    raise TypeError(f"settings cannot check values of {kind}")


def _duration_wrong(value: Any) -> str | None:
    if not isinstance(value, str):
        return "is not a duration in quotes"
    try:
        Duration.parse(value)
    except ValueError:
        return "is not a duration (of a hundred years at most)"
    return None


def _is_duration(kind: Type) -> bool:
    if isinstance(kind, UnionType):
        return any(map(_is_duration, kind.types))
    return isinstance(kind, CustomType) and kind.cls is Duration


def _tagged(kind: Type) -> list[StructType]:
    """The tables of which it is one, told apart by a key of theirs; empty for any other type."""
    options = kind.types if isinstance(kind, UnionType) else ()
    tables = [option for option in options if isinstance(option, StructType)]
    return tables if len(tables) > 1 else []


def _described(kind: Type) -> str:
    """What a value of this type looks like, in words."""
    tables = _tagged(kind)
    if tables:
        return f"a table with {tables[0].tag_field}"
    if isinstance(kind, UnionType):
        return _described(next(option for option in kind.types if not isinstance(option, NoneType)))
    if isinstance(kind, EnumType):
        return "one of " + ", ".join(f'"{member.value}"' for member in kind.cls)
    if isinstance(kind, VarTupleType):
        inner = kind.item_type
        if isinstance(inner, StructType) or _tagged(inner):
            return "tables in [[double brackets]]"
        return f"[…], a list; of {_described(inner)}"
    if isinstance(kind, StructType):
        needed = [field.encode_name for field in kind.fields if field.required]
        return "a table" + (f" with {', '.join(needed)}" if needed else "")
    if _is_duration(kind):
        return 'for example "15s", "5m", "72h", "7d" or "1h30m"'
    words: dict[type[Type], str] = {
        StrType: 'text in "quotes"',
        BoolType: "true or false",
        IntType: "a whole number",
        FloatType: "a number",
        DictType: "a [table] of keys",
    }
    return words.get(type(kind), "a value")


def convert(document: Document) -> Mission:
    """The typed mission of a document without problems. msgspec.ValidationError when it has some after all."""
    return msgspec.convert(document.values, Mission, dec_hook=_decode)


def _decode(kind: type, value: Any) -> Any:
    if kind is Duration and isinstance(value, str):
        return Duration.parse(value)
    raise NotImplementedError(f"no way to read a {kind.__name__}")
