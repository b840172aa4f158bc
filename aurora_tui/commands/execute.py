"""`aurora-tui execute`: the process that carries an approved run out. The console and `act` start it; people do not."""

from __future__ import annotations

import asyncio
import signal

import click

from aurora_tui.commands.options import LoadSettings, settings_options


@click.command("execute", hidden=True)
@click.argument("run")
@settings_options
def command(load_settings: LoadSettings, run: str) -> int:
    """Carry RUN out. Exit code: 0 verified, 1 failed, 3 cancelled."""
    from aurora_tui.actions.executor import execute
    from aurora_tui.commands.outcomes import exit_code

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a line that is cut ends no run; SIGTERM does, as SIGKILL would
    return exit_code(asyncio.run(execute(load_settings(), run)))
