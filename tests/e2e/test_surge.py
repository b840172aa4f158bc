"""The main job, end to end: a canary goes bad, and every mouth says so at the right time."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.drills import control, served
from tests.terminal import AURORA, Terminal

SPEED = 20
SLOWER = 8  # a breach lasts 15 minutes of the world: time for three starts on a busy machine
HOLD = 15 * 60.0
SCENARIOS = Path(__file__).resolve().parents[2] / "ops/scenarios"


class Watch:
    """`status --json --watch` on a world: its lines as they come."""

    def __init__(self, profile: str) -> None:
        command = (*AURORA, "status", "--json", "--watch", "--config", profile)
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ)
        self._unread = b""

    def until(self, word: str, limit: float) -> list[dict[str, Any]]:
        """The Situations up to the first whose verdict is `word`, within `limit` seconds."""
        seen: list[dict[str, Any]] = []
        end = time.monotonic() + limit
        while not seen or seen[-1]["verdict"]["word"] != word:
            line = self._line(end)
            assert line, f"{word} did not come within {limit} s; seen {in_order(seen)}"
            seen.append(json.loads(line))
        return seen

    def _line(self, end: float) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self._process.stdout.fileno(), 1 << 20) if ready else b""
            if not piece:
                return b""
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=20)  # reads what nobody read: a full pipe would keep it from ending


def status(profile: str, *options: str) -> tuple[dict[str, Any], int]:
    """One `status --json` and its exit code."""
    done = subprocess.run(
        (*AURORA, "status", "--json", "--config", profile, *options),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode


def criterion(situation: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in situation["criteria"] if item["id"] == name)


def in_order(seen: list[dict[str, Any]]) -> list[str]:
    """The verdicts without repetitions. BLIND is left out: on a loaded machine a fast world may outrun its sources
    for a moment, and must then say so; what may never happen is another word out of turn."""
    words: list[str] = []
    for situation in seen:
        word = situation["verdict"]["word"]
        if word != "BLIND" and words[-1:] != [word]:
            words.append(word)
    return words


def surge_of(scenario: str) -> list[dict[str, Any]]:
    """The events of a bundled scenario, without their times."""
    events = tomllib.loads((SCENARIOS / f"{scenario}.toml").read_text())["event"]
    return [{name: value for name, value in event.items() if name != "at"} for event in events]


def test_a_surge_goes_from_go_to_roll_back_at_the_right_times(record_property: Any) -> None:
    with served("--speed", str(SPEED)) as world, closing(Watch(world["profile"])) as watch:
        watch.until("GO", limit=60)
        for event in surge_of("rtt-surge"):
            control(world, event)
        watch.until("WATCH", limit=60)
        seen = watch.until("ROLL BACK", limit=180)
        assert in_order(seen)[-2:] == ["ROLL BACK IN", "ROLL BACK"]
        rtt = criterion(seen[-1], "rtt-high")
        assert rtt["state"] == "tripped"
        assert rtt["tripped_at"] - rtt["since"] == HOLD
        # Settling and a look take 65 s of the world; the rest is this machine being busy.
        late = seen[-1]["now"] - rtt["tripped_at"]
        assert seen[-1]["verdict"]["runbook"] == "rollback"
        record_property("measured", f"surge at speed {SPEED}: ROLL BACK said {late:.0f} s (world) after the trip")


def test_killing_and_restarting_the_console_changes_no_clock() -> None:
    with served("--scenario", "rtt-surge", "--speed", str(SLOWER)) as world:
        with closing(Watch(world["profile"])) as watch:
            before = watch.until("ROLL BACK IN", limit=90)[-1]
        with Terminal((*AURORA, "--config", world["profile"])) as console:
            console.until(lambda text: "ROLL BACK IN" in text, 30, "the breach")
            os.kill(console.pid, signal.SIGKILL)
            assert console.wait() == 128 + signal.SIGKILL
        with closing(Watch(world["profile"])) as watch:
            after = watch.until("ROLL BACK IN", limit=60)[-1]
        first, second = criterion(before, "rtt-high"), criterion(after, "rtt-high")
        assert second["state"] == "breaching"
        assert (first["since"], first["trips_at"]) == (second["since"], second["trips_at"])
        assert before["phase"]["started_at"] == after["phase"]["started_at"]


def test_stopping_the_exporter_in_the_middle_of_a_breach_ends_in_blind() -> None:
    with served("--scenario", "rtt-surge", "--speed", str(SPEED)) as world, closing(Watch(world["profile"])) as watch:
        watch.until("ROLL BACK IN", limit=90)
        control(world, {"do": "exporter-stop"})
        blind = watch.until("BLIND", limit=90)
        assert "GO" not in in_order(blind)[1:]
        # It stays blind: the clock of what is possible runs on, and nothing turns green.
        situation, code = status(world["profile"], "--wait", "60")
        assert code == 4
        assert all(slo["state"] != "meets" for slo in situation["slos"] if slo["id"] == "rtt")


def test_a_picture_of_a_live_console_waits_for_shares_and_history(tmp_path: Path) -> None:
    with served() as world:
        picture = tmp_path / "console.svg"
        subprocess.run((*AURORA, "--config", world["profile"], "--screenshot", str(picture)), check=True, timeout=60)
        text = picture.read_text()
        assert "Fill&#160;rate" in text
        assert "GO" in text
        assert "····" not in text, "a sparkline without its history"
        assert not re.search("—(&#160;)*%", text), "a share that had not been read"


@pytest.mark.needs("prometheus", "promtool", "prometheus-alertmanager")
def test_the_same_console_watches_a_real_prometheus_and_alertmanager() -> None:
    with served("--real-prometheus") as world:
        situation, code = status(world["profile"], "--wait", "60")
        assert (situation["verdict"]["word"], code) == ("GO", 0), situation["verdict"]["reasons"]
        lights = {light["name"]: light for light in situation["lights"]}
        assert lights["metrics"]["version"].startswith("2.")
        with Terminal((*AURORA, "--config", world["profile"])) as console:
            console.until(lambda text: "GO" in text and "Fill rate" in text and "aurora-bridge" in text, 20, "GO")
            control(world, {"do": "exporter-stop"})
            console.until(lambda text: "BLIND" in text, 90, "BLIND after the exporter stopped")
            console.send("q")
            assert console.wait() == 0
