"""A chart in characters: values as dots, the threshold as a line, gaps left open and marked on the time axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aurora_tui.console.figures import number
from aurora_tui.console.ink import Line, Span, fit, span
from aurora_tui.console.moments import day_and_time
from aurora_tui.situation.mission import Direction
from aurora_tui.situation.slo import Point

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # Unicode braille: row, then column
_JOINED_STEPS = 2.5  # points further apart than this many steps have a gap between them
_LABEL = 9


@dataclass(slots=True)
class _Grid:
    """Dots of a chart of `width` × `height` cells; each cell has 2 × 4 of them."""

    width: int
    height: int
    dots: dict[tuple[int, int], int] = field(default_factory=dict)
    bad: set[tuple[int, int]] = field(default_factory=set)

    def mark(self, x: int, y: int, bad: bool) -> None:
        if 0 <= x < self.width * 2 and 0 <= y < self.height * 4:
            cell = (x // 2, y // 4)
            self.dots[cell] = self.dots.get(cell, 0) | _DOTS[y % 4][x % 2]
            if bad:
                self.bad.add(cell)


def chart(
    points: Sequence[Point],
    start: float,
    end: float,
    size: tuple[int, int],
    threshold: float,
    direction: Direction,
    digits: int,
    step: float,
) -> list[Line]:
    """Lines of `size` (width, height) cells, the last one the time axis; only values from `start` to `end` count."""
    width, height = max(20, size[0]) - _LABEL - 1, max(4, size[1]) - 1
    shown = [point for point in points if start <= point.time <= end and math.isfinite(point.value)]
    if not shown:
        empty = [fit((), size[0]) for _ in range(height)]
        empty[height // 2] = fit((span(" " * (_LABEL + 1) + "no data in this time", "unknown"),), size[0])
        return [*empty, _axis(set(), start, end, width)]
    low, high = _scale((point.value for point in shown), threshold)
    grid = _Grid(width, height)
    rows = height * 4 - 1

    def place(point: Point) -> tuple[int, int]:
        x = int((point.time - start) / max(1e-9, end - start) * (width * 2 - 1))
        return x, round((high - point.value) / (high - low) * rows)

    def is_bad(value: float) -> bool:
        return value < threshold if direction is Direction.AT_LEAST else value > threshold

    last: tuple[Point, int, int] | None = None
    for point in shown:
        x, y = place(point)
        if last is not None and point.time - last[0].time <= _JOINED_STEPS * step:
            for x_between, y_between, value in _between(last, (point, x, y)):
                grid.mark(x_between, y_between, is_bad(value))
        grid.mark(x, y, is_bad(point.value))
        last = (point, x, y)
    line_row = min(height - 1, max(0, round((high - threshold) / (high - low) * rows) // 4))
    lines = [
        _row(grid, y, y == line_row, _label(y, line_row, height, low, high, threshold, digits)) for y in range(height)
    ]
    return [*lines, _axis({cell[0] for cell in grid.dots}, start, end, width)]


def _between(before: tuple[Point, int, int], after: tuple[Point, int, int]) -> Iterable[tuple[int, int, float]]:
    """The dots of the straight line between two neighbours, with the value each stands for; no hole, no more."""
    (first, x_first, y_first), (second, x_second, y_second) = before, after
    count = max(abs(x_second - x_first), abs(y_second - y_first))
    for number_ in range(1, count):
        part = number_ / count
        x = round(x_first + (x_second - x_first) * part)
        yield x, round(y_first + (y_second - y_first) * part), first.value + (second.value - first.value) * part


def _scale(values: Iterable[float], threshold: float) -> tuple[float, float]:
    """Lowest and highest of values and threshold, with a tenth of room on both sides."""
    everything = [*values, threshold]
    low, high = min(everything), max(everything)
    margin = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _label(y: int, line_row: int, height: int, low: float, high: float, threshold: float, digits: int) -> str:
    if y == line_row:
        return number(threshold, digits)
    if y == 0:
        return number(high, digits)
    return number(low, digits) if y == height - 1 else ""


def _row(grid: _Grid, y: int, is_threshold: bool, label: str) -> Line:
    parts = [span(f"{label:>{_LABEL}}", "accent" if is_threshold else "dim"), span("┤" if label else "│", "dim")]
    for x in range(grid.width):
        dots = grid.dots.get((x, y))
        if dots:
            parts.append(Span(chr(0x2800 + dots), "bad" if (x, y) in grid.bad else "good"))
        else:
            parts.append(Span("╌" if is_threshold else " ", "accent" if is_threshold else ""))
    return tuple(parts)


def _axis(filled: set[int], start: float, end: float, width: int) -> Line:
    """The time axis: drawn where there is data, blank where there is none, with both ends named."""
    left, right = f" {day_and_time(start, end)} ", f" {day_and_time(end, end)} "
    line = "".join("─" if x in filled else " " for x in range(width))
    middle = line[len(left) : max(len(left), width - len(right))]
    return fit(
        (span(" " * _LABEL + "└", "dim"), span(left, "dim"), span(middle, "dim"), span(right, "dim")),
        width + _LABEL + 1,
    )
