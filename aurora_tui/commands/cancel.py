"""`aurora-tui cancel`: ask a run to stop before its next step."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.completion import run_ids
from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings


@click.command("cancel")
@click.argument("run", shell_complete=run_ids)
@settings_options
def command(load_settings: LoadSettings, run: str) -> None:
    """Ask RUN to stop before its next step. What is done stays done."""
    asyncio.run(_cancel(load_settings(), run))


async def _cancel(settings: Settings, text: str) -> None:
    from aurora_tui.actions.desk import Desk
    from aurora_tui.commands.recording import writable
    from aurora_tui.commands.runs import run_named

    writable(settings)
    async with Desk(settings) as desk:
        run = run_named(text, await desk.journal())
        await desk.cancel(run.id)
    click.echo(f"Run {run.id} is asked to stop before its next step")
