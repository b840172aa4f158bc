"""The main job, end to end: a canary goes bad, and every mouth says so at the right time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.drills import served
from tests.terminal import AURORA, Terminal

SPEED = 20
HOLD = 15 * 60.0


@contextmanager
def watched(profile: str) -> Iterator[Iterator[dict[str, Any]]]:
    """`status --json --watch` on a world: its lines as they come."""
    process = subprocess.Popen(
        (*AURORA, "status", "--json", "--watch", "--config", profile), stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    try:
        yield (json.loads(line) for line in process.stdout)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.stdout.close()


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


def until(lines: Iterator[dict[str, Any]], word: str, limit: float) -> list[dict[str, Any]]:
    """The Situations up to the first whose verdict is `word`."""
    seen: list[dict[str, Any]] = []
    end = time.monotonic() + limit
    for situation in lines:
        seen.append(situation)
        if situation["verdict"]["word"] == word:
            return seen
        assert time.monotonic() < end, f"{word} did not come; seen {[item['verdict']['word'] for item in seen]}"
    raise AssertionError(f"the watch ended before {word}")


def criterion(situation: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in situation["criteria"] if item["id"] == name)


def control(world: dict[str, Any], event: dict[str, Any]) -> None:
    """Make something happen in the world."""
    request = urllib.request.Request(
        f"{world['urls']['control']}/control/events", json.dumps(event).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status < 300


def in_order(seen: list[dict[str, Any]]) -> list[str]:
    """The verdicts without repetitions."""
    words: list[str] = []
    for situation in seen:
        if not words or words[-1] != situation["verdict"]["word"]:
            words.append(situation["verdict"]["word"])
    return words


def test_a_surge_goes_from_go_to_roll_back_at_the_right_times(record_property: Any) -> None:
    with served("--scenario", "rtt-surge", "--speed", str(SPEED)) as world, watched(world["profile"]) as lines:
        seen = until(lines, "ROLL BACK", limit=120)
        assert in_order(seen) == ["GO", "WATCH", "ROLL BACK IN", "ROLL BACK"]
        rtt = criterion(seen[-1], "rtt-high")
        assert rtt["state"] == "tripped"
        assert rtt["tripped_at"] - rtt["since"] == HOLD
        # Said no later than two settling steps, a poll and a second of the wall after it happened.
        late = seen[-1]["now"] - rtt["tripped_at"]
        assert late <= 30 + 2 * 15 + 3 * SPEED
        assert seen[-1]["verdict"]["runbook"] == "rollback"
        record_property("measured", f"surge at speed {SPEED}: ROLL BACK said {late:.0f} s (world) after the trip")


def test_killing_and_restarting_the_console_changes_no_clock() -> None:
    with served("--scenario", "rtt-surge", "--speed", str(SPEED)) as world:
        with watched(world["profile"]) as lines:
            before = until(lines, "ROLL BACK IN", limit=60)[-1]
        with Terminal((*AURORA, "--config", world["profile"])) as console:
            console.until(lambda text: "ROLL BACK IN" in text, 20, "the breach")
            os.kill(console.pid, signal.SIGKILL)
            assert console.wait() == 128 + signal.SIGKILL
        with Terminal((*AURORA, "--config", world["profile"])) as console:
            console.until(lambda text: "ROLL BACK IN" in text, 20, "the breach after a restart")
        after, code = status(world["profile"])
        assert code == 1
        first, second = criterion(before, "rtt-high"), criterion(after, "rtt-high")
        assert second["state"] == "breaching"
        assert (first["since"], first["trips_at"]) == (second["since"], second["trips_at"])
        assert before["phase"]["started_at"] == after["phase"]["started_at"]


def test_stopping_the_exporter_in_the_middle_of_a_breach_ends_in_blind() -> None:
    with served("--scenario", "rtt-surge", "--speed", str(SPEED)) as world, watched(world["profile"]) as lines:
        until(lines, "ROLL BACK IN", limit=60)
        control(world, {"do": "exporter-stop"})
        blind = until(lines, "BLIND", limit=60)
        assert "GO" not in in_order(blind)[1:]
        # It stays blind: the clock of what is possible runs on, and nothing turns green.
        situation, code = status(world["profile"])
        assert code == 4
        assert all(slo["state"] != "meets" for slo in situation["slos"] if slo["id"] == "rtt")


@pytest.mark.needs("prometheus", "promtool", "prometheus-alertmanager")
def test_the_same_console_watches_a_real_prometheus_and_alertmanager() -> None:
    with served("--real-prometheus") as world:
        situation, code = status(world["profile"])
        assert (situation["verdict"]["word"], code) == ("GO", 0), situation["verdict"]["reasons"]
        lights = {light["name"]: light for light in situation["lights"]}
        assert lights["metrics"]["version"].startswith("2.")
        with Terminal((*AURORA, "--config", world["profile"])) as console:
            console.until(lambda text: "GO" in text and "Fill rate" in text and "aurora-bridge" in text, 20, "GO")
            control(world, {"do": "exporter-stop"})
            console.until(lambda text: "BLIND" in text, 90, "BLIND after the exporter stopped")
            console.send("q")
            assert console.wait() == 0
