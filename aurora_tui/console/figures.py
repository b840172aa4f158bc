"""Numbers as the screen writes them: fixed digits, shares rounded down, sparklines with their gaps left open."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from aurora_tui.console.ink import NO_VALUE, Span

_BARS = "▁▂▃▄▅▆▇█"
GAP = "·"


def number(value: float | None, digits: int) -> str:
    """`value` with `digits` decimals; a dash when it is not known or not a number."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    return f"{value:.{digits}f}"


def share(ratio: float | None, decimals: int = 1) -> str:
    """A share as percent, rounded down so that 99.97 % never reads as 100 %: `98.1 %`, `100 %`."""
    if ratio is None or not math.isfinite(ratio):
        return f"{NO_VALUE} %"
    scale = 10.0**decimals
    percent = math.floor(ratio * 100 * scale + 1e-6) / scale
    if percent == int(percent) and (decimals == 0 or percent in (0.0, 100.0)):
        return f"{int(percent)} %"
    return f"{percent:.{decimals}f} %"


def percent(value: float) -> str:
    """A percentage that is one already: 10 → `10%`, 2.5 → `2.5%`."""
    return f"{value:g}%"


def spark(
    values: Sequence[float | None], cells: int, objective: float, bad: Callable[[float], bool]
) -> tuple[Span, ...]:
    """The newest `cells` values as bars; a missing value is a dot, a bad one is inked so.

    The scale always reaches the objective, so that noise far from it does not look like drama.
    """
    newest = values[-cells:]
    shown: list[float | None] = [*[None] * (cells - len(newest)), *newest]
    known = [value for value in shown if value is not None and math.isfinite(value)]
    low, high = (min(*known, objective), max(*known, objective)) if known else (0.0, 0.0)
    parts: list[Span] = []
    for value in shown:
        if value is None or not math.isfinite(value):
            text, ink = GAP, "dim"
        else:
            level = 3 if high == low else round((value - low) / (high - low) * (len(_BARS) - 1))
            text, ink = _BARS[level], "bad" if bad(value) else "spark"
        if parts and parts[-1].ink == ink:
            parts[-1] = Span(parts[-1].text + text, ink)
        else:
            parts.append(Span(text, ink))
    return tuple(parts)


def bar(share_done: float, cells: int) -> str:
    """A progress bar drawn with ━ and ╺: `━━━━╺━━━` stands at the ╺."""
    if cells <= 0:
        return ""
    done = min(cells - 1, max(0, int(share_done * cells)))
    return "━" * done + "╺" + "━" * (cells - done - 1)
