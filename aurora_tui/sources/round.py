"""One round of questions to Prometheus: the same question is asked once, and answers come by treaty."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aurora_tui.situation.freshness import STALE_AFTER_INTERVALS
from aurora_tui.situation.mission import Reading
from aurora_tui.situation.query import substitute
from aurora_tui.sources.failure import HttpFailure, ServerGone, describe_silence
from aurora_tui.sources.hedge import heard
from aurora_tui.sources.prometheus import FEWER_POINTS, MOST_POINTS, Prometheus, Sample, Series

DOUBT_AFTER = 2.5  # real seconds without an answer, after which the server is asked for its time
ALIVE_WITHIN = 2.0  # real seconds for that
Combine = Callable[[float, float], float]
_TIMES_ARE_WHOLE = 1e-3  # seconds: as exact as Prometheus keeps them


@dataclass(frozen=True, slots=True)
class Grid:
    """Points k·step for k from `first`, `count` of them; Unix seconds."""

    first: int
    count: int
    step: float

    def times(self, low: int, high: int) -> tuple[float, float]:
        """The times of the points `low` to `high`, counted from the grid's own first."""
        return (self.first + low) * self.step, (self.first + high) * self.step


class Filled(NamedTuple):
    """A grid's values, None where missing, and which reading gave each."""

    values: list[float | None]
    by: list[Reading | None]


def present(reading: Reading, oldest: float) -> str:
    """PromQL for `reading` at the moments at which it can be trusted: a sample no older than `oldest` seconds
    stands behind it, and events enough. The server judges that, so that only values travel.

    `on ()`: whatever labels value and newest have, both are of one treaty.
    """
    # What stands in brackets ends its line: a query may end in a comment.
    kept = [f"({reading.value}\n) and on () (max({reading.newest}\n) >= time() - {oldest + _TIMES_ARE_WHOLE:.3f})"]
    if reading.events is not None and reading.min_events > 0.0:
        kept.append(f"(max({reading.events}\n) >= {reading.min_events!r})")
    return " and on () ".join(kept)


class Round:
    """Questions for one mission: `label` names the treaty, `treaty` is the one in focus."""

    def __init__(self, prometheus: Prometheus, *, label: str, treaty: str, scrape_interval: float) -> None:
        self._prometheus = prometheus
        self._label = label
        self.treaty = treaty
        self.scrape_interval = scrape_interval
        self._asked: dict[tuple[Any, ...], asyncio.Future[Any]] = {}
        self._gone: ServerGone | None = None
        self._pulse: asyncio.Future[bool] | None = None

    def cancel(self) -> None:
        """Give up on what is not answered yet."""
        for future in self._asked.values():
            future.cancel()
        if self._pulse is not None:
            self._pulse.cancel()

    async def vector(self, query: str) -> list[Sample]:
        """The answer now, as it is."""
        answer: list[Sample] = await self._once(("now", query), lambda: self._prometheus.instant(query))
        return answer

    async def matrix(self, query: str, start: float, end: float, step: float, chunk: int = MOST_POINTS) -> list[Series]:
        """The answer over time, as it is; asked in chunks of so many points."""
        answer: list[Series] = await self._once(
            (query, start, end, step), lambda: self._prometheus.range(query, start, end, step, chunk)
        )
        return answer

    async def by_treaty(self, template: str, combine: Combine, window: float | None = None) -> dict[str, float]:
        """The answer now for every treaty; `combine` settles two samples of one.

        A sample without the treaty label (one policy engine for all) counts for the treaty in focus.
        """
        query = substitute(template, treaty=None, scrape_interval=self.scrape_interval, window=window)
        found: dict[str, float] = {}
        for labels, value in await self.vector(query):
            treaty = labels.get(self._label) or self.treaty
            found[treaty] = combine(found[treaty], value) if treaty in found else value
        return found

    async def fill(self, readings: Sequence[Reading], grid: Grid, combine: Combine) -> Filled:
        """The focused treaty's values on `grid`, each from the best reading that has one there.

        Point by point, so that the answer is the same whenever it is asked. A value without a fresh sample
        behind it, not a number, or of too few events is missing.
        """
        filled = Filled([None] * grid.count, [None] * grid.count)
        for reading in readings:
            if None not in filled.values:
                break
            low = filled.values.index(None)
            high = grid.count - 1 - filled.values[::-1].index(None)
            await self._fill_from(reading, grid, low, high, combine, filled)
        return filled

    async def _fill_from(
        self, reading: Reading, grid: Grid, low: int, high: int, combine: Combine, filled: Filled
    ) -> None:
        query = substitute(
            present(reading, STALE_AFTER_INTERVALS * self.scrape_interval),
            treaty=self.treaty,
            scrape_interval=self.scrape_interval,
        )
        column: dict[int, float] = {}
        start, end = grid.times(low, high)
        for _, points in await self.matrix(query, start, end, grid.step, FEWER_POINTS):
            for time, value in points:
                index = round(time / grid.step) - grid.first
                if low <= index <= high:
                    column[index] = combine(column[index], value) if index in column else value
        for index, value in column.items():
            if filled.values[index] is None and not math.isnan(value):
                filled.values[index], filled.by[index] = value, reading

    async def _once(self, key: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
        future = self._asked.get(key)
        if future is None:
            future = self._asked[key] = heard(asyncio.ensure_future(self._watched(ask)))
        # Shielded: who else waits for the same answer must not lose it with this one.
        return await asyncio.shield(future)

    async def _watched(self, ask: Callable[[], Any]) -> Any:
        """What `ask` gives. ServerGone when it gets no answer and the server does not tell its time either.

        A question may be too heavy for a server that is well; but a server that hangs would let every question wait
        out its time limit, for a minute or more in which nobody knows that it is back.
        """
        if self._gone is not None:
            raise self._gone
        asking = heard(asyncio.ensure_future(ask()))
        try:
            while not (await asyncio.wait({asking}, timeout=DOUBT_AFTER))[0]:
                await self._require_life()
            return asking.result()
        except HttpFailure as error:
            if error.silent:
                await self._require_life()
            raise
        finally:
            asking.cancel()

    async def _require_life(self) -> None:
        """ServerGone unless the server tells its time; questions that doubt at the same time ask once."""
        if self._pulse is None or self._pulse.done():
            self._pulse = heard(asyncio.ensure_future(self._tells_time()))
        if not await asyncio.shield(self._pulse):
            self._gone = ServerGone(*describe_silence(self._prometheus.url))
            raise self._gone

    async def _tells_time(self) -> bool:
        try:
            async with asyncio.timeout(ALIVE_WITHIN):
                await self._prometheus.time()
        except (HttpFailure, TimeoutError):
            return False
        return True
