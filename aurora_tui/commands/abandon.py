"""`aurora-tui abandon`: close a run that stopped, and leave things as they are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.completion import run_ids
from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.commands.recording import not_blank

if TYPE_CHECKING:
    from aurora_tui.settings import Settings


@click.command("abandon")
@click.argument("run", shell_complete=run_ids)
@click.option("--reason", required=True, callback=not_blank, metavar="TEXT", help="Why; it stands in the ledger.")
@settings_options
def command(load_settings: LoadSettings, run: str, reason: str) -> None:
    """Close RUN as it stands: nothing more is done, and nothing is taken back."""
    asyncio.run(_abandon(load_settings(), run, reason))


async def _abandon(settings: Settings, text: str, reason: str) -> None:
    from aurora_tui.actions.desk import Desk
    from aurora_tui.commands.recording import writable
    from aurora_tui.commands.runs import run_named

    writable(settings)
    async with Desk(settings) as desk:
        run = run_named(text, await desk.journal())
        await desk.abandon(run.id, reason)
    click.echo(f"Run {run.id} is closed as it stands: see aurora-tui runs {run.id}")
