"""A real pseudo-terminal around a full-screen program: what it wrote, when it first painted, what its screen reads."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil
import pyte

_ALTERNATE = b"\x1b[?1049h"
_SEQUENCE = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_^][^\x1b]*\x1b\\|\x1b[@-Z\\-_]|\x1b[>=<78]"
)
# pyte knows neither private queries nor colon-separated colours: it never needs them to know what is read.
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=?][0-9;:]*[uhlpmtnc]|\x1b[P_^][^\x1b]*\x1b\\")
_VISIBLE_AT_LEAST = 3
_KEPT = 200_000  # bytes
# A person's shell sets none of these; without bytecode every start would compile the console anew.
_NOT_A_PERSONS = ("TEXTUAL", "COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")


class Terminal:
    """Runs `command` in a pty of `columns` × `rows`. Times are seconds since its start."""

    def __init__(
        self, command: Sequence[str], *, columns: int = 120, rows: int = 36, environment: Mapping[str, str] = {}
    ) -> None:
        self.size = (columns, rows)
        self.written = 0
        self.raw = b""  # the newest of what was written
        self.painted: float | None = None
        self.status: int | None = None
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._unpainted = b""
        self._began = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            self._become(list(command), environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def text(self) -> str:
        """What the screen reads now, a line a row."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def send(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self._fd, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size, as a person dragging its window does."""
        self._screen.resize(rows, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, condition: Callable[[str], bool], limit: float, what: str = "the screen") -> float:
        """Read until `condition(text)`; seconds since the start. AssertionError with the screen after `limit`."""
        end = time.monotonic() + limit
        while not condition(self.text):
            if time.monotonic() > end or not self.pump(0.05):
                raise AssertionError(f"{what} did not come within {limit} s; the screen reads:\n{self.text}")
        return self.elapsed

    def until_painted(self, limit: float = 20.0) -> float:
        """Seconds from start to the first chunk with something to see in the alternate screen."""
        end = time.monotonic() + limit
        while self.painted is None:
            if time.monotonic() > end or not self.pump(0.02):
                raise AssertionError(f"nothing was painted within {limit} s; the screen reads:\n{self.text}")
        return self.painted

    def quiet_bytes(self, seconds: float) -> int:
        """How many bytes it writes in the next `seconds`."""
        before, end = self.written, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.pump(min(left, 0.2)):
            pass
        return self.written - before

    def peak_memory(self) -> float:
        """Peak resident memory of the program itself (not its children), in MB of 2**20 bytes."""
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    def cpu_seconds(self) -> float:
        """Processor time the program itself has used."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    def wait(self, limit: float = 10.0) -> int:
        """The exit code (128 + n for a signal n) once it has ended."""
        end = time.monotonic() + limit
        while self.status is None and time.monotonic() < end:
            self.pump(0.05)
            self._reap()
        assert self.status is not None, f"it did not end within {limit} s; the screen reads:\n{self.text}"
        while select.select([self._fd], [], [], 0)[0] and self.pump(0):
            pass  # its last words
        return self.status

    def wait_unread(self, limit: float) -> int:
        """As `wait`, of a terminal that reads nothing any more."""
        end = time.monotonic() + limit
        while self.status is None and time.monotonic() < end:
            self._reap()
            time.sleep(0.01)
        assert self.status is not None, f"it did not end within {limit} s while nobody read"
        return self.status

    def close(self) -> None:
        """End the program by its own pid, whatever it does."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.status is not None:
                break
            os.kill(self.pid, sign)
            end = time.monotonic() + 5
            while self.status is None and time.monotonic() < end:
                self.pump(0.02)
                self._reap()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def pump(self, wait: float) -> bool:
        """Read what there is, waiting up to `wait` seconds; False when the program has closed the terminal."""
        ready, _, _ = select.select([self._fd], [], [], wait)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        self.take(data)
        return True

    def take(self, data: bytes) -> None:
        """Understand what was read."""
        self.written += len(data)
        self.raw = (self.raw + data)[-_KEPT:]
        if b"\x1b[?2026$p" in data:  # "do you know synchronised output?"
            os.write(self._fd, b"\x1b[?2026;2$y")
        self._note_paint(data)
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))

    def _note_paint(self, data: bytes) -> None:
        if self.painted is not None:
            return
        self._unpainted += data
        _, entered, after = self._unpainted.partition(_ALTERNATE)
        visible = _SEQUENCE.sub(b"", after).decode("utf-8", "replace")
        if entered and sum(not char.isspace() and char.isprintable() for char in visible) >= _VISIBLE_AT_LEAST:
            self.painted = self.elapsed

    def _reap(self) -> None:
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self.status = os.waitstatus_to_exitcode(status)
            if self.status < 0:
                self.status = 128 - self.status

    def _become(self, command: list[str], environment: Mapping[str, str]) -> None:
        """In the child: become `command`. Never returns."""
        columns, rows = self.size
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_A_PERSONS)}
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # tests run in the background inherit SIGINT ignored
        try:
            os.execvpe(
                command[0], command, {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
            )
        finally:
            os._exit(127)


AURORA = (sys.executable, "-m", "aurora_tui")
