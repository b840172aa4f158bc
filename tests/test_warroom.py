"""The war room: whatever a clock or a source does, nothing that is old looks new and nothing stays open."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from aurora_tui import clock as clocks
from aurora_tui import warroom as warrooms
from aurora_tui.situation.mission import Environment, HttpSource
from aurora_tui.situation.observation import (
    AlertsObserved,
    ClusterObserved,
    JournalObserved,
    MetricsObserved,
    Observation,
    SourceFailed,
)
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Word
from aurora_tui.situation.workload import WorkloadsObserved
from aurora_tui.sources import server_time
from aurora_tui.warroom import Warroom
from tests.situation.missions import (
    DAY,
    NOW,
    alert,
    criterion_observed,
    journal,
    mission,
    phase,
    slo_observed,
    started,
)
from tests.sources.worlds import settings

NOWHERE = HttpSource(url="http://127.0.0.1:1")


class Room:
    """A war room that is told observations, on a machine whose clock is set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.count = NOW, 50.0
        monkeypatch.setattr(clocks.time, "time", lambda: self.wall)
        monkeypatch.setattr(server_time, "since_boot", lambda: self.count)
        made = settings(NOWHERE.url, mission=mission(phase("soak", "7d")))
        place = Environment(prometheus=NOWHERE, alertmanager=NOWHERE)
        self.warroom = Warroom(dataclasses.replace(made, environment=place, ledger=Path("ledger.db")))

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.count += seconds

    def tell(self, *observations: Observation) -> None:
        for observation in observations:
            self.warroom._observed(observation)

    def metrics(self, server: float, skew: float = 0.0, **changes: Any) -> MetricsObserved:
        """What a server whose clock shows `server` answers now."""
        values: dict[str, Any] = {
            "slos": (slo_observed(at=server),),
            "criteria": (criterion_observed(at=server),),
            "firing_known_from": server - 30 * DAY,
            "firing_known_to": server - 30,
            **changes,
        }
        return MetricsObserved(source="metrics", at=self.wall, skew=skew, **values)

    def others(self) -> tuple[Observation, ...]:
        running = journal(started(NOW - DAY, "soak"))
        return (
            AlertsObserved(source="am", at=self.wall),
            AlertsObserved(source="prom", at=self.wall),
            JournalObserved(source="ledger", at=self.wall, journal=running),
        )

    @property
    def word(self) -> Word:
        return self.warroom.situation().verdict.word


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room(monkeypatch)
    made.tell(made.metrics(NOW), *made.others())
    assert made.word is Word.GO
    return made


def test_a_clock_that_is_put_back_brings_no_dead_source_to_life(room: Room) -> None:
    room.wait(100)
    assert room.word is Word.BLIND
    room.wall -= 3600
    assert room.word is Word.BLIND
    situation = room.warroom.situation()
    assert situation.now == NOW + 100
    assert {light.age(situation.now) for light in situation.lights if light.watched} == {100.0}


def test_a_clock_that_is_put_back_while_all_is_well_changes_nothing(room: Room) -> None:
    room.wait(10)
    room.wall -= 3600
    assert room.warroom.situation().now == NOW + 10
    room.tell(*room.others())
    # The clocks now differ by an hour, which is worth a look.
    room.tell(room.metrics(NOW + 10, skew=3600.0))
    assert room.word is Word.WATCH
    assert room.warroom.situation().now == NOW + 10


def test_a_server_whose_clock_goes_back_makes_no_other_source_younger(room: Room) -> None:
    room.wait(100)
    room.tell(room.metrics(NOW + 100 - 3600, skew=-3600.0))
    situation = room.warroom.situation()
    assert situation.now == NOW + 100 - 3600
    ages = {light.name: light.age(situation.now) for light in situation.lights if light.watched}
    assert ages == {"metrics": 0.0, "am": 100.0, "prom": 100.0, "ledger": 100.0}
    assert situation.verdict.word is Word.BLIND


async def test_a_source_that_fails_to_close_leaves_no_other_one_open(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def closing(name: str) -> Any:
        async def close() -> None:
            closed.append(name)
            await asyncio.sleep(0)
            if name == "metrics":
                raise RuntimeError("no")

        return close

    for source in room.warroom.sources:
        monkeypatch.setattr(source, "close", closing(source.name))
    with pytest.raises(RuntimeError, match="no"):
        await room.warroom.close()
    assert closed == ["metrics", "am", "prom", "ledger"]


async def test_what_the_cluster_or_the_metrics_tell_goes_on_at_once_and_other_sources_wait_their_turn(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(tell: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(warrooms, "SHORTEST_BETWEEN", 3600.0)
    monkeypatch.setattr(warrooms, "LONGEST_BETWEEN", 7200.0)
    for source in room.warroom.sources:
        monkeypatch.setattr(source, "run", idle)
    told: asyncio.Queue[Situation] = asyncio.Queue()
    running = asyncio.create_task(room.warroom.run(told.put_nowait))
    try:
        async with asyncio.timeout(20):
            await told.get()
            room.tell(*room.others())
            for _ in range(50):
                await asyncio.sleep(0)
            assert told.empty()
            for name in ("one", "two"):
                room.tell(ClusterObserved(source="cluster", at=room.wall, workloads=WorkloadsObserved(cluster=name)))
            assert (await told.get()).cluster == "two"
            room.tell(MetricsObserved(source="metrics", at=room.wall, targets_down=("one",)))
            await told.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_an_answer_that_is_the_one_before_changes_nothing_until_the_next_second(room: Room) -> None:
    room.warroom._changed.clear()
    room.wait(5)
    room.tell(*room.others())
    assert not room.warroom._changed.is_set()
    assert room.warroom.situation().lights[1].age(NOW + 5) == 0.0


def test_a_source_that_fails_an_alert_and_a_pod_are_told_at_once(room: Room) -> None:
    firing = AlertsObserved(source="am", at=NOW, alerts=(alert("am"),))
    pods = WorkloadsObserved(cluster="bastion")
    for news in (
        SourceFailed(source="am", at=NOW, error="503"),
        firing,
        ClusterObserved(source="cluster", at=NOW, workloads=pods),
    ):
        room.warroom._changed.clear()
        room.tell(news)
        assert room.warroom._changed.is_set()
        room.warroom._changed.clear()
        room.tell(news)
        assert not room.warroom._changed.is_set()
