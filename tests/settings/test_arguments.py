"""Another process, started elsewhere with the flags of the settings, loads the same settings."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aurora_tui.commands.options import LoadSettings, settings_options
from aurora_tui.settings import Overrides, Settings, load
from tests.settings.places import write

ADDRESS = st.sampled_from(["http://127.0.0.1:9090", "https://-other.example/pre=fix"])
# Values that look like flags, commands and worse.
WORDS = st.sampled_from(["--yes", "status", "-", "a b=c", "x\\y'\"", "größe", "$HOME", "; true"])
FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "environment": st.sampled_from(["production", "staging"]),
        "prometheus": ADDRESS,
        "alertmanager": ADDRESS,
        "grafana": ADDRESS,
        "context": WORDS,
        "namespace": st.just("n-1"),
        "kubeconfig": st.sampled_from(["-k.yaml", "sub/k.yaml", "~/k.yaml", "/k.yaml"]),
        "treaty": WORDS,
        "theme": st.just("mine"),
        "read_only": st.booleans(),
    },
)


def loaded_by(arguments: tuple[str, ...]) -> Settings:
    """What a command with these arguments loads."""

    @click.command()
    @click.argument("run")
    @settings_options
    def command(load_settings: LoadSettings, run: str) -> Settings:
        assert run == "run"
        return load_settings()

    found = command.main(["run", *arguments], standalone_mode=False)
    assert isinstance(found, Settings)
    return found


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two settings files in a folder with a name of its own, in which we are; another one to go to."""
    here = tmp_path / "in =here"
    write(here / "-one.toml", '[interface]\ntheme = "one"\nenvironment = "local"')
    write(here / "two.toml", 'ledger = "l.db"\n[interface]\ntheme = "two"\nenvironment = "staging"')
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(here)
    return tmp_path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flags=FLAGS, files=st.permutations(["-one.toml", "two.toml"]), number=st.integers(0, 2))
def test_the_arguments_load_the_same_settings_wherever_they_are_used(
    places: Path, flags: dict[str, str | bool], files: list[str], number: int
) -> None:
    os.chdir(places / "in =here")
    configs = [Path(file) for file in files[:number]]
    if "context" in flags or "kubeconfig" in flags:
        flags = {"namespace": "n", **flags}  # an environment without a cluster lacks one
    original = load(configs, Overrides(**flags))  # type: ignore[arg-type]
    os.chdir(places / "there")
    assert loaded_by(original.arguments) == original


def test_each_flag_is_one_word_with_paths_in_full(places: Path) -> None:
    found = load([Path("two.toml"), Path("-one.toml")], Overrides(kubeconfig="k.yaml", namespace="n", read_only=True))
    here = places / "in =here"
    assert found.arguments == (
        f"--config={here}/two.toml",
        f"--config={here}/-one.toml",
        "--env=local",
        "--namespace=n",
        f"--kubeconfig={here}/k.yaml",
        "--read-only",
    )


def test_the_environment_is_named_so_that_no_file_chooses_another_meanwhile(places: Path) -> None:
    file = Path("two.toml").absolute()
    original = load([file])
    write(file, '[interface]\nenvironment = "local"')
    assert loaded_by(original.arguments).environment_name == "staging"
