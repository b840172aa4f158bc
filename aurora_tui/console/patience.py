"""A driver that never waits for the terminal: a line that takes nothing more must not freeze the console.

Textual 8.2.8 hands its output to a thread through a queue of 30. Once the terminal stops reading, that queue
fills and the event loop stands still in `put`: no timer, no quit, no signal. Two private names are read here,
`LinuxDriver._writer_thread` and `WriterThread._queue`: tests hold them.
"""

from __future__ import annotations

import contextlib
import queue
import threading

from textual.drivers.linux_driver import LinuxDriver

# A frame is up to three writes. More than three frames behind, the newest one counts, not the ones before it; the
# rest of the queue is for the short sequences that set and restore the terminal's modes.
_BEHIND = 9
_LAST_WORDS_WITHIN = 0.7  # seconds to take what restores the terminal
_END_OF_FRAME = "\x1b[?2026l"


class PatientDriver(LinuxDriver):
    """Writes what there is room for. Whoever draws asks `behind` first, and repaints everything when `drained`."""

    abandoned = False  # the terminal did not take the last words: the output thread holds stderr for good

    @property
    def behind(self) -> bool:
        """Whether the terminal has yet to take several frames: another one is better not drawn."""
        return self._waiting().qsize() >= _BEHIND

    @property
    def drained(self) -> bool:
        """Whether everything was handed to the terminal."""
        return self._waiting().empty()

    def write(self, data: str) -> None:
        """Write `data` when there is room, and forget it otherwise."""
        try:
            self._waiting().put_nowait(data)
        except queue.Full:
            return  # only a terminal that reads nothing at all gets here: everything is repainted if it ever does

    def stop_application_mode(self) -> None:
        """Restore the terminal's modes, ahead of any frame that still waits."""
        waiting = self._waiting()
        if not waiting.empty():
            with contextlib.suppress(queue.Empty):  # also when the output thread takes the last one first
                while True:
                    waiting.get_nowait()
            self.write(_END_OF_FRAME)
        super().stop_application_mode()

    def close(self) -> None:
        """End the output thread, or leave it behind when the terminal takes nothing."""
        waiting, writer = self._waiting(), self._writer()
        if not waiting.full():
            waiting.put_nowait(None)
        writer.join(_LAST_WORDS_WITHIN)
        self.abandoned = writer.is_alive()

    def _writer(self) -> threading.Thread:
        writer = self._writer_thread
        if writer is None:
            raise RuntimeError("the driver writes only while it runs the terminal")
        return writer

    def _waiting(self) -> queue.Queue[str | None]:
        waiting: queue.Queue[str | None] = self._writer()._queue  # type: ignore[attr-defined]
        return waiting
