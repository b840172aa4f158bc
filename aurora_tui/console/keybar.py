"""The key bar: what can be pressed here, what cannot yet, or for a few seconds what the console has to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aurora_tui.console.ink import Line, Span, fit, span, width


class Key(NamedTuple):
    """A key on the bar. `drop`: the higher, the sooner it leaves a narrow bar; `able` False dims it.

    `ink`: of the word, where it tells more than what the key is for.
    """

    key: str
    word: str
    able: bool = True
    drop: int = 0
    ink: str = ""


def line(keys: Sequence[Key], cells: int, message: str | None = None) -> Line:
    """The bar in exactly `cells` cells; a `message` takes its place."""
    if message is not None:
        return fit((span(f" {message}", "accent bold"),), cells)
    shown = list(keys)
    while shown and width(_parts(shown)) > cells:
        shown.remove(max(shown, key=lambda item: item.drop))
    return fit(_parts(shown), cells)


def _parts(keys: Sequence[Key]) -> list[Span]:
    parts = [span(" ")]
    for number, item in enumerate(keys):
        parts += [span("  ")] if number else []
        parts += [
            span(item.key, "accent bold" if item.able else "dim"),
            span(f" {item.word}", item.ink if item.able else "dim"),
        ]
    return parts
