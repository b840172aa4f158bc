"""A question that waits is asked a second time: whichever connection is alive, answers."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from aurora_tui.sources.hedge import heard, hedged
from tests.kube.conditions import until

Try = Callable[[], Awaitable[str]]


class Tries:
    """Each call takes the next of `tries`, the last again and again. `open` are those under way."""

    def __init__(self, *tries: Try) -> None:
        self._left = list(tries)
        self.asked = self.open = self.most_open = 0

    async def __call__(self) -> str:
        self.asked += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            return await (self._left.pop(0) if len(self._left) > 1 else self._left[0])()
        finally:
            self.open -= 1


async def hang() -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def answer() -> str:
    return "answer"


async def fail() -> str:
    raise ConnectionRefusedError


async def test_a_question_that_is_answered_is_asked_once() -> None:
    tries = Tries(answer)
    assert await hedged(tries, after=0.01) == "answer"
    assert (tries.asked, tries.open) == (1, 0)


async def test_a_later_try_answers_for_one_that_hangs_and_nothing_is_left_under_way() -> None:
    tries = Tries(hang, hang, hang, answer)
    async with asyncio.timeout(20):
        assert await hedged(tries, after=0.01) == "answer"
    assert (tries.asked, tries.open, tries.most_open) == (4, 0, 2)


async def test_a_slow_answer_to_the_first_try_counts_however_many_scouts_went() -> None:
    arrived = asyncio.Event()

    async def slow() -> str:
        await arrived.wait()
        return "late"

    tries = Tries(slow, hang)
    asking = asyncio.ensure_future(hedged(tries, after=0.01))
    await until(lambda: tries.asked >= 4)
    arrived.set()
    async with asyncio.timeout(20):
        assert await asking == "late"
    assert tries.open == 0


async def test_the_first_tries_failure_is_raised_and_a_scouts_is_not() -> None:
    with pytest.raises(ConnectionRefusedError):
        await hedged(Tries(fail), after=0.01)
    tries = Tries(hang, fail, fail, answer)
    async with asyncio.timeout(20):
        assert await hedged(tries, after=0.01) == "answer"


async def test_cancelling_it_cancels_both() -> None:
    tries = Tries(hang)
    asking = asyncio.ensure_future(hedged(tries, after=0.01))
    await until(lambda: tries.open == 2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert tries.open == 0


@pytest.mark.parametrize("kept", [False, True])
async def test_a_failure_that_nobody_waits_for_any_more_is_no_unhandled_fault(kept: bool) -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
    future = heard(loop.create_future()) if kept else loop.create_future()
    future.set_exception(ConnectionRefusedError())
    await asyncio.sleep(0)
    del future
    gc.collect()
    assert complaints == ([] if kept else ["Future exception was never retrieved"])
