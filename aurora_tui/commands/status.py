"""`aurora-tui status`: the situation without a screen. The exit code is the verdict."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from aurora_tui.commands.json_line import json_line
from aurora_tui.commands.options import LoadSettings, settings_options

if TYPE_CHECKING:
    from aurora_tui.settings import Settings
    from aurora_tui.situation.situation import Situation
    from aurora_tui.warroom import Warroom

_LONGEST_WAIT = 3600.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODES = {"GO": 0, "WATCH": 1, "ROLL BACK IN": 1, "ROLL BACK": 3, "BLIND": 4}


def _bounded(context: click.Context, option: click.Parameter, value: float) -> float:
    if not 0.0 <= value <= _LONGEST_WAIT:  # NaN neither, which a range would let pass
        raise click.BadParameter(f"{value:g} is not between 0 and {_LONGEST_WAIT:g} seconds.", context, option)
    return value


wait_option = click.option(
    "--wait",
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    callback=_bounded,
    help="How long to wait for a source.",
)


@click.command("status")
@settings_options
@click.option("--json", "as_json", is_flag=True, help="The whole Situation as JSON, one line.")
@click.option("--watch", is_flag=True, help="Go on, and print again when the verdict changes.")
@wait_option
def command(load_settings: LoadSettings, as_json: bool, watch: bool, wait: float) -> int:
    """Print the situation. Exit code: 0 GO, 1 WATCH or breaching, 2 usage, 3 ROLL BACK, 4 BLIND."""
    from aurora_tui.settings import check_queries

    settings = load_settings()
    check_queries(settings)
    try:
        return asyncio.run(_status(settings, as_json, watch, wait))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read us has gone, as `head` does: nothing is left to say, at the end of the process neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


async def _status(settings: Settings, as_json: bool, watch: bool, wait: float) -> int:
    from aurora_tui.commands.glimpse import glimpse
    from aurora_tui.warroom import Warroom

    show = as_line if as_json else as_text
    if watch:
        return await _follow(Warroom(settings), show, wait)
    situation = await glimpse(Warroom(settings), wait)
    _print(show(situation))
    return EXIT_CODES[situation.verdict.word.value]


async def _follow(warroom: Warroom, show: Callable[[Situation], str], wait: float) -> int:
    """Print each Situation whose verdict or reasons differ from the last one printed, until told to end.

    The exit code is 128 and the signal's number; a reader of our output that is gone counts as SIGPIPE, at once and
    not only at the next change.
    """
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
            _print(show(situation))

    ending: asyncio.Future[int] = loop.create_future()
    running = asyncio.ensure_future(warroom.run(tell))
    with _endings(loop, ending):
        await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    # From here a second signal ends it the hard way, should a source not let go.
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return 128 + ending.result()


@contextmanager
def _endings(loop: asyncio.AbstractEventLoop, ending: asyncio.Future[int]) -> Iterator[None]:
    """Within it, a signal to end, or the end of whoever reads our output, puts the signal's number into `ending`."""

    def end(number: signal.Signals) -> None:
        if not ending.done():
            ending.set_result(number)

    # What whoever started us said to ignore stays ignored: nohup, a job in the background.
    signals = [each for each in _ENDINGS if signal.getsignal(each) is not signal.SIG_IGN]
    for each in signals:
        loop.add_signal_handler(each, end, each)
    output = _pipe_end()
    if output is not None:
        # The writing end of a pipe is never readable but by its error: no reader is left (poll(2), POLLERR).
        loop.add_reader(output, end, signal.SIGPIPE)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
        if output is not None:
            loop.remove_reader(output)


def _pipe_end() -> int | None:
    """The file number of our output, when it is a pipe."""
    try:
        number = sys.stdout.fileno()
        return number if stat.S_ISFIFO(os.fstat(number).st_mode) else None
    except (OSError, ValueError, AttributeError):
        return None  # closed, or a test's


def _print(text: str) -> None:
    """One answer to our output; AuroraError when it takes nothing more, BrokenPipeError when nobody reads it."""
    from aurora_tui.errors import AuroraError

    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        # What could not be written is still buffered: at exit it would fail once more, with Python's words and code.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise AuroraError(
            f"The situation cannot be written: {error.strerror}",
            "See where the output goes, and how much room is left.",
        ) from error


def as_line(situation: Situation) -> str:
    """The Situation as one line of JSON, without the charts' points."""
    import msgspec

    slim = [msgspec.structs.replace(slo, history=()) for slo in situation.slos]
    return json_line(msgspec.structs.replace(situation, slos=tuple(slim)))


def as_text(situation: Situation) -> str:
    """The Situation as lines for a person; states are words."""
    from aurora_tui.commands.lines import situation_lines

    return "\n".join(situation_lines(situation))
