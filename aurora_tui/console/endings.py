"""Signals that end the console: the terminal is restored, the exit code says which one it was, and it does end."""

from __future__ import annotations

import _thread
import asyncio
import atexit
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

ENDING = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_GRACE = 1.8  # seconds to leave in order, feed and terminal included


def watch(leave: Callable[[int], None]) -> None:
    """Call `leave(128 + n)` when signal n arrives, and end for certain soon after. Needs the main thread's loop."""
    loop = asyncio.get_running_loop()
    for number in ENDING:
        loop.add_signal_handler(number, leave, 128 + number)
        # The loop hears of a signal through a file descriptor and keeps doing so; this one is heard without the loop.
        signal.signal(number, _end_anyway)


def leave_without_terminal(code: int) -> None:
    """Say nothing more, and end with `code` without flushing.

    The output thread is stuck in a write and holds stderr's lock: whoever printed there would wait for ever, and
    the interpreter aborts when it finds that lock taken.
    """
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    atexit.register(os._exit, code)


def end_soon(code: int) -> None:
    """End with `code` after a grace, whatever else happens until then."""
    # Not threading.Thread: its locks may be held by what a signal's handler interrupted.
    _thread.start_new_thread(_end_after_grace, (code,))


def _end_anyway(number: int, _frame: FrameType | None) -> None:
    end_soon(128 + number)


def _end_after_grace(code: int) -> None:
    time.sleep(_GRACE)
    os._exit(code)
