"""`aurora-tui status`: the situation without a screen. The exit code is the verdict."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.situation import Situation
    from aurora_tui.warroom import Warroom

EXIT_CODES = {"GO": 0, "WATCH": 1, "ROLL BACK IN": 1, "ROLL BACK": 3, "BLIND": 4}


@click.command("status")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="The whole Situation as JSON, one line.")
@click.option("--watch", is_flag=True, help="Go on, and print again when the verdict changes.")
@click.option(
    "--wait",
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a source.",
)
def command(load_settings: LoadSettings, as_json: bool, watch: bool, wait: float) -> int:
    """Print the situation. Exit code: 0 GO, 1 WATCH or breaching, 2 usage, 3 ROLL BACK, 4 BLIND."""
    from aurora_tui.settings import check_queries

    settings = load_settings()
    check_queries(settings)
    try:
        return asyncio.run(_status(settings, as_json, watch, wait))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us has gone, as `head` does: nothing is left to say, at the end of the process neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


async def _status(settings: Settings, as_json: bool, watch: bool, wait: float) -> int:
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.warroom import Warroom

    show = as_line if as_json else as_text
    if watch:
        return await _follow(Warroom(settings), show, wait)
    situation = await glimpse(Warroom(settings), wait)
    click.echo(show(situation))
    return EXIT_CODES[situation.verdict.word.value]


async def _follow(warroom: Warroom, show: Callable[[Situation], str], wait: float) -> int:
    """Print each Situation whose verdict or reasons differ from the last one printed, until interrupted."""
    from aurora_tui.commands.glimpse import settled

    loop = asyncio.get_running_loop()
    began = loop.time()
    printed: object = None

    def tell(situation: Situation) -> None:
        nonlocal printed
        if printed is None and not settled(situation) and loop.time() - began < wait:
            return
        now_said = (situation.verdict.word, tuple((reason.about, reason.word) for reason in situation.verdict.reasons))
        if now_said != printed:
            printed = now_said
            click.echo(show(situation))

    await warroom.run(tell)
    return 0


def as_line(situation: Situation) -> str:
    """The Situation as one line of JSON, without the charts' points. Times are Unix seconds; unknown is null."""
    import msgspec

    slim = [msgspec.structs.replace(slo, history=()) for slo in situation.slos]
    return msgspec.json.encode(msgspec.structs.replace(situation, slos=tuple(slim))).decode()


def as_text(situation: Situation) -> str:
    """The Situation as lines for a person; states are words."""
    from aurora_tui.commands.lines import situation_lines

    return "\n".join(situation_lines(situation))
