"""`aurora-tui config`: say what is wrong with the settings, what was read from where, and what may be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.settings import Settings


@click.group("config")
def command() -> None:
    """Check, show or describe the settings."""


@command.command("check")
@settings_options
def check(load_settings: LoadSettings) -> None:
    """Read every settings file and say what was found, or everything that is wrong (exit code 2)."""
    from aurora_tui.settings import check_queries

    settings = load_settings()
    check_queries(settings)
    for name, text in _summary(settings):
        click.echo(f"{name:<12} {safe(text)}")


@command.command("show")
@settings_options
def show(load_settings: LoadSettings) -> None:
    """Print the merged settings as TOML, with the file that each part came from. Secrets are left out."""
    from aurora_tui.settings.toml import toml

    click.echo(toml(load_settings().document), nl=False)


@command.command("schema")
@settings_options
def schema(load_settings: LoadSettings) -> None:
    """Print the mission file's JSON Schema."""
    del load_settings  # the schema is the same whatever the files say
    from aurora_tui.settings.schema import schema as described

    click.echo(json.dumps(described(), indent=2, ensure_ascii=False))


def _summary(settings: Settings) -> list[tuple[str, str]]:
    """What was read, one line a subject."""
    from aurora_tui.settings.queries import queries

    mission, identity = settings.mission, settings.mission.mission
    others = [name for name in mission.environments if name != settings.environment_name]
    measured = sum(criterion.severity is None for criterion in mission.criterion)
    checkpoints = sum(len(phase.checkpoint) for phase in mission.phase)
    items = [item for phase in mission.phase for item in phase.checklist]
    automatic = sum(item.check is not None for item in items)
    return [
        *(("file", str(file)) for file in settings.files),
        ("mission", f"{identity.name} {identity.release}, treaty {identity.treaty}"),
        ("environment", settings.environment_name + (f" (others: {', '.join(others)})" if others else "")),
        ("watching", ", ".join(_sources(settings)) or "nothing: the environment names no source"),
        ("ledger", str(settings.ledger)),
        ("SLOs", f"{len(mission.slo)}: {', '.join(slo.id for slo in mission.slo)}"),
        ("criteria", f"{len(mission.criterion)}: {measured} measured, {len(mission.criterion) - measured} by severity"),
        ("phases", f"{len(mission.phase)} with {checkpoints} checkpoints"),
        ("checklist", f"{len(items)} items, {automatic} judged automatically"),
        ("daily", f"{len(mission.daily)} rounds"),
        ("runbooks", f"{len(mission.runbook)}: {', '.join(f'{book.key} {book.id}' for book in mission.runbook)}"),
        ("alerts", f"{len(mission.alert)}"),
        ("queries", f"{sum(1 for _ in queries(mission))}, all valid PromQL"),
        ("access", "read only" if settings.read_only else "may act"),
    ]


def _sources(settings: Settings) -> list[str]:
    """What the environment looks at."""
    environment = settings.environment
    sources = [name for name in ("prometheus", "alertmanager", "grafana", "cluster") if getattr(environment, name)]
    return sources + [f"probe {probe.id}" for probe in environment.probe]
