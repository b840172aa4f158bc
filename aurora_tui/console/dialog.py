"""Details on a layer over the panels: the gauges below stay live, which a modal screen would not let them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from aurora_tui.console.canvas import Canvas
from aurora_tui.console.frame import frame
from aurora_tui.console.geometry import Box
from aurora_tui.console.ink import Line, plain, recolour
from aurora_tui.console.palette import Palette

# (title, lines) for a width in cells; asked at every draw, so that what is shown is never older than the panels.
Content = Callable[[int], tuple[str, list[Line]]]


class Details(Canvas, can_focus=True):
    """One subject's whole story, scrolled. Hidden until `open_with`; `Closed` is posted when it is left."""

    DEFAULT_CSS = "Details { layer: over; display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close the details", id="details.close"),
        Binding("up,k", "scroll(-1)", "up", id="details.up"),
        Binding("down,j", "scroll(1)", "down", id="details.down"),
        Binding("pageup", "page(-1)", "a page up", id="details.page-up"),
        Binding("pagedown,space", "page(1)", "a page down", id="details.page-down"),
        Binding("home", "edge(-1)", "to the top", id="details.top"),
        Binding("end", "edge(1)", "to the end", id="details.end"),
    ]

    class Closed(Message):
        """The details were closed."""

    class Touched(Message):
        """Scrolled: draw again."""

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(palette, id=id)
        self.ground = "panel"
        self._content: Content | None = None
        self._top = 0
        self._count = 0
        self._page = 1
        self._seek: str | None = None

    def open_with(self, content: Content, seek: str | None = None) -> None:
        """Show `content`, scrolled to the line that holds `seek`."""
        self._content, self._top, self._seek = content, 0, seek
        self.display = True
        self.focus()

    def close_details(self) -> None:
        """Forget the content and hide."""
        self._content = None
        self.display = False

    def show(self, box: Box, faded: bool) -> None:
        """Draw the content in `box`."""
        if self._content is None:
            return
        title, lines = self._content(box.width - 4)
        self._page = max(1, box.height - 2)
        self._count = len(lines)
        if self._seek is not None:
            seek, self._seek = self._seek, None
            self._top = next((at for at, line in enumerate(lines) if seek in plain(line)), 0)
        self._top = max(0, min(self._top, self._count - self._page))
        view = lines[self._top : self._top + self._page]
        if faded:
            view = [recolour(line, "dim") for line in view]
        note = "Esc closes"
        if self._count > self._page:
            note = f"{self._top + 1}–{min(self._count, self._top + self._page)} of {self._count} lines · {note}"
        self.paint(frame(title, note, view, box.width, box.height, True, True), box.width, box.height)

    def action_close(self) -> None:
        """Close."""
        self.post_message(self.Closed())

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self._top = max(0, self._top + by)
        self.post_message(self.Touched())

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        self.action_scroll(by * self._page)

    def action_edge(self, end: int) -> None:
        """To the top or the end."""
        self._top = 0 if end < 0 else self._count
        self.post_message(self.Touched())

    def on_key(self, event: events.Key) -> None:
        """Escape and another key within ESCDELAY arrive as one, with alt: it is Escape that was meant."""
        if event.key.startswith("alt+"):
            event.stop()
            self.action_close()

    def on_paste(self, event: events.Paste) -> None:
        """A paste goes nowhere."""
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.action_scroll(-3)
