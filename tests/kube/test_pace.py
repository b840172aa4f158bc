"""However many want to ask, an API is asked at most nine times in five seconds, and in the order of what matters."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from aurora_tui.kube import pace as pace_module
from aurora_tui.kube.connection import Connection, Query
from aurora_tui.kube.gate import Gate
from aurora_tui.kube.pace import MOST, Pace, Paced, Rank


class Begun(deque[float]):
    """When turns were given: whoever had one may notice it later, on a busy machine."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[float] = []

    def append(self, moment: float) -> None:
        self.all.append(moment)
        super().append(moment)


async def test_the_first_round_is_free_and_the_rest_is_paced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "WITHIN", 0.4)
    pace, began = Pace(), time.monotonic()
    await asyncio.gather(*(pace.turn(f"/path/{number}", Rank.LIST) for number in range(50)))
    assert not pace._began, "nothing of the first round was counted"
    begun = pace._began = Begun()
    await asyncio.gather(*(pace.turn(f"/path/{number}", Rank.LIST) for number in range(25)))
    assert time.monotonic() - began >= 2 * 0.4
    assert len(begun.all) == 25
    for index, start in enumerate(begun.all[MOST:]):
        assert start - begun.all[index] >= 0.4 - 1e-6


async def test_signs_of_life_pass_all_others_and_what_is_optional_lets_all_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace_module, "WITHIN", 0.3)
    monkeypatch.setattr(pace_module, "FIRST_ROUND", 0.0)
    pace = Pace()
    for _ in range(MOST):
        await pace.sign_of_life()
    order: list[Rank] = []

    async def ask(rank: Rank) -> None:
        await (pace.sign_of_life() if rank is Rank.LIFE else pace.turn("x", rank))
        order.append(rank)

    await asyncio.gather(*(ask(rank) for rank in (Rank.OPTIONAL, Rank.WATCH, Rank.LIST, Rank.LIFE)))
    assert order == [Rank.LIFE, Rank.LIST, Rank.WATCH, Rank.OPTIONAL]


class Answers:
    """A connection whose requests are only counted."""

    def __init__(self) -> None:
        self.asked = 0

    async def get(self, path: str, query: Query | None = None) -> bytes:
        self.asked += 1
        return b""

    @asynccontextmanager
    async def watch(self, path: str, query: Query, silent_seconds: float) -> AsyncIterator[AsyncIterator[bytes]]:
        yield _nothing()


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def test_pages_are_free_but_for_a_list_whose_last_try_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "FIRST_ROUND", 0.0)
    pace, connection = Pace(), Answers()
    paced = Paced(cast(Connection, connection), pace)

    async def list_two_pages() -> int:
        """How many of them were counted."""
        pace._began.clear()
        await paced.get("/pods", {"limit": 500})
        await paced.get("/pods", {"limit": 500, "continue": "more"})
        return len(pace._began)

    assert await list_two_pages() == 1
    assert await list_two_pages() == 2, "no watch came after it: it failed, perhaps at its last page"
    assert await list_two_pages() == 2
    async with paced.watch("/pods", {}):
        pass
    assert await list_two_pages() == 1
    assert connection.asked == 8


async def test_who_no_longer_waits_takes_nobodys_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "WITHIN", 0.3)
    pace = Pace()
    for _ in range(MOST):
        await pace.sign_of_life()
    gone = asyncio.create_task(pace.sign_of_life())
    stays = asyncio.create_task(pace.sign_of_life())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    await stays
    assert len(pace._began) <= MOST


async def test_the_gate_opens_for_those_who_came_before_the_look() -> None:
    doubts: list[None] = []
    gate = Gate(wanted=lambda: doubts.append(None))
    early, late = asyncio.create_task(gate.passed(10.0)), asyncio.create_task(gate.passed(20.0))
    await asyncio.sleep(0)
    assert (gate.awaited, len(doubts)) == (True, 2)
    gate.open(15.0)
    await early
    await asyncio.sleep(0)
    assert not late.done(), "it was cut off after that look"
    gate.open(25.0)
    assert not gate.awaited, "it is let through, though it has not gone on yet: no other look is wanted for it"
    await late
    gate.shut(30.0)
    again = asyncio.create_task(gate.passed(30.0))
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
