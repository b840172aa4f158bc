"""Scenario files: what they say, and what is told about one that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from aurora_tui.drill.disturbance import Disturbances
from aurora_tui.drill.scenario import (
    CanaryCrash,
    DemandSpike,
    ExporterStop,
    LatencySurge,
    Recover,
    event_of,
    find,
    read,
)
from aurora_tui.drill.simulator import CALM
from aurora_tui.errors import UsageError

SCENARIOS = Path(__file__).resolve().parents[2] / "ops" / "scenarios"


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_bundled_scenario_can_be_read_and_runs_in_the_canary(path: Path) -> None:
    scenario = read(path)
    assert scenario.title
    assert scenario.about
    assert (scenario.phase.id, scenario.phase.elapsed) == ("canary", 31 * 3600 + 12 * 60)


def test_rtt_surge_begins_after_a_minute_with_a_crashing_pod() -> None:
    events = read(SCENARIOS / "rtt-surge.toml").event
    assert [(type(event), event.at) for event in events] == [(LatencySurge, 60), (CanaryCrash, 60)]


def test_exporter_outage_is_a_surge_whose_exporter_stops_seven_minutes_into_the_breach() -> None:
    events = read(SCENARIOS / "exporter-outage.toml").event
    assert isinstance(events[-1], ExporterStop)
    assert events[-1].at == pytest.approx(60 + 60 + 7 * 60)


def test_events_come_in_the_order_of_their_moments(tmp_path: Path) -> None:
    file = written(tmp_path, '[[event]]\nat = "5m"\ndo = "recover"\n[[event]]\nat = "1m"\ndo = "exporter-stop"\n')
    assert [type(event) for event in read(file).event] == [ExporterStop, Recover]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = ", "is not TOML"),
        ('[[event]]\ndo = "latency-surg"\nfactor = 2', "Did you mean latency-surge?"),
        ('[[event]]\ndo = "latency-surge"\nfactr = 2', "factr"),
        ('[[event]]\ndo = "latency-surge"', "factor"),
        ('[[event]]\ndo = "latency-surge"\nfactor = 2\nat = 60', "60 is not a duration"),
        ('[[event]]\ndo = "latency-surge"\nfactor = 2\nat = "soon"', "'soon' is not a duration"),
        ('[[event]]\ndo = "latency-surge"\nfactor = -1', "-1.0 is not a factor"),
        ('[[event]]\ndo = "outage"\nprovider = "azure"', "'azure' is not one of akash"),
        ('[[event]]\ndo = "exporter-stop"\nexporter = "x"', "'x' is not one of aurora, simulator"),
        ('[[event]]\ndo = "alert"\nlabels = { sev = "SEV1" }', "alertname"),
        ('[[event]]\ndo = "provenance-loss"\ncoverage = 2', "not between 0 and 1"),
        ('seed = "seven"', "seed"),
        ('titel = "x"', "titel"),
    ],
)
def test_a_bad_file_is_one_error_that_names_file_place_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read(file)
    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Cannot read the scenario .*none\.toml"):
        read(tmp_path / "none.toml")


def test_a_scenario_is_found_by_name_or_by_path(tmp_path: Path) -> None:
    assert find("calm", (SCENARIOS,)) == SCENARIOS / "calm.toml"
    assert find("./mine.toml", (SCENARIOS,)) == Path("mine.toml")
    with pytest.raises(UsageError, match=r"calm, exporter-outage, .*rtt-surge"):
        find("clam", (SCENARIOS,))


def test_the_control_endpoint_has_the_same_vocabulary() -> None:
    assert event_of({"do": "demand-spike", "factor": 2}) == DemandSpike(factor=2.0)
    with pytest.raises(UsageError, match="`do` is one of"):
        event_of({"what": "ever"})


def test_a_disturbance_of_the_canary_lasts_as_long_as_its_image() -> None:
    running: str | None = "bridge:1.0.0-rc1"
    disturbances = Disturbances(lambda: running)
    disturbances.add(LatencySurge(factor=1.5))
    assert disturbances.effects(0).bridge_latency == 1.5
    running = "bridge:0.9.9"
    assert disturbances.effects(0) == CALM
    running = None
    assert disturbances.effects(0) == CALM
    running = "bridge:1.0.0-rc1"
    assert disturbances.names() == ["latency-surge"]


def test_a_disturbance_of_a_provider_does_not_depend_on_the_canary() -> None:
    running = "bridge:1.0.0-rc1"
    disturbances = Disturbances(lambda: running)
    disturbances.add(LatencySurge(factor=2.0, provider="vast"))
    running = "bridge:0.9.9"
    assert disturbances.effects(0).latency[-1] == 2.0
    disturbances.clear()
    assert disturbances.effects(0) == CALM
