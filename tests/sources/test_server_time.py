"""The server's time is counted: whoever sets this machine's clock makes nothing younger."""

from __future__ import annotations

import pytest

from aurora_tui import clock as clocks
from aurora_tui.clock import Clock
from aurora_tui.sources.server_time import ServerTime, since_boot
from tests.situation.missions import NOW


class Machine:
    """A machine whose clock is set by hand, and whose count of seconds is not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.count = NOW, 50.0
        monkeypatch.setattr(clocks.time, "time", lambda: self.wall)

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.count += seconds

    def real(self) -> float:
        return self.count


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_it_is_this_machines_until_a_server_has_told_its_own(machine: Machine) -> None:
    told = ServerTime(Clock(), machine.real)
    machine.wait(5)
    assert told.now() == NOW + 5
    assert told.learn(7.0) == 7.0
    assert told.now() == NOW + 12


def test_a_step_of_this_machines_clock_does_not_move_it(machine: Machine) -> None:
    told = ServerTime(Clock(), machine.real)
    told.learn(0.0)
    machine.wall -= 3600
    machine.wait(10)
    assert told.now() == NOW + 10
    assert told.learn(None) == 0.0
    assert told.learn(3600.0) == 0.0  # what the next look measures is the same time
    assert told.now() == NOW + 10


def test_without_a_server_it_follows_the_clock_and_says_by_how_much(machine: Machine) -> None:
    told = ServerTime(Clock(), machine.real)
    machine.wall -= 3600
    assert told.learn(None) == -3600.0
    assert told.now() == NOW - 3600


def test_a_server_whose_clock_goes_back_is_followed_and_it_says_by_how_much(machine: Machine) -> None:
    told = ServerTime(Clock(), machine.real)
    told.learn(0.0)
    assert told.learn(-3600.0) == -3600.0
    assert told.now() == NOW - 3600


def test_what_this_machine_dates_is_as_old_on_the_servers_clock(machine: Machine) -> None:
    told = ServerTime(Clock(), machine.real)
    told.learn(100.0)
    assert told.when(NOW - 4) == NOW + 96
    assert told.when(NOW + 50) == NOW + 100  # and never of a time to come


def test_in_a_drill_it_runs_as_fast_as_the_world(machine: Machine) -> None:
    told = ServerTime(Clock(real_origin=NOW, world_origin=0.0, speed=20.0), machine.real)
    machine.wait(3)
    assert told.now() == pytest.approx(60.0)


def test_the_count_goes_on() -> None:
    before = since_boot()
    assert since_boot() >= before
