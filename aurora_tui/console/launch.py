"""Start the console and end it well: signals, exit codes, and a last word once the terminal is itself again."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aurora_tui.console import endings
from aurora_tui.console.app import AuroraApp
from aurora_tui.console.feed import Feed
from aurora_tui.settings import Settings
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.console.acting.desk import Desk

READY_AFTER = 5.0  # real seconds from the first Situation: filling the screen comes first


def launch(
    settings: Settings,
    make_feed: Callable[[], Feed],
    *,
    screenshot: Path | None = None,
    after: float = 0.0,
    size: tuple[int, int] = (120, 36),
    mouse: bool = True,
    make_desk: Callable[[], Desk] | None = None,
) -> int:
    """Run the console until it is left; returns the exit code.

    0 left by the person, 1 crashed, 2 the settings or the feed's making refused (`UsageError`), 128 + n ended by
    signal n. With `screenshot` it runs without a terminal at `size`, waits until every watched source is live and
    every panel filled, `after` seconds more, writes an SVG there, and ends. `make_desk`: where action keys plan and
    approve; left out, it is the real one.
    """
    app = AuroraApp(
        settings,
        make_feed,
        make_desk=make_desk or (lambda: _real_desk(settings)),
        ready_after=READY_AFTER if screenshot is None else None,
    )
    if screenshot is not None:
        from aurora_tui.console.picture import take

        app.run(headless=True, size=size, auto_pilot=take(screenshot, after))
    else:
        app.run(mouse=mouse)
    if app.abandoned:
        code = 1 if app.crash is not None else app.return_code or 0
        endings.leave_without_terminal(code)
        return code
    if app.crash is not None:
        print(_crash_words(app.crash), file=sys.stderr)
        return 1
    if app.farewell:
        print(f"aurora-tui: {safe(app.farewell, limit=8192, lines=True)}", file=sys.stderr)
    return app.return_code or 0


def _real_desk(settings: Settings) -> Desk:
    """Imported in a thread, some seconds behind a filled screen or by the first key that acts: never on the loop."""
    from aurora_tui.console.acting.real import RealDesk

    return RealDesk(settings)


def _crash_words(error: Exception) -> str:
    """What broke and where, without local variables: they may hold secrets."""
    where = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    words = f"aurora-tui: the console stopped on an error of its own, {type(error).__name__}: {safe(str(error))}"
    return "\n".join((words, *where[-8:], "Nothing that it showed was changed. Start it again."))
