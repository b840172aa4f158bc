"""`aurora-tui` and `aurora-tui watch`: open the console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.console.feed import Feed
    from aurora_tui.settings import Settings


def run_console(settings: Settings, screenshot: Path | None = None) -> int:
    """Open the console and return its exit code. With `screenshot`: save one picture when all is seen, and leave."""
    from aurora_tui.console.launch import launch

    def make_feed() -> Feed:
        from aurora_tui.warroom import Warroom  # heavy: after the first paint

        return Warroom(settings)

    return launch(settings, make_feed, screenshot=screenshot)


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
