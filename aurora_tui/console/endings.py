"""Signals that end the console: the terminal is restored, and the exit code says which one it was."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

ENDING = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


def watch(leave: Callable[[int], None]) -> None:
    """Call `leave(128 + n)` when signal n arrives. Needs the running loop of the main thread."""
    loop = asyncio.get_running_loop()
    for number in ENDING:
        loop.add_signal_handler(number, leave, 128 + number)
