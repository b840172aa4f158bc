"""Where Prometheus' own record begins: what it was not there to see is not held against anybody.

A server started an hour ago, or one that keeps 15 days, knows nothing of a start before that. Only this
leading stretch is left out; a hole later on counts as missing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable

from aurora_tui.situation.query import substitute
from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.prometheus import FEWER_POINTS
from aurora_tui.sources.round import Round

TARGETS = "count(up)"
_COARSE = 240.0  # less than the lookback of 5 min, so that no sample falls between two points


async def record_begins(round: Round, newest: Iterable[str], t0: float, server_now: float) -> float | None:
    """`t0`, or the first grid point after it at which any of `newest`, or any target, has a sample.

    None: there is no sample at all. A query that fails says nothing here: it is told where it is used.
    """
    queries = {substitute(text, treaty=round.treaty, scrape_interval=round.scrape_interval) for text in newest}
    queries.add(TARGETS)
    grid = round.scrape_interval
    first = math.ceil(t0 / grid) * grid
    if first >= server_now or await _first_sample(round, queries, first, first, grid) is not None:
        return t0
    near = await _first_sample(round, queries, first, server_now, _COARSE)
    if near is None:
        near = await _first_sample(round, queries, server_now, server_now, grid)
    if near is None:
        return None
    low = max(first, math.floor((near - _COARSE) / grid) * grid)
    exact = await _first_sample(round, queries, low, math.ceil(near / grid) * grid, grid)
    return near if exact is None else exact


async def _first_sample(round: Round, queries: Iterable[str], start: float, end: float, step: float) -> float | None:
    """The first point at which one of `queries` has a value."""

    async def ask(query: str) -> float | None:
        try:
            found = await round.matrix(query, start, end, step, FEWER_POINTS)
        except HttpFailure:
            return None
        return min((series.points[0][0] for series in found if series.points), default=None)

    moments = await asyncio.gather(*(ask(query) for query in queries))
    return min((moment for moment in moments if moment is not None), default=None)
