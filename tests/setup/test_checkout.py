"""What is, and what must not be, in the checkout."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[2]

# In two parts each, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    first + "." + last
    for first, last in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("pypi", "python.org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("proxy.golang", "org"),
        ("deb.debian", "org"),
    ]
]
WORKPLACES = [rf"(?<![\w.:-])/{first}{last}" for first, last in [("wo", "rk/"), ("tm", r"p/v\b"), ("opt/", "wheels")]]
WORKPLACES += [rf"/\.{'py'}env/"]


def tracked() -> list[str]:
    """Every file under version control, as it will be in the next commit."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to it")
    listing = subprocess.run(
        # A checkout that someone else owns (a mounted volume) is read all the same.
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return listing.stdout.rstrip("\0").split("\0")


@pytest.mark.needs("git")
def test_the_top_level_is_as_designed() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} == {
        "pyproject.toml",
        "README.md",
        "aurora_tui",
        "themes",
        "tests",
        "ops",
    }


@pytest.mark.needs("git")
def test_no_file_names_a_package_registry_or_someones_workplace() -> None:
    unwanted = re.compile("|".join([*map(re.escape, REGISTRY_HOSTS), *WORKPLACES]), re.IGNORECASE)
    found = []
    for name in tracked():
        path = CHECKOUT / name
        if not path.is_file():  # deleted, and not yet committed
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if match := unwanted.search(line):
                found.append(f"{name}:{number}: {match[0]}")
    assert not found, "\n".join(found)


def locked(name: str) -> dict[str, tuple[Requirement, int]]:
    """What ops/lock/NAME.txt pins: by distribution, the requirement and how many hashes it has."""
    text = (CHECKOUT / "ops/lock" / f"{name}.txt").read_text()
    return {pin.name: (pin, hashes) for pin, hashes in requirements(text)}


def requirements(text: str) -> Iterator[tuple[Requirement, int]]:
    for entry in re.sub(r"#.*", "", text).replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split("--hash=sha256:")
        if requirement.strip():
            yield Requirement(requirement), len(hashes)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["runtime", "test"])
def test_a_lock_pins_what_the_project_asks_for(name: str) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + (project["optional-dependencies"]["test"] if name == "test" else [])
    pins = locked(name)
    stale = []
    for requirement in map(Requirement, asked):
        pin = pins.get(canonical(requirement.name))
        version = str(pin[0].specifier).removeprefix("==") if pin else None
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            stale.append(f"{requirement} is locked as {version}: run ops/bin/lock")
    assert not stale, "\n".join(stale)


@pytest.mark.parametrize("name", ["runtime", "test"])
def test_a_lock_hashes_everything_and_says_nothing_of_where_it_came_from(name: str) -> None:
    text = (CHECKOUT / "ops/lock" / f"{name}.txt").read_text()
    assert not re.search(r"://|^-|^\s*--(?!hash=sha256:)", text, re.MULTILINE)
    assert not [str(pin) for pin, hashes in requirements(text) if hashes == 0]
    assert not [str(pin) for pin, _ in requirements(text) if not str(pin.specifier).startswith("==")]


def test_tests_run_with_the_versions_that_users_run_with() -> None:
    tested = locked("test")
    for name, (pin, _) in locked("runtime").items():
        assert tested[name][0].specifier == pin.specifier
