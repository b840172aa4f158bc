"""`aurora-tui runs`: what was done here with runbooks, from the ledger alone."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.completion import run_ids
from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal
    from aurora_tui.situation.run import Run


@click.command("runs")
@click.argument("run", required=False, shell_complete=run_ids)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON: the run, or a list of them.")
@click.option("--follow", is_flag=True, help="Watch RUN to its end; the exit code is how it ended.")
@settings_options
def command(load_settings: LoadSettings, run: str | None, as_json: bool, follow: bool) -> int:
    """List the runs of runbooks, newest first; or show RUN with its steps.

    With --follow, exit code: 0 verified, 1 failed, 3 cancelled.
    """
    from aurora_tui.errors import UsageError

    settings = load_settings()
    if follow and run is None:
        raise UsageError("--follow: which run", "Name one; `aurora-tui runs` lists them.")
    try:
        return asyncio.run(_follow(settings, run, as_json) if follow and run else _show(settings, run, as_json))
    except KeyboardInterrupt:
        click.echo(err=True)
        return 128 + signal.SIGINT


def run_named(text: str, journal: Journal) -> Run:
    """The run with this id, or the only one whose id begins so. UsageError when there is none, or more than one."""
    from aurora_tui.errors import UsageError
    from aurora_tui.text import safe

    if text in journal.runs:
        return journal.runs[text]
    found = [run for id, run in journal.runs.items() if text and id.startswith(text)]
    if len(found) == 1:
        return found[0]
    newest = ", ".join(list(journal.runs)[:-6:-1])
    what = "More than one run begins with" if found else "There is no run"
    raise UsageError(f"{what} {safe(text, 80)!r}", f"The newest: {newest}." if newest else "There was none yet here.")


async def _show(settings: Settings, run: str | None, as_json: bool) -> int:
    from aurora_tui.commands.json_line import json_line
    from aurora_tui.commands.recording import read_journal
    from aurora_tui.commands.run_lines import run_line, run_lines
    from aurora_tui.commands.wrapping import columns

    journal = await read_journal(settings)
    now = settings.clock.now()
    if run is not None:
        one = run_named(run, journal)
        click.echo(
            json_line(one) if as_json else "\n".join((*run_lines(one, now, columns()), *_orphaned(settings, one)))
        )
        return 0
    newest_first = list(reversed(journal.runs.values()))
    if as_json:
        click.echo(json_line(newest_first))
        return 0
    if not newest_first:
        click.echo(f"No run yet in {settings.ledger}")
    for each in newest_first:
        click.echo("\n".join((run_line(each, now), *_orphaned(settings, each))))
    return 0


def _orphaned(settings: Settings, run: Run) -> list[str]:
    """A run that nobody carries out any more; told only of executors on this machine, where it can be known."""
    from aurora_tui.actions.claim import is_claimed
    from aurora_tui.commands.following import here

    if not run.state.open or run.executor is None or not here(run) or is_claimed(settings, run.id):
        return []
    return [f"  its executor is no more: aurora-tui resume {run.id}, or aurora-tui abandon {run.id} --reason ..."]


async def _follow(settings: Settings, text: str, as_json: bool) -> int:
    from aurora_tui.commands.following import follow
    from aurora_tui.commands.json_line import json_line
    from aurora_tui.commands.outcomes import exit_code
    from aurora_tui.commands.recording import read_journal

    run = run_named(text, await read_journal(settings))
    ended = await follow(settings, run.id, quiet=as_json)
    if as_json:
        click.echo(json_line(ended))
    return exit_code(ended)
