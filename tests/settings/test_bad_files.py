"""Every mistake gets one line: file, key, value, what is wrong, what would be right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aurora_tui.errors import UsageError
from aurora_tui.settings import Overrides, check_queries, load
from tests.settings.places import AURORA, complaint, write

_INTRODUCTION, *_CASES = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").split("----\n")
MISTAKES = dict(case.strip().split("\n=> ") for case in _CASES)
# Too long for a table.
MISTAKES |= {
    "a" + ".a" * 5000 + " = 1": "is nested more than 20 tables deep; write plain tables, lists and values",
    f"[[slo]]\nid = 'fill'\nthreshold = {10**400}": (
        "slo[fill].threshold = a number of many digits: is not a finite number; write a number"
    ),
    f"a = {'1' * 5000}": "not usable TOML: ",
    f"a = {'[' * 50_000}": "not usable TOML: ",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: text[:50])
def test_a_mistake_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    file = write(tmp_path / "profile.toml", text)
    lines = complaint(file).splitlines()
    expected = MISTAKES[text]
    told = [line for line in lines if line.startswith(f"{file}: {expected}")]
    assert told, lines
    # A file that takes the mission's place lacks a key for every table it leaves out.
    assert lines == told or text.startswith("[mission]")
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("name", "''", "is empty"),
        ("treaty_label", "'a-b'", "is not a label name"),
        ("release_checksum", "'abc'", "is not a SHA-256"),
        ("window", "'1s'", "is out of range"),
        ("scrape_interval", "'0s'", "is out of range"),
        ("day_zone", "'Mars/Olympus'", "is not a time zone"),
        ("day_zone", "'../../../etc/passwd'", "is not a time zone"),
        ("day_zone", "'/dev/zero'", "is not a time zone"),
        ("green_hours", "0", "is out of range"),
    ],
)
def test_the_missions_identity_is_checked(field: str, value: str, wrong: str) -> None:
    home = Path(os.environ["HOME"]) / ".config/aurora-tui/config.toml"
    write(home, f"[mission]\n{field} = {value}")
    try:
        text = complaint()
    finally:
        home.unlink()
    assert text.startswith(f"{home}: mission.{field} = ")
    assert wrong in text
    assert "\n" not in text


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = "[workloads]\none = 1\ntwo = 2\ncanary = 3\n[[runbook]]\nid = 'rollback'\nkey = 'rr'\n[[kpi]]\ngroup = 'g'"
    first, *lines = complaint(write(tmp_path / "p.toml", text)).splitlines()
    assert first == "5 problems in the settings"
    told = {line.partition(": ")[2].split(":")[0].split(" = ")[0] for line in lines}
    assert told == {
        "workloads.one",
        "workloads.two",
        "workloads.canary",
        "runbook[rollback].key",
        "kpi[1].statement",
    }


def test_a_thousand_problems_are_counted_and_some_told(tmp_path: Path) -> None:
    text = "[workloads]\n" + "".join(f"key{number} = 1\n" for number in range(1000))
    lines = complaint(write(tmp_path / "p.toml", text)).splitlines()
    assert lines[0] == "1000 problems in the settings"
    told = len(lines) - 2
    assert lines[-1] == f"… and {1000 - told} more"
    assert len("\n".join(lines)) < 8000


def test_a_phase_that_ends_before_its_checkpoint_names_both_files(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[[phase]]\nid = 'canary'\nlength = '71h'")
    expected = f"is after the phase's end; write a time within the phase's 2d23h (of {file})"
    assert complaint(file) == f'{AURORA}: phase[canary].checkpoint[h72-report].at = "72h": {expected}'


def test_files_that_cannot_be_read_are_all_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes("[mission]\nname = 'Größe'".encode("latin-1"))
    lines = complaint(tmp_path / "no.toml", tmp_path, latin, Path("/dev/zero")).splitlines()
    assert lines == [
        "4 problems in the settings",
        f"{tmp_path}/no.toml: there is no such file; name a TOML file that exists",
        f"{tmp_path}: is a folder; name a TOML file",
        f"{latin}: line 2 is not UTF-8 (byte 0xf6); save the file as UTF-8",
        "/dev/zero: is larger than 1 MiB; name a settings file",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_read_permission_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "")
    file.chmod(0)
    assert complaint(file) == f"{file}: may not be read by you; give yourself read permission, or name another file"


def test_a_second_mission_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one.toml", "[mission]\n")
    two = write(tmp_path / "two.toml", "[mission]\n")
    assert complaint(one, two) == f"{two}: holds a second [mission]; give one mission; {one} holds one too"


def test_values_that_would_move_the_cursor_are_shown_harmless(tmp_path: Path) -> None:
    text = '[[daily]]\nid = "morning"\nat = "\\u001b[2J\\u001b]0;x\\u0007\\u202e09:00"'
    told = complaint(write(tmp_path / "p.toml", text))
    assert told.isprintable()
    assert 'daily[morning].at = "·09:00"' in told


def test_a_flag_is_named_as_the_origin_of_its_value() -> None:
    expected = '--prometheus: environments.production.prometheus.url = "ftp://p": is not an http address; '
    expected += "write http://… or https://… with a host"
    assert complaint(overrides=Overrides(prometheus="ftp://p")) == expected


def test_an_unknown_environment_lists_those_there_are() -> None:
    expected = '--env = "prod": there is no such environment; choose one of production, staging, local'
    assert complaint(overrides=Overrides(environment="prod")) == expected


def test_a_context_without_a_namespace_is_told() -> None:
    told = complaint(overrides=Overrides(environment="local", context="kind"))
    assert told == '--context: environments.local.cluster.namespace: missing; write text in "quotes"'


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("rate(x[5m]", "not valid PromQL: unclosed left parenthesis"),
        ("rate(x)", "not valid PromQL: expected type matrix in call to function 'rate', got vector"),
        ("x[5m]", "not a usable query: it is a range of samples"),
        ("'text'", "not a usable query: it is a text"),
        ("(" * 100_000, "is longer than 10000 characters; record parts of it with a recording rule"),
        ("", None),
    ],
    ids=lambda text: str(text)[:20],
)
def test_a_bad_query_names_file_key_and_what_the_parser_said(query: str, said: str | None, tmp_path: Path) -> None:
    reading = f'[{{statistic = "s", value = "{query}", newest = "x"}}]'
    file = write(tmp_path / "p.toml", f"[[slo]]\nid = 'rtt'\nreading = {reading}")
    if said is None:
        assert complaint(file) == f'{file}: slo[rtt].reading[1].value = "": is empty; write some text'
        return
    settings = load([file])
    with pytest.raises(UsageError) as caught:
        check_queries(settings)
    shown = query if len(query) < 60 else query[:59] + "…"
    assert str(caught.value).startswith(f'{file}: slo[rtt].reading[1].value = "{shown}": {said}')
