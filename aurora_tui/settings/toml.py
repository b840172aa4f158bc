"""Write a document as TOML a person can read: where each part came from beside it, and never a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aurora_tui.settings.document import Document, Place
from aurora_tui.settings.problem import without_user_info
from aurora_tui.text import safe

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def toml(document: Document) -> str:
    """`document` as TOML. Before each top-level key or table stand the files it came from; where one table came from
    several, so they do behind each line that is not the first's. What is beneath `auth` is left out."""
    values = document.values
    plain = [key for key, value in values.items() if not _is_table(value) and not _is_tables(value)]
    lines: list[str] = []
    for key in [*plain, *(key for key in values if key not in plain)]:
        origins = document.all_origins((key,))
        lines += ["", f"# from {', '.join(safe(str(origin)) for origin in origins)}"]
        if key in plain:
            lines.append(f"{_key(key)} = {_value(values[key])}")
        else:
            lines += _Writer(document, str(origins[0]) if origins else "").part((key,))
    return "\n".join(lines[1:]) + "\n"


class _Writer:
    """Writes one top-level table, most of which came from one origin."""

    def __init__(self, document: Document, origin: str) -> None:
        self.document = document
        self.origin = origin

    def part(self, place: Place) -> Iterator[str]:
        """A table or a list of tables under its headers."""
        value = self.document.at(place)
        name = ".".join(_key(step) for step in place if isinstance(step, str))
        if isinstance(value, dict):
            yield f"[{name}]"
            yield from self.table(place, value)
            return
        for index, entry in enumerate(value):
            if index:
                yield ""
            yield f"[[{name}]]"
            yield from self.table((*place, index), entry)

    def table(self, place: Place, table: dict[str, Any]) -> Iterator[str]:
        """The keys of a table, then the tables within it: TOML wants that order."""
        for key, value in table.items():
            if key == "auth":
                yield f"# auth: not shown; it has {', '.join(map(_key, value)) or 'nothing'}"
            elif not _is_table(value) and not _is_tables(value):
                shown = without_user_info(value) if key == "url" and isinstance(value, str) else value
                yield f"{_key(key)} = {_value(shown)}{self.unlike((*place, key))}"
        for key, value in table.items():
            if key != "auth" and (_is_table(value) or _is_tables(value)):
                yield ""
                yield from self.part((*place, key))

    def unlike(self, place: Place) -> str:
        """A comment with the origin, when it is not the one the whole table mostly came from."""
        origin = str(self.document.origin(place))
        return "" if origin == self.origin else f"  # from {safe(origin)}"


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _key(key: Any) -> str:
    bare = str(key).replace("-", "").replace("_", "")
    return str(key) if bare.isalnum() and bare.isascii() else _text(str(key))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    return str(value)


def _text(text: str) -> str:
    """A basic string in which nothing can move a cursor or hide."""
    return '"' + "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escape(char)) for char in text) + '"'


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
