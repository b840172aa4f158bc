"""Columns that line up: as wide as their widest cell, the least important given up when the room is short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from aurora_tui.console.ink import Line, Span, fit, span, width

Cell = Span | tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """`drop`: the higher, the sooner it is given up; 0 never. `least`: cells it may shrink to before that.

    `room` is a fixed width; without it the widest cell decides. `right` aligns numbers. `most` caps the width.
    `late` shrinks only once every column that can be given up is gone.
    """

    room: int | None = None
    drop: int = 0
    least: int | None = None
    most: int = 60
    right: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The widths decided for one table: 0 means the column is not shown."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    total: int

    @property
    def taken(self) -> int:
        """Cells that the columns take, gaps included."""
        return _taken(self.widths)

    def start(self, column: int) -> int:
        """The cell that a column that is shown starts at."""
        before = [room for room in self.widths[:column] if room]
        return sum(before) + len(before)

    def line(self, cells: Sequence[Cell]) -> Line:
        """One row of cells, in exactly `total` cells."""
        parts: list[Span] = []
        for column, room, cell in zip(self.columns, self.widths, cells, strict=True):
            if room == 0:
                continue
            if parts:
                parts.append(Span(" "))
            spans = (cell,) if isinstance(cell, Span) else cell
            if column.right and (missing := room - width(spans)) > 0:
                parts.append(Span(" " * missing))
                parts.extend(spans)
            else:
                parts.extend(fit(spans, room))
        return fit(parts, self.total)


def arrange(columns: Sequence[Column], texts: Iterable[Sequence[str]], total: int) -> Layout:
    """Widths for `columns` given the `texts` of every row, so that a line takes at most `total` cells.

    Columns first shrink to `least`, then leave, both by `drop`, highest first; a column nobody fills takes no room.
    """
    natural = [0] * len(columns)
    for row in texts:
        for number, text in enumerate(row):
            natural[number] = max(natural[number], len(text) if text.isascii() else cell_len(text))
    widths = [
        0 if not need else column.room if column.room is not None else min(need, column.most)
        for column, need in zip(columns, natural, strict=True)
    ]
    _shrink(columns, widths, total, late=False)
    for index in sorted(range(len(columns)), key=lambda at: -columns[at].drop):
        if _taken(widths) <= total or not columns[index].drop:
            break
        widths[index] = 0
    _shrink(columns, widths, total, late=True)
    _grow(columns, widths, natural, total)
    return Layout(tuple(columns), tuple(widths), total)


def _taken(widths: Sequence[int]) -> int:
    shown = [room for room in widths if room]
    return sum(shown) + max(0, len(shown) - 1)


def _shrink(columns: Sequence[Column], widths: list[int], total: int, *, late: bool) -> None:
    for index, column in sorted(enumerate(columns), key=lambda item: -item[1].drop):
        excess = _taken(widths) - total
        if excess <= 0:
            return
        if column.late == late and column.least is not None and widths[index] > column.least:
            widths[index] = max(column.least, widths[index] - excess)


def _grow(columns: Sequence[Column], widths: list[int], natural: Sequence[int], total: int) -> None:
    """Give room that is left back to the columns that were shrunk."""
    for index, column in enumerate(columns):
        spare = total - _taken(widths)
        if spare <= 0:
            return
        if column.room is None and 0 < widths[index] < min(natural[index], column.most):
            widths[index] = min(natural[index], column.most, widths[index] + spare)


def cell(text: str, ink: str = "") -> Span:
    """A cell of one ink."""
    return span(text, ink)
