"""A real terminal for tests: the program in a pty, its screen kept by pyte, its bytes counted."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte

LIMIT = 20.0  # seconds to wait for anything
CHECKOUT = Path(__file__).resolve().parents[2]


class Terminal:
    """One program in one pty."""

    def __init__(self, argv: list[str], columns: int = 120, rows: int = 36) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.received = 0
        self.raw = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(CHECKOUT)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            for name in ("COLUMNS", "LINES", "NO_COLOR", "TEXTUAL_FPS"):  # whoever runs the tests may have set them
                os.environ.pop(name, None)
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(CHECKOUT)}
            os.execv(sys.executable, [sys.executable, *argv])
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as a window does."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def pump(self, seconds: float) -> bool:
        """Read what comes within `seconds`; False when the program has closed the terminal."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.received += len(data)
        self.raw = (self.raw + data)[-200_000:]
        # pyte does not know two private sequences that Textual sends, and would print their ends.
        self._stream.feed(data.replace(b"\x1b[>1u", b"").replace(b"\x1b[<u", b""))
        return bool(data)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(self.screen.display)

    def wait_for(self, what: str | Callable[[str], bool]) -> str:
        """Read until the screen holds a text or meets a condition."""
        met = what if callable(what) else lambda text: what in text
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            alive = self.pump(0.05)
            if met(self.text):
                return self.text
            if not alive:
                break
        raise AssertionError(f"{what!r} did not appear:\n{self.text}")

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def exit_code(self) -> int:
        """Wait for the end; the exit code, negative for a signal that killed it."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            self.pump(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                while self.pump(0.05) and select.select([self._fd], [], [], 0)[0]:
                    pass
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"still running after {LIMIT:.0f} s:\n{self.text}")

    def close(self) -> None:
        """End the program if it still runs."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


@contextmanager
def terminal(*argv: str, columns: int = 120, rows: int = 36) -> Iterator[Terminal]:
    """A terminal that is closed at the end, whatever happens."""
    opened = Terminal(list(argv), columns, rows)
    try:
        yield opened
    finally:
        opened.close()
