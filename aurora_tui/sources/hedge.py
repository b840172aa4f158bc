"""Ask a second time while the first waits: a connection that died says nothing when its server comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

SCOUT_AFTER = 2.0
"""Real seconds that a question waits alone, and that each scout is given."""


async def hedged(ask: Callable[[], Awaitable[T]], after: float = SCOUT_AFTER) -> T:
    """What `ask()` gives. While it waits, `ask` is tried anew every `after` s, and the first answer counts.

    Two are under way at most: the first, which keeps its whole time limit for a server that is only slow, and a scout
    on another connection, which is given up for the next one. The first one's failure is raised, a scout's is not.
    """
    patient = asyncio.ensure_future(ask())
    scout: asyncio.Future[T] | None = None
    try:
        while True:
            await asyncio.wait({patient}, timeout=after) if scout is None else await _first(patient, scout, after)
            if patient.done():
                return patient.result()
            if scout is not None and scout.done() and not scout.cancelled() and scout.exception() is None:
                return scout.result()
            await _end(scout)
            scout = asyncio.ensure_future(ask())
    finally:
        await _end(patient, scout)


def heard(future: asyncio.Future[T]) -> asyncio.Future[T]:
    """The same; when it fails and nobody waits for it any more, that is no unhandled fault."""
    future.add_done_callback(_hear)
    return future


def _hear(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()


async def _first(patient: asyncio.Future[T], scout: asyncio.Future[T], seconds: float) -> None:
    """Wait until either answers, or the patient one fails, or the time is over: a scout's failure ends no pause."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    await asyncio.wait({patient, scout}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if not patient.done() and scout.done() and (scout.cancelled() or scout.exception() is not None):
        await asyncio.wait({patient}, timeout=max(0.0, until - loop.time()))


async def _end(*tasks: asyncio.Future[T] | None) -> None:
    """Cancel what is left and let it clean up; what it says then is nobody's answer."""
    left = [task for task in tasks if task is not None]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
