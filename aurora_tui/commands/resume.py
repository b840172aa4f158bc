"""`aurora-tui resume`: go on with a run whose executor is no more, or that failed."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.completion import run_ids
from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings


@click.command("resume")
@click.argument("run", shell_complete=run_ids)
@click.option("--follow/--no-follow", default=True, help="Watch the run to its end.", show_default=True)
@settings_options
def command(load_settings: LoadSettings, run: str, follow: bool) -> int:
    """Go on with RUN where it stopped: what is done is not done again.

    Exit code: 0 verified, 1 failed, 2 usage, 3 cancelled; 130 when following ended by ctrl+C, and the run goes on.
    """
    settings = load_settings()
    begun: list[str] = []
    try:
        return asyncio.run(_resume(settings, run, follow, begun))
    except KeyboardInterrupt:
        from aurora_tui.commands.following import leaving_lines

        click.echo(err=True)
        for id in begun:
            click.echo("\n".join(leaving_lines(id)), err=True)
        return 128 + signal.SIGINT


async def _resume(settings: Settings, text: str, follows: bool, begun: list[str]) -> int:
    """begun: gets the run's id once it goes on."""
    from aurora_tui.actions.desk import Desk
    from aurora_tui.commands.following import follow, leaving_lines
    from aurora_tui.commands.outcomes import VERIFIED, exit_code
    from aurora_tui.commands.recording import writable
    from aurora_tui.commands.runs import run_named

    writable(settings)
    async with Desk(settings) as desk:
        run = run_named(text, await desk.journal())
        await desk.resume(run.id)
    begun.append(run.id)
    if not follows:
        click.echo("\n".join(leaving_lines(run.id)))
        return VERIFIED
    return exit_code(await follow(settings, run.id, before=run.executor))
