"""Writing into the ledger: decided on what it says, at the time that health is judged on, and on nothing newer.

The console judges on Prometheus' clock. An entry that carries another clock's time would put a start or a reset where
nothing is judged, so entries carry Prometheus' time wherever it is more than a few seconds from this machine's.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aurora_tui.clock import Clock
    from aurora_tui.ledger.log import Entry, Log
    from aurora_tui.settings import Settings
    from aurora_tui.situation.journal import Journal

SKEW_ACCEPTED = 5.0  # seconds that two clocks may differ before one of them is called wrong
_SKEW_REFUSED = 86400.0  # beyond it neither can be believed: a server without a battery lives in 1970
_TIME_LIMIT = 5.0
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
    from aurora_tui.clock import Clock
    from aurora_tui.errors import AuroraError
    from aurora_tui.text import safe

    clock, source = settings.clock, settings.environment.prometheus
    if source is None:
        return clock
    try:
        skew = await _skew(settings)
    except (AuroraError, TimeoutError) as error:
        why = str(error).rstrip(".") or f"no answer within {_TIME_LIMIT:g} s"
        click.echo(
            f"aurora-tui: Prometheus does not tell its time: {safe(why)}. The entry carries this machine's.", err=True
        )
        return clock
    if abs(skew) <= SKEW_ACCEPTED:
        return clock
    side = "behind" if skew > 0 else "ahead of"
    apart = f"This machine's clock is {abs(skew):.0f} s {side} Prometheus'"
    if abs(skew) > _SKEW_REFUSED:
        raise AuroraError(apart, "Set the wrong one right (NTP), then record it: the entry would carry a wrong day.")
    click.echo(f"aurora-tui: {apart}: the entry carries Prometheus' time. Check NTP on both.", err=True)
    return Clock(clock.real_origin, clock.world_origin + skew, clock.speed)


async def _skew(settings: Settings) -> float:
    """Prometheus' clock minus ours, in seconds, no nearer to it than the asking itself took."""
    from aurora_tui.errors import AuroraError
    from aurora_tui.sources.prometheus import Prometheus

    clock, source = settings.clock, settings.environment.prometheus
    assert source is not None
    prometheus = Prometheus(source.url, source.auth)
    try:
        began = time.time()
        async with asyncio.timeout(_TIME_LIMIT):
            answers = [sample.value for sample in await prometheus.instant("time()")]
        unsure = (time.time() - began) * clock.speed / 2
        if len(answers) != 1 or not math.isfinite(answers[0]):
            raise AuroraError("it answers time() with something else", "")
        skew = answers[0] - (clock.now() - unsure)
        return 0.0 if abs(skew) <= unsure else skew
    finally:
        prometheus.close()


async def _entries(settings: Settings) -> list[Entry]:
    from aurora_tui.ledger.log import Log, file_state

    if file_state(settings.ledger) is None:
        return []
    async with Log(settings.ledger, settings.clock, create=False) as log:
        return await log.entries()
