"""Until when what is held is known to be true: by what was heard last, and by the watch that stands."""

from __future__ import annotations

from collections.abc import Callable

STANDS = 0.4  # seconds that a watch must be open before its silence counts as word that nothing changed
# Renewed, not failed: a quiet resource of a quiet API server gets no bookmarks, and asking again proves it alive.
SILENT = 90.0


class Hearing:
    """What one reflector heard, and when. All times are seconds of `monotonic`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._heard: float | None = None  # the last word, or the start of the last list
        self._opened: float | None = None  # when the present watch was answered; None while there is none
        self._current: float | None = None  # until when we last said to be current

    @property
    def stands(self) -> bool:
        """Whether a watch has been open for long enough to be believed."""
        return self._opened is not None and self._monotonic() - self._opened >= STANDS

    @property
    def open(self) -> bool:
        """Whether a watch is open."""
        return self._opened is not None

    def listed(self, began: float) -> None:
        """A list that was asked for at `began` told everything."""
        self._heard = began

    def opened(self) -> float:
        """A watch was answered; returns when that was."""
        self._opened = self._monotonic()
        return self._opened

    def word(self) -> None:
        """The watch told something."""
        self._heard = self._monotonic()

    def ended(self) -> bool:
        """The watch is over, if there was one; whether it had come to stand."""
        stood = self.stands
        if stood:
            self._heard = max(self._heard or 0.0, self._opened or 0.0)
        self._opened = None
        return stood

    def failed(self) -> None:
        """Only the last word counts."""
        self._current = None

    def until(self, alive: float | None) -> float | None:
        """Until when everything is known; None: never yet.

        `alive` is when the API last showed life on another request. It counts only while the watch stands: an
        open watch that is merely quiet is current, a dead one is only as current as its last word. Between two
        watches the answer stays where it was; after a failure it falls back to the last word.
        """
        if self._heard is None:
            return None
        if self.stands:
            heard = max(self._heard, self._opened or 0.0)
            if self._monotonic() - heard <= SILENT:
                self._current = max(alive or 0.0, heard, self._current or 0.0)
        return max(self._current or 0.0, self._heard)
