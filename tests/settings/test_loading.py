"""Which files are read, in which order, and what flags, clock and ledger come of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_tui.bundled import bundled, bundled_dir
from aurora_tui.errors import UsageError
from aurora_tui.settings import load
from tests.settings.places import AURORA, aurora_tables, complaint, loaded, write

PACKAGE = AURORA.parents[1] / "aurora_tui"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person's own file is looked for; there is none yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "config/aurora-tui/config.toml"


def test_without_other_files_the_bundled_mission_is_read(own: Path) -> None:
    assert loaded().files == (AURORA,)


def test_the_persons_file_is_merged_over_the_mission(own: Path) -> None:
    write(own, '[interface]\ntheme = "mine"\nenvironment = "staging"')
    settings = loaded()
    assert (settings.theme, settings.environment_name) == ("mine", "staging")
    assert settings.files == (AURORA, own)


def test_config_files_follow_in_order_and_flags_win(own: Path, tmp_path: Path) -> None:
    write(own, '[interface]\ntheme = "own"')
    one = write(tmp_path / "one.toml", '[interface]\ntheme = "one"\nenvironment = "local"')
    two = write(tmp_path / "two.toml", '[interface]\ntheme = "two"')
    assert loaded(one, two).theme == "two"
    assert loaded(two, one).theme == "one"
    assert loaded(one, two, theme="flag").theme == "flag"
    assert loaded(one, two).environment_name == "local"
    assert loaded(one, two, environment="staging").environment_name == "staging"
    assert loaded(one, two).files == (AURORA, own, one, two)


def test_a_file_with_a_mission_takes_the_bundled_ones_place(own: Path, tmp_path: Path) -> None:
    write(own, '[interface]\ntheme = "own"')
    tables = aurora_tables()
    tables["mission"]["name"] = "Other"
    tables["kpi"] = []
    other = write(tmp_path / "other.toml", tables)
    settings = loaded(other)
    assert settings.files == (other, own)
    assert settings.mission.mission.name == "Other"
    assert settings.mission.kpi == ()
    assert settings.theme == "own"


def test_a_relative_xdg_folder_is_ignored(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "rel/aurora-tui/config.toml", '[interface]\ntheme = "relative"')
    monkeypatch.setenv("XDG_CONFIG_HOME", "rel")
    assert loaded().theme == "aurora-dark"


def test_an_own_file_that_is_a_folder_is_an_error(own: Path) -> None:
    own.mkdir(parents=True)
    with pytest.raises(UsageError, match="is a folder"):
        load()


def test_a_source_flag_keeps_the_authentication(own: Path) -> None:
    write(own, '[environments.production.prometheus.auth]\nbearer_env = "TOKEN"')
    source = loaded(prometheus="https://other:9090/prefix").environment.prometheus
    assert source is not None
    assert (source.url, source.auth.bearer_env) == ("https://other:9090/prefix", "TOKEN")


def test_a_source_flag_adds_a_source_that_the_environment_lacks(own: Path) -> None:
    environment = loaded(environment="local", alertmanager="http://127.0.0.1:9093", grafana="http://g").environment
    assert environment.alertmanager is not None
    assert environment.grafana is not None
    assert environment.alertmanager.url == "http://127.0.0.1:9093"


def test_cluster_flags_choose_another_cluster(own: Path) -> None:
    cluster = loaded(environment="local", context="kind", namespace="n", kubeconfig="k.yaml").environment.cluster
    assert cluster is not None
    assert (cluster.context, cluster.namespace, cluster.kubeconfig) == ("kind", "n", str(Path("k.yaml").absolute()))


def test_a_context_flag_leaves_the_cluster_one_runs_in(own: Path) -> None:
    write(own, "[environments.production.cluster]\nin_cluster = true")
    cluster = loaded(context="kind").environment.cluster
    assert cluster is not None
    assert (cluster.in_cluster, cluster.context) == (False, "kind")


def test_read_only_is_the_flags_or_the_environments(own: Path, tmp_path: Path) -> None:
    assert not loaded().read_only
    assert loaded(read_only=True).read_only
    assert loaded(write(tmp_path / "p.toml", "[environments.production]\nread_only = true")).read_only


def test_a_treaty_flag_moves_the_focus(own: Path) -> None:
    assert loaded(treaty="SIM-AGG").mission.mission.treaty == "SIM-AGG"


def test_a_drills_clock_is_kept_by_every_process(own: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[clock]\nreal_origin = 1000\nworld_origin = 5e8\nspeed = 20")
    clock = loaded(file).clock
    assert (clock.real_origin, clock.world_origin, clock.speed) == (1000.0, 5e8, 20.0)


def test_each_mission_and_environment_has_its_own_ledger(own: Path, tmp_path: Path) -> None:
    state = tmp_path / "state/aurora-tui"
    assert loaded().ledger == state / "aurora-ga/production/remembrancer.db"
    assert loaded(environment="staging").ledger == state / "aurora-ga/staging/remembrancer.db"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("l.db", "{folder}/l.db"),
        ("sub/{environment}.db", "{folder}/sub/production.db"),
        ("/var/l.db", "/var/l.db"),
        ("~/l.db", "{home}/l.db"),
    ],
)
def test_a_named_ledger_is_relative_to_the_file_that_names_it(
    own: Path, tmp_path: Path, named: str, expected: str
) -> None:
    file = write(tmp_path / "folder/p.toml", f'ledger = "{named}"')
    home = os.environ["HOME"]
    found = expected.replace("{folder}", str(tmp_path / "folder")).replace("{home}", home)
    assert loaded(file).ledger == Path(found)


def test_a_named_ledger_stays_the_same_wherever_the_next_process_runs(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "p.toml", 'ledger = "l.db"')
    monkeypatch.chdir(tmp_path)
    assert loaded(Path("p.toml")).ledger == tmp_path / "l.db"


def test_a_mission_must_choose_among_its_environments(own: Path, tmp_path: Path) -> None:
    tables = aurora_tables()
    del tables["interface"]
    file = write(tmp_path / "m.toml", tables)
    assert complaint(file) == (
        f"{file}: interface.environment: no environment is chosen; "
        "choose one of production, staging, local, here or with --env"
    )
    tables["environments"] = {"only": tables["environments"]["local"]}
    assert loaded(write(file, tables)).environment_name == "only"


def test_files_named_in_auth_are_relative_to_the_file_that_names_them(own: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "x/p.toml", "[environments.production.prometheus.auth]\nca = 'ca.crt'\nbearer_file = '~/t'")
    source = loaded(file).environment.prometheus
    assert source is not None
    assert source.auth.ca == str(tmp_path / "x/ca.crt")
    assert source.auth.bearer_file == f"{os.environ['HOME']}/t"


def test_an_unknown_home_is_an_error(own: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", 'ledger = "~nobody-by-this-name/l.db"')
    with pytest.raises(UsageError, match="there is no such home folder"):
        load([file])


def test_bundled_data_is_found_beside_the_package_in_a_checkout() -> None:
    assert bundled("ops/aurora.toml") == AURORA
    assert bundled_dir("themes") == AURORA.parents[1] / "themes"


def test_bundled_data_is_found_inside_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "site/aurora_tui"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "_data/ops").mkdir(parents=True)
    shutil.copy(AURORA, package / "_data/ops")
    # What another project left beside the installed package is not ours.
    write(tmp_path / "site/ops/aurora.toml", "not = 'ours'")
    script = "from aurora_tui.settings import load; print(*load().files)"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(package / "_data/ops/aurora.toml")


def test_loading_does_not_import_the_query_parser() -> None:
    script = "import sys; from aurora_tui.settings import load; load(); print('promql_parser' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=AURORA.parents[1], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
