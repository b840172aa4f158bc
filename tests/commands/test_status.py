"""The situation without a screen: the exit code is the verdict, whatever the form."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aurora_tui.commands.lines import span
from aurora_tui.commands.status import EXIT_CODES
from aurora_tui.situation.verdict import Word
from tests.commands.desk import Desk
from tests.servers import reserved_port

AURORA = (sys.executable, "-m", "aurora_tui")


def test_every_verdict_has_its_exit_code() -> None:
    assert {word.value: EXIT_CODES[word.value] for word in Word} == {
        "GO": 0,
        "WATCH": 1,
        "ROLL BACK IN": 1,
        "ROLL BACK": 3,
        "BLIND": 4,
    }


def test_an_environment_that_watches_nothing_is_blind(desk: Desk) -> None:
    answer = desk.type("status", "--wait", "1")
    assert answer.code == 4
    lines = answer.out.splitlines()
    assert lines[0].startswith("Aurora GA · AURORA-AKASH-001  test  2026-01-03T14:02:11Z")
    assert lines[1] == "BLIND"
    assert lines[2] == "  BLIND: metrics not configured"


def test_a_dead_source_is_told_with_its_remedy(desk: Desk) -> None:
    with reserved_port() as port:
        desk.watch(prometheus=f"http://127.0.0.1:{port}")
        answer = desk.type("status", "--wait", "5")
    assert answer.code == 4
    assert "refuses the connection. Is it running, and is this its port?" in answer.out


def test_json_is_one_line_that_says_the_same(desk: Desk) -> None:
    desk.type("phase", "start", "canary")
    answer = desk.type("status", "--json", "--wait", "1")
    assert answer.code == 4
    [line] = answer.out.splitlines()
    told = json.loads(line)
    assert told["verdict"]["word"] == "BLIND"
    assert told["phase"]["id"] == "canary"
    assert told["slos"][0]["value"] is None
    assert {"lights", "criteria", "alerts", "timers", "checklist"} <= set(told)


def test_json_holds_nothing_that_a_terminal_obeys_and_loses_none_of_it(desk: Desk) -> None:
    treaty = "A\u009b31m\u202e\x7f\U0001f600é"
    answer = desk.type("status", "--json", "--wait", "0", "--treaty", treaty)
    assert answer.out.rstrip("\n").isprintable()
    assert answer.out.isascii()
    assert json.loads(answer.out)["treaty"] == treaty


@pytest.mark.parametrize("wait", ["nan", "-1", "inf", "soon", "1e9"])
def test_a_time_that_nobody_can_wait_is_usage(desk: Desk, wait: str) -> None:
    answer = desk.type("status", "--wait", wait)
    assert (answer.code, answer.out) == (2, "")
    assert "--wait" in answer.err


def test_an_output_that_takes_no_more_is_told(desk: Desk) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*AURORA, "status", "--wait", "1", "--config", str(desk.profile)], stdout=full, stderr=-1, text=True
        )
    assert done.returncode == 1
    assert done.stderr.startswith("aurora-tui: The situation cannot be written: No space left on device.")
    assert "Traceback" not in done.stderr


# Watching


def as_if_in_the_foreground() -> None:
    """Tests run in the background inherit SIGINT ignored, which a program rightly leaves so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def watching(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """`status --watch --json`, which has told its first line."""
    command = [*AURORA, "status", "--watch", "--json", "--wait", "1", "--config", str(desk.profile)]
    with subprocess.Popen(
        command, stdout=-1, stderr=-1, text=True, bufsize=1, preexec_fn=as_if_in_the_foreground
    ) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["verdict"]["word"] == "BLIND"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_watching_ends_by_a_signal_without_a_word(desk: Desk, number: signal.Signals, code: int) -> None:
    with watching(desk) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert err == ""
        assert all(json.loads(line)["verdict"]["word"] == "BLIND" for line in out.splitlines()), "no more than verdicts"
        assert process.returncode == code


def test_watching_ends_when_its_reader_goes_also_while_nothing_changes(desk: Desk) -> None:
    with watching(desk) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(20) == 141


def test_watching_tells_each_change_in_a_line_of_its_own(desk: Desk) -> None:
    with watching(desk) as process:
        desk.ledger.write_text("no ledger at all, but long enough to be one\n" * 100)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert any("cannot be opened" in reason["text"] for reason in told["verdict"]["reasons"])


def test_a_wrong_setting_is_usage(desk: Desk) -> None:
    answer = desk.type("status", "--env", "nowhere")
    assert (answer.code, answer.out) == (2, "")
    assert "nowhere" in answer.err


def test_a_reader_that_has_gone_is_no_traceback(desk: Desk) -> None:
    command = [*AURORA, "status", "--wait", "1", "--config", str(desk.profile)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(20) == 141


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (41, "41s"),
        (401, "06:41"),
        (3600, "1:00:00"),
        (112_325, "31:12:05"),
        (4 * 86400, "4d 00:00:00"),
        (-41, "-41s"),
    ],
)
def test_lengths_of_time_read_as_people_write_them(seconds: float, text: str) -> None:
    assert span(seconds) == text
