"""Follow the alerts' history: Prometheus' own record of what fired, read stretch by stretch."""

from __future__ import annotations

import math
import time

from aurora_tui.situation.alert import FiringSpan
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.fold import settle
from aurora_tui.situation.query import substitute
from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.prometheus import MOST_POINTS
from aurora_tui.sources.round import Round

_FEWEST_POINTS = 20
_NOT_AN_ALERT_LABEL = frozenset({"__name__", "alertstate"})


class FiringFollower:
    """Which alerts fired since the start, from Prometheus' own record of them."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._known_to: float | None = None
        self._next: int | None = None
        self._spans: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        self._most = MOST_POINTS
        self.error: str | None = None

    def restart(self, t0: float) -> None:
        """Begin anew at `t0`, unless that is where it begins already."""
        if self._start != t0:
            self._start, self._next, self._known_to, self._spans = t0, None, None, {}

    async def follow(self, round: Round, server_now: float, until: float) -> None:
        """Ask for what is not known yet; after `until` (monotonic) the rest waits for the next look.

        An alert between two points of the grid is not missed.
        """
        try:
            while await self._advance(round, server_now):
                if time.monotonic() > until:
                    break
            self.error = None
        except HttpFailure as error:
            # In an alert storm a long stretch may be more than the server gives, or we take.
            self._most = max(_FEWEST_POINTS, self._most // 2)
            self.error = str(error)

    async def _advance(self, round: Round, server_now: float) -> bool:
        """Read one stretch; False when there is none left."""
        step, start = round.scrape_interval, self._start
        if start is None:
            return False
        first = math.ceil(start / step) if self._next is None else self._next
        newest = math.floor((server_now - settle(step)) / step)
        if newest < first:
            if self._next is None:
                self._known_to = start  # it has just begun: no point of it has settled yet
            return False
        last = min(newest, first + self._most - 1)
        record = 'ALERTS{alertstate="firing"}'
        query = substitute(f"{record} or max_over_time({record}[{Duration(step)}])", treaty=None, scrape_interval=step)
        found = await round.matrix(query, first * step, last * step, step)
        if self._start != start:
            return True  # started anew while the answer was on its way
        self._next, self._known_to = last + 1, last * step
        moments: dict[tuple[tuple[str, str], ...], set[float]] = {}
        for labels, points in found:
            key = tuple(sorted((name, text) for name, text in labels.items() if name not in _NOT_AN_ALERT_LABEL))
            moments.setdefault(key, set()).update(time for time, _ in points)
        for key, times in moments.items():
            self._add(key, sorted(times), step)
        return last < newest

    @property
    def known_from(self) -> float | None:
        """Where it begins."""
        return self._start

    @property
    def known_to(self) -> float | None:
        """Up to when it is read; None before the first answer."""
        return self._known_to

    def observed(self) -> tuple[FiringSpan, ...]:
        """All spans, by when they began."""
        spans = [
            FiringSpan(labels=dict(key), start=start, end=end)
            for key, stretches in self._spans.items()
            for start, end in stretches
        ]
        return tuple(sorted(spans, key=lambda span: span.start))

    def _add(self, key: tuple[tuple[str, str], ...], times: list[float], step: float) -> None:
        stretches = self._spans.setdefault(key, [])
        for moment in times:
            if stretches and moment - stretches[-1][1] <= 2 * step:
                stretches[-1] = (stretches[-1][0], moment)
            else:
                stretches.append((moment, moment))
