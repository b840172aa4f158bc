"""What a shell offers at Tab: runbooks of the mission, runs of the ledger. Whatever cannot be read offers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from aurora_tui.settings import Settings


def runbook_ids(context: click.Context, argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """The runbooks of the mission that the flags so far name."""
    from click.shell_completion import CompletionItem

    settings = _settings(context)
    books = () if settings is None else settings.mission.runbook
    return [CompletionItem(one.id, help=one.summary or one.title) for one in books if one.id.startswith(begun)]


def run_ids(context: click.Context, argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """The runs in the ledger, newest first."""
    import asyncio

    from click.shell_completion import CompletionItem

    from aurora_tui.commands.recording import read_journal
    from aurora_tui.errors import AuroraError

    settings = _settings(context)
    if settings is None:
        return []
    try:
        runs = list(asyncio.run(read_journal(settings)).runs.values())
    except AuroraError:
        return []  # the command itself will say what is wrong
    return [
        CompletionItem(one.id, help=f"{one.title} {one.state.value}")
        for one in reversed(runs)
        if one.id.startswith(begun)
    ]


def _settings(context: click.Context) -> Settings | None:
    from aurora_tui.errors import AuroraError
    from aurora_tui.settings import Overrides, load

    try:
        return load(context.params.get("configs") or (), Overrides(environment=context.params.get("environment")))
    except AuroraError:
        return None  # the command itself will say what is wrong
