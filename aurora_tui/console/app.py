"""The console: puts the Situation on screen, takes keys, and never looks healthy when it hears nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer as TextualTimer

from aurora_tui.console import endings, flow, geometry, header, keybar, themes
from aurora_tui.console.bindings import EVERYWHERE, bar, help_lines, later
from aurora_tui.console.canvas import Canvas
from aurora_tui.console.dialog import Content, Details
from aurora_tui.console.feed import Feed
from aurora_tui.console.following import Following
from aurora_tui.console.frugal import FrugalDisplay
from aurora_tui.console.ink import WAITING, Line, Row, fixed, span
from aurora_tui.console.palette import Palette
from aurora_tui.console.panel import Panel
from aurora_tui.console.pulse import Pulse
from aurora_tui.settings import Settings

if TYPE_CHECKING:
    from aurora_tui.situation.situation import Situation

PANELS = ("slo", "checkpoints", "workloads", "alerts")
_TITLES = {"slo": "SLO", "checkpoints": "CHECKPOINTS", "workloads": "WORKLOADS", "alerts": "ALERTS"}
REDRAW_EVERY = 0.2  # seconds: Situations that come quicker are drawn together
MESSAGE_SECONDS = 4.0


class AuroraApp(FrugalDisplay, App[None]):
    """The full-screen console.

    `make_feed` is called after the first paint, in a thread without an event loop: it may take its time to
    import, and must only construct. `monotonic` is real time that never jumps (tests hold it still).
    """

    TITLE = "aurora-tui"
    ENABLE_COMMAND_PALETTE = True
    CSS = "Screen { layers: base over top; overflow: hidden; } #small { layer: top; display: none; }"
    BINDINGS: ClassVar[list[BindingType]] = EVERYWHERE

    def __init__(
        self,
        settings: Settings,
        make_feed: Callable[[], Feed],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.pulse = Pulse(monotonic, settings.clock.speed)
        self.following = Following(self, settings, make_feed)
        self.farewell: str | None = None  # for stderr, once the terminal is itself again
        self._every_pod = False
        self._wants = self._likely_wants()
        self._placed: geometry.Geometry | None = None
        self._extent = Size(0, 0)
        self._pending: TextualTimer | None = None
        self._drawn_at = float("-inf")
        self._message: tuple[str, float] | None = None
        self._later = later(settings.mission.runbook)
        found = themes.load()
        self._themes = found.by_name
        self._problems = list(found.problems)
        for theme in found.by_name.values():
            self.register_theme(theme)
        self.theme = settings.theme if settings.theme in found.by_name else themes.DEFAULT
        if self.theme != settings.theme:
            self._problems.append(f"theme {settings.theme} is not known: using {self.theme}")
        self._palette = self._make_palette()
        for name in set(self.available_themes) - set(found.by_name):
            self.unregister_theme(name)

    # Building ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Seven canvases, one more for details and one for a terminal too small."""
        yield Canvas(self._palette, id="header")
        yield Canvas(self._palette, id="banner")
        for name in PANELS:
            yield Panel(self._palette, id=name)
        yield Canvas(self._palette, id="keys")
        yield Details(self._palette, id="details")
        yield Canvas(self._palette, id="small")

    def on_mount(self) -> None:
        """Paint what is known, which is nothing, and say so; everything else comes behind the first paint."""
        for key in self._later:
            self.bind(key, f"later('{key}')", description=f"{self._later[key]} (comes later)", show=False)
        self.theme_changed_signal.subscribe(self, lambda _: self._change_palette())
        self.panel("slo").focus()
        self._extent = self.size
        self._place()
        self.draw()
        self.set_interval(1.0, self.draw)
        if not self.is_headless:
            endings.watch(self.leave)
        self.call_after_refresh(self._after_first_paint)

    def _after_first_paint(self) -> None:
        self.following.start()
        if self._problems:
            self.say("; ".join(self._problems), seconds=2 * MESSAGE_SECONDS)

    async def on_unmount(self) -> None:
        """Let the feed go; asyncio would wait for ever for what does not stop when it is told to."""
        if not await self.following.stop() and not self.is_headless:
            endings.end_soon(self.return_code or 0)

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

    # Hearing ----------------------------------------------------------------------------------------------------

    def tell(self, situation: Situation) -> None:
        """A new Situation; drawn at once, or with the next ones when the last drawing was just now."""
        self.pulse.told(situation)
        self.draw_soon()

    def draw_soon(self) -> None:
        """Draw within `REDRAW_EVERY`."""
        if self._pending is None and self.is_running:
            wait = self._drawn_at + REDRAW_EVERY - time.monotonic()
            self._pending = self.set_timer(max(0.001, wait), self._draw_pending)

    def _draw_pending(self) -> None:
        self._pending = None
        self.draw()

    def feed_stopped(self, why: str) -> None:
        """The feed is no more: the screen says so from now on."""
        self.pulse.stopped(why)
        self.draw()

    def leave(self, code: int, message: str | None = None) -> None:
        """End with an exit code and a last word on stderr."""
        self.farewell = message
        self.exit(return_code=code)

    # Drawing ----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Bring every canvas up to date; cells that did not change are not written."""
        self._drawn_at = time.monotonic()
        if not self.screen_stack:
            return
        if self._placed is None:
            self._draw_too_small()
            return
        situation, now, lost = self.pulse.situation, self.pulse.now(), self.pulse.lost()
        rows = {name: self._rows(name, situation, now) for name in PANELS}
        if any(len(rows[name]) > self._wants[name] for name in PANELS):
            self._wants = {name: max(self._wants[name], len(rows[name])) for name in PANELS}
            self._place()
        placed = self._placed
        boxes = placed.boxes
        head, verdict, keys = boxes["header"], boxes["banner"], boxes["keys"]
        lines = header.lines(self.settings, situation, now, head.width, head.height)
        self.canvas("header").paint(lines, head.width, head.height)
        self.canvas("banner").paint(self._banner(situation, now, verdict), verdict.width, verdict.height)
        self.canvas("keys").paint([self._key_line(keys.width)], keys.width, 1)
        for number, name in enumerate(PANELS, 1):
            title = f"{number} {self._title(name, situation)}"
            self.panel(name).show(title, rows[name], boxes[name], placed.framed, lost is not None)
        self.details.show(boxes["details"], lost is not None)

    def _rows(self, name: str, situation: Situation | None, now: float | None) -> list[Row]:
        """The rows of one panel for the width it has."""
        if situation is None or now is None or self._placed is None:
            return [fixed("waiting", span(WAITING, "unknown"))]
        from aurora_tui.console import drawing

        width = self._placed.boxes[name].width - (4 if self._placed.framed else 1)
        return drawing.rows(name, situation, now, width, self.settings, self._every_pod)

    def _banner(self, situation: Situation | None, now: float | None, box: geometry.Box) -> list[Line]:
        lost = self.pulse.lost()
        if situation is None or now is None:
            return flow.waiting(box.width, box.height, lost)
        from aurora_tui.console import drawing

        return drawing.banner(situation, now, box.width, box.height, lost)

    def _title(self, name: str, situation: Situation | None) -> str:
        if name != "alerts" or situation is None:
            return _TITLES[name]
        from aurora_tui.console import drawing

        return drawing.alerts_title(situation)

    def _key_line(self, width: int) -> Line:
        if self._message is not None and time.monotonic() >= self._message[1]:
            self._message = None
        return keybar.line(bar(self._later), width, self._message[0] if self._message else None)

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

    def on_panel_touched(self) -> None:
        """A cursor moved."""
        self.draw()

    def on_details_touched(self) -> None:
        """The details were scrolled."""
        self.draw()

    # Keys -------------------------------------------------------------------------------------------------------

    def on_panel_opened(self, event: Panel.Opened) -> None:
        """Enter on a row."""
        from aurora_tui.console.opening import open_subject

        open_subject(self, event.row.subject)

    def show_details(self, content: Content, seek: str | None = None) -> None:
        """Open the layer."""
        focused = self.screen_stack[0].focused
        if isinstance(focused, Panel):
            self._opened_from = focused.id
        self.details.open_with(content, seek)
        self.draw()

    _opened_from: str | None = None

    def on_details_closed(self) -> None:
        """Back to the panel they were opened from."""
        self.action_panel(self._opened_from or "slo")

    def action_panel(self, name: str) -> None:
        """Focus a panel; details that lie over it close."""
        self.details.close_details()
        self.panel(name).focus()
        self.draw()

    def action_focus_next(self) -> None:
        """The next panel."""
        self._cycle(1)

    def action_focus_previous(self) -> None:
        """The panel before."""
        self._cycle(-1)

    def _cycle(self, by: int) -> None:
        focused = self.screen_stack[0].focused
        name = focused.id if isinstance(focused, Panel) else self._opened_from
        at = PANELS.index(name) if name in PANELS else -by
        self.action_panel(PANELS[(at + by) % len(PANELS)])

    def action_why(self) -> None:
        """Every reason and every source."""
        from aurora_tui.console.opening import open_why

        open_why(self)

    def action_log(self) -> None:
        """The log of the pod under the cursor."""
        from aurora_tui.console.opening import open_log

        focused = self.screen_stack[0].focused
        open_log(self, focused.row.subject if isinstance(focused, Panel) and focused.row else None)

    def action_every_pod(self) -> None:
        """Every pod, or only the sick ones."""
        self._every_pod = not self._every_pod
        self.say("every pod is listed" if self._every_pod else "only pods that are not well are listed")

    def action_help(self) -> None:
        """The keys."""
        groups = (("EVERYWHERE", EVERYWHERE), ("IN A PANEL", Panel.BINDINGS), ("IN DETAILS", Details.BINDINGS))
        self.show_details(lambda cells: ("HELP", help_lines(groups, self._later, cells)))

    def action_next_theme(self) -> None:
        """The next theme."""
        names = list(self._themes)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.say(f"theme {self.theme}")

    def action_later(self, key: str) -> None:
        """A key that does nothing yet, and says so."""
        word = self._later[key]
        read_only = " This console is read-only." if self.settings.read_only else ""
        self.say(f"{key}: {word} comes with a later version.{read_only} Nothing was done.")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        yield SystemCommand("Why this verdict", "Every reason and every source", self.action_why)
        yield SystemCommand("Every pod", "List every pod, or only those that are not well", self.action_every_pod)
        yield SystemCommand("Theme", "Choose a theme", self.action_change_theme)
        yield SystemCommand("Help", "The keys", self.action_help)
        yield SystemCommand("Quit", "Leave the console", self.action_quit)
