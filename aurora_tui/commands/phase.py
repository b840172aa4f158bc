"""`aurora-tui phase`: phases start and end because an operator says so, and the ledger remembers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal
    from aurora_tui.situation.mission import Phase

_LONGEST_AGO = 60 * 86400  # everything since a phase's start is read from Prometheus: a slip must not ask for years
OUTCOMES = ("completed", "rolled back", "abandoned")


@click.group("phase")
def command() -> None:
    """Start, end or show a phase of the plan."""


@command.command("start")
@click.argument("phase")
@click.option("--at", "at", metavar="TIME", help="When it started, as 2026-01-03T14:02:11Z; now when left out.")
@settings_options
def start(load_settings: LoadSettings, phase: str, at: str | None) -> None:
    """Record that PHASE starts: the time everything in it is counted from."""
    settings = load_settings()
    plan = _phase_named(settings, phase)
    asyncio.run(_start(settings, plan, at))


@command.command("end")
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True, help="How it ended; written down as you say it.")
@settings_options
def end(load_settings: LoadSettings, outcome: str) -> None:
    """Record that the running phase ends, and how."""
    asyncio.run(_end(load_settings(), outcome))


@command.command("status")
@settings_options
def status(load_settings: LoadSettings) -> None:
    """Show the running phase and its checkpoints; nothing but the ledger is read."""
    asyncio.run(_show(load_settings()))


def _phase_named(settings: Settings, name: str) -> Phase:
    from aurora_tui.errors import UsageError

    for phase in settings.mission.phase:
        if phase.id == name:
            return phase
    known = ", ".join(phase.id for phase in settings.mission.phase)
    raise UsageError(f"There is no phase {name!r} in the mission", f"Name one of: {known}.")


async def _start(settings: Settings, phase: Phase, at: str | None) -> None:
    from aurora_tui.clock import iso, parse_iso
    from aurora_tui.commands.recording import Append, record
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, start_phase

    def decide(journal: Journal, now: float) -> Append:
        started_at = now if at is None else _begin(at, now)
        running = journal.current
        if running is not None:
            raise UsageError(
                f"Phase {running.phase} still runs, since {iso(running.started_at)}",
                "End it first: aurora-tui phase end --outcome ...",
            )
        return lambda log, after: start_phase(log, phase.id, started_at, actor=current_actor(), after=after)

    entry = await record(settings, decide)
    started_at = parse_iso(entry.data["started_at"])
    click.echo(f"Phase {phase.id} started {iso(started_at)}, entry {entry.sequence} of {settings.ledger}")


def _begin(at: str, now: float) -> float:
    """The time that `--at` names, Unix seconds; UsageError when it cannot be meant."""
    from aurora_tui.clock import iso, parse_iso
    from aurora_tui.errors import UsageError

    try:
        started_at = parse_iso(at)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--at {at}: {error}", "Write the time in UTC, as 2026-01-03T14:02:11Z.") from error
    if started_at > now:
        raise UsageError(f"--at {at} is in the future", f"A phase starts now ({iso(now)}) or earlier.")
    if now - started_at > _LONGEST_AGO:
        raise UsageError(f"--at {at} is more than {_LONGEST_AGO // 86400} days ago", "Check the year and the month.")
    return started_at


async def _end(settings: Settings, outcome: str) -> None:
    from aurora_tui.commands.recording import Append, record
    from aurora_tui.errors import UsageError
    from aurora_tui.ledger.journal import current_actor, end_phase

    def decide(journal: Journal, now: float) -> Append:
        running = journal.current
        if running is None:
            raise UsageError("No phase runs", "Start one: aurora-tui phase start PHASE.")
        return lambda log, after: end_phase(log, running.phase, outcome, actor=current_actor(), after=after)

    entry = await record(settings, decide)
    click.echo(safe(f"Phase {entry.data['phase']} ended: {outcome}, entry {entry.sequence} of {settings.ledger}", 4096))


async def _show(settings: Settings) -> None:
    from aurora_tui.clock import iso
    from aurora_tui.commands.lines import span, timer_line
    from aurora_tui.commands.recording import read_journal
    from aurora_tui.situation.checkpoint import Ground, phase_status, timers

    now = settings.clock.now()
    journal = await read_journal(settings)
    ground = Ground(
        mission=settings.mission, journal=journal, slos=(), alerts=(), firing_history=(), green_since=None, now=now
    )
    phase = phase_status(ground)
    if phase is not None and journal.current is not None:
        click.echo(
            safe(
                f"phase {phase.id}: {phase.title}, {span(now - phase.started_at)} of {span(phase.length)},"
                f" started {iso(phase.started_at)} by {journal.current.started_by}"
            )
        )
    for timer in timers(ground):
        click.echo(timer_line(timer, now))
