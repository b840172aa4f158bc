"""`aurora-tui doctor`: everything the console stands on, one line each, and what to do about what fails."""

from __future__ import annotations

import asyncio
import locale
import os
import sys
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import click

from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.freshness import SourceLight
    from aurora_tui.situation.situation import Situation


class Mark(Enum):
    """How a finding stands."""

    WELL = "ok"
    NOTE = "note"
    FAILS = "FAILS"


class Finding(NamedTuple):
    """One line of the report; `remedy` is what to do about it."""

    mark: Mark
    subject: str
    said: str
    remedy: str = ""


@click.command("doctor")
@settings_options
@click.option("--wait", default=15.0, show_default=True, metavar="SECONDS", help="How long to wait for a source.")
def command(load_settings: LoadSettings, wait: float) -> int:
    """Check settings, sources, rights, clocks, ledger and terminal. Exit code 1 when something fails."""
    findings = asyncio.run(_examine(load_settings(), wait))
    from aurora_tui.text import safe

    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        click.echo(safe(f"{finding.mark.value:5}  {finding.subject:{width}}  {finding.said}", limit=1000))
        if finding.remedy:
            click.echo(safe(f"{'':5}  {'':{width}}  → {finding.remedy}", limit=1000))
    failing = sum(finding.mark is Mark.FAILS for finding in findings)
    click.echo(f"{failing} of {len(findings)} fail" if failing else f"all {len(findings)} well")
    return 1 if failing else 0


async def _examine(settings: Settings, wait: float) -> list[Finding]:
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.warroom import Warroom

    findings = [*_settings(settings)]
    warroom = Warroom(settings)
    situation = await glimpse(warroom, wait)
    findings += [_light(light, situation.now) for light in situation.lights]
    findings += _data(situation)
    findings += await _rights(settings)
    findings.append(await _ledger(settings))
    findings += _terminal()
    return findings


def _settings(settings: Settings) -> Iterator[Finding]:
    from aurora_tui.errors import UsageError
    from aurora_tui.settings import check_queries

    read = ", ".join(str(path) for path in settings.files)
    yield Finding(Mark.WELL, "settings", f"environment {settings.environment_name}, from {read}")
    try:
        check_queries(settings)
    except UsageError as error:
        yield Finding(Mark.FAILS, "queries", error.what, error.remedy)
    else:
        yield Finding(Mark.WELL, "queries", "every PromQL text parses")


def _light(light: SourceLight, now: float) -> Finding:
    from aurora_tui.situation.freshness import LightState
    from aurora_tui.situation.verdict import SKEW_WARNING

    state = light.state(now)
    facts = [] if light.latency is None else [f"{light.latency * 1000:.0f} ms"]
    if light.version:
        facts.append(light.version)
    if light.skew is not None:
        facts.append(f"clock {light.skew:+.1f} s")
    facts.extend(light.notes)
    if state is LightState.OFF:
        return Finding(Mark.NOTE, light.title, "not configured, so not watched", "Name it in the environment.")
    if state is not LightState.LIVE:
        what, _, remedy = (light.error or "no answer yet. Give it longer: --wait 60").partition(". ")
        return Finding(Mark.FAILS, light.title, what, remedy)
    if light.skew is not None and abs(light.skew) > SKEW_WARNING:
        return Finding(Mark.FAILS, light.title, ", ".join(facts), "Set this machine's clock right: chronyc tracking.")
    return Finding(Mark.WELL, light.title, ", ".join(facts) or "answers")


def _data(situation: Situation) -> Iterator[Finding]:
    """What the sources answer may still not be what the mission needs."""
    from aurora_tui.situation.slo import SloState

    metrics = next((light for light in situation.lights if light.name == "metrics"), None)
    if metrics is None or not metrics.trusted(situation.now):
        remedy = (
            "Point it at your own: aurora-tui --prometheus URL --alertmanager URL --context NAME --namespace NAME,"
            " or write ~/.config/aurora-tui/config.toml (README, Watch your own system)."
        )
        yield Finding(Mark.FAILS, "slos", "not one can be read: Prometheus does not answer", remedy)
        return
    for slo in situation.slos:
        if slo.state is SloState.UNKNOWN:
            remedy = "Compare its queries (config show) with what this Prometheus has."
            yield Finding(Mark.FAILS, f"slo {slo.id}", slo.why_unknown or "no data", remedy)
        else:
            yield Finding(Mark.WELL, f"slo {slo.id}", f"read as {slo.statistic}")
    for status in situation.criteria:
        if status.cannot_trip is not None:
            yield Finding(
                Mark.FAILS, f"criterion {status.id}", f"cannot trip: {status.cannot_trip}", "Mend its query or buckets."
            )
    for probe in situation.probes:
        if not probe.ok:
            yield Finding(Mark.FAILS, probe.title, probe.detail, "Look at what serves this page.")


async def _rights(settings: Settings) -> list[Finding]:
    """What the console needs to read in the cluster, asked of the cluster itself."""
    from aurora_tui.errors import AuroraError
    from aurora_tui.sources.cluster import read_rights

    if settings.environment.cluster is None:
        return []
    try:
        rights = await read_rights(settings)
    except AuroraError as error:
        return [Finding(Mark.FAILS, "cluster rights", error.what, error.remedy)]
    return [
        Finding(Mark.WELL, "cluster rights", f"may {right.verb} {right.resource} in {right.namespace}")
        if right.allowed
        else Finding(
            Mark.FAILS,
            "cluster rights",
            f"may not {right.verb} {right.resource} in {right.namespace}"
            + (f": {right.reason}" if right.reason else ""),
            "Ask for a Role with this verb and resource.",
        )
        for right in rights
    ]


async def _ledger(settings: Settings) -> Finding:
    from aurora_tui.ledger.log import LedgerError, Log

    if not settings.ledger.exists():
        place = next((folder for folder in settings.ledger.parents if folder.exists()), settings.ledger)
        if os.access(place, os.W_OK):
            return Finding(Mark.NOTE, "ledger", f"none yet at {settings.ledger}", "aurora-tui phase start makes it.")
        return Finding(Mark.FAILS, "ledger", f"{place} cannot be written", "Make it writable, or set `ledger`.")
    try:
        async with Log(settings.ledger, settings.clock, create=False) as log:
            size, root = await log.verify()
    except LedgerError as error:
        return Finding(Mark.FAILS, "ledger", error.what, error.remedy)
    if not os.access(settings.ledger, os.W_OK):
        return Finding(Mark.FAILS, "ledger", f"{settings.ledger} cannot be written", "Check its owner and mode.")
    return Finding(Mark.WELL, "ledger", f"{size} entries verify, root {root.hex()[:16]}…, {settings.ledger}")


def _terminal() -> Iterator[Finding]:
    term = os.environ.get("TERM", "")
    colours = "truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else term or "unknown"
    if not sys.stdout.isatty():
        yield Finding(Mark.NOTE, "terminal", "output is not a terminal", "The console needs one; `status` does not.")
    elif term in ("", "dumb"):
        yield Finding(Mark.FAILS, "terminal", f"TERM is {term!r}", "Set it to what your terminal is.")
    else:
        size = os.get_terminal_size(sys.stdout.fileno())
        small = size.columns < 80 or size.lines < 24
        mark = Mark.NOTE if small else Mark.WELL
        remedy = "80×24 shows everything that matters." if small else ""
        yield Finding(mark, "terminal", f"{size.columns}×{size.lines}, colours: {colours}", remedy)
    encoding = locale.getpreferredencoding(False)
    if encoding.upper().replace("-", "") == "UTF8":
        yield Finding(Mark.WELL, "locale", encoding)
    else:
        yield Finding(Mark.NOTE, "locale", f"{encoding}, not UTF-8", "Set LANG=C.UTF-8 for borders and glyphs.")
