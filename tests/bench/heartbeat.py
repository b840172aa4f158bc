"""`aurora-tui` with a heart: `python -m tests.bench.heartbeat FILE [what aurora-tui takes]`.

Its event loop is asked to come by every `BEAT`; whenever it comes late, a line is written to FILE: when it came
(CLOCK_MONOTONIC, the same for every process), how late, and how long its thread had the processor meanwhile (on a busy
machine it may have been late without doing anything), all in seconds. Nothing else of the console is changed.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BEAT = 0.01
_LATE = 0.01


@dataclass(frozen=True)
class Stall:
    """The loop came at `at` (monotonic), `late` seconds late, of which its thread ran `busy`."""

    at: float
    late: float
    busy: float


def read(file: Path) -> list[Stall]:
    """What was written."""
    return [Stall(*map(float, line.split())) for line in file.read_text().splitlines()]


class _Beating(asyncio.DefaultEventLoopPolicy):
    """Every loop made has a heart."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        out = self._out

        def beat(due: float, ran: float) -> None:
            now, running = time.monotonic(), time.thread_time()
            if now - due > _LATE:
                os.write(out, f"{now:.6f} {now - due:.6f} {running - ran:.6f}\n".encode())
            # Asked anew from now, so that one stall is not counted twice.
            loop.call_later(BEAT, beat, now + BEAT, running)

        loop.call_soon(lambda: beat(time.monotonic(), time.thread_time()))
        return loop


def main() -> None:
    from aurora_tui.cli import main as aurora_tui

    file = Path(sys.argv[1])
    asyncio.set_event_loop_policy(_Beating(file))
    sys.argv = ["aurora-tui", *sys.argv[2:]]
    aurora_tui()


if __name__ == "__main__":
    main()
