"""Where flags may stand: before a command or after it, it is the same command."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from aurora_tui.cli import _with_command_first, group
from aurora_tui.commands import options


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([], ["watch"]),
        (["--env", "staging"], ["watch", "--env", "staging"]),
        (["--read-only", "--theme=ansi-16"], ["watch", "--read-only", "--theme=ansi-16"]),
        (["status", "--json"], ["status", "--json"]),
        (["--env", "staging", "config", "check"], ["config", "check", "--env", "staging"]),
        (["--env", "drill", "status"], ["status", "--env", "drill"]),
    ],
)
def test_flags_may_stand_before_the_command(typed: list[str], meant: list[str]) -> None:
    assert _with_command_first(typed) == meant


def test_every_shared_option_with_a_value_is_known_as_one() -> None:
    @options.settings_options
    def command(load_settings: options.LoadSettings) -> None: ...

    declared = {
        name
        for parameter in command.__click_params__  # type: ignore[attr-defined]
        if not parameter.is_flag
        for name in parameter.opts
    }
    assert declared <= options.VALUED


def test_what_only_our_own_processes_call_is_in_no_list_of_commands() -> None:
    answer = CliRunner().invoke(group, ["--help"])
    assert " config " in answer.output
    assert "execute" not in answer.output
    assert CliRunner().invoke(group, ["execute", "--help"]).exit_code == 0
