"""Lines as values: text with the names of its colours, before any terminal, theme or widget is known.

An *ink* is a name such as `bad` or `bad bold`: the palette turns it into a style. Panels are pure functions that
return lines, so a test reads them without a screen, and a widget compares them with what it last drew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from rich.cells import cell_len, set_cell_size

from aurora_tui.text import safe

ELLIPSIS = "…"
NO_VALUE = "—"
WAITING = "waiting for metrics…"


class Span(NamedTuple):
    """A run of text in one ink."""

    text: str
    ink: str = ""


Line = tuple[Span, ...]


def span(text: str, ink: str = "") -> Span:
    """`text` in `ink`, safe for a terminal whatever it holds (most text is printable, and that test is quick)."""
    return Span(text if text.isprintable() else safe(text), ink)


def plain(line: Iterable[Span]) -> str:
    """The text of a line."""
    return "".join(part.text for part in line)


def width(line: Iterable[Span]) -> int:
    """Cells that a line takes."""
    return sum(cell_len(part.text) for part in line)


def cut(text: str, cells: int) -> str:
    """`text` in at most `cells` cells; an ellipsis marks what was cut off."""
    if cells <= 0:
        return ""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS


def fit(line: Iterable[Span], cells: int) -> Line:
    """`line` in exactly `cells` cells: padded with blanks, or cut with an ellipsis."""
    parts: list[Span] = []
    left = cells
    for part in line:
        size = cell_len(part.text)
        if size <= left:
            parts.append(part)
            left -= size
            continue
        shown = cut(part.text, left)
        if left > 0:
            parts.append(Span(shown, part.ink))
        left -= cell_len(shown)
        break
    if left > 0:
        parts.append(Span(" " * left))
    return tuple(parts)


def spread(left: Sequence[Span], right: Sequence[Span], cells: int) -> Line:
    """`left` at the left edge and `right` at the right one; the left part gives way first."""
    room = cells - width(right)
    if room <= 0:
        return fit(right, cells)
    return (*fit(left, room), *right)


def recolour(line: Iterable[Span], ink: str) -> Line:
    """The same text, all of it in `ink`."""
    return tuple(Span(part.text, ink) for part in line)


def wrap(text: str, widths: Sequence[int]) -> list[str]:
    """`text` over as many lines as there are `widths`, broken between words; the last line is cut if it must be."""
    words = text.split()
    lines: list[str] = []
    for number, room in enumerate(widths):
        if not words:
            break
        if number == len(widths) - 1:
            lines.append(cut(" ".join(words), room))
            break
        taken = [words.pop(0)]
        while words and cell_len(" ".join([*taken, words[0]])) <= room:
            taken.append(words.pop(0))
        lines.append(cut(" ".join(taken), room))
    return lines


def paragraphs(text: str, cells: int, ink: str = "", indent: str = "") -> list[Line]:
    """`text`, its own line breaks kept, wrapped to `cells`; words longer than a line are broken, nothing is lost."""
    lines: list[Line] = []
    room = max(8, cells - cell_len(indent))
    for raw in text.split("\n"):
        current = ""
        for word in raw.split(" "):
            candidate = f"{current} {word}" if current else word
            if cell_len(candidate) <= room:
                current = candidate
                continue
            if current:
                lines.append((span(indent + current, ink),))
            while cell_len(word) > room:
                head = set_cell_size(word, room).rstrip()
                lines.append((span(indent + head, ink),))
                word = word[len(head) :]
            current = word
        lines.append((span(indent + current, ink),))
    return lines


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row of a panel, drawn only when it is in view. There may be thousands: the garbage collector skips them.

    `id` is stable while the row's subject lives, `search` is what a filter looks in, `subject` what Enter opens
    (None: nothing), `pressing` whether hiding it behind a filter must be said, `passing` whether it is gone in a
    moment, so that no panel grows for it.
    """

    id: str
    draw: Callable[[], Line]
    search: str = ""
    subject: object | None = None
    pressing: bool = False
    passing: bool = False


def fixed(id_: str, *parts: Span, subject: object | None = None, pressing: bool = False) -> Row:
    """A row whose line is known already."""
    return Row(id_, lambda: parts, plain(parts).lower(), subject, pressing)
