"""The layer that acting happens on: over the panels, which stay live; it has every key while it is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from textual import events
from textual.message import Message

from aurora_tui.console.canvas import Canvas
from aurora_tui.console.frame import frame
from aurora_tui.console.geometry import Box
from aurora_tui.console.ink import Line, recolour, span
from aurora_tui.console.keybar import Key
from aurora_tui.console.palette import Palette

_LEAST_BODY = 2  # lines of the scrolled part that always stay


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: `head` and `foot` always in view, `body` scrolled between them.

    `bare`: without a frame at the sides, so that a terminal's own selection takes the lines and nothing else.
    `seek`: scroll the body so that this line of it is in view.
    """

    title: str
    body: list[Line]
    head: list[Line] = field(default_factory=list)
    foot: list[Line] = field(default_factory=list)
    note: str = ""
    alarm: bool = False
    bare: bool = False
    seek: int | None = None
    keys: Sequence[Key] = ()  # what they do here, for the key bar
    hint: str | None = None  # in their place: why the last key did nothing


class Page(Protocol):
    """Something the layer shows and gives its keys to."""

    def show(self, cells: int, rows: int) -> Shown:
        """Everything, for lines of `cells` cells."""
        ...

    def key(self, key: str, character: str | None) -> bool:
        """Take a key; False lets the layer scroll by it."""
        ...

    def paste(self, text: str) -> None:
        """Take a pasted text."""
        ...

    def tick(self) -> None:
        """A second went by."""
        ...

    def close(self) -> None:
        """It is no longer shown."""
        ...


class Layer(Canvas, can_focus=True):
    """Shows one page at a time. No key that it gets goes any further: what is beneath must not act."""

    DEFAULT_CSS = "Layer { layer: act; display: none; }"

    class Touched(Message):
        """Typed or scrolled: draw again."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Layer.Touched)

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(palette, id=id)
        self.ground = "panel"
        self.page: Page | None = None
        self._top = 0
        self._last = 0
        self._rows = 1
        self._box: Box | None = None
        self.keys: Sequence[Key] = ()
        self.hint: str | None = None

    def turn_to(self, page: Page | None) -> None:
        """Show another page, or none."""
        if self.page is not None and self.page is not page:
            self.page.close()
        self.page, self._top = page, 0
        self.display = page is not None

    def show(self, box: Box, faded: bool) -> None:
        """Draw the page in `box`. `faded` when nobody tells the console anything any more: only the body."""
        if self.page is None:
            return
        if box != self._box:
            self._box = box
            self.styles.offset = (box.x, box.y)
            self.styles.width, self.styles.height = box.width, box.height
        cells = box.width - 4
        inner = max(1, box.height - 2)
        shown = self.page.show(cells, inner)
        self.keys, self.hint = shown.keys, shown.hint
        foot = shown.foot[-max(1, inner - _LEAST_BODY) :] if shown.foot else []
        head = shown.head[: max(0, inner - len(foot) - _LEAST_BODY)]
        self._rows = max(1, inner - len(head) - len(foot))
        self._last = max(0, len(shown.body) - self._rows)
        if shown.seek is not None:
            self._top = min(max(self._top, shown.seek - self._rows + 1), shown.seek)
        self._top = max(0, min(self._top, self._last))
        view = shown.body[self._top : self._top + self._rows]
        view += [()] * (self._rows - len(view))
        if faded:
            view = [recolour(line, "dim") for line in view]
        note = shown.note
        if self._last:
            below = self._last - self._top
            at = f"{self._top + 1}–{min(len(shown.body), self._top + self._rows)} of {len(shown.body)} lines"
            note = " · ".join(part for part in (at + (" ▼ more below" if below else ""), note) if part)
        lines = [*head, *view, *foot]
        if shown.bare:
            drawn = frame(shown.title, note, lines, box.width, box.height, False, True, shown.alarm)
        else:
            drawn = frame(shown.title, note, lines, box.width, box.height, True, True, shown.alarm)
        self.paint(drawn, box.width, box.height)

    async def on_key(self, event: events.Key) -> None:
        """Every key is the page's; what it does not want scrolls, or does nothing at all."""
        event.stop()
        event.prevent_default()
        if self.page is None:
            return
        # Escape and another key within ESCDELAY arrive as one, with alt: it is Escape that was meant.
        key = "escape" if event.key.startswith("alt+") else event.key
        character = event.character if event.is_printable and key == event.key else None
        if not self.page.key(key, character):
            self._scroll(key)
        self.post_message(self.Touched())

    def _scroll(self, key: str) -> None:
        by = {"up": -1, "down": 1, "pageup": -self._rows, "pagedown": self._rows}
        ends = {"home": 0, "end": self._last}
        self._top = max(0, min(ends.get(key, self._top + by.get(key, 0)), self._last))

    def on_paste(self, event: events.Paste) -> None:
        """A paste goes to the page."""
        event.stop()
        if self.page is not None:
            self.page.paste(event.text)
            self.post_message(self.Touched())

    def on_blur(self) -> None:
        """A click beside it: the keys stay here as long as it is open."""
        if self.page is not None and self.app.app_focus:
            self.call_later(self._take_keys)

    def _take_keys(self) -> None:
        if self.page is not None and len(self.app.screen_stack) == 1:
            self.focus()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self._top = min(self._top + 3, self._last)
        self.post_message(self.Touched())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self._top = max(0, self._top - 3)
        self.post_message(self.Touched())


def rule(cells: int, title: str = "", ink: str = "frame") -> Line:
    """A thin line across, with a title in it."""
    text = f"── {title} " if title else ""
    return (span(text, ink), span("─" * max(0, cells - len(text)), ink))
