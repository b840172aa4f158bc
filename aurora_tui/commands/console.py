"""`aurora-tui` and `aurora-tui watch`: open the console."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.console.feed import Feed
    from aurora_tui.settings import Settings


def run_console(settings: Settings, screenshot: Path | None = None) -> int:
    """Open the console and return its exit code. With `screenshot`: save one picture when all is seen, and leave."""
    if screenshot is None:
        _require_terminal()
    from aurora_tui.console.launch import launch

    prepared = _authenticated(settings) if _may_need_a_plugin(settings) else None

    def make_feed() -> Feed:
        if prepared is not None:
            return prepared
        from aurora_tui.warroom import Warroom  # heavy: after the first paint

        return Warroom(settings)

    return launch(settings, make_feed, screenshot=screenshot)


def _require_terminal() -> None:
    """UsageError unless keys can be read and the screen, which Textual writes to stderr, can be seen."""
    from aurora_tui.errors import UsageError

    for name, stream in (("Standard input", sys.__stdin__), ("Standard error", sys.__stderr__)):
        if stream is None or not stream.isatty():
            raise UsageError(
                f"{name} is not a terminal, and the console is drawn on one",
                "Start it without redirection (over ssh: ssh -t), or use `aurora-tui status`.",
            )


def _may_need_a_plugin(settings: Settings) -> bool:
    """Whether a kubeconfig in use speaks of an exec plugin at all: a look at its text, no parser loaded."""
    cluster = settings.environment.cluster
    if cluster is None or cluster.in_cluster:
        return False
    named = cluster.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    for path in named.split(os.pathsep):
        try:
            if b"exec" in Path(path).expanduser().read_bytes():
                return True
        except OSError:
            continue  # the cluster source says what is wrong with it
    return False


def _authenticated(settings: Settings) -> Feed:
    """A war room whose exec plugin has run while the terminal is still the shell's; its failure is told, not fatal."""
    from aurora_tui.errors import AuroraError
    from aurora_tui.text import safe
    from aurora_tui.warroom import Warroom

    warroom = Warroom(settings)
    try:
        asyncio.run(warroom.authenticate())
    except AuroraError as error:
        print(f"aurora-tui: {safe(str(error), limit=1000)} The console opens without the cluster.", file=sys.stderr)
    return warroom


@click.command("watch")
@settings_options
@click.option(
    "--screenshot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="SVG",
    help="Save a picture of the screen once every source has answered, and leave.",
)
def command(load_settings: LoadSettings, screenshot: Path | None) -> int:
    """Open the console."""
    return run_console(load_settings(), screenshot)
