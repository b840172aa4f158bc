"""A panel: a list with a cursor, a filter and a frame, drawn cell by cell only where it changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from aurora_tui.console.canvas import Canvas
from aurora_tui.console.frame import chosen, frame
from aurora_tui.console.geometry import Box
from aurora_tui.console.ink import Line, Row, recolour
from aurora_tui.console.palette import Palette


class Panel(Canvas, can_focus=True):
    """One of the four lists: told rows, it posts `Opened` when one is opened and `Touched` to be drawn again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "up", id="panel.up"),
        Binding("down,j", "step(1)", "down", id="panel.down"),
        Binding("pageup", "page(-1)", "a page up", id="panel.page-up"),
        Binding("pagedown", "page(1)", "a page down", id="panel.page-down"),
        Binding("home", "edge(-1)", "to the first row", id="panel.first"),
        Binding("end", "edge(1)", "to the last row", id="panel.last"),
        Binding("enter", "open", "details of the row", id="panel.open"),
        Binding("slash", "filter", "filter the rows", id="panel.filter"),
        Binding("escape", "clear", "drop the filter", id="panel.clear"),
    ]

    class Opened(Message):
        """Enter on a row that has a subject."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Touched(Message):
        """Cursor, filter or focus changed: draw the panel again."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Panel.Touched)

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(palette, id=id)
        self._rows: Sequence[Row] = ()
        self._cursor_id: str | None = None
        self._cursor = 0
        self._top = 0
        self._page = 1
        self._first_line = 0
        self.filter = ""
        self.filtering = False

    def show(
        self, title: str, rows: Sequence[Row], box: Box, framed: bool, faded: bool, heads: Sequence[tuple[str, int]]
    ) -> None:
        """Draw `rows` in `box`, `heads` over them. `faded` when they are not to be believed any more."""
        hidden = self._keep_matching(rows)
        frame_lines = 2 if framed else 1
        self._first_line = 1
        self._page = max(1, box.height - frame_lines)
        self._follow_cursor()
        inner = box.width - (4 if framed else 1)
        lines: list[Line] = []
        for index in range(self._top, min(len(self._rows), self._top + self._page)):
            line = self._rows[index].draw()
            if faded:
                line = recolour(line, "dim")
            lines.append(chosen(line, inner) if self.has_focus and index == self._cursor else line)
        note, alarm = self._note(hidden)
        drawn = frame(title, note, lines, box.width, box.height, framed, self.has_focus, alarm, heads)
        self.paint(drawn, box.width, box.height)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def _keep_matching(self, rows: Sequence[Row]) -> list[Row]:
        """Apply the filter; returns the rows it hides."""
        needle = self.filter.lower()
        if not needle:
            self._rows = rows
            return []
        self._rows = [row for row in rows if needle in row.search]
        return [row for row in rows if needle not in row.search]

    def _follow_cursor(self) -> None:
        """Keep the cursor on its row when rows come and go, and the row in view."""
        last = max(0, len(self._rows) - 1)
        self._cursor = min(self._cursor, last)
        if self._cursor_id is not None and self._rows and self._rows[self._cursor].id != self._cursor_id:
            found = next((at for at, row in enumerate(self._rows) if row.id == self._cursor_id), None)
            self._cursor = self._cursor if found is None else found
        self._cursor_id = self._rows[self._cursor].id if self._rows and self._cursor else None
        self._top = min(max(self._top, self._cursor - self._page + 1), self._cursor)
        self._top = max(0, min(self._top, len(self._rows) - self._page))

    def _note(self, hidden: Sequence[Row]) -> tuple[str, bool]:
        """What is not in view: filtered rows, problems among them, and rows to scroll to."""
        words: list[str] = []
        pressing = sum(row.pressing for row in hidden)
        if self.filtering or self.filter:
            words.append(f"/{self.filter}{'▏' if self.filtering else ''}")
        if hidden:
            words.append(
                f"{len(hidden)} hidden" + (f", {pressing} problem{'s' if pressing > 1 else ''}" if pressing else "")
            )
        below = len(self._rows) - self._top - self._page
        if self._top > 0 or below > 0:
            words.append(f"{self._top + 1}–{min(len(self._rows), self._top + self._page)} of {len(self._rows)}")
        troubles = sum(row.pressing for row in self._rows[self._top + self._page :])
        if troubles:
            words.append(f"▼ {troubles} more to see to")
        return " · ".join(words), bool(pressing or troubles)

    def action_step(self, by: int) -> None:
        """Move the cursor."""
        self._move(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self._move(self._cursor + by * self._page)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or last row."""
        self._move(0 if end < 0 else len(self._rows) - 1)

    def _move(self, to: int) -> None:
        self._cursor = max(0, min(to, len(self._rows) - 1))
        self._cursor_id = self._rows[self._cursor].id if self._rows else None
        self.post_message(self.Touched())

    def action_open(self) -> None:
        """Open the row's details."""
        if self.row is not None and self.row.subject is not None:
            self.post_message(self.Opened(self.row))

    def action_filter(self) -> None:
        """Take the next keys as the filter's text."""
        self.filtering = True
        self.post_message(self.Touched())

    def action_clear(self) -> None:
        """Forget the filter."""
        self.filtering, self.filter = False, ""
        self.post_message(self.Touched())

    def on_key(self, event: events.Key) -> None:
        """While a filter is typed, keys are text: no action key may act."""
        if not self.filtering:
            return
        if event.key == "escape" or event.key.startswith("alt+"):  # another key came within ESCDELAY of it
            self.action_clear()
        elif event.key in ("enter", "tab", "shift+tab", "up", "down"):
            self.filtering = False
            self.post_message(self.Touched())
            if event.key != "enter":
                return
        elif event.key in ("backspace", "ctrl+h"):
            self.filter = self.filter[:-1]
            self.post_message(self.Touched())
        elif event.character is not None and event.is_printable:
            self.filter = (self.filter + event.character)[:60]
            self.post_message(self.Touched())
        else:
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """A paste goes into the filter while one is typed, and nowhere otherwise."""
        event.stop()
        if self.filtering:
            self.filter = (self.filter + "".join(char for char in event.text if char.isprintable()))[:60]
            self.post_message(self.Touched())

    def on_focus(self) -> None:
        """Show the cursor."""
        self.post_message(self.Touched())

    def on_blur(self) -> None:
        """Hide the cursor; a filter being typed stays as it is."""
        self.filtering = False
        self.post_message(self.Touched())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; a second click opens it."""
        index = self._top + event.y - self._first_line
        if 0 <= event.y - self._first_line < self._page and index < len(self._rows):
            self._move(index)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by moving the cursor."""
        event.stop()
        self.action_step(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by moving the cursor."""
        event.stop()
        self.action_step(-3)
