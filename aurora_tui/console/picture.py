"""Pictures of the console as SVG, drawn by the running app itself and readable without any font from elsewhere."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from aurora_tui.console.app import AuroraApp
from aurora_tui.console.board import PANELS
from aurora_tui.console.panels.slo import is_not_counted_yet
from aurora_tui.errors import AuroraError
from aurora_tui.situation.slo import SloState

FILLED_WITHIN = 60.0  # seconds
_COUNTED_WITHIN = 8.0  # seconds: a mission without a phase counts nothing, and has a picture nevertheless
_FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_CELL = 12.2  # Rich's SVG: width of a cell
_TEXT = re.compile(
    r'(<text [^>]*?x=")([\d.]+)(" [^>]*?textLength=")([\d.]+)("[^>]*>)((?:&#160;)*)(.*?)((?:&#160;)*)(</text>)'
)
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


def svg(app: AuroraApp) -> str:
    """The screen as it is. Fonts are the reader's own: a picture in a README may not load any."""
    text = _FONT_FACE.sub("", app.export_screenshot(title=app.TITLE))
    text = _TEXT.sub(_without_edges, text)
    return re.sub(r"font-family:\s*Fira Code, monospace", f"font-family: {_FONTS}", text)


def _without_edges(found: re.Match[str]) -> str:
    """A run of text without blanks at its ends: some renderers drop those and shift the rest."""
    start, x, middle, length, close, before, words, after, end = found.groups()
    blanks = before.count(";")
    if not words:
        return ""
    moved = float(x) + _CELL * blanks
    shorter = float(length) - _CELL * (blanks + after.count(";"))
    return f"{start}{moved:.1f}{middle}{shorter:.1f}{close}{words}{end}"


def filled(app: AuroraApp) -> bool:
    """Whether every watched source is live, every SLO known and every panel has rows."""
    situation, now = app.pulse.situation, app.pulse.now()
    if situation is None or now is None or app.pulse.lost() is not None:
        return False
    live = all(light.trusted(now) for light in situation.lights if light.watched)
    known = all(slo.state is not SloState.UNKNOWN for slo in situation.slos)
    return live and known and bool(situation.timers) and all(app.panel(name).row is not None for name in PANELS)


def counted(app: AuroraApp) -> bool:
    """Whether every criterion's history has been read, and every SLO's share and budget with it."""
    situation = app.pulse.situation
    if situation is None or any(is_not_counted_yet(item) for item in situation.criteria):
        return False
    return all(slo.compliance is not None and any(value is not None for value in slo.spark) for slo in situation.slos)


Autopilot = Callable[[Pilot[Any]], Coroutine[Any, Any, None]]


def take(path: Path, after: float, first: Autopilot | None = None) -> Autopilot:
    """An autopilot that waits until the screen is filled and criteria are counted, saves its picture and leaves.

    `first`: what is done to the filled screen before.
    """

    async def pilot(driver: Pilot[Any]) -> None:
        app = driver.app
        if not isinstance(app, AuroraApp):
            raise TypeError("only the console's own picture is taken here")
        limit, enough = time.monotonic() + FILLED_WITHIN, float("inf")
        while not (full := filled(app)) or not counted(app):
            now = time.monotonic()
            enough = min(enough, now + _COUNTED_WITHIN) if full else float("inf")
            if now > enough:
                break
            if now > limit:
                seen = app.pulse.lost()
                why = seen.why if seen else "a source is not live, or an SLO has no data"
                error = AuroraError(f"no picture: after {FILLED_WITHIN:.0f} s {why}", "See aurora-tui doctor.")
                app.leave(error.exit_code, str(error))
                return
            await asyncio.sleep(0.1)
        if first is not None:
            await first(driver)
        await asyncio.sleep(after)
        app.draw()
        await driver.pause()
        await asyncio.to_thread(path.write_text, svg(app), "utf-8")
        app.leave(0)

    return pilot
