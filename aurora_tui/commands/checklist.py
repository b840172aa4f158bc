"""`aurora-tui checklist`: show the running phase's checklist, tick what people check, take a tick back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings


@click.group("checklist")
def command() -> None:
    """Show and tick the phase's checklist, its checkpoints and the daily rounds."""


@command.command("show")
@settings_options
@click.option("--wait", default=15.0, show_default=True, metavar="SECONDS", help="How long to wait for sources.")
def show(load_settings: LoadSettings, wait: float) -> None:
    """Show every item; automatic ones are judged on what the sources say now."""
    asyncio.run(_show(load_settings(), wait))


@command.command("tick")
@click.argument("item")
@click.option("--evidence", metavar="TEXT", help="What shows it: a file, a link, a sentence.")
@settings_options
def tick(load_settings: LoadSettings, item: str, evidence: str | None) -> None:
    """Record that ITEM is done: an item or checkpoint of the running phase, or one of today's rounds."""
    asyncio.run(_tick(load_settings(), item, evidence))


@command.command("untick")
@click.argument("item")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is not done after all.")
@settings_options
def untick(load_settings: LoadSettings, item: str, reason: str) -> None:
    """Take a tick back. Both entries stay in the ledger."""
    asyncio.run(_untick(load_settings(), item, reason))


async def _show(settings: Settings, wait: float) -> None:
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.commands.lines import checklist_line, timer_line
    from aurora_tui.errors import UsageError
    from aurora_tui.warroom import Warroom

    situation = await glimpse(Warroom(settings), wait)
    if situation.phase is None:
        raise UsageError("No phase runs, so there is no checklist", "Start one: aurora-tui phase start PHASE.")
    click.echo(f"{situation.phase.title}")
    for row in situation.checklist:
        click.echo(checklist_line(row))
    for timer in situation.timers:
        click.echo(timer_line(timer, situation.now))


async def _tick(settings: Settings, item: str, evidence: str | None) -> None:
    from aurora_tui.ledger.journal import current_actor, tick
    from aurora_tui.ledger.log import Log

    key = await _key(settings, item)
    async with Log(settings.ledger, settings.clock, create=False) as log:
        entry = await tick(log, key, evidence, actor=current_actor())
    click.echo(f"{key} done, entry {entry.sequence} of {settings.ledger}")


async def _untick(settings: Settings, item: str, reason: str) -> None:
    from aurora_tui.commands.phase import read_journal
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, untick
    from aurora_tui.ledger.log import Log

    key = await _key(settings, item)
    if key not in (await read_journal(settings)).ticks:
        raise UsageError(f"{key} is not ticked", "See aurora-tui checklist show.")
    async with Log(settings.ledger, settings.clock, create=False) as log:
        entry = await untick(log, key, reason, actor=current_actor())
    click.echo(f"{key} open again, entry {entry.sequence} of {settings.ledger}")


async def _key(settings: Settings, item: str) -> str:
    """The ledger key of an item, checkpoint or daily round named on the command line."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from aurora_tui.commands.phase import read_journal
    from aurora_tui.errors import UsageError

    running = (await read_journal(settings)).current
    if running is None:
        raise UsageError("No phase runs, so there is nothing to tick", "Start one: aurora-tui phase start PHASE.")
    phase = next((phase for phase in settings.mission.phase if phase.id == running.phase), None)
    rounds = [daily.id for daily in settings.mission.daily]
    manual = [row.id for row in phase.checklist if row.check is None] if phase else []
    automatic = [row.id for row in phase.checklist if row.check is not None] if phase else []
    checkpoints = [row.id for row in phase.checkpoint] if phase else []
    if item in automatic:
        raise UsageError(f"{item} is judged automatically", "It is done when what it checks holds.")
    if item in (*manual, *checkpoints):
        return f"{running.phase}/{item}"
    if item in rounds:
        today = datetime.fromtimestamp(settings.clock.now(), ZoneInfo(settings.mission.mission.day_zone))
        return f"daily/{item}/{today:%Y-%m-%d}"
    known = ", ".join((*manual, *checkpoints, *rounds))
    raise UsageError(f"There is no item {item!r} in phase {running.phase}", f"Name one of: {known}.")
