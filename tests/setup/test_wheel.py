"""The wheel runs outside the checkout, with all that it needs inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(CHECKOUT)]
    run = subprocess.run(build, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel, and borrows its dependencies from the one that runs this test."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin/python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True, env=outside())
    own = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
        env=outside(),
    )
    borrowed = sysconfig.get_path("purelib")
    (Path(own.stdout.strip()) / "borrowed.pth").write_text(f"{borrowed}\n")
    return environment


def outside() -> dict[str, str]:
    """An environment in which nothing leads back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def aurora_tui(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(installed / "bin/aurora-tui"), *arguments]
    return subprocess.run(command, cwd=cwd, env=outside(), capture_output=True, text=True)


def test_it_carries_the_themes_the_mission_and_the_scenarios(wheel: Path) -> None:
    needed = {"ops/aurora.toml"}
    needed |= {str(file.relative_to(CHECKOUT)) for file in CHECKOUT.glob("themes/*.toml")}
    needed |= {str(file.relative_to(CHECKOUT)) for file in CHECKOUT.glob("ops/scenarios/*.toml")}
    needed |= {str(file.relative_to(CHECKOUT)) for file in CHECKOUT.glob("ops/k8s/**/*.yaml")}
    needed |= {str(file.relative_to(CHECKOUT)) for file in CHECKOUT.glob("ops/alertmanager/*")}
    needed |= {str(file.relative_to(CHECKOUT)) for file in CHECKOUT.glob("ops/prometheus/rules/*.yml")}
    prefix = "aurora_tui/_data/"
    carried = {name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    assert carried == needed
    assert {name.split("/")[0] for name in carried} == {"ops", "themes"}


def test_it_carries_nothing_but_the_package(wheel: Path) -> None:
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"aurora_tui"}


def test_it_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    import aurora_tui as here

    run = aurora_tui(installed, tmp_path, "--version")
    assert (run.returncode, run.stderr) == (0, "")
    assert here.__version__ in run.stdout


def test_it_finds_and_accepts_its_own_mission_file(installed: Path, tmp_path: Path) -> None:
    run = aurora_tui(installed, tmp_path, "config", "check")
    assert run.returncode == 0, run.stdout + run.stderr
