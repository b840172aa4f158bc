"""A run's entries in the ledger: appended one by one, each on disk before what it speaks of goes on.

Every entry has a request id of its own. An append that failed may have been written all the same (the answer got
lost, not the row), so before it is tried again its id is looked for. What others write meanwhile is read as soon as
SQLite says that there is something: who cancels, or abandons the run, is heard before the next step.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from aurora_tui.actions.plan import Plan, Subject, from_data
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import TICKED
from aurora_tui.ledger.log import NOTHING_READ, Entry, LedgerError, Log, Overtaken, Reading
from aurora_tui.situation import run as words
from aurora_tui.situation.journal import EMPTY, Journal, project
from aurora_tui.situation.run import Run
from aurora_tui.text import safe

LEDGER_SECONDS = 30.0  # real seconds that an unwritable ledger is waited for
_PAUSE = 0.25
_LONGEST_WORDS = 4000
_TRIES = 20  # against others who append at the same moment


class RunRecord:
    """What the ledger says of one run, and the one way to add to it. Use inside `async with Log(...)`."""

    def __init__(self, log: Log, run: str, actor: str, patience: float = LEDGER_SECONDS) -> None:
        """actor: who writes, `user@host`. patience: real seconds that an append is tried again and again."""
        self.log = log
        self.id = run
        self._actor = actor
        self._patience = patience
        self._attempt = uuid.uuid4().hex[:8]
        self._appended = 0
        self._version: int | None = None
        self._mark = NOTHING_READ
        self._read = EMPTY  # up to the mark
        self._own: list[Entry] = []  # after the mark
        self._approved: object = None  # the plan's data
        self.last_known: Run | None = None  # the run when it was last read

    async def look(self) -> Journal:
        """The journal as it is now; read again only when another process has written. LedgerError, after patience."""
        end = time.monotonic() + self._patience
        while True:
            try:
                version = await self.log.version()
                if version != self._version:
                    self._take(await self.log.read(self._mark), version)
                return project(self._own, self._read)
            except LedgerError:
                if time.monotonic() >= end:
                    raise
            await asyncio.sleep(_PAUSE)

    def _take(self, reading: Reading, version: int) -> None:
        for entry in reading.entries:
            if entry.action == words.APPROVED and entry.data.get("run") == self.id:
                self._approved = entry.data.get("plan")
        self._read, self._mark, self._version = project(reading.entries, self._read), reading.mark, version
        self._own = []

    async def run(self) -> Run:
        """The run as it stands now. UsageError when nobody approved it."""
        found = self.last_known = (await self.look()).runs.get(self.id, self.last_known)
        if found is None:
            raise UsageError(
                f"No run {self.id} was approved in {self.log.path}", "Look at `aurora-tui runs`; check --env."
            )
        return found

    async def plan(self) -> Plan:
        """The plan that was approved. UsageError when there is none, or one of another version of this program."""
        await self.run()
        try:
            return from_data(self._approved)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"The plan of run {self.id} cannot be read: {error}",
                "It was approved with another version of aurora-tui: carry it out with that one, or abandon it.",
            ) from error

    async def started(self, executor: str) -> Run:
        """Append that `executor` (`user@host:pid`) starts it, or goes on with it. UsageError when it may not.

        Decided on what the ledger says at that very moment: of two who start it, the second sees the first.
        """
        for _ in range(_TRIES):
            run = await self.run()
            refuse_finished(run)
            try:
                await self._append(words.STARTED, {"executor": executor}, after=(await self.look()).size)
                return await self.run()
            except Overtaken:
                continue
        raise LedgerError(f"Others write to {self.log.path} all the time", "Try again.")

    async def begun(self, step: int, subjects: Sequence[Subject] = ()) -> None:
        """Append that a step is about to be carried out. `subjects`: its objects, as read just now."""
        await self._append(words.STEP_BEGUN, {"step": step, "subjects": _listed(subjects)})

    async def done(self, step: int, said: str, *, already: bool, subjects: Sequence[Subject] = ()) -> None:
        """Append that a step's goal is so. `already`: it was so before anything was done about it."""
        data = {"step": step, "words": _told(said), "already": already, "subjects": _listed(subjects)}
        await self._append(words.STEP_DONE, data)

    async def failed(self, step: int, said: str) -> None:
        """Append that a step failed, and why."""
        await self._append(words.STEP_FAILED, {"step": step, "words": _told(said)})

    async def finished(self, outcome: words.RunState, said: str) -> None:
        """Append how the run ended."""
        await self._append(words.FINISHED, {"outcome": outcome.value, "words": _told(said)})

    async def ticked(self, key: str) -> None:
        """Tick `key` on the evidence of this run; nothing when that was done before."""
        evidence = f"run {self.id}"
        known = (await self.look()).ticks.get(key)
        if known is None or known.evidence != evidence:
            await self._write(TICKED, {"key": key, "evidence": evidence})

    async def _append(self, action: str, data: Mapping[str, Any], after: int | None = None) -> None:
        await self._write(action, {"run": self.id, **data}, after)

    async def _write(self, action: str, data: Mapping[str, Any], after: int | None = None) -> None:
        """Append until it is on disk, or patience ends. LedgerError; Overtaken at once."""
        self._appended += 1
        request = f"{self.id}-{self._attempt}-{self._appended}"
        end = time.monotonic() + self._patience
        while True:
            try:
                entry = await self.log.append(action, data, actor=self._actor, request_id=request, after=after)
                self._own.append(entry)
                return
            except Overtaken:
                raise
            except LedgerError:
                if time.monotonic() >= end:
                    raise
            await asyncio.sleep(_PAUSE)
            if await self._written(request):
                return

    async def _written(self, request: str) -> bool:
        """Whether the entry `request` is there, though its append failed."""
        try:
            entries, _ = await self.log.read(self._mark)
        except LedgerError:
            return False  # nothing can be said: the next append fails as well, or tells
        found = [entry for entry in entries if entry.request_id == request]
        self._own += found
        return bool(found)


def refuse_finished(run: Run) -> None:
    """UsageError when `run` is over for good. One that failed may be gone on with."""
    if not run.state.open and run.state is not words.RunState.FAILED:
        raise UsageError(f"Run {run.id}, {run.title}, is {run.state.value} already", "Plan a new one.")


def _told(said: str) -> str:
    return safe(said, _LONGEST_WORDS)


def _listed(subjects: Sequence[Subject]) -> list[Any]:
    listed: list[Any] = msgspec.to_builtins(list(subjects))
    return listed
