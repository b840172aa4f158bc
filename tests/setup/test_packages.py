"""ops/bin/test installs servers to test against, and leaves none of them running that did not run before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

# Each answers as Debian's does for packages that are files under $ROOT; what changes something is a line in $CALLS.
PROGRAMS = {
    "dpkg-query": 'cat "$ROOT/installed"',
    "dpkg": 'shift; for package; do cat "$ROOT/files.$package"; done',
    "service": """case $2 in
    status) [ -e "$ROOT/running.$1" ] ;;
    *) echo "service $*" >>"$CALLS"; rm "$ROOT/running.$1" ;;
esac""",
    "update-rc.d": 'echo "update-rc.d $*" >>"$CALLS"',
    "systemctl": "exit 0",
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, script in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    (tmp_path / "calls").touch()
    install(tmp_path, "old-server", "/etc/init.d/old-server")
    return tmp_path


def install(machine: Path, package: str, *files: str, running: str | None = None) -> None:
    with (machine / "installed").open("a") as listed:
        listed.write(f"ii  {package}\n")
    (machine / f"files.{package}").write_text("/.\n/etc\n" + "\n".join(files) + "\n")
    if running is not None:
        (machine / f"running.{running}").touch()


def shell(machine: Path, command: str) -> list[str]:
    """The command with the launcher's words at hand; what it changed."""
    environment = {"PATH": f"{machine / 'bin'}:{os.defpath}", "ROOT": str(machine), "CALLS": str(machine / "calls")}
    words = f"set -eu; say() {{ echo \"$1\" >&2; }}; . '{CHECKOUT}/ops/lock/packages.sh'; cd '{machine}'; {command}"
    done = subprocess.run(["/bin/sh", "-c", words], env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return (machine / "calls").read_text().splitlines()


def test_a_service_that_started_with_its_package_is_stopped_and_stays_so(machine: Path) -> None:
    shell(machine, "installed_packages >before")
    install(machine, "prometheus", "/etc/init.d/prometheus", "/usr/bin/prometheus", running="prometheus")
    assert shell(machine, "quiet_services before") == ["service prometheus stop", "update-rc.d prometheus disable"]


@pytest.mark.parametrize("folder", ["/lib/systemd/system", "/usr/lib/systemd/system"])
def test_so_is_one_that_only_systemd_knows_and_one_that_came_as_a_dependency(machine: Path, folder: str) -> None:
    shell(machine, "installed_packages >before")
    install(machine, "prometheus", f"{folder}/prom.service", f"{folder}/prom@.service", running="prom")
    install(machine, "helper", "/etc/init.d/helperd", running="helperd")
    stopped = [call for call in shell(machine, "quiet_services before") if call.endswith(" stop")]
    assert stopped == ["service helperd stop", "service prom stop"]


def test_one_that_did_not_start_is_only_kept_from_starting(machine: Path) -> None:
    shell(machine, "installed_packages >before")
    install(machine, "prometheus", "/etc/init.d/prometheus")
    assert shell(machine, "quiet_services before") == ["update-rc.d prometheus disable"]


def test_what_was_there_before_goes_on_running(machine: Path) -> None:
    (machine / "running.old-server").touch()
    shell(machine, "installed_packages >before")
    install(machine, "tmux", "/usr/bin/tmux")
    assert shell(machine, "quiet_services before") == []
    assert (machine / "running.old-server").exists()


def test_nothing_new_asks_for_nothing(machine: Path) -> None:
    assert shell(machine, "installed_packages >before; quiet_services before") == []
