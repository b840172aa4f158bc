"""Two states of an object compared: where they differ, in what a patch touches, and the way back (pure).

Places are JSON pointers (RFC 6901). A plan keeps hashes of the values there, not the values: some are secret, some are
large, and it is enough to know whether they are still the same.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from aurora_tui.actions.plan import Change
from aurora_tui.text import safe

ABSENT = ""  # in the place of a value's hash
_NOTHING = object()
# What the API and controllers write by themselves at every edit.
_OF_THE_API = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "selfLink")
_MOST_CHANGES = 20
_MOST_LINES = 80
_WIDTH = 200
_LONGEST_VALUE = 120
_LONGEST_WAY_BACK = 16_000

Place = tuple[str, ...]
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place, and what is there in the one and in the other."""

    place: Place
    before: Any
    after: Any

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in self.place)


def differences(before: Object, after: Object, *, whole_lists: bool = False) -> list[Difference]:
    """Where two states differ, but for what the API keeps for itself and the status. In the order of the places.

    whole_lists: a list that differs is one difference, whatever differs in it.
    """
    found: list[Difference] = []
    _compare((), _asked_for(before), _asked_for(after), whole_lists, found)
    return found


def touched(body: Any) -> list[Place]:
    """The places that a patch names: an object is a merge patch (RFC 7386), a list a JSON patch (RFC 6902)."""
    if isinstance(body, dict):
        return list(_leaves((), body))
    named = []
    for operation in body:
        if operation.get("op") != "test":
            named += [operation["path"], *([operation["from"]] if operation.get("op") == "move" else [])]
    return [_steps(pointer) for pointer in named]


def of_those(found: Iterable[Difference], places: Iterable[Place]) -> list[Difference]:
    """The differences in, or around, these places. The others were made by somebody else (a webhook, a default)."""
    places = list(places)
    return [one for one in found if any(_related(one.place, place) for place in places)]


def facts(found: Iterable[Difference]) -> tuple[dict[str, str], dict[str, str]]:
    """Hashes by pointer: as it is before, and as it is after."""
    found = list(found)
    before = {one.pointer: _hash(one.before) for one in found}
    return before, {one.pointer: _hash(one.after) for one in found}


def facts_now(thing: Object, pointers: Iterable[str]) -> dict[str, str]:
    """The same of an object as it was read."""
    return {pointer: _hash(_at(thing, _steps(pointer))) for pointer in pointers}


def changes(found: list[Difference], *, hidden: bool) -> tuple[Change, ...]:
    """One line for each; hidden: without the values."""
    told = [
        Change(what=safe(one.pointer, _WIDTH), now=_shown(one.before, hidden), after=_shown(one.after, hidden))
        for one in found[:_MOST_CHANGES]
    ]
    if len(found) > _MOST_CHANGES:
        told.append(Change(what=f"{len(found) - _MOST_CHANGES} more places", now="…", after="…"))
    return tuple(told)


def diff(before: Object, after: Object) -> tuple[str, ...]:
    """The lines of a unified diff of both as JSON; at most 80, and it says so."""
    now, then = (_lines(_asked_for(one)) for one in (before, after))
    lines = list(difflib.unified_diff(now, then, "now", "after", n=2, lineterm=""))
    shown = [safe(line, _WIDTH) for line in lines[:_MOST_LINES]]
    return (*shown, *([f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []))


def way_back(before: Object, after: Object, places: Iterable[Place]) -> str | None:
    """The merge patch, as JSON, that sets what the patch touched to what it was; None when it would be too long."""
    body: dict[str, Any] = {}
    for one in of_those(differences(before, after, whole_lists=True), places):
        inner = body
        for step in one.place[:-1]:
            inner = inner.setdefault(step, {})
        inner[one.place[-1]] = None if one.before is _NOTHING else one.before
    text = msgspec.json.encode(body).decode()
    return text if body and len(text) <= _LONGEST_WAY_BACK else None


def _asked_for(thing: Object) -> dict[str, Any]:
    """The object without its status and what the API keeps for itself."""
    metadata = {key: value for key, value in (thing.get("metadata") or {}).items() if key not in _OF_THE_API}
    return {key: value for key, value in thing.items() if key != "status"} | {"metadata": metadata}


def _lines(thing: Object) -> list[str]:
    return json.dumps(thing, indent=2, sort_keys=True, ensure_ascii=False).splitlines()


def _compare(place: Place, before: Any, after: Any, whole_lists: bool, found: list[Difference]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            _compare((*place, key), before.get(key, _NOTHING), after.get(key, _NOTHING), whole_lists, found)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after) and not whole_lists:
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            _compare((*place, str(index)), one, other, whole_lists, found)
    elif _hash(before) != _hash(after):  # in Python, True is 1
        found.append(Difference(place=place, before=before, after=after))


def _leaves(place: Place, body: Mapping[str, Any]) -> Iterable[Place]:
    for key, value in body.items():
        if isinstance(value, dict) and value:
            yield from _leaves((*place, key), value)
        else:
            yield (*place, key)


def _related(one: Place, other: Place) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _steps(pointer: str) -> Place:
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    return steps[:-1] if steps and steps[-1] == "-" else steps  # the end of a list: the list


def _at(thing: Any, place: Place) -> Any:
    for step in place:
        if isinstance(thing, dict) and step in thing:
            thing = thing[step]
        elif isinstance(thing, list) and step.isdigit() and int(step) < len(thing):
            thing = thing[int(step)]
        else:
            return _NOTHING
    return thing


def _hash(value: Any) -> str:
    if value is _NOTHING:
        return ABSENT
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _shown(value: Any, hidden: bool) -> str:
    if value is _NOTHING:
        return "not set"
    if hidden:
        return "(hidden)"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return safe(text, _LONGEST_VALUE) or '""'
