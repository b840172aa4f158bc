"""Waiting for something to be so, with a limit, instead of for some time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns as soon as `condition()` is true; TimeoutError when it is not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for may be anything, not only an event
            await asyncio.sleep(0.005)
