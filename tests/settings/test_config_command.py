"""`aurora-tui config`: check, show, schema, and their exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aurora_tui.commands.config import command
from aurora_tui.errors import UsageError
from aurora_tui.settings.document import Document
from aurora_tui.settings.toml import toml
from tests.settings.places import AURORA, aurora_tables, write


def config(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def test_check_says_what_was_read() -> None:
    result = config("check")
    assert result.exit_code == 0
    said = dict(line.split(maxsplit=1) for line in result.output.splitlines())
    assert said["file"] == str(AURORA)
    assert said["mission"] == "Aurora GA v1.0.0, treaty AURORA-AKASH-001"
    assert said["environment"] == "production (others: staging, local)"
    assert said["SLOs"] == "4: fill, rtt, provenance, policy"
    assert said["criteria"] == "5: 4 measured, 1 by severity"
    assert said["phases"].startswith("5 with")
    assert said["queries"].endswith("all valid PromQL")


def test_check_finds_bad_queries(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[[slo]]\nid = 'rtt'\nas_written = 'rate(x'")
    result = config("check", "--config", file)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(f'{file}: slo[rtt].as_written = "rate(x": not valid PromQL: ')


def test_the_command_exits_with_two_and_no_traceback(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[interface]\ntheem = 'x'")
    run = subprocess.run(
        [sys.executable, "-m", "aurora_tui", "config", "check", "--config", file],
        cwd=AURORA.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == f'aurora-tui: {file}: interface.theem: unknown key; did you mean "theme"?\n'


def test_show_prints_toml_that_reads_back_the_same_with_its_paths_in_full() -> None:
    result = config("show")
    assert result.exit_code == 0
    tables = aurora_tables()
    for step in (step for runbook in tables["runbook"] for step in runbook.get("step", ()) if "path" in step):
        step["path"] = str(AURORA.parent / step["path"])
    assert tomllib.loads(result.output) == tables


def test_show_names_the_file_of_every_part(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[workloads]\nstable = 'old'\n[clock]\nreal_origin=0\nworld_origin=0\nspeed=2")
    lines = config("show", "--config", file, "--namespace", "elsewhere").output.splitlines()
    assert lines[lines.index("[mission]") - 1] == f"# from {AURORA}"
    assert lines[lines.index("[workloads]") - 1] == f"# from {AURORA}, {file}"
    assert f'stable = "old"  # from {file}' in lines
    assert lines[lines.index("[clock]") - 1] == f"# from {file}"
    assert 'namespace = "elsewhere"  # from --namespace' in lines


def test_show_never_tells_what_is_below_auth(tmp_path: Path) -> None:
    text = "[environments.production.prometheus.auth]\nbearer_env = 'hunter2'\nheaders = {X-Scope-OrgID = 'hunter2'}"
    output = config("show", "--config", write(tmp_path / "p.toml", text)).output
    assert "hunter2" not in output
    assert "# auth: not shown; it has bearer_env, headers" in output


def test_show_writes_text_that_cannot_move_the_cursor() -> None:
    tables = {"a": {"b": 'x\x1b[2J"\\\n\u202e\U000e0001', "c": [], "d": [1, "two", True], "with space": 1}}
    written = toml(Document(tables, Path("/f")))
    assert all(line.isprintable() for line in written.splitlines())
    assert tomllib.loads(written) == tables


def test_show_refuses_what_check_refuses(tmp_path: Path) -> None:
    assert isinstance(config("show", "--config", tmp_path / "none.toml").exception, UsageError)


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    return part


def test_schema_describes_every_table_and_knows_durations() -> None:
    result = config("schema")
    assert result.exit_code == 0
    schema = json.loads(result.output)
    mission = resolved(schema, schema)
    assert set(aurora_tables()) <= set(mission["properties"])
    assert mission["additionalProperties"] is False
    length = resolved(schema, schema["$defs"]["Phase"]["properties"]["length"])
    for good in ("15s", "5m", "72h", "7d", "1h30m"):
        assert re.search(length["pattern"], good)
    for bad in ("", "15", "m", "30m1h"):
        assert not re.search(length["pattern"], bad)


@pytest.mark.parametrize("name", ["check", "show", "schema"])
def test_every_command_takes_the_shared_options(name: str) -> None:
    output = config(name, "--help").output
    options = "config env prometheus alertmanager grafana context namespace kubeconfig treaty theme read-only"
    assert all(f"--{option}" in output for option in options.split())
