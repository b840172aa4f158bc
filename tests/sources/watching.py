"""Run a source and wait for what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aurora_tui.situation.observation import MetricsObserved, Observation, SourceFailed
from aurora_tui.sources.source import Source


class Watch:
    """What a running source has told so far."""

    def __init__(self) -> None:
        self.told: list[Observation] = []
        self._more = asyncio.Event()

    def tell(self, observation: Observation) -> None:
        self.told.append(observation)
        self._more.set()

    async def metrics(
        self, wanted: Callable[[MetricsObserved], bool] = lambda _: True, *, within: float = 60.0
    ) -> MetricsObserved:
        """The next answer that is `wanted`."""
        async with asyncio.timeout(within):
            while True:
                observation = await self._next()
                if isinstance(observation, MetricsObserved) and wanted(observation):
                    return observation

    async def failure(self, *, within: float = 60.0) -> SourceFailed:
        """The next failure."""
        async with asyncio.timeout(within):
            while True:
                observation = await self._next()
                if isinstance(observation, SourceFailed):
                    return observation

    async def _next(self) -> Observation:
        self._more.clear()
        await self._more.wait()
        return self.told[-1]


@asynccontextmanager
async def watching(source: Source) -> AsyncIterator[Watch]:
    """A source that runs until the block ends."""
    watch = Watch()
    task = asyncio.create_task(source.run(watch.tell))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()
