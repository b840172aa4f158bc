"""A command in lines: a shell reads from them, at every width, what it reads from the command."""

from __future__ import annotations

import subprocess

import pytest
from rich.cells import cell_len

from aurora_tui.console.acting.typed import continued
from tests.console.plans_made_up import steps

_COMMANDS = (
    *(one.kubectl for one in steps() if one.kubectl),
    """kubectl patch deployment bridge --type=json -p '[{"op": "replace", "path": "/spec/a b", "value": "is so"}]'""",
    """kubectl annotate deployment/bridge note="two  spaces, a \\" and a \\\\ in it" --overwrite""",
    "jq 'del(.metadata.uid, .status) | {a: 1}' '/srv/a folder/snap.json' | kubectl -n aurora create -f -",
    """kubectl get --raw /a\\ b\\ c --note 'it'"'"'s said'""",
    "kubectl get pods --selector=" + "a-very-long-word-without-any-space," * 6 + "end",
)


def read_by_a_shell(text: str) -> list[str]:
    """The words of a command line whose programs are replaced by one that tells its arguments."""
    script = "kubectl() { printf '%s\\0' kubectl \"$@\"; cat; }\njq() { printf '%s\\0' jq \"$@\"; }\n"
    done = subprocess.run(["sh", "-c", script + text], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return done.stdout.decode().split("\0")


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_shell_reads_the_same_from_the_lines_as_from_the_command(command: str) -> None:
    whole = read_by_a_shell(command)
    for cells in (16, 23, 31, 40, 56, 76, 112, 400):
        lines = continued(command, cells)
        assert all(cell_len(line) <= cells for line in lines), lines
        assert read_by_a_shell("\n".join(lines)) == whole, lines


def test_a_line_is_not_broken_within_quotes_where_the_words_fit() -> None:
    lines = continued("kubectl patch httproute bridge -p '{\"a b\": 1}' --type=json", 40)
    assert lines == ["kubectl patch httproute bridge -p \\", "  '{\"a b\": 1}' --type=json"]


def test_what_no_shell_would_read_is_shown_all_the_same() -> None:
    assert "".join(continued("echo 'never closed", 60)) == "echo 'never closed"
