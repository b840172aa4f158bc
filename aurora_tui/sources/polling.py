"""Look, tell, wait, look again: the loop of every source that asks instead of being told.

A failed look is told in words and tried again soon, with full jitter so that many consoles do not come back
at the same moment (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from aurora_tui.clock import Clock
from aurora_tui.situation.observation import Observation, SourceFailed
from aurora_tui.sources.failure import describe_failure, is_failure_of_the_other_side
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
_SHORTEST_PAUSE = 0.05

Look = Callable[[], Awaitable[Observation]]


async def poll(
    look: Look,
    *,
    source: str,
    interval: float,
    clock: Clock,
    tell: Tell,
    time_limit: float = 10.0,
    url: str = "",
    wake: asyncio.Event | None = None,
) -> None:
    """Call `look` every `interval` world seconds and tell what it returns, until cancelled.

    `time_limit` is real seconds: a look that hangs is cut there. A look that raises is told as SourceFailed
    and tried again after `back_off`; nothing but cancellation ends the loop. `look` may itself return
    SourceFailed, which counts as a failure. Setting `wake` ends a pause at once.
    """
    failures = 0
    while True:
        began = clock.monotonic()
        observation = await look_once(look, source=source, clock=clock, time_limit=time_limit, url=url)
        tell(observation)
        if isinstance(observation, SourceFailed):
            failures += 1
            pause = back_off(failures, clock.real_seconds(interval))
        else:
            failures = 0
            pause = clock.real_seconds(max(0.0, interval - (clock.monotonic() - began)))
        await rest(max(_SHORTEST_PAUSE, pause), wake)


async def look_once(look: Look, *, source: str, clock: Clock, time_limit: float, url: str = "") -> Observation:
    """What `look` returns, or the failure in words; it never raises but for cancellation."""
    where = redact_url(url) or source
    try:
        async with asyncio.timeout(time_limit) as limit:
            return await look()
    except Exception as error:  # noqa: BLE001 - a source outlives every fault: it is told, not hidden
        if isinstance(error, TimeoutError) and limit.expired():
            words = f"{where} gives no answer within {time_limit:g} s. Check the network and the server's load."
        elif is_failure_of_the_other_side(error):
            words = describe_failure(error, url)
        else:
            words = (
                f"unexpected {type(error).__name__} while asking {where}: {safe(str(error), 200)}. Please report it."
            )
        return SourceFailed(source=source, at=clock.now(), error=words)


def back_off(failures: int, interval: float) -> float:
    """Real seconds to wait after the `failures`-th failure in a row: full jitter, doubling from FIRST_PAUSE.

    Never longer than `interval` (real seconds): a server that comes back is seen as soon as a healthy one
    would be.
    """
    ceiling = min(LONGEST_PAUSE, max(FIRST_PAUSE, interval), FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
    return random.uniform(0.0, ceiling)


async def rest(seconds: float, wake: asyncio.Event | None) -> None:
    """Wait `seconds` real seconds, or less when `wake` is set; clears it."""
    if wake is None:
        await asyncio.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()
