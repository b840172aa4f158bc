"""Settings as read, before they are checked: tables merged over one another, each part knowing where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A file, or the name of a flag.
Origin = Path | str
# Where a value came from: one origin for all of it, or the same shape as the value.
Origins = Path | str | dict[str, "Origins"] | list["Origins"]
# A place in the settings: table keys and list indices (from 0).
Place = tuple[str | int, ...]

ABSENT = object()
NOWHERE = "settings"
_NAMING_KEYS = ("id", "name")
_STEP = "do"  # an entry with this key is a step of a runbook


@dataclass(frozen=True, slots=True)
class Document:
    """Merged TOML values and their origins."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: Origins = NOWHERE

    def merged(self, over: Document) -> Document:
        """This document with `over` merged over it: tables key by key, lists of named tables entry by entry.

        Entries of a list match by `id`, or by `name` when they have no `id`. Every other value is replaced, and so is
        a list of steps: they follow one another, and a `name` in them is an object's.
        """
        values, origins = _merge(self.values, self.origins, over.values, over.origins)
        return Document(values, origins)

    def at(self, place: Place) -> Any:
        """The value there, or ABSENT."""
        value: Any = self.values
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return value

    def origin(self, place: Place) -> Origin:
        """Where the value there came from; for a table of several files, the first; for an absent key, its table's."""
        return next(_leaves(self._origins(place)), NOWHERE)

    def all_origins(self, place: Place) -> list[Origin]:
        """Every origin of the value there and beneath it, each once, in order of appearance."""
        return list(dict.fromkeys(_leaves(self._origins(place))))

    def _origins(self, place: Place) -> Origins:
        """The origins of the value there, or of the nearest table above it."""
        origins = self.origins
        for step in place:
            try:
                origins = _within(origins, step)
            except (KeyError, IndexError):
                break
        return origins

    def places(self, *pattern: str) -> Iterator[Place]:
        """Every place that matches `pattern`, in which `*` is any key or index; missing parts and wrong types match
        nothing."""
        return _places(self.values, pattern, ())

    def with_value(self, place: Place, value: Any) -> Document:
        """This document with the value at an existing `place` exchanged, its origin kept."""
        return Document(_exchanged(self.values, place, value), self.origins)


def written_as(document: Document, place: Place) -> str:
    """`place` as a person would name it: `slo[fill].reading[1].value`; entries without a name count from 1."""
    text = ""
    value: Any = document.values
    for step in place:
        inside = value[step] if _holds(value, step) else None
        if isinstance(step, int):
            text += f"[{_name_of(inside) or step + 1}]"
        else:
            bare = step.replace("-", "").replace("_", "").isalnum() and step.isascii()
            text += ("." if text else "") + (step if bare else f'"{step}"')
        value = inside
    return text


def _holds(value: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def _name_of(entry: Any) -> str | None:
    """What an entry of a list of tables is called, if it says."""
    if isinstance(entry, dict) and _STEP not in entry:
        for key in _NAMING_KEYS:
            if isinstance(entry.get(key), str) and entry[key]:
                return str(entry[key])
    return None


def _leaves(origins: Origins) -> Iterator[Origin]:
    if isinstance(origins, dict):
        for inner in origins.values():
            yield from _leaves(inner)
    elif isinstance(origins, list):
        for inner in origins:
            yield from _leaves(inner)
    else:
        yield origins


def _within(origins: Origins, step: str | int) -> Origins:
    """The origins of one part of a value."""
    if isinstance(origins, dict):
        return origins[str(step)]
    if isinstance(origins, list):
        return origins[int(step)]
    return origins


def _merge(base: Any, base_from: Origins, over: Any, over_from: Origins) -> tuple[Any, Origins]:
    if isinstance(base, dict) and isinstance(over, dict):
        values: dict[str, Any] = dict(base)
        origins: dict[str, Origins] = {key: _within(base_from, key) for key in base}
        for key, value in over.items():
            origin = _within(over_from, key)
            if key in base:
                values[key], origins[key] = _merge(base[key], origins[key], value, origin)
            else:
                values[key], origins[key] = value, origin
        return values, origins if values else over_from
    key = _common_key(base, over)
    if key is not None:
        return _merge_entries(key, base, base_from, over, over_from)
    return over, over_from


def _common_key(base: Any, over: Any) -> str | None:
    """The key by which the entries of both lists can be told apart; None when they cannot."""
    if not (isinstance(base, list) and isinstance(over, list) and base and over):
        return None
    entries = base + over
    if any(isinstance(entry, dict) and _STEP in entry for entry in entries):
        return None
    for key in _NAMING_KEYS:
        if all(isinstance(entry, dict) and isinstance(entry.get(key), str) for entry in entries):
            return key
    return None


def _merge_entries(
    key: str, base: list[Any], base_from: Origins, over: list[Any], over_from: Origins
) -> tuple[Any, Origins]:
    values = list(base)
    origins = [_within(base_from, index) for index in range(len(base))]
    first = {entry[key]: index for index, entry in reversed(list(enumerate(base)))}
    for index, entry in enumerate(over):
        # Taken out once used: a name twice in one file stays twice, and is reported as such.
        at = first.pop(entry[key], None)
        if at is None:
            values.append(entry)
            origins.append(_within(over_from, index))
        else:
            values[at], origins[at] = _merge(values[at], origins[at], entry, _within(over_from, index))
    return values, origins


def _places(value: Any, pattern: tuple[str, ...], so_far: Place) -> Iterator[Place]:
    if not pattern:
        yield so_far
        return
    step, *rest = pattern
    if isinstance(value, dict):
        keys: list[Any] = list(value) if step == "*" else [step] if step in value else []
    elif isinstance(value, list) and step == "*":
        keys = list(range(len(value)))
    else:
        keys = []
    for key in keys:
        yield from _places(value[key], tuple(rest), (*so_far, key))


def _exchanged(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _exchanged(value[place[0]], place[1:], new)
    return copy
