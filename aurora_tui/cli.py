"""The command line: every command by name, loaded when it runs, so that none pays for another's imports."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from aurora_tui import __version__
from aurora_tui.errors import AuroraError
from aurora_tui.text import safe

_COMMANDS = {
    "watch": ("console", "Open the console (the default)."),
    "status": ("status", "Print the situation without a screen; the exit code is the verdict."),
    "doctor": ("doctor", "Check each source: latency, version, rights, clock, and what to do."),
    "act": ("act", "Carry out a runbook: plan, show, confirm, follow until verified."),
    "runs": ("runs", "List what was done with runbooks, or show one run."),
    "resume": ("resume", "Go on with a run that stopped."),
    "cancel": ("cancel", "Ask a run to stop before its next step."),
    "abandon": ("abandon", "Close a run that stopped, and leave things as they are."),
    "drill": ("drill", "Practise on an embedded world."),
    "config": ("config", "Check, show or describe the settings."),
    "phase": ("phase", "Start, end or show a phase of the plan."),
    "checklist": ("checklist", "Show and tick the phase's checklist."),
    "criterion": ("criterion", "Clear a tripped rollback criterion."),
}
# What our own processes call, and a person does not.
_HIDDEN = {"execute": "execute"}


class _Commands(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS and cmd_name not in _HIDDEN:
            return None
        name = _HIDDEN.get(cmd_name) or _COMMANDS[cmd_name][0]
        module = importlib.import_module(f"aurora_tui.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not {"--help", "-h", "--version"} & set(args[:1]):
            args = _with_command_first(args)
        return super().parse_args(ctx, args)


def _with_command_first(args: list[str]) -> list[str]:
    """`--env staging` means `watch --env staging`, and `--env staging config check` means `config check --env staging`.

    Flags before a command are the same flags: a person should not have to know which side they go.
    """
    from aurora_tui.commands.options import VALUED

    position = 0
    while position < len(args) and args[position].startswith("-"):
        position += 2 if args[position] in VALUED else 1
    leading, rest = args[:position], args[position:]
    if not rest:
        return ["watch", *leading]
    return [*rest, *leading]


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="aurora-tui")
def group() -> None:
    """The on-call's console for a canary. Without a command it opens the console."""


def main(argv: list[str] | None = None) -> Any:
    """Run the command line; our errors become one message on stderr and their exit code."""
    try:
        code = group.main(args=argv, prog_name="aurora-tui", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AuroraError as error:
        print(f"aurora-tui: {safe(str(error), limit=8192, lines=True)}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)
