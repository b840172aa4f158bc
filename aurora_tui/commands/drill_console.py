"""A drill's world as a child process, and the console on it. The child ends when this process does, however it ends."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self

from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.text import safe

_START_LIMIT = 30.0
_END_LIMIT = 5.0
_PREFIX = "aurora-tui: "


class StartedWorld:
    """A context in which a world runs, in a session of its own so that ctrl+c in the terminal does not reach it.

    It holds the other end of the child's standard input: when this process is gone, even by SIGKILL, the child reads
    the end of it and ends.
    """

    def __init__(self, flags: Sequence[str]) -> None:
        """flags: of `aurora-tui drill`, for the world."""
        command = (sys.executable, "-m", "aurora_tui", "drill", "--serve", "--end-with-stdin", *flags)
        self._held: IO[bytes] | None = None
        """Keeps the world's folder, though the world be killed, as long as the console reads it."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the world and wait until it is gone."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        if self._held is not None:
            self._held.close()
        process.stdin.close()
        for insist in (process.terminate, process.kill):
            try:
                process.wait(_END_LIMIT)
                break
            except subprocess.TimeoutExpired:
                insist()
        process.wait()
        process.stdout.close()
        self._errors.close()

    def open_console(self, theme: str | None, read_only: bool) -> int:
        """The console on this world; its exit code. AuroraError when the world does not come up."""
        # Imported while the world starts.
        from aurora_tui.commands.console import run_console
        from aurora_tui.commands.drill_folder import HELD, hold
        from aurora_tui.settings import Overrides, load

        ready = self._ready_line()
        folder = Path(str(ready["profile"])).parent
        if (folder / HELD).exists():
            self._held = hold(folder)
        return run_console(load([Path(str(ready["profile"]))], Overrides(theme=theme, read_only=read_only)))

    def _ready_line(self) -> dict[str, Any]:
        """The first line the world prints."""
        stdout = self._process.stdout
        assert stdout is not None
        line, end = b"", time.monotonic() + _START_LIMIT
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([stdout], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise self._failure(time.monotonic() >= end)
            line += piece
        found: dict[str, Any] = json.loads(line)
        return found

    def _failure(self, too_slow: bool) -> AuroraError:
        """Why there is no world, in the child's own last words."""
        if not too_slow:
            self._process.wait()
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 8192))
        said = safe(self._errors.read(), limit=8192, lines=True).strip()
        if too_slow:
            return AuroraError(f"The drill world did not start within {_START_LIMIT:.0f} s", said)
        if said.startswith(_PREFIX):
            return (UsageError if self._process.returncode == 2 else AuroraError)(said.removeprefix(_PREFIX), "")
        return AuroraError(f"The drill world ended with code {self._process.returncode}", said)
