"""The loop of a polling source: it tells, goes on, and comes back soon after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError
from aurora_tui.situation.observation import MetricsObserved, Observation, SourceFailed
from aurora_tui.sources import polling
from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.polling import LONGEST_PAUSE, LONGEST_WISH, back_off, poll

FAST = Clock(speed=1000.0)
GOOD: Observation = MetricsObserved(source="x", at=1.0)
URL = "http://user:s3cret@prometheus.example:9090/?token=s3cret"


async def told(look: Callable[[], Awaitable[Observation]], count: int, time_limit: float = 5.0) -> list[Observation]:
    """The first `count` observations of a poll."""
    seen: list[Observation] = []
    enough = asyncio.Event()

    def tell(observation: Observation) -> None:
        seen.append(observation)
        if len(seen) >= count:
            enough.set()

    loop = asyncio.create_task(
        poll(look, source="x", interval=60.0, clock=FAST, tell=tell, time_limit=time_limit, url=URL)
    )
    async with asyncio.timeout(60):
        await enough.wait()
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
    return seen[:count]


def raising(*errors: BaseException) -> Callable[[], Awaitable[Observation]]:
    """A look that raises each of these and is well from then on."""
    left = list(errors)

    async def look() -> Observation:
        if left:
            raise left.pop(0)
        return GOOD

    return look


async def test_it_tells_each_answer() -> None:
    assert await told(raising(), 3) == [GOOD, GOOD, GOOD]


async def test_a_failure_is_told_in_words_and_the_next_answer_after_it() -> None:
    failed, after = await told(raising(AuroraError("the token is empty", "Set it.")), 2)
    assert isinstance(failed, SourceFailed)
    assert failed.error == "the token is empty. Set it."
    assert after == GOOD


async def test_a_network_failure_names_the_server_without_its_secrets() -> None:
    [failed] = await told(raising(httpx.ReadTimeout("")), 1)
    assert isinstance(failed, SourceFailed)
    assert failed.error.startswith("http://prometheus.example:9090/ gives no answer in time. Check")


async def test_an_unexpected_fault_is_told_as_one_and_does_not_end_the_loop() -> None:
    failed, after = await told(raising(ZeroDivisionError("division by zero")), 2)
    assert isinstance(failed, SourceFailed)
    assert failed.error.startswith("unexpected ZeroDivisionError while asking http://prometheus.example:9090/")
    assert after == GOOD


async def test_a_look_that_hangs_is_cut_at_the_time_limit() -> None:
    async def hang() -> Observation:
        await asyncio.Event().wait()
        raise AssertionError

    [failed] = await told(hang, 1, time_limit=0.05)
    assert isinstance(failed, SourceFailed)
    assert "gives no answer within 0.05 s" in failed.error


async def test_setting_wake_ends_the_pause() -> None:
    wake = asyncio.Event()
    seen: asyncio.Queue[Observation] = asyncio.Queue()
    loop = asyncio.create_task(
        poll(raising(), source="x", interval=1e6, clock=Clock(), tell=seen.put_nowait, wake=wake)
    )
    async with asyncio.timeout(60):
        await seen.get()
        wake.set()
        assert await seen.get() == GOOD
    loop.cancel()


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 1.0), (2, 2.0), (3, 3.0), (10_000, 3.0)])
def test_back_off_doubles_to_three_seconds_with_jitter(failures: int, ceiling: float) -> None:
    pauses = [back_off(failures, interval=3600.0) for _ in range(500)]
    assert 0.6 * ceiling <= min(pauses) < 0.65 * ceiling
    assert 0.95 * ceiling < max(pauses) <= ceiling


def test_back_off_is_never_longer_than_the_interval() -> None:
    assert max(back_off(20, interval=1.5) for _ in range(500)) <= 1.5


async def test_the_end_of_what_is_unwell_is_waited_for_as_that_of_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: asyncio.Queue[float] = asyncio.Queue()

    async def rest(seconds: float, wake: asyncio.Event | None) -> None:
        paused.put_nowait(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(polling, "rest", rest)
    answers = iter([True, False] * 2)
    running = asyncio.create_task(
        poll(raising(), source="x", interval=60.0, clock=Clock(), tell=lambda _: None, unwell=lambda _: next(answers))
    )
    async with asyncio.timeout(20):
        first, second = await paused.get(), await paused.get()
    running.cancel()
    assert first == LONGEST_PAUSE
    assert 59.0 < second <= 60.0


@pytest.mark.parametrize(("wish", "most"), [(2.0, 2.0), (3600.0, LONGEST_WISH)])
async def test_a_server_that_asks_to_wait_is_left_alone_for_so_long_but_not_for_an_hour(
    wish: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: asyncio.Queue[float] = asyncio.Queue()

    async def rest(seconds: float, wake: asyncio.Event | None) -> None:
        paused.put_nowait(seconds)
        await asyncio.Event().wait()

    monkeypatch.setattr(polling, "rest", rest)
    monkeypatch.setattr(polling, "back_off", lambda failures, interval: 1.0)
    busy = HttpFailure("too busy", "Wait.", 429, retry_after=wish)
    running = asyncio.create_task(poll(raising(busy), source="x", interval=60.0, clock=Clock(), tell=lambda _: None))
    async with asyncio.timeout(20):
        assert await paused.get() == most
    running.cancel()
