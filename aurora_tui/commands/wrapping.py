"""Lines for a person, no wider than their terminal: safe text, broken between words, hanging under its label."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterator

from aurora_tui.text import safe

_NARROWEST, _WIDEST = 40, 160
_ELSEWHERE = 100  # into a file or a pipe


def columns() -> int:
    """How wide our output may be: the terminal's width, within reason; a fixed one where there is no terminal."""
    if not sys.stdout.isatty():
        return _ELSEWHERE
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((_ELSEWHERE, 24)).columns - 1))


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes: wide letters take two, marks none (UAX #11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def hanging(label: str, text: str, width: int) -> Iterator[str]:
    """`label`, then `text` made safe, over as many lines as it needs: the further ones begin under its first word."""
    indent = " " * cells(label)
    room = max(10, width - len(indent))
    line, before = "", label
    for word in _words(safe(text, 4000), room):
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > room:
            yield before + line
            line, before = word, indent
        else:
            line = longer
    yield (before + line).rstrip()


def _words(text: str, room: int) -> Iterator[str]:
    """The words of `text`; those that no line could hold in pieces."""
    for word in text.split():
        piece = ""
        for char in word:
            if cells(piece + char) > room:
                yield piece
                piece = ""
            piece += char
        yield piece
