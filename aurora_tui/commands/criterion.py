"""`aurora-tui criterion reset`: the only way a tripped criterion's latch clears, and it is written down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.commands.recording import not_blank

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal


@click.group("criterion")
def command() -> None:
    """Clear a tripped rollback criterion."""


@command.command("reset")
@click.argument("criterion")
@click.option("--reason", required=True, callback=not_blank, metavar="TEXT", help="Why it may be judged anew.")
@settings_options
def reset(load_settings: LoadSettings, criterion: str, reason: str) -> None:
    """Judge CRITERION anew from now on; the trip stays in the ledger."""
    asyncio.run(_reset(load_settings(), criterion, reason))


async def _reset(settings: Settings, criterion: str, reason: str) -> None:
    from aurora_tui.commands.recording import Append, record
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, reset_criterion

    def decide(journal: Journal, now: float) -> Append:
        known = [rule.id for rule in settings.mission.criterion]
        if criterion not in known:
            raise UsageError(f"There is no criterion {criterion!r}", f"Name one of: {', '.join(known)}.")
        return lambda log, after: reset_criterion(log, criterion, reason, actor=current_actor(), after=after)

    entry = await record(settings, decide)
    click.echo(f"Criterion {criterion} is judged anew, entry {entry.sequence} of {settings.ledger}")
