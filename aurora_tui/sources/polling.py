"""Look, tell, wait, look again: the loop of every source that asks instead of being told.

A failed look is told in words and tried again soon: whoever looks at a dark panel wants to see at once that it is over.
So the pause doubles only from 1 s to 3 s, with jitter so that many consoles do not come back at the same moment
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/); that is at most one request a second.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aurora_tui.clock import Clock
from aurora_tui.situation.observation import Observation, SourceFailed
from aurora_tui.sources.failure import HttpFailure, describe_failure, is_failure_of_the_other_side
from aurora_tui.sources.hedge import hedged
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 3.0
LONGEST_WISH = 3.5
"""Real seconds for which a server's Retry-After is obeyed. It may ask for an hour: one request in 3.5 s is no load, and
an hour of BLIND after its end is not what it meant."""
_LEAST_SHARE = 0.6  # of a pause: the rest is jitter
_SHORTEST_PAUSE = 0.05

Look = Callable[[], Awaitable[Observation]]


class Looked(NamedTuple):
    """What a look gave, and for how many real seconds the server asked to be left alone."""

    observation: Observation
    wish: float | None = None


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
    hedge: bool = False,
    unwell: Callable[[Observation], bool] = lambda _: False,
) -> None:
    """Call `look` every `interval` world seconds and tell what it returns, until cancelled.

    `time_limit` is real seconds: a look that hangs is cut there. A look that raises is told as SourceFailed
    and tried again after `back_off`; nothing but cancellation ends the loop. `look` may itself return
    SourceFailed, which counts as a failure. Setting `wake` ends a pause at once. With `hedge`, a look that comes
    after a failed one is `hedged`: it must be safe to run twice at the same time. After an answer that is `unwell`
    the next look comes as soon as after a failure: its end is waited for as much.
    """
    failures = 0
    while True:
        began = clock.monotonic()
        asking = (lambda: hedged(look)) if hedge and failures else look
        observation, wish = await look_once(asking, source=source, clock=clock, time_limit=time_limit, url=url)
        tell(observation)
        if isinstance(observation, SourceFailed):
            failures += 1
            pause = max(back_off(failures, clock.real_seconds(interval)), min(wish or 0.0, LONGEST_WISH))
        else:
            failures = 0
            pause = clock.real_seconds(max(0.0, interval - (clock.monotonic() - began)))
            if unwell(observation):
                pause = min(pause, LONGEST_PAUSE)
        await rest(max(_SHORTEST_PAUSE, pause), wake)


async def look_once(look: Look, *, source: str, clock: Clock, time_limit: float, url: str = "") -> Looked:
    """What `look` returns, or the failure in words; it never raises but for cancellation."""
    where = redact_url(url) or source
    try:
        async with asyncio.timeout(time_limit) as limit:
            return Looked(await look())
    except Exception as error:  # noqa: BLE001 - a source outlives every fault: it is told, not hidden
        if isinstance(error, TimeoutError) and limit.expired():
            words = f"{where} gives no answer within {time_limit:g} s. Check the network and the server's load."
        elif is_failure_of_the_other_side(error):
            words = describe_failure(error, url)
        else:
            words = (
                f"unexpected {type(error).__name__} while asking {where}: {safe(str(error), 200)}. Please report it."
            )
        wish = error.retry_after if isinstance(error, HttpFailure) else None
        return Looked(SourceFailed(source=source, at=clock.now(), error=words), wish)


def back_off(failures: int, interval: float) -> float:
    """Real seconds to wait after the `failures`-th failure in a row: doubling from FIRST_PAUSE to LONGEST_PAUSE.

    Never longer than `interval` (real seconds). The last part of it is random.
    """
    ceiling = min(LONGEST_PAUSE, max(FIRST_PAUSE, interval), FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
    return random.uniform(_LEAST_SHARE, 1.0) * ceiling


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
