"""Following a run to its end: a line a step, and the clock. Whoever leaves changes nothing: it goes on by itself."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.run_lines import clock_line, minutes, next_lines, step_lines
from aurora_tui.commands.wrapping import cells, columns, hanging
from aurora_tui.errors import AuroraError
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.ledger.log import Mark
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal
    from aurora_tui.situation.run import Run

_LOOK = 0.25  # real seconds between two looks at the ledger
_START_SECONDS = 60.0  # real ones, for an executor to begin on a busy machine
_GONE_SECONDS = 1.5  # real ones without an executor before it counts as dead


class ExecutorGone(AuroraError):
    """Nobody carries the run out any more, and it has not ended."""


class LedgerTail:
    """The journal, read on from where it was read to, and only when the ledger's file has changed."""

    def __init__(self, settings: Settings) -> None:
        from aurora_tui.ledger.log import NOTHING_READ
        from aurora_tui.situation.journal import Journal

        self._settings = settings
        self._mark: Mark = NOTHING_READ
        self._journal = Journal()
        self._seen: tuple[int, ...] | None = None

    async def journal(self) -> Journal:
        """What the ledger says now. LedgerError."""
        from aurora_tui.ledger.log import Log, file_state
        from aurora_tui.situation.journal import project

        state = file_state(self._settings.ledger)
        seen = None if state is None else (state.st_ino, state.st_size, state.st_mtime_ns)
        if seen is not None and seen != self._seen:
            async with Log(self._settings.ledger, self._settings.clock, create=False) as log:
                entries, self._mark = await log.read(self._mark)
            self._journal = project(entries, self._journal)
            self._seen = seen
        return self._journal


async def follow(settings: Settings, run: str, *, before: str | None = None, quiet: bool = False) -> Run:
    """Tell the run's steps as they end, until it ends; the run as it is then.

    before: the executor that had it when it was started again: until another one has it, what the ledger says is old.
    ExecutorGone when nobody carries it out any more. LedgerError.
    """
    from aurora_tui.actions.claim import is_claimed

    tail, told = LedgerTail(settings), _Told(settings, quiet)
    began = seen_alive = time.monotonic()
    while True:
        found = (await tail.journal()).runs[run]
        started = found.executor is not None and found.executor != before
        if started or before is None:
            told.tell(found)
        if started and not found.state.open:
            return found
        if not found.state.open and before is None:
            return found  # cancelled or closed before anybody began
        now = time.monotonic()
        if await asyncio.to_thread(is_claimed, settings, run):
            seen_alive = now
        elif here(found):
            overdue = now - seen_alive > _GONE_SECONDS if started else now - began > _START_SECONDS
            # Its last entry may be younger than our look.
            if overdue and (await tail.journal()).runs[run] == found:
                told.clear()
                raise _gone(settings, run, started)
        await asyncio.sleep(_LOOK)


def here(run: Run) -> bool:
    """Whether its executor, if it has one, is this account's on this machine: only of such can be told if they live."""
    from aurora_tui.ledger.journal import current_actor

    return run.executor is None or run.executor.startswith(f"{current_actor()}:")


@dataclass(slots=True)
class _Told:
    """What was printed of a run: on a terminal, the step under way stands on a line that is written over."""

    settings: Settings
    quiet: bool
    ended: set[tuple[int, str, float | None]] = field(default_factory=set)
    shown: bool = False

    def tell(self, run: Run) -> None:
        if self.quiet:
            return
        width = columns()
        for step in run.steps:
            key = (step.number, step.state.value, step.ended_at)
            if step.state.value in ("done", "failed") and key not in self.ended:
                self.ended.add(key)
                self.clear()
                for line in step_lines(step, run, width):
                    click.echo(line)
        if run.state.open:
            self._transient(run, width)
        else:
            self.clear()
            for line in ending_lines(run, width):
                click.echo(line)

    def _transient(self, run: Run, width: int) -> None:
        if not sys.stdout.isatty():
            return
        step = run.step
        what = "ending" if step is None else f"{step.number:>2}/{len(run.steps)} {step.state.value}  {step.title}"
        what += ", cancelling" if run.cancel_asked else ""
        line = safe(f"  {clock_line(run, self.settings.clock.now())}  {what}", width)
        while cells(line) > width:
            line = line[:-1]
        click.echo(f"\r\x1b[2K{line}", nl=False)
        self.shown = True

    def clear(self) -> None:
        """Take the line of the step under way away."""
        if self.shown:
            click.echo("\r\x1b[2K", nl=False)
            self.shown = False


def ending_lines(run: Run, width: int) -> list[str]:
    """How it ended, in how much time, and what can be done now."""
    taken = minutes((run.ended_at or run.approved_at) - run.approved_at)
    over = run.target is not None and run.ended_at is not None and run.ended_at - run.approved_at > run.target
    target = (
        "" if run.target is None else f", {'longer than' if over else 'within'} the target of {minutes(run.target)}"
    )
    head = f"{run.title} {run.state.value} after {taken}{target if run.state.value == 'verified' else ''}"
    lines = [*hanging("", head, width)]
    if run.words:
        lines += hanging("  ", run.words, width)
    return [*lines, *next_lines(run, width)]


def leaving_lines(run: str) -> list[str]:
    """What is to be known by whoever stops following."""
    return [
        f"Run {run} goes on without us.",
        f"  follow it    aurora-tui runs {run} --follow",
        f"  cancel it    aurora-tui cancel {run}",
    ]


def _gone(settings: Settings, run: str, started: bool) -> ExecutorGone:
    """With the last words of the executor, which stand in no ledger."""
    from aurora_tui.actions.process import output_file

    path = output_file(settings, run)
    try:
        said = path.read_bytes()[-4096:]
    except OSError:
        said = b""
    words = safe(said, limit=1500, lines=True).strip()
    what = f"The executor of run {run} " + ("is no more" if started else "did not begin")
    what += f"; it said: {words}" if words else ""
    return ExecutorGone(what, f"Go on with: aurora-tui resume {run}, or close it: aurora-tui abandon {run}.")
