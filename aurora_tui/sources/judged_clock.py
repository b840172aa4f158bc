"""The time that entries of the ledger carry: Prometheus' wherever it is more than a few seconds from this machine's.

The console judges on Prometheus' clock. An entry that carries another clock's time would put a start or a reset where
nothing is judged.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass

from aurora_tui.clock import Clock
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.sources.prometheus import Prometheus
from aurora_tui.text import safe

SKEW_ACCEPTED = 5.0  # seconds that two clocks may differ before one of them is called wrong
SKEW_REFUSED = 86400.0  # beyond it neither can be believed: a server without a battery lives in 1970
TIME_LIMIT = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClock:
    """The clock to write by, and in words what was done about it, "" when there was nothing to do."""

    clock: Clock
    words: str = ""


async def judge_clock(settings: Settings, limit: float = TIME_LIMIT) -> JudgedClock:
    """The settings' clock, put right by Prometheus' when they differ. `limit`: real seconds to wait for its answer.

    AuroraError when they are more than a day apart: the entry would carry a wrong day.
    """
    clock = settings.clock
    if settings.environment.prometheus is None:
        return JudgedClock(clock=clock)
    try:
        skew = await _skew(settings, limit)
    except (AuroraError, TimeoutError) as error:
        why = str(error).rstrip(".") or f"no answer within {limit:g} s"
        return JudgedClock(
            clock=clock, words=f"Prometheus does not tell its time: {safe(why)}. The entry carries this machine's."
        )
    if abs(skew) <= SKEW_ACCEPTED:
        return JudgedClock(clock=clock)
    side = "behind" if skew > 0 else "ahead of"
    apart = f"This machine's clock is {abs(skew):.0f} s {side} Prometheus'"
    if abs(skew) > SKEW_REFUSED:
        raise AuroraError(apart, "Set the wrong one right (NTP), then record it: the entry would carry a wrong day.")
    return JudgedClock(
        clock=Clock(clock.real_origin, clock.world_origin + skew, clock.speed),
        words=f"{apart}: the entry carries Prometheus' time. Check NTP on both.",
    )


async def _skew(settings: Settings, limit: float) -> float:
    """Prometheus' clock minus ours, in seconds, no nearer to it than the asking itself took."""
    clock, source = settings.clock, settings.environment.prometheus
    assert source is not None
    prometheus = Prometheus(source.url, source.auth)
    try:
        began = time.time()
        async with asyncio.timeout(limit):
            answers = [sample.value for sample in await prometheus.instant("time()")]
        unsure = (time.time() - began) * clock.speed / 2
        if len(answers) != 1 or not math.isfinite(answers[0]):
            raise AuroraError("it answers time() with something else", "")
        skew = answers[0] - (clock.now() - unsure)
        return 0.0 if abs(skew) <= unsure else skew
    finally:
        prometheus.close()
