"""The board: eight canvases, where they go on a screen of any size, and what is drawn on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.timer import Timer as TextualTimer

from aurora_tui.console import flow, geometry, header, keybar, themes
from aurora_tui.console.bindings import actions, bar
from aurora_tui.console.canvas import Canvas
from aurora_tui.console.dialog import Details
from aurora_tui.console.frugal import FrugalDisplay
from aurora_tui.console.ink import WAITING, Line, Row, fixed, span
from aurora_tui.console.palette import Palette
from aurora_tui.console.panel import Panel
from aurora_tui.console.pulse import Pulse
from aurora_tui.settings import Settings

if TYPE_CHECKING:
    from aurora_tui.console.acting.flow import Acting
    from aurora_tui.console.drawing import Listing
    from aurora_tui.situation.situation import Situation

PANELS = ("slo", "checkpoints", "workloads", "alerts")
_TITLES = {"slo": "SLO", "checkpoints": "CHECKPOINTS", "workloads": "WORKLOADS", "alerts": "ALERTS"}
REDRAWS = 5  # a second: Situations that come quicker are drawn together
AT_ONCE = 3  # of them, after a while without any: the first answers come all at the same time
MESSAGE_SECONDS = 4.0


class Board(FrugalDisplay):
    """Draws what `pulse` holds; knows neither where that comes from nor what a key does."""

    CSS = "Screen { layers: base over act top; overflow: hidden; } #small { layer: top; display: none; }"

    def __init__(self, settings: Settings, pulse: Pulse) -> None:
        super().__init__()
        self.settings = settings
        self.pulse = pulse
        self._everything = False
        self._listings: dict[str, Listing] = {}
        self._wants = self._likely_wants()
        self._placed: geometry.Geometry | None = None
        self._extent = Size(0, 0)
        self._pending: TextualTimer | None = None
        self._drawn_until = 0.0  # monotonic: the draws so far are those of all time up to then
        self._message: tuple[str, float] | None = None
        self._actions = actions(settings.mission.runbook)
        self._able: frozenset[str] = frozenset()
        self._acting: Acting | None = None
        self._problems = self._use_themes(settings.theme)
        self._palette = self._make_palette()

    def _use_themes(self, wanted: str) -> list[str]:
        """Know our themes and no others, and use `wanted` or the default one; returns what was wrong, in words."""
        found = themes.load()
        self._themes = found.by_name
        problems = list(found.problems)
        for theme in found.by_name.values():
            self.register_theme(theme)
        self.theme = wanted if wanted in found.by_name else themes.DEFAULT
        if self.theme != wanted:
            problems.append(f"theme {wanted} is not known: using {self.theme}")
        for name in set(self.available_themes) - set(found.by_name):
            self.unregister_theme(name)
        return problems

    def compose(self) -> ComposeResult:
        """Seven canvases, one more for details and one for a terminal too small."""
        yield Canvas(self._palette, id="header")
        yield Canvas(self._palette, id="banner")
        for name in PANELS:
            yield Panel(self._palette, id=name)
        yield Canvas(self._palette, id="keys")
        yield Details(self._palette, id="details")
        yield Canvas(self._palette, id="small")

    def panel(self, name: str) -> Panel:
        """The panel `name`."""
        return self.screen_stack[0].query_one(f"#{name}", Panel)

    def canvas(self, name: str) -> Canvas:
        """Any of the canvases."""
        return self.screen_stack[0].query_one(f"#{name}", Canvas)

    @property
    def details(self) -> Details:
        """The layer for details."""
        return self.screen_stack[0].query_one("#details", Details)

    @property
    def palette(self) -> Palette:
        """The colours that are on."""
        return self._palette

    def draw_soon(self) -> None:
        """Draw at once, unless more were drawn of late than may be; then as soon as the next may, 200 ms later at most.

        Counted, not spaced evenly: what comes every 200 ms is drawn as it comes, whatever a key or a second drew.
        """
        if self._pending is None and self.is_running:
            wait = self._drawn_until - (AT_ONCE - 1) / REDRAWS - time.monotonic()
            self._pending = self.set_timer(max(0.001, wait), self._draw_pending)

    def _draw_pending(self) -> None:
        self._pending = None
        self._drawn_until = max(self._drawn_until, time.monotonic()) + 1.0 / REDRAWS
        self.draw()

    def draw(self) -> None:
        """Bring every canvas up to date; cells that did not change are not written."""
        if not self.screen_stack:
            return
        if self._placed is None:
            self._draw_too_small()
            return
        situation, now, lost = self.pulse.situation, self.pulse.now(), self.pulse.lost()
        rows = {name: self._rows(name, situation, now) for name in PANELS}
        lasting = {name: sum(not row.passing for row in rows[name]) for name in PANELS}
        if any(lasting[name] > self._wants[name] for name in PANELS):
            self._wants = {name: max(self._wants[name], lasting[name]) for name in PANELS}
            self._place()
        placed = self._placed
        boxes = placed.boxes
        head, verdict, keys = boxes["header"], boxes["banner"], boxes["keys"]
        lines = header.lines(self.settings, situation, now, head.width, head.height)
        self.canvas("header").paint(lines, head.width, head.height)
        self.canvas("banner").paint(self._banner(situation, now, verdict), verdict.width, verdict.height)
        for number, name in enumerate(PANELS, 1):
            title = f"{number} {self._title(name)}"
            heads = self._heads(name, situation)
            self.panel(name).show(title, rows[name], boxes[name], placed.framed, lost is not None, heads)
        self.details.show(boxes["details"], lost is not None)
        if self._acting is not None and self._acting.layer is not None:
            self._acting.layer.show(boxes["details"], lost is not None)
        self.canvas("keys").paint([self._key_line(keys.width)], keys.width, 1)

    def _rows(self, name: str, situation: Situation | None, now: float | None) -> list[Row]:
        """The rows of one panel for the width it has."""
        if situation is None or now is None or self._placed is None:
            return [fixed("waiting", span(WAITING, "unknown"))]
        from aurora_tui.console import drawing

        self._listings[name] = drawing.listing(
            name,
            situation,
            now,
            self._inner(name, self._placed),
            self.settings,
            self._listings.get(name),
            everything=self._everything,
            filtered=bool(self.panel(name).filter),
        )
        return self._listings[name].rows

    def _heads(self, name: str, situation: Situation | None) -> Sequence[tuple[str, int]]:
        """Names of columns for a panel's border."""
        if situation is None or self._placed is None:
            return ()
        from aurora_tui.console import drawing

        return drawing.heads(name, situation, self._inner(name, self._placed), self.settings)

    def _inner(self, name: str, placed: geometry.Geometry) -> int:
        """Cells that a row of a panel has."""
        return placed.boxes[name].width - (4 if placed.framed else 1)

    def _banner(self, situation: Situation | None, now: float | None, box: geometry.Box) -> list[Line]:
        lost = self.pulse.lost()
        if situation is None or now is None:
            return flow.waiting(box.width, box.height, lost)
        from aurora_tui.console import drawing

        return drawing.banner(situation, now, box.width, box.height, lost)

    def _title(self, name: str) -> str:
        return (self._listings[name].title if name in self._listings else None) or _TITLES[name]

    def _key_line(self, width: int) -> Line:
        if self._message is not None and time.monotonic() >= self._message[1]:
            self._message = None
        message = self._message[0] if self._message else None
        if self._acting is not None and self._acting.open and self._acting.layer is not None:
            layer = self._acting.layer
            return keybar.line(layer.keys, width, layer.hint or message)
        return keybar.line(bar(self._actions, self._able, self._run_key()), width, message)

    def _run_key(self) -> keybar.Key | None:
        """The run of a runbook that goes on, or has just ended."""
        situation, now = self.pulse.situation, self.pulse.now()
        if situation is None or now is None or not situation.runs:
            return None
        from aurora_tui.console.acting.telling import telling

        return telling(situation.runs, now)

    def _draw_too_small(self) -> None:
        width, height = self._extent
        need = f"{geometry.LEAST_WIDTH}×{geometry.LEAST_HEIGHT}"
        lines = [(span("terminal too small", "warn bold"),), (span(f"{width}×{height}, needs {need}"),)]
        situation, now = self.pulse.situation, self.pulse.now()
        if situation is not None and now is not None:
            from aurora_tui.console import drawing

            word = "BLIND" if self.pulse.lost() else drawing.headline(situation.verdict, now)
            lines.append((span(word, "bold"),))
        self.canvas("small").paint(lines, width, height)

    def _place(self) -> None:
        """Give every canvas its rectangle."""
        placed = geometry.arrange(*self._extent, self._wants)
        if placed is not None and placed == self._placed:
            return
        self._placed = placed
        small = self.canvas("small")
        small.display = self._placed is None
        boxes = self._placed.boxes if self._placed else {"small": geometry.Box(0, 0, *self._extent)}
        for name, box in boxes.items():
            styles = self.canvas(name).styles
            styles.offset = (box.x, box.y)
            styles.width, styles.height = box.width, box.height

    def on_resize(self, event: events.Resize) -> None:
        """Arrange everything for the new size."""
        self._extent = event.size  # App.size still tells the old one while Textual gathers more such events
        self._wants = self._likely_wants()
        self._place()
        self.draw()

    def _likely_wants(self) -> dict[str, int]:
        """Rows to make room for before they are known, so that the first Situation moves nothing."""
        return {"slo": len(self.settings.mission.slo) + 1, "checkpoints": 5, "workloads": 4, "alerts": 2}

    def _make_palette(self) -> Palette:
        return Palette(themes.colours_of(self.current_theme), self.settings.environment.colour)

    def _change_palette(self) -> None:
        self._palette = self._make_palette()
        for canvas in self.screen_stack[0].query(Canvas):
            canvas.use(self._palette)

    def say(self, text: str, seconds: float = MESSAGE_SECONDS) -> None:
        """A word in the key bar's place, for a few seconds."""
        self._message = (text, time.monotonic() + seconds)
        self.draw()
