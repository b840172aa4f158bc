"""What is no fault of a connection: series that vanish and return, a name that does not resolve, a silence half way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from aurora_tui.console import banner
from aurora_tui.situation.verdict import Word
from tests.faults.answers import Vanished
from tests.faults.faults import Hang, Only
from tests.faults.proxy import fault_proxy
from tests.faults.rooms import drill, probe, room, settings, source

pytestmark = pytest.mark.xdist_group("storm")

SPEED = 5.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Five times as fast: an interval is a second."""
    with drill(tmp_path_factory.mktemp("world"), options=("--speed", f"{SPEED:g}")) as made:
        yield made


async def test_series_that_vanish_are_blindness_and_their_return_is_seen_within_five_seconds(
    world: dict[str, Any],
) -> None:
    async with (
        fault_proxy(world["urls"]["prometheus"]) as proxy,
        room(settings(world, prometheus=source(proxy.url), cluster=None)) as one,
    ):
        await one.says(Word.GO)
        await proxy.switch(Vanished("treaty_"))
        await one.says(Word.BLIND)
        reasons = [reason.text for reason in one.last.verdict.reasons]
        assert any(reason.startswith("RTT") and "no data" in reason for reason in reasons), reasons
        assert one.light("metrics").error is None
        began = time.monotonic()
        await proxy.switch(None)
        await one.says(Word.GO)
        assert time.monotonic() - began < 30.0  # 5 s, and what a busy machine takes


async def test_a_name_that_does_not_resolve_is_told_as_one(world: dict[str, Any]) -> None:
    nowhere = "http://nowhere.invalid:9090"
    places = settings(
        world, prometheus=source(nowhere), alertmanager=source(nowhere), cluster=None, probe=(probe("bridge", nowhere),)
    )
    async with room(places) as one:
        names = ("metrics", "am", "prom", "probe bridge")
        await one.when(lambda: all(one.light(name).error for name in names))
        assert {one.light(name).error for name in names} == {
            f"the name of {nowhere} cannot be resolved. Check the host name, DNS and VPN."
        }
        assert one.word is Word.BLIND
        shown = "".join(part.text for line in banner.lines(one.last, one.last.now, 160, 3) for part in line)
        assert f"metrics: the name of {nowhere} cannot be resolved" in shown


async def test_a_server_that_falls_silent_in_the_middle_of_a_look_is_told_long_before_every_question_has_timed_out(
    world: dict[str, Any],
) -> None:
    silent: list[float] = []

    def once_it_told_its_time(request: Any) -> bool:
        """From the second question of a look on, nothing is answered, the time neither."""
        if request.query.get("query", "time()") != "time()" and not silent:
            silent.append(time.monotonic())
        return bool(silent)

    async with (
        fault_proxy(world["urls"]["prometheus"]) as proxy,
        room(settings(world, prometheus=source(proxy.url), cluster=None)) as one,
    ):
        await one.says(Word.GO)
        await proxy.switch(Only(Hang(), once_it_told_its_time))
        await one.when(lambda: one.light("metrics").error)
        assert time.monotonic() - silent[0] < 40.0  # some 5 s, and what a busy machine takes: not 60
        assert one.light("metrics").error == (
            f"{proxy.url} gives no answer in time. Check the network on the way, and the server's load."
        )
        await one.says(Word.BLIND)
        await proxy.switch(None)
        await one.says(Word.GO)


@pytest.mark.slow
async def test_one_question_that_hangs_is_no_silence(world: dict[str, Any]) -> None:
    """The server's time is told meanwhile, so that the rest of the look goes on."""
    async with (
        fault_proxy(world["urls"]["prometheus"]) as proxy,
        room(settings(world, prometheus=source(proxy.url), cluster=None)) as one,
    ):
        await one.says(Word.GO)
        await proxy.switch(Only(Hang(), lambda request: request.query.get("query") == "up == 0"))
        await one.when(lambda: any("targets:" in note for note in one.light("metrics").notes))
        assert one.light("metrics").error is None
