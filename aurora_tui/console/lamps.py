"""A source's light in words, wherever it must be said that what is shown may not be believed."""

from __future__ import annotations

from functools import partial

import msgspec

from aurora_tui.console.ink import Line, Row, Span
from aurora_tui.console.moments import alert_age
from aurora_tui.situation.freshness import LightState, SourceLight


def dark_words(light: SourceLight, now: float) -> str:
    """Why a source shows nothing that may be believed, and since when."""
    if light.state(now) is LightState.STARTING:
        return f"? waiting for {light.title}…"
    seen = light.age(now)
    last = "never answered" if seen is None else f"last answer {alert_age(seen)} ago"
    return f"? {light.title}: {last}{': ' + light.error if light.error else ''}"


def outdated(row: Row) -> Row:
    """The row as it was last known: dim, and its ticks become question marks, wherever the list is scrolled to."""
    return msgspec.structs.replace(row, draw=partial(_as_of_then, row))


def _as_of_then(row: Row) -> Line:
    return tuple(Span(part.text.replace("✔", "?"), "dim") for part in row.draw())
