"""One look at everything: the war room run until every source has answered or failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aurora_tui.situation.criterion import CriterionStatus
from aurora_tui.situation.slo import SloState, SloStatus

if TYPE_CHECKING:
    from aurora_tui.situation.situation import Situation
    from aurora_tui.warroom import Warroom


async def glimpse(warroom: Warroom, limit: float) -> Situation:
    """The first Situation in which nothing is still being waited for; after `limit` real seconds, the last one.

    What did not answer in time is in it as not known, and its verdict is BLIND.
    """
    seen: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def tell(situation: Situation) -> None:
        if settled(situation) and not seen.done():
            seen.set_result(None)

    running = asyncio.create_task(warroom.run(tell))
    try:
        async with asyncio.timeout(limit):
            await asyncio.wait((running, seen), return_when=asyncio.FIRST_COMPLETED)
    except TimeoutError:
        pass  # the situation says itself what is missing
    try:
        if running.done():
            running.result()
        return warroom.situation()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def settled(situation: Situation) -> bool:
    """Whether every watched source has answered or failed, and what Prometheus remembers has been read once."""
    answered = {light.name: light for light in situation.lights if light.observed_at is not None}
    if any(light.watched and light.name not in answered and light.error is None for light in situation.lights):
        return False
    metrics = answered.get("metrics")
    if metrics is None:
        return True
    return all(map(_remembered, situation.slos)) and all(map(_read, situation.criteria))


def _remembered(slo: SloStatus) -> bool:
    # What could not be read would not come by waiting longer.
    return slo.completeness is not None or slo.history_error is not None or slo.state is SloState.UNKNOWN


def _read(status: CriterionStatus) -> bool:
    return status.folded_to is not None or status.source_error is not None
