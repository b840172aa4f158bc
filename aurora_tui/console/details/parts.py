"""Pieces that every kind of details is made of."""

from __future__ import annotations

from collections.abc import Mapping

from aurora_tui.console.ink import NO_VALUE, Line, fit, paragraphs, span
from aurora_tui.text import safe

_NAME = 16


def heading(text: str) -> list[Line]:
    """A blank line and a heading."""
    return [(), (span(text, "accent bold"),)]


def fact(name: str, value: str | None, cells: int, ink: str = "") -> list[Line]:
    """`name   value`, the value wrapped beneath itself; a dash when it is not known."""
    text = NO_VALUE if value in (None, "") else safe(str(value), limit=4096, lines=True)
    lines = paragraphs(text, max(16, cells - _NAME), ink)
    return [(*fit((span(name if number == 0 else "", "dim"),), _NAME), *line) for number, line in enumerate(lines)]


def facts(values: Mapping[str, str], cells: int) -> list[Line]:
    """Every pair of a mapping, in the order of its names."""
    return [line for name in sorted(values) for line in _pair(name, values[name], cells)] or [(span("none", "dim"),)]


def _pair(name: str, value: str, cells: int) -> list[Line]:
    """Names longer than the column stand on a line of their own."""
    shown = safe(name, limit=120)
    if len(shown) < _NAME:
        return fact(shown, value, cells)
    return [(span(shown, "dim"),), *fact("", value, cells)]


def query(text: str, cells: int) -> list[Line]:
    """A query, wrapped and indented."""
    return paragraphs(safe(text, limit=4096, lines=True), cells, "spark", indent="    ")
