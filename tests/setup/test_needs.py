"""A test whose program is missing is left out and listed, and fails where everything should be there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest

@pytest.mark.needs("python3", "no-such-server")
def test_against_the_server(): pass

@pytest.mark.needs("python3")
def test_against_python(): pass

@pytest.mark.needs("no-such-cluster-tool")
def test_against_what_debian_does_not_have(): pass

@pytest.mark.slow
def test_for_an_hour(): pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite with our conftest.py, in a checkout whose list knows one program more."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "ops/lock").mkdir(parents=True)
    shutil.copy(CHECKOUT / "tests/conftest.py", tmp_path / "tests")
    (tmp_path / "ops/lock/debian.txt").write_text("# program package\nno-such-server  no-such-package\n")
    (tmp_path / "tests/test_some.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["needs", "slow"]\n')
    return tmp_path


def run(suite: Path, *arguments: str, ci: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True)


def test_a_missing_program_skips_and_is_listed_with_its_package(suite: Path) -> None:
    done = run(suite, "-p", "xdist", "-n", "1", ci="")  # the list crosses from a worker
    assert done.returncode == 0
    listed = done.stdout.partition("not tested, for want of a program")[2]
    assert "no-such-server: apt install no-such-package\n    tests/test_some.py::test_against_the_server\n" in listed
    assert "test_against_python" not in listed
    assert done.stdout.splitlines()[-1].startswith("1 passed, 2 skipped")


def test_in_ci_a_missing_program_is_a_failure(suite: Path) -> None:
    done = run(suite, ci="true")
    assert done.returncode == 1
    assert "no-such-server is not on PATH (apt install no-such-package)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed, 1 skipped, 1 deselected, 1 error")
    assert "1 passed" in done.stdout.splitlines()[-1]


def test_slow_tests_run_when_asked_for(suite: Path) -> None:
    assert "1 deselected" in run(suite, ci="").stdout
    assert run(suite, "--slow", "-k", "hour", ci="").stdout.splitlines()[-1].startswith("1 passed")
