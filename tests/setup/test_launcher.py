"""ops/bin/aurora-tui makes its environment once, finds it again at no cost, and says clearly what stands in its way.

Most tests give it a Python of their own, a script that writes down what it is asked and makes environments of the
same kind. One goes through the real thing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# Answers as python does, as far as the launcher asks; each call is a line in $CALLS.
PYTHON = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
    *version_info*) echo "3.11 cpython-311 $0" ;;
    *ensurepip*) ;;
    *"-m venv "*)
        for environment; do :; done
        mkdir -p "$environment/bin" "$environment/lib"
        cp "$0" "$environment/bin/python"
        ;;
    *"-m aurora_tui"*)
        shift 3
        printf '%s\\n' "$PYTHONPATH" "$PWD" "$@"
        ;;
esac
"""


def python_that(answer: str, otherwise: str = PYTHON) -> str:
    """`otherwise`, but for what `answer` (a line of a shell `case`) says."""
    return otherwise.replace('case "$*" in\n', f'case "$*" in\n{answer}\n')


@dataclass
class Desk:
    """A checkout with a launcher, a PATH on which every program is written down, and an empty cache."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "a check out"

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def cache(self) -> Path:
        return self.folder / "the cache"

    @property
    def calls(self) -> list[str]:
        """What ran since the desk was set up: a program and its arguments a line."""
        written = self.folder / "calls"
        return written.read_text().splitlines() if written.exists() else []

    def provide(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(script)
        path.chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.programs),
            "XDG_CACHE_HOME": str(self.cache),
            "CALLS": str(self.folder / "calls"),
        }

    def command(self, *arguments: str, launcher: Path | None = None) -> list[str]:
        return [str(launcher or self.checkout / "ops/bin/aurora-tui"), *arguments]

    def start(
        self, *arguments: str, launcher: Path | None = None, cwd: Path | None = None, **changed: str | None
    ) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in {**self.environment(), **changed}.items() if value is not None}
        return subprocess.run(
            self.command(*arguments, launcher=launcher),
            cwd=cwd or self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )


def lay_out(checkout: Path, lock: str) -> None:
    """A checkout with the real launcher, and `lock` as its lock."""
    for name in ("ops/bin/aurora-tui", "ops/lock/environment.sh"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, checkout / name)
    (checkout / "ops/lock/runtime.txt").write_text(lock)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.programs.mkdir()
    lay_out(desk.checkout, "something==1.0 --hash=sha256:00\n")
    for name in ("sha256sum", "readlink", "mkdir", "rm", "cp", "tail", "grep", "flock"):
        real = shutil.which(name)
        assert real, name
        desk.provide(name, f'#!/bin/sh\necho "{name}" >>"$CALLS"\nexec {real} "$@"\n')
    desk.provide("python3", PYTHON)
    return desk


def test_the_first_start_installs_the_lock_and_runs(desk: Desk) -> None:
    run = desk.start("drill", "--speed", "20")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[2:] == ["drill", "--speed", "20"]
    assert "Preparing Aurora TUI's environment (once)…" in run.stderr
    (pip,) = [call for call in desk.calls if "-m pip" in call]
    assert "--require-hashes" in pip
    assert pip.endswith(f"-r {desk.checkout}/ops/lock/runtime.txt")
    (made,) = desk.cache.glob("aurora-tui/env-*-cpython-311")
    assert (made / ".ready").exists()


MOST_PROGRAMS = 2  # beside the console's python, which takes the launcher's place: where am I, and which lock is it


@pytest.mark.parametrize("nth", [2, 3])
def test_a_later_start_runs_two_small_programs_and_no_python_but_the_console_s(desk: Desk, nth: int) -> None:
    """What a start costs, in what does not change with the machine's load: the programs it runs."""
    for _ in range(nth - 1):
        desk.start()
    before = len(desk.calls)
    run = desk.start("--version")
    assert run.stderr == ""
    *programs, console = desk.calls[before:]
    assert console == "python -P -m aurora_tui --version"
    assert not [call for call in programs if "python" in call or "pip" in call]
    assert len(programs) <= MOST_PROGRAMS, programs


def test_arguments_cwd_and_module_path_arrive_as_they_were(desk: Desk, tmp_path: Path) -> None:
    somewhere = tmp_path / "some where"
    somewhere.mkdir()
    run = desk.start("", "two words", "*", "--x=$HOME", cwd=somewhere)
    assert run.stdout.split("\n") == [str(desk.checkout), str(somewhere), "", "two words", "*", "--x=$HOME", ""]


def test_it_starts_through_a_symbolic_link(desk: Desk, tmp_path: Path) -> None:
    link = tmp_path / "on the path"
    link.symlink_to(desk.checkout / "ops/bin/aurora-tui")
    run = desk.start(launcher=link)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == str(desk.checkout)


def test_it_starts_with_stdin_closed(desk: Desk) -> None:
    shell = ["/bin/sh", "-c", 'exec "$0" --version <&-', *desk.command()]
    run = subprocess.run(shell, env=desk.environment(), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_checkouts_with_the_same_lock_share_an_environment(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    lay_out(tmp_path / "second", (desk.checkout / "ops/lock/runtime.txt").read_text())
    run = desk.start(launcher=tmp_path / "second/ops/bin/aurora-tui")
    assert run.stderr == ""
    assert run.stdout.splitlines()[0] == str(tmp_path / "second")


def test_another_lock_gets_another_environment(desk: Desk) -> None:
    desk.start()
    (desk.checkout / "ops/lock/runtime.txt").write_text("something==2.0 --hash=sha256:11\n")
    assert "Preparing" in desk.start().stderr
    assert len(list(desk.cache.glob("aurora-tui/env-*/.ready"))) == 2


def test_a_half_made_environment_is_made_anew(desk: Desk) -> None:
    desk.start()
    (ready,) = desk.cache.glob("aurora-tui/env-*/.ready")
    ready.unlink()
    (ready.parent / "left over").touch()
    assert "Preparing" in desk.start().stderr
    assert ready.exists()
    assert not (ready.parent / "left over").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(desk: Desk) -> None:
    desk.start()
    (python,) = desk.cache.glob("aurora-tui/env-*/bin/python")
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert "Preparing" in desk.start().stderr


def test_of_two_starts_at_once_one_prepares_and_the_other_waits(desk: Desk) -> None:
    # pip holds on until both have said where they are.
    gate = desk.folder / "gate"
    os.mkfifo(gate)
    opened = os.open(gate, os.O_RDWR)
    desk.provide("python3", python_that(f'    *"-m pip"*) read -r _ <"{gate}" ;;'))
    first, second = (
        subprocess.Popen(desk.command(), env=desk.environment(), stdout=-1, stderr=-1, text=True) for _ in range(2)
    )
    assert first.stderr
    assert second.stderr
    said = first.stderr.readline() + second.stderr.readline()
    os.write(opened, b"go on\n")
    for process in (first, second):
        process.communicate(timeout=30)
    os.close(opened)
    assert (first.returncode, second.returncode) == (0, 0)
    assert said.count("Preparing") == 1
    assert said.count("waiting") == 1
    assert len([call for call in desk.calls if "-m pip" in call]) == 1


def test_a_python_that_is_too_old_is_named(desk: Desk) -> None:
    desk.provide("python3", python_that('    *version_info*) echo "3.9 cpython-39 /usr/bin/python3.9" ;;'))
    run = desk.start()
    assert run.returncode == 69
    assert "needs CPython 3.11 to 3.14" in run.stderr
    assert "python3 is cpython-39, Python 3.9 (/usr/bin/python3.9)" in run.stderr
    assert "apt install python3 python3-venv" in run.stderr


def test_a_newer_python_beside_an_old_one_is_taken(desk: Desk) -> None:
    desk.provide("python3", python_that('    *version_info*) echo "3.9 cpython-39 /usr/bin/python3.9" ;;'))
    desk.provide("python3.13", python_that('    *version_info*) echo "3.13 cpython-313 $0" ;;'))
    assert desk.start().returncode == 0
    assert list(desk.cache.glob("aurora-tui/env-*-cpython-313/.ready"))


def test_a_missing_python_is_said(desk: Desk) -> None:
    (desk.programs / "python3").unlink()
    run = desk.start()
    assert run.returncode == 69
    assert "There is no python3 on PATH" in run.stderr


def test_a_python_that_does_not_run_is_passed_over(desk: Desk) -> None:
    desk.provide("python3", "#!/bin/sh\nexit 127\n")
    desk.provide("python3.12", PYTHON)
    assert desk.start().returncode == 0


def test_a_missing_venv_module_is_said_with_its_package(desk: Desk) -> None:
    desk.provide("python3", python_that("    *ensurepip*) exit 1 ;;"))
    run = desk.start()
    assert run.returncode == 69
    assert "its venv module is missing" in run.stderr
    assert "apt install python3-venv" in run.stderr


def test_a_failed_installation_shows_what_pip_said(desk: Desk) -> None:
    desk.provide("python3", python_that('    *"-m pip"*) echo "ERROR: No space left on device" >&2; exit 1 ;;'))
    run = desk.start()
    assert run.returncode == 69
    assert "ERROR: No space left on device" in run.stderr
    assert "The package index could not be reached" not in run.stderr
    assert not list(desk.cache.glob("aurora-tui/env-*/.ready"))


def test_a_failed_download_hints_at_the_network(desk: Desk) -> None:
    failure = "WARNING: Retrying after connection broken by NewConnectionError"
    desk.provide("python3", python_that(f'    *"-m pip"*) echo "{failure}"; exit 1 ;;'))
    assert "The package index could not be reached" in desk.start().stderr


def test_without_a_home_it_says_what_to_set(desk: Desk) -> None:
    run = desk.start(XDG_CACHE_HOME=None)
    assert run.returncode == 69
    assert "HOME is not set" in run.stderr
    assert "XDG_CACHE_HOME" in run.stderr


def test_a_cache_that_cannot_be_written_is_named(desk: Desk) -> None:
    run = desk.start(XDG_CACHE_HOME="/dev/null/cache")
    assert run.returncode == 69
    assert "cannot write to /dev/null/cache/aurora-tui" in run.stderr


def test_pip_settings_that_send_packages_elsewhere_do_not_reach_it(desk: Desk) -> None:
    desk.provide("python3", python_that('    *"-m pip"*) env >"$CALLS.pip" ;;'))
    (desk.programs / "env").symlink_to("/usr/bin/env")
    desk.start(PIP_TARGET="/nowhere", PIP_USER="1", PIP_CONSTRAINT="/nowhere", PIP_INDEX_URL="https://mirror.example/")
    settings = (line for line in (desk.folder / "calls.pip").read_text().splitlines() if line.startswith("PIP_"))
    assert sorted(settings) == ["PIP_INDEX_URL=https://mirror.example/", "PIP_USER=0"]


def test_the_real_thing_makes_a_working_environment(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A real venv from an empty lock. What a later start costs over python itself is measured and shown, not judged:
    other load on the machine must not fail it, and what it runs is counted above."""
    checkout = tmp_path / "a check out"
    lay_out(checkout, "# nothing\n")
    (checkout / "aurora_tui").mkdir()
    (checkout / "aurora_tui/__main__.py").write_text("import json, sys; print(json.dumps([sys.prefix, sys.argv[1:]]))")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "the cache")}
    launch = [str(checkout / "ops/bin/aurora-tui"), "status"]

    first = subprocess.run(launch, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    prefix, arguments = json.loads(first.stdout)
    assert arguments == ["status"]
    assert Path(prefix).parent == tmp_path / "the cache/aurora-tui"
    assert Path(prefix) != Path(sys.prefix)

    python = [f"{prefix}/bin/python", "-P", "-m", "aurora_tui", "status"]
    launched, direct = [], []
    for _ in range(5):
        launched.append(seconds(launch, environment, tmp_path))
        direct.append(seconds(python, {**environment, "PYTHONPATH": str(checkout)}, tmp_path))
    added = (median(launched) - median(direct)) * 1000
    record_property("measured", f"ops/bin/aurora-tui adds {added:.0f} ms to a start of python")


def seconds(command: list[str], environment: dict[str, str], cwd: Path) -> float:
    begun = time.perf_counter()
    run = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    return time.perf_counter() - begun
