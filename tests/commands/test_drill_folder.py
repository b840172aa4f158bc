"""A drill's temporary folder goes with its world; what a killed world leaves, the next drill takes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from aurora_tui.commands import drill_folder

HOLDER = "import sys, time; from aurora_tui.commands import drill_folder as d; from pathlib import Path; "


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    """As if it had been made an hour ago."""
    past = time.time() - 3600
    os.utime(folder / drill_folder.HELD, (past, past))
    return folder


def left_behind() -> Path:
    folder, held = drill_folder.make()
    held.close()
    return aged(folder)


def test_a_folder_goes_when_its_world_ends() -> None:
    folder, held = drill_folder.make()
    (folder / "profile.toml").write_text("")
    drill_folder.remove(folder, held)
    assert not folder.exists()


def test_a_folder_that_nobody_holds_is_swept() -> None:
    folder = left_behind()
    drill_folder.sweep()
    assert not folder.exists()


def test_a_folder_that_is_held_stays() -> None:
    folder, held = drill_folder.make()
    aged(folder)
    drill_folder.sweep()
    assert folder.exists()
    held.close()


def test_a_killed_process_holds_nothing() -> None:
    folder = left_behind()
    code = HOLDER + f"held = d.hold(Path({str(folder)!r})); print('held', flush=True); time.sleep(60)"
    # Its command line names the folder as long as it lives, as a server's would.
    child = subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    aged(folder)
    drill_folder.sweep()
    assert folder.exists()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    drill_folder.sweep()
    assert not folder.exists()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="command lines are read from /proc")
def test_a_server_left_by_a_killed_world_keeps_its_folder() -> None:
    folder = left_behind()
    child = subprocess.Popen((sys.executable, "-c", "print(1, flush=True); input()", f"--storage={folder}/data"),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"1\n"
    drill_folder.sweep()
    assert folder.exists()
    child.stdin.close()
    child.wait()
    child.stdout.close()
    drill_folder.sweep()
    assert not folder.exists()


def test_a_folder_just_made_and_others_folders_stay(here: Path) -> None:
    young, held = drill_folder.make()
    held.close()
    (foreign := here / "aurora-drill-notes").mkdir()
    (linked := here / "aurora-drill-link").symlink_to(left := left_behind())
    other = here / "elsewhere"
    other.mkdir()
    drill_folder.sweep()
    assert (young.exists(), foreign.exists(), linked.is_symlink(), other.exists()) == (True, True, True, True)
    assert not left.exists()


def test_a_world_that_ends_while_a_console_reads_its_folder_leaves_it_to_the_next_drill() -> None:
    folder, held = drill_folder.make()
    console = drill_folder.hold(folder)
    drill_folder.remove(folder, held)
    assert folder.exists()
    console.close()
    aged(folder)
    drill_folder.sweep()
    assert not folder.exists()
