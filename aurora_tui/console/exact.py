"""Repaint exactly the cells that changed.

Textual 8.2.8's partial update starts at the left edge of the widget that a changed region lies in: a ticking
clock at the end of a line costs the whole line. `Exact` renders the same update cut at both ends. It reads three
attributes of a private class: tests hold them, and count the bytes of a quiet screen.
"""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate


class Exact(CompositorUpdate):
    """A partial update of the screen, cropped to its spans."""

    def __init__(self, update: ChopsUpdate) -> None:
        self._update = update

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        return self._update.__rich_console__(console, options)

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal."""
        out: list[str] = []
        update = self._update
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=True):
                if strip is None or x >= right or end <= left:
                    continue
                start = max(x, left)
                cropped = strip.crop(start - x, min(end, right) - x)
                out.append(Control.move_to(start, y).segment.text)
                out.append(cropped.render(console))
        return "".join(out)
