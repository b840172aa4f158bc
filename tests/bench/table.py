"""The bench's tables, and how many figures become one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    what: str
    figure: str
    limit: str
    within: bool


def p95(figures: Sequence[float]) -> float:
    """The figure that 95 % of `figures` do not exceed (nearest rank)."""
    return sorted(figures)[math.ceil(0.95 * len(figures)) - 1]


def spread(figures: Sequence[float], form: str) -> str:
    """Median and worst of a few figures: `0.61 s (worst 0.72 s)`."""
    return f"{form.format(statistics.median(figures))} (worst {form.format(max(figures))})"


def show(title: str, rows: Sequence[Row]) -> None:
    """Print a table."""
    print(f"| {title} | measured | limit | |")
    print("|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.figure} | {row.limit} | {'✔' if row.within else '✗'} |")
    print(flush=True)
