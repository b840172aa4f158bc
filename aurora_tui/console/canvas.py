"""A widget that is given lines and writes only the cells that differ from what it last drew."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from aurora_tui.console.ink import Line, Span, fit, plain
from aurora_tui.console.palette import Palette

_MERGE_GAP = 6  # cells: moving the cursor and setting colours again costs more than rewriting so few


class Canvas(Widget):
    """A rectangle of inked lines. `paint` is the only way to change it; there is no markup and no layout."""

    DEFAULT_CSS = "Canvas { position: absolute; width: 0; height: 0; }"

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._palette = palette
        self._lines: list[Line] = []
        self._strips: list[Strip] = []
        self._extent = (0, 0)
        self.ground = "background"

    def use(self, palette: Palette) -> None:
        """Draw everything again in another palette."""
        self._palette = palette
        self._strips = [self._strip(line) for line in self._lines]
        self.refresh()

    def paint(self, lines: Sequence[Line], width: int, height: int) -> int:
        """Show `lines`, cut or padded to width × height cells; returns how many cells differed from before."""
        wanted = [fit(line, width) for line in lines[:height]]
        wanted += [fit((), width)] * (height - len(wanted))
        if self._extent != (width, height):
            self._extent = (width, height)
            self._lines = wanted
            self._strips = [self._strip(line) for line in wanted]
            self.refresh()
            return width * height
        changed: list[Region] = []
        for y, (old, new) in enumerate(zip(self._lines, wanted, strict=True)):
            if old != new:
                changed += [Region(x, y, end - x, 1) for x, end in differing(old, new)]
                self._lines[y] = new
                self._strips[y] = self._strip(new)
        if changed:
            self.refresh(*changed)
        return sum(region.width for region in changed)

    def render_line(self, y: int) -> Strip:
        """One line of the widget."""
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self._palette.style("", self.ground))

    def _strip(self, line: Line) -> Strip:
        joined: list[tuple[str, Style]] = []
        for part in line:
            style = self._palette.style(part.ink, self.ground)
            if joined and joined[-1][1] == style:
                joined[-1] = (joined[-1][0] + part.text, style)
            elif part.text:
                joined.append((part.text, style))
        return Strip([Segment(text, style) for text, style in joined])

    @property
    def text(self) -> str:
        """What is drawn, without colours."""
        return "\n".join(plain(line) for line in self._lines)


def differing(old: Line, new: Line) -> list[tuple[int, int]]:
    """Ranges of cells (start, end) in which two lines differ; ranges close to each other are one."""
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, max(len(before), len(after)))]
    ranges: list[tuple[int, int]] = []
    for x, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        if ranges and x - ranges[-1][1] <= _MERGE_GAP:
            ranges[-1] = (ranges[-1][0], x + 1)
        else:
            ranges.append((x, x + 1))
    return [_whole_characters(before, after, start, end) for start, end in ranges]


def _cells(line: Sequence[Span]) -> list[tuple[str, str]]:
    """A line cell by cell. A wide character's second cell is empty; a combining mark joins the cell before it."""
    cells: list[tuple[str, str]] = []
    for part in line:
        if part.text.isascii():
            cells += [(char, part.ink) for char in part.text]
            continue
        for char in part.text:
            size = cell_len(char)
            if size == 0 and cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
                continue
            cells.append((char, part.ink))
            cells += [("", part.ink)] * (size - 1)
    return cells


def _whole_characters(
    before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]], start: int, end: int
) -> tuple[int, int]:
    """Widen a range so that it cuts no wide character, old or new, in half."""
    while start > 0 and (before[start][0] == "" or after[start][0] == ""):
        start -= 1
    while end < len(after) and (before[end][0] == "" or after[end][0] == ""):
        end += 1
    return start, end
