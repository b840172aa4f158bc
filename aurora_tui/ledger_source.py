"""The ledger as a source: what operators recorded, read anew when its file changes, believed only while it is whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aurora_tui.clock import Clock
from aurora_tui.ledger.log import NOTHING_READ, LedgerError, Log, file_state
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.journal import Journal, project
from aurora_tui.situation.observation import JournalObserved
from aurora_tui.sources.polling import poll
from aurora_tui.sources.source import Tell

LEDGER_INTERVAL = 2.0
WHILE_RUNNING = 0.3  # real seconds between two looks while a runbook is carried out: its steps are watched


class LedgerSource:
    """Tells the journal. An entry that was changed, or a history other than the one told before, is a failure."""

    name = "ledger"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._seen: tuple[int, ...] | None = None
        self._mark = NOTHING_READ
        self._journal = Journal()
        self._wake = asyncio.Event()
        self.light = SourceLight(name=self.name, title="ledger", interval=self._interval)

    @property
    def _interval(self) -> float:
        return LEDGER_INTERVAL * self._clock.speed

    async def run(self, tell: Tell) -> None:
        """Read and tell until cancelled."""
        await poll(self._look, source=self.name, interval=self._interval, clock=self._clock, tell=tell, wake=self._wake)

    def hurry(self) -> None:
        """Look at once: an entry was just made."""
        self._wake.set()

    async def close(self) -> None:
        """Nothing is held open between two looks."""

    async def _look(self) -> JournalObserved:
        seen = self._state()
        if seen is None:
            if self._mark.size:
                # What it said must not be forgotten in silence: every clock counts from it.
                raise LedgerError(
                    f"The ledger {self._path} has gone",
                    "Put it back; after restoring a backup of it, start this program anew.",
                )
            # Nobody has recorded anything yet: that is known, not missing.
            return self._observed(("no entries yet",))
        if seen != self._seen:
            async with Log(self._path, self._clock, create=False) as log:
                entries, mark = await log.read(self._mark)
            self._journal = project(entries, self._journal)
            self._seen, self._mark = seen, mark
        if self._journal.open_run is not None:
            asyncio.get_running_loop().call_later(WHILE_RUNNING, self._wake.set)
        return self._observed(())

    def _state(self) -> tuple[int, ...] | None:
        """What changes with the file; None while there is none, or one that another process has only just made."""
        state = file_state(self._path)
        if state is None:
            return None
        # The time of change, unlike that of modification, cannot be set back.
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns

    def _observed(self, notes: tuple[str, ...]) -> JournalObserved:
        return JournalObserved(source=self.name, at=self._clock.now(), journal=self._journal, notes=notes)
