"""The ledger as the desk uses it: read whole, decided on what it says, appended to unless another one was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from aurora_tui.actions.plan import Plan, from_data
from aurora_tui.clock import Clock
from aurora_tui.errors import UsageError
from aurora_tui.ledger.journal import current_actor
from aurora_tui.ledger.log import Entry, Log, Overtaken, file_state
from aurora_tui.settings import Settings
from aurora_tui.situation import run as words
from aurora_tui.situation.journal import Journal, project
from aurora_tui.text import safe

_TRIES = 5

Decide = Callable[[Journal], tuple[str, dict[str, Any]]]


async def read_journal(settings: Settings) -> Journal:
    """What the ledger says so far; an empty journal when there is none yet. LedgerError."""
    return project(await _entries(settings))


async def approved_plan(settings: Settings, run: str) -> Plan:
    """The plan that `run` was approved with. UsageError when there is no such run, or its plan cannot be read."""
    for entry in await _entries(settings):
        if entry.action == words.APPROVED and entry.data.get("run") == run:
            try:
                return from_data(entry.data.get("plan"))
            except msgspec.ValidationError as error:
                raise UsageError(
                    f"The plan of run {run} cannot be read: {safe(str(error), 200)}",
                    "It was approved with another version of aurora-tui: use that one.",
                ) from error
    raise unknown(run, settings)


def unknown(run: str, settings: Settings) -> UsageError:
    """There is no such run."""
    return UsageError(
        f"No run {safe(run, 40)} was approved in {settings.ledger}", "Look at `aurora-tui runs`; check --env."
    )


async def write(settings: Settings, clock: Clock, decide: Decide) -> Entry:
    """Append the action and data that `decide` gives for the journal; it raises UsageError to refuse.

    Should another process write meanwhile, it decides again on what stands there then. LedgerError: nothing is written.
    """
    for tried in range(1, _TRIES + 1):
        entries = await _entries(settings)
        action, data = decide(project(entries))
        async with Log(settings.ledger, clock) as log:
            try:
                return await log.append(action, data, actor=current_actor(), after=len(entries))
            except Overtaken:
                if tried == _TRIES:
                    raise
    raise AssertionError("unreachable")


async def _entries(settings: Settings) -> list[Entry]:
    if file_state(settings.ledger) is None:
        return []
    async with Log(settings.ledger, settings.clock, create=False) as log:
        return await log.entries()
