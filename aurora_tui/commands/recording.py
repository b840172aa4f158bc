"""Writing into the ledger: decided on what it says, at the time that health is judged on, and on nothing newer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aurora_tui.clock import Clock
    from aurora_tui.ledger.log import Entry, Log
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal

_TRIES = 5

Append = Callable[["Log", int], Awaitable["Entry"]]
Decide = Callable[["Journal", float], Append]


def not_blank(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse a text of nothing but spaces: what was recorded could not be understood afterwards."""
    if value is not None and not value.strip():
        raise click.BadParameter("say something.", context, option)
    return value


def writable(settings: Settings) -> None:
    """UsageError when the settings say read-only: then nothing is recorded either."""
    from aurora_tui.errors import UsageError

    if settings.read_only:
        raise UsageError(
            f"Environment {settings.environment_name} is read-only here", "Leave --read-only or `read_only` out."
        )


async def read_journal(settings: Settings) -> Journal:
    """What the ledger says so far; an empty journal when there is no ledger yet."""
    from aurora_tui.situation.journal import project

    return project(await _entries(settings))


async def record(settings: Settings, decide: Decide) -> Entry:
    """Append what `decide` gives for the journal and the time (Unix seconds); it raises UsageError to refuse.

    Should another process write meanwhile, it decides again: two operators never both start a phase.
    """
    from aurora_tui.ledger.log import Log, Overtaken
    from aurora_tui.situation.journal import project

    writable(settings)
    clock = await judged_clock(settings)
    for tried in range(1, _TRIES + 1):
        entries = await _entries(settings)
        append = decide(project(entries), clock.now())
        async with Log(settings.ledger, clock) as log:
            try:
                return await append(log, len(entries))
            except Overtaken:
                if tried == _TRIES:
                    raise
    raise AssertionError("unreachable")


async def judged_clock(settings: Settings) -> Clock:
    """The settings' clock, put right by Prometheus' when they differ; what was done about it is said on stderr."""
    from aurora_tui.sources.judged_clock import judge_clock

    judged = await judge_clock(settings)
    if judged.words:
        click.echo(f"aurora-tui: {judged.words}", err=True)
    return judged.clock


async def _entries(settings: Settings) -> list[Entry]:
    from aurora_tui.ledger.log import Log, file_state

    if file_state(settings.ledger) is None:
        return []
    async with Log(settings.ledger, settings.clock, create=False) as log:
        return await log.entries()
