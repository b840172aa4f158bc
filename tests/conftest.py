"""What every test relies on: a home of its own, the tools it needs, the heavy ones left out unless asked for."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

# Other load on the machine must not fail a property; in CI the same examples run every time.
hypothesis.settings.register_profile("desk", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "desk")


def debian_packages() -> dict[str, str]:
    """The Debian package of each program that tests run against: the list that ops/bin/test installs from."""
    lines = (CHECKOUT / "ops/lock/debian.txt").read_text().splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked `slow` as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    heavy = [item for item in items if item.get_closest_marker("slow")]
    if heavy:
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("prometheus", "promtool")`: skips without these programs.

    In CI a program that ops/bin/test can install must be there; one that Debian does not have (kubectl) may be missing.
    """
    named = {program for marker in item.iter_markers("needs") for program in marker.args}
    missing = sorted(program for program in named if shutil.which(program) is None)
    if not missing:
        return
    item.user_properties += [("missing program", program) for program in missing]
    reason = "; ".join(f"{program} is not on PATH ({remedy(program)})" for program in missing)
    if IN_CI and not debian_packages().keys().isdisjoint(missing):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def remedy(program: str) -> str:
    package = debian_packages().get(program)
    return f"apt install {package}" if package else "install it"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested and why, and what tests recorded as `record_property("measured", TEXT)`."""
    tests_by_program: dict[str, set[str]] = defaultdict(set)
    measured: dict[str, None] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "missing program":
                    tests_by_program[str(value)].add(report.nodeid)
                elif name == "measured":
                    measured[str(value)] = None
    if measured:
        terminalreporter.section("measured")
        for line in measured:
            terminalreporter.line(line)
    if tests_by_program:
        terminalreporter.section("not tested, for want of a program")
        for program, tests in sorted(tests_by_program.items()):
            terminalreporter.line(f"{program}: {remedy(program)}")
            for test in sorted(tests):
                terminalreporter.line(f"    {test}")
        terminalreporter.line("As root on Debian, ops/bin/test installs them by itself.")


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads, or writes, the settings, clusters and keys of whoever runs it.

    The cache stays: it holds what costs minutes to make, the launchers' environments.
    """
    home = tmp_path_factory.mktemp("home")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", cache)
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "KUBECONFIG", "GNUPGHOME"):
            patch.delenv(name, raising=False)
        yield
