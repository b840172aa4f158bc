"""`aurora-tui checklist`: show the running phase's checklist, tick what people check, take a tick back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.commands.recording import not_blank
from aurora_tui.commands.status import wait_option
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal, Tick


_DAY = "For a daily round: its day, as 2026-01-03; the one that is to be done now when left out."


@click.group("checklist")
def command() -> None:
    """Show and tick the phase's checklist, its checkpoints and the daily rounds."""


@command.command("show")
@settings_options
@wait_option
def show(load_settings: LoadSettings, wait: float) -> None:
    """Show every item; automatic ones are judged on what the sources say now."""
    asyncio.run(_show(load_settings(), wait))


@command.command("tick")
@click.argument("item")
@click.option("--evidence", callback=not_blank, metavar="TEXT", help="What shows it: a file, a link, a sentence.")
@click.option("--day", metavar="DATE", help=_DAY)
@settings_options
def tick(load_settings: LoadSettings, item: str, evidence: str | None, day: str | None) -> None:
    """Record that ITEM is done: an item or checkpoint of the running phase, or a round of the daily protocol."""
    asyncio.run(_tick(load_settings(), item, evidence, day))


@command.command("untick")
@click.argument("item")
@click.option("--reason", required=True, callback=not_blank, metavar="TEXT", help="Why it is not done after all.")
@click.option("--day", metavar="DATE", help=_DAY)
@settings_options
def untick(load_settings: LoadSettings, item: str, reason: str, day: str | None) -> None:
    """Take a tick back. Both entries stay in the ledger."""
    asyncio.run(_untick(load_settings(), item, reason, day))


async def _show(settings: Settings, wait: float) -> None:
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.commands.lines import checklist_line, timer_line
    from aurora_tui.errors import AuroraError, UsageError
    from aurora_tui.warroom import Warroom

    situation = await glimpse(Warroom(settings), wait)
    unread = next((light for light in situation.lights if light.name == "ledger" and light.error is not None), None)
    if unread is not None:
        raise AuroraError(f"The checklist cannot be known: {unread.error}", "")
    if situation.phase is None:
        raise UsageError("No phase runs, so there is no checklist", "Start one: aurora-tui phase start PHASE.")
    click.echo(safe(situation.phase.title))
    for row in situation.checklist:
        click.echo(checklist_line(row))
    for timer in situation.timers:
        click.echo(timer_line(timer, situation.now))


async def _tick(settings: Settings, item: str, evidence: str | None, day: str | None) -> None:
    from aurora_tui.clock import iso
    from aurora_tui.commands.recording import Append, record
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, tick

    def decide(journal: Journal, now: float) -> Append:
        key, done = _find(settings, journal, now, item, day)
        if done is not None:
            raise UsageError(
                f"{key} is done already, by {done.by} at {iso(done.at)}", "To correct it, take it back first: untick."
            )
        return lambda log, after: tick(log, key, evidence, actor=current_actor(), after=after)

    entry = await record(settings, decide)
    click.echo(f"{entry.data['key']} done, entry {entry.sequence} of {settings.ledger}")


async def _untick(settings: Settings, item: str, reason: str, day: str | None) -> None:
    from aurora_tui.commands.recording import Append, record
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, untick

    def decide(journal: Journal, now: float) -> Append:
        key, done = _find(settings, journal, now, item, day, newest_done=True)
        if done is None:
            raise UsageError(f"{key} is not ticked", "See aurora-tui checklist show.")
        return lambda log, after: untick(log, key, reason, actor=current_actor(), after=after)

    entry = await record(settings, decide)
    click.echo(f"{entry.data['key']} open again, entry {entry.sequence} of {settings.ledger}")


def _find(
    settings: Settings, journal: Journal, moment: float, item: str, day: str | None, *, newest_done: bool = False
) -> tuple[str, Tick | None]:
    """The ledger key of what the command line names, and its tick in this run of the phase, at `moment`.

    Of a daily round without a day: the one to be done now, or with `newest_done` the one ticked last.
    """
    from aurora_tui.errors import UsageError
    from aurora_tui.situation.checkpoint import rounds, ticked

    running = journal.current
    if running is None:
        raise UsageError("No phase runs, so there is nothing to tick", "Start one: aurora-tui phase start PHASE.")
    phase = next((phase for phase in settings.mission.phase if phase.id == running.phase), None)
    manual = [row.id for row in phase.checklist if row.check is None] if phase else []
    automatic = [row.id for row in phase.checklist if row.check is not None] if phase else []
    checkpoints = [row.id for row in phase.checkpoint] if phase else []
    daily = [row.id for row in settings.mission.daily if not row.phases or running.phase in row.phases]
    if item in automatic:
        raise UsageError(f"{item} is judged automatically", "It is done when what it checks holds.")
    if item in daily:
        now = {one.item.id: one.key for one in rounds(settings.mission, journal, moment)}
        key = now.get(item)
        if day is not None:
            key = f"daily/{item}/{_day(day)}"
        elif newest_done:
            days = [done for done in journal.ticks.values() if done.key.startswith(f"daily/{item}/")]
            key = max(days, key=lambda done: done.sequence).key if days else key
        if key is None:
            raise UsageError(f"No {item} round is due yet in this phase", "See aurora-tui checklist show.")
    elif item in (*manual, *checkpoints):
        if day is not None:
            raise UsageError(f"--day {day}: {item} is no daily round", "Leave --day out.")
        key = f"{running.phase}/{item}"
    else:
        known = ", ".join((*manual, *checkpoints, *daily))
        raise UsageError(f"There is no item {item!r} in phase {running.phase}", f"Name one of: {known}.")
    return key, ticked(journal, key, running)


def _day(text: str) -> str:
    from datetime import date

    from aurora_tui.errors import UsageError

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"--day {text}: {error}", "Write the day as 2026-01-03.") from error
