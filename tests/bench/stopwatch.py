"""A terminal that times: from a key, or from anything else, to the first paint that shows what came of it."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from tests.terminal import Terminal

_SETTLES = 0.35  # seconds of output taken in before it is looked at: reading must not wait for understanding
_FRAME = 0.1


class Stopwatch(Terminal):
    """Reads with a time for every chunk, and understands only afterwards."""

    def since(self, act: Callable[[], object], seen: Callable[[str], bool], limit: float = 5.0) -> float:
        """Seconds from `act()` to the chunk with which the screen's text first is `seen`."""
        return self._timed(act, lambda: seen(self.text), limit)

    def since_key(self, key: str, seen: Callable[[str], bool], limit: float = 5.0) -> float:
        """Seconds from a key to the screen that shows what it did."""
        return self.since(lambda: self.send(key), seen, limit)

    def since_cursor(self, key: str, column: int, limit: float = 5.0) -> float:
        """Seconds from a key to another row of that column standing out by its ground."""
        self.drain()
        before = self._grounds(column)
        return self._timed(lambda: self.send(key), lambda: self._grounds(column) != before, limit)

    def drain(self) -> None:
        """Take in what is written already, to the end of the frame."""
        for _, data in self._chunks(_FRAME):
            self.take(data)

    def quiet_bytes(self, seconds: float) -> int:
        """How many bytes it writes in the next `seconds`, understood only after: this process wants no processor."""
        before = self.written
        for _, data in self._chunks(seconds):
            self.take(data)
        return self.written - before

    def _grounds(self, column: int) -> tuple[str, ...]:
        return tuple(self._screen.buffer[y][column].bg for y in range(self.size[1]))

    def _timed(self, act: Callable[[], object], seen: Callable[[], bool], limit: float) -> float:
        self.drain()
        assert not seen(), f"it is there before anything was done; the screen reads:\n{self.text}"
        began = time.monotonic()
        act()
        found: float | None = None
        while found is None and time.monotonic() < began + limit:
            for at, data in self._chunks(_SETTLES):
                self.take(data)
                if found is None and seen():
                    found = at - began
        if found is not None:
            return found
        raise AssertionError(f"it did not come within {limit} s; the screen reads:\n{self.text}")

    def _chunks(self, seconds: float) -> list[tuple[float, bytes]]:
        """What is written in the next `seconds`, each chunk with the time it could be read."""
        found: list[tuple[float, bytes]] = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                found.append((time.monotonic(), os.read(self._fd, 65536)))
        return found
