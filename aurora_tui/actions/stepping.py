"""One step of a run: asked where it stands, carried out once, and asked again until its goal is so.

What stands in doubt (an answer that got lost, a conflict, an executor that was killed) is never decided from memory:
the step is asked, and only a step that is not done is carried out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from aurora_tui.actions.operation import Operation, Reach, Standing
from aurora_tui.actions.patience import Pauses, Remedy, remedy_of
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.actions.renewal import renew_identity
from aurora_tui.errors import AuroraError
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.runbook import Wait

_FIRST_POLL, _LONGEST_POLL = 0.1, 1.0  # real seconds between two looks at a goal
_REAL_AT_LEAST = 30.0  # real seconds that a limit leaves, however fast a drill's clock is: answers take real time
T = TypeVar("T")


class OutOfTime(AuroraError):
    """A limit is over, and the goal is not reached."""


class Limit:
    """So much time from now on, world seconds, and what is done with the failures in it."""

    def __init__(self, reach: Reach, seconds: float, within: Limit | None = None) -> None:
        """within: a longer one, which ends this one too."""
        self._reach = reach
        self._clock = reach.clock
        self._seconds = seconds
        self._end = self._clock.monotonic() + max(seconds, min(seconds, _REAL_AT_LEAST) * self._clock.speed)
        if within is not None and within._end < self._end:
            self._end, self._seconds = within._end, within._seconds
        self._pauses = Pauses()
        self._poll = _FIRST_POLL
        self._in_doubt = False  # whether a write was sent and neither answered nor looked after

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer, however often it has to be asked for. The failure itself when it will not pass; OutOfTime."""
        while True:
            try:
                answer = await question()
            except AuroraError as error:
                await self.bear(error)
                continue
            self._pauses.well()
            self._in_doubt = False
            return answer

    async def bear(self, error: AuroraError, *, wrote: bool = False) -> None:
        """Wait as long as this failure asks for. Raises it when it will not pass, OutOfTime when there is no time.

        wrote: it is the failure of a write, which may have been carried out though no answer came.
        """
        remedy = remedy_of(error)
        if remedy is Remedy.STOP:
            raise error
        self._in_doubt = self._in_doubt or (wrote and remedy is Remedy.WAIT)
        doubt = " What was asked for may have been done all the same." if self._in_doubt else ""
        await self._wait(self._pauses.after(error), f"{error}{doubt}", error)
        if remedy is Remedy.RENEW:
            await renew_identity(self._reach)

    async def look_again_later(self, words: str) -> None:
        """Wait before the next look at a goal that is not so yet: `words` says how far it is. OutOfTime."""
        pause, self._poll = self._poll, min(_LONGEST_POLL, self._poll * 1.5)
        await self._wait(pause, words, None)

    async def _wait(self, pause: float, words: str, error: AuroraError | None) -> None:
        world = pause * self._clock.speed
        if self._clock.monotonic() + world >= self._end:
            raise OutOfTime(f"Not done within {Duration(self._seconds)}: {words}", "") from error
        await self._clock.sleep(world)


class Told(Protocol):
    """Who is told how a step goes, and tells whether it may."""

    async def heed(self, waiting: bool) -> None:
        """Raises when nothing more may be done. waiting: nothing would be broken off but waiting."""
        ...

    async def about_to_write(self) -> None:
        """Raises when nothing may be written now."""
        ...

    async def begun(self, planned: PlannedStep, standing: Standing) -> None:
        """The step is not done; it is about to be carried out."""
        ...

    async def done(self, planned: PlannedStep, standing: Standing, *, already: bool) -> None:
        """The step's goal is so. already: nothing had to be done for it."""
        ...


async def carry_through(planned: PlannedStep, operation: Operation, reach: Reach, limit: Limit, told: Told) -> None:
    """Bring one step to its goal. AuroraError in words when it cannot be brought there; whatever `told` raises.

    Changed is the operation's word for a world that is no longer the approved one, and ends it.
    """
    begun = carried_out = False
    only_waits = isinstance(planned.step, Wait)

    async def look() -> Standing:
        # Each time, so that whoever cancels is heard also while nobody answers.
        await told.heed(waiting=only_waits or not begun)
        return await operation.standing(planned, reach)

    while True:
        standing = await limit.ask(look)
        if standing.done:
            await told.done(planned, standing, already=not begun)
            return
        if not begun:
            await told.begun(planned, standing)
            begun = True
        if carried_out:
            await limit.look_again_later(standing.words)
            continue
        await limit.ask(told.about_to_write)
        try:
            await operation.carry_out(planned, reach)
            carried_out = True
        except AuroraError as error:
            await limit.bear(error, wrote=True)
