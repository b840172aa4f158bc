"""The console in a real terminal: how it ends, what it costs, what it says when its own feed dies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.program import TICK
from tests.terminal import Terminal

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT = 20.0  # seconds to wait for anything
LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"


def terminal(*arguments: str, columns: int = 120, rows: int = 36) -> Terminal:
    """The console on a made-up world, in a terminal."""
    command = (sys.executable, "-m", "tests.console.program", *arguments)
    return Terminal(command, columns=columns, rows=rows, environment={"PYTHONPATH": str(CHECKOUT)})


def shown(screen: Terminal, what: str | Callable[[str], bool]) -> str:
    """The screen once it holds a text or meets a condition."""
    screen.until(what if callable(what) else lambda text: what in text, LIMIT, str(what))
    return screen.text


@pytest.mark.parametrize("key", ["q", "\x11"], ids=["q", "ctrl+q"])
def test_a_key_quits_with_0_and_restores_the_terminal(key: str) -> None:
    with terminal("go") as screen:
        shown(screen, "GO")
        screen.send(key)
        assert screen.wait(LIMIT) == 0
        assert LEFT_ALTERNATE_SCREEN in screen.raw


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_128_plus_its_number_and_restores_the_terminal(number: signal.Signals) -> None:
    with terminal("go") as screen:
        shown(screen, "GO")
        os.kill(screen.pid, number)
        assert screen.wait(LIMIT) == 128 + number
        assert LEFT_ALTERNATE_SCREEN in screen.raw


def last_words(raw: bytes) -> str:
    """What was written once the alternate screen was left."""
    return raw.rpartition(LEFT_ALTERNATE_SCREEN)[2].decode()


def test_a_usage_error_while_the_feed_is_made_ends_with_2_and_its_words() -> None:
    with terminal("usage") as screen:
        assert screen.wait(LIMIT) == 2
        words = last_words(screen.raw)
    assert "aurora-tui: context bastion-eu is not in the kubeconfig. Choose one of: local." in words


def test_a_crash_ends_with_1_and_names_the_place_but_no_local_variable() -> None:
    with terminal("crash") as screen:
        assert screen.wait(LIMIT) == 1
        words = last_words(screen.raw)
    assert "stopped on an error of its own, AttributeError" in words
    assert "header.py" in words
    assert "locals" not in words
    assert "AURORA-AKASH-001" not in words


def test_a_feed_that_dies_turns_the_banner_blind() -> None:
    with terminal("dying") as screen:
        text = shown(screen, "BLIND")
        assert "the console's own feed stopped: RuntimeError: the war room" in text
        assert "✔ GO" not in text
        screen.send("q")
        assert screen.wait(LIMIT) == 0


def test_a_feed_that_falls_silent_turns_the_banner_blind_after_5_seconds() -> None:
    with terminal("silent") as screen:
        shown(screen, "✔ GO")
        assert "✔ GO" not in shown(screen, "the console's own feed has been silent for")


def test_a_quiet_screen_costs_at_most_1_kb_a_second() -> None:
    with terminal("go") as screen:
        shown(screen, "✔ GO")
        screen.quiet_bytes(0.5)
        assert 0 < screen.quiet_bytes(3.0) / 3.0 <= 1024


def without_clocks(text: str) -> str:
    """A screen whose figures are masked: ages and clocks tick while two screens are compared."""
    return re.sub(r"\d+", "0", text)


def test_after_a_storm_of_sizes_the_screen_is_as_if_started_so() -> None:
    words = ("SLO", "WORKLOADS", "CHECKPOINTS", "ALERTS", "CrashLoopBackOff", "RTTHigh", "ROLL BACK IN", "q quit")
    with terminal("breaching", columns=80, rows=24) as fresh, terminal("breaching") as screen:
        shown(fresh, lambda text: all(word in text for word in words))
        shown(screen, "ROLL BACK IN")
        for columns, rows in ((80, 24), (40, 10), (200, 60), (100, 30), (80, 24)):
            screen.resize(columns, rows)
            screen.pump(0.02)

        def alike(text: str) -> bool:
            fresh.pump(0.0)
            return without_clocks(text) == without_clocks(fresh.text)

        shown(screen, alike)


def test_below_the_least_size_it_says_so_and_still_tells_the_verdict() -> None:
    with terminal("breaching", columns=50, rows=12) as screen:
        assert "ROLL BACK IN" in shown(screen, lambda text: "terminal too small" in text and "ROLL" in text)


def ticks(file: Path) -> int:
    """How many Situations the program has told."""
    return int(file.read_text() or 0) if file.exists() else 0


def stall(screen: Terminal, file: Path, count: int) -> None:
    """Read nothing for `count` Situations, while the window is dragged about. AssertionError when none come."""
    target, last, end = ticks(file) + count, 0, time.monotonic() + LIMIT
    while (now := ticks(file)) < target:
        assert time.monotonic() < end, f"the event loop stood still at {now} of {target}"
        if now != last:
            last = now
            screen.resize(100 + now % 21, 30 + now % 7)
        time.sleep(0.01)


def test_while_the_terminal_reads_nothing_the_console_goes_on_and_the_screen_is_right_afterwards(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ticks"
    with terminal("ticking", str(file)) as screen:
        shown(screen, lambda text: newest_tick(text) > 5 and "SEV2 Tick" in text)
        screen.quiet_bytes(TICK)  # the rest of what is being drawn
        before = screen.text
        stall(screen, file, 40)
        screen.resize(120, 36)
        reached, written = ticks(file), screen.written

        def newest(text: str) -> bool:
            return newest_tick(text) > reached and same_but_for_digits(text, before)

        shown(screen, newest)
        assert screen.written - written < 600_000, "what was drawn for nobody was kept and written"
        screen.send("q")
        assert screen.wait(LIMIT) == 0


def newest_tick(text: str) -> int:
    """The number of the Situation on screen."""
    found = re.search(r"tick (\d+)", text)
    return int(found[1]) if found else 0


def same_but_for_digits(one: str, other: str) -> bool:
    """Whether two screens differ in figures and blanks only."""

    def words(text: str) -> list[str]:
        return [re.sub(r"[\d.:\s─━]+", "", line) for line in text.splitlines()]

    return words(one) == words(other)


def test_a_terminal_that_never_reads_again_does_not_keep_a_signal_from_ending_it(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    with terminal("ticking", str(file)) as screen:
        shown(screen, "tick ")
        stall(screen, file, 20)
        os.kill(screen.pid, signal.SIGTERM)
        assert screen.wait_unread(LIMIT) == 143


def test_a_terminal_that_never_reads_again_does_not_keep_q_from_ending_it(tmp_path: Path) -> None:
    file = tmp_path / "ticks"
    with terminal("ticking", str(file)) as screen:
        shown(screen, "tick ")
        stall(screen, file, 20)
        screen.send("q")
        assert screen.wait_unread(LIMIT) == 0


@pytest.mark.parametrize("key", ["q", None], ids=["q", "SIGTERM"])
def test_a_feed_that_neither_stops_nor_closes_does_not_keep_the_console(key: str | None) -> None:
    with terminal("stubborn") as screen:
        shown(screen, "✔ GO")
        if key is None:
            os.kill(screen.pid, signal.SIGTERM)
        else:
            screen.send(key)
        assert screen.wait(LIMIT) == (143 if key is None else 0)
        assert LEFT_ALTERNATE_SCREEN in screen.raw


BEFORE_PAINT = """
import sys
from aurora_tui.settings import Overrides, load
from aurora_tui.console.app import AuroraApp
import asyncio
def feed():
    raise SystemExit
app = AuroraApp(load(overrides=Overrides(environment="production")), feed)
app._after_first_paint = lambda: None
async def main():
    async with app.run_test(size=(120, 36)):
        print("\\n".join(sorted(set(name.partition(".")[0] for name in sys.modules))))
asyncio.run(main())
"""


def test_only_textual_click_msgspec_and_our_own_light_rooms_are_imported_before_the_first_paint() -> None:
    found = subprocess.run(
        [sys.executable, "-c", BEFORE_PAINT], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()
    bare = subprocess.run(
        [sys.executable, "-c", BARE], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {"aurora_tui", "msgspec", "click"}
    foreign = (
        {name for name in found if name not in sys.stdlib_module_names and "_sysconfigdata" not in name}
        - set(bare)
        - ours
    )
    assert foreign == set()


BARE = """
import asyncio, sys
from textual.app import App
async def main():
    async with App().run_test(size=(120, 36)):
        print("\\n".join(sorted(set(name.partition(".")[0] for name in sys.modules))))
asyncio.run(main())
"""


def test_neither_warroom_nor_sources_are_imported_before_the_first_paint() -> None:
    script = BEFORE_PAINT.replace('name.partition(".")[0]', "name")
    found = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in found.stdout.split() if name.startswith("aurora_tui.")}
    assert rooms <= {"bundled", "console", "situation", "settings", "clock", "text", "errors"}


def test_the_picture_is_an_svg_that_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    out = tmp_path / "console.svg"
    subprocess.run(
        [sys.executable, "-m", "tests.console.picture", str(out), "go"], cwd=CHECKOUT, check=True, timeout=60
    )
    text = out.read_text()
    assert text.startswith("<svg")
    assert "@font-face" not in text
    assert "url(http" not in text
    assert "GO" in text


def test_without_a_filled_screen_there_is_no_picture_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from aurora_tui.console import picture
    from tests.console.picture import main

    monkeypatch.setattr(picture, "FILLED_WITHIN", 0.5)
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)
    assert main([str(tmp_path / "no.svg"), "blind"]) == 1
    assert not (tmp_path / "no.svg").exists()
    assert "no picture: after 0 s" in capsys.readouterr().err
