"""Follow one SLO or one criterion: what is known so far, and only the rest is asked for."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable

from aurora_tui.situation import criterion as judging
from aurora_tui.situation.criterion import CriterionObserved, Fold
from aurora_tui.situation.fold import settle, settled_points
from aurora_tui.situation.freshness import STALE_AFTER_INTERVALS
from aurora_tui.situation.lint import cannot_trip, quantile_of
from aurora_tui.situation.mission import Criterion, Direction, Objective, Reading
from aurora_tui.situation.slo import HOUR, Point, SloObserved
from aurora_tui.sources.failure import HttpFailure
from aurora_tui.sources.prometheus import MOST_POINTS
from aurora_tui.sources.round import Grid, Round

HISTORY_STEP = 60.0
_FRESH = 4  # the best rank of a reading: it has a value, and a fresh sample behind it


class SloFollower:
    """What is known of one SLO."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._reading: Reading | None = None
        self._values: dict[str, float] = {}
        self._newest: dict[str, float] = {}
        self._window_shares: dict[str, float] = {}
        self._hour_shares: dict[str, float] = {}
        self._window_at: float | None = None
        self._hour_at: float | None = None
        self._shares_of: str | None = None  # the query that the shares are the answer to
        self._as_written: float | None = None
        self._history: deque[Point] = deque()
        self._points: tuple[Point, ...] = ()
        self._history_start: float | None = None
        self._history_from: int | None = None
        self._history_next: int | None = None
        self._errors: dict[str, str] = {}

    async def look(self, round: Round, server_now: float) -> None:
        """Value and newest sample now, from the first reading with fresh data for the treaty in focus."""
        try:
            best: tuple[int, Reading | None, dict[str, float], dict[str, float]] = (0, None, {}, {})
            for reading in self.objective.reading:
                values = await round.by_treaty(reading.value, self._worse)
                if not values:
                    continue
                newest = await round.by_treaty(reading.newest, max)
                rank = self._rank(values.get(round.treaty), newest.get(round.treaty), round, server_now)
                if rank > best[0]:
                    best = (rank, reading, values, newest)
                if rank == _FRESH:
                    break
            _, self._reading, self._values, self._newest = best
            self._errors.pop("value", None)
        except HttpFailure as error:
            self._errors["value"] = str(error)

    async def look_back(self, round: Round, server_now: float, window: float, memory: float) -> None:
        """The slow ones: the query as the plan wrote it, and `memory` of history; neither waits on the other."""
        if self.objective.as_written is not None:
            try:
                written = await round.by_treaty(self.objective.as_written, self._worse, window)
                self._as_written = written.get(round.treaty)
                self._errors.pop("as written", None)
            except HttpFailure as error:
                self._as_written = None
                self._errors["as written"] = str(error)
        try:
            await self._more_history(round, server_now, memory)
            self._errors.pop("history", None)
        except HttpFailure as error:
            self._errors["history"] = str(error)

    @property
    def share_is_of_history(self) -> bool:
        """Whether the share of good time is counted from the history: nothing else tells it."""
        return self._reading is not None and self._reading.good_ratio is None

    @property
    def notes(self) -> tuple[str, ...]:
        """What failed without making the present value unknown."""
        return tuple(f"{self.objective.title}: {words}" for key, words in self._errors.items() if key != "value")

    def observed(self) -> SloObserved:
        """All that is known, as an observation."""
        return SloObserved(
            slo=self.objective.id,
            statistic=None if self._reading is None else self._reading.statistic,
            query=None if self._reading is None else self._reading.value,
            values=self._values,
            newest=self._newest,
            good_ratio_window=self._window_shares,
            good_ratio_hour=self._hour_shares,
            window_at=self._window_at,
            hour_at=self._hour_at,
            shares_error=self._errors.get("window's share"),
            history=self._points,
            history_step=HISTORY_STEP,
            history_start=self._history_start,
            history_error=self._errors.get("history"),
            as_written_value=self._as_written,
            error=self._errors.get("value"),
        )

    def _worse(self, one: float, other: float) -> float:
        if math.isnan(one) or math.isnan(other):
            return other if math.isnan(one) else one
        return min(one, other) if self.objective.direction is Direction.AT_LEAST else max(one, other)

    def _rank(self, value: float | None, newest: float | None, round: Round, server_now: float) -> int:
        if value is None:
            return 1  # data, but of other treaties
        if math.isnan(value):
            return 2
        fresh = newest is not None and server_now - newest <= STALE_AFTER_INTERVALS * round.scrape_interval
        return _FRESH if fresh else 3

    async def look_at_shares(self, round: Round, server_now: float, window: float) -> None:
        """The shares of good events over `window` and over the last hour: the row's compliance and budget.

        Each for itself: the one over 72 h is the one that a busy server refuses. What was read stays, with its time.
        """
        asked = None if self._reading is None else self._reading.good_ratio
        self._errors.pop("window's share", None)
        self._errors.pop("hour's share", None)
        if asked != self._shares_of:
            self._shares_of, self._window_shares, self._hour_shares = asked, {}, {}
        if asked is None:
            return
        try:
            self._window_shares = await round.by_treaty(asked, min, window)
            self._window_at = server_now
        except HttpFailure as error:
            self._errors["window's share"] = str(error)
        try:
            self._hour_shares = await round.by_treaty(asked, min, HOUR)
            self._hour_at = server_now
        except HttpFailure as error:
            self._errors["hour's share"] = str(error)

    async def _more_history(self, round: Round, server_now: float, memory: float) -> None:
        oldest = math.ceil((server_now - memory) / HISTORY_STEP)
        newest = math.floor((server_now - settle(round.scrape_interval)) / HISTORY_STEP)
        # More may be asked for than was read at first: a phase's start is known only once the ledger is read.
        anew = self._history_next is None or self._history_from is None or oldest < self._history_from - 1
        first = oldest if anew or self._history_next is None else max(oldest, self._history_next)
        if newest < first:
            return
        grid = Grid(first, newest - first + 1, HISTORY_STEP)
        filled = await round.fill(self.objective.reading, grid, self._worse)
        if anew:
            self._history.clear()
            self._history_from = oldest
        for index, value in enumerate(filled.values):
            if value is not None:
                self._history.append(Point((first + index) * HISTORY_STEP, value))
        while self._history and self._history[0].time < oldest * HISTORY_STEP:
            self._history.popleft()
        self._history_next = newest + 1
        self._history_start = oldest * HISTORY_STEP
        self._points = tuple(self._history)


class CriterionFollower:
    """The fold of one measured criterion, kept up to the newest settled point."""

    def __init__(self, criterion: Criterion) -> None:
        self.criterion = criterion
        self._fold: Fold | None = None
        self._reading: Reading | None = None
        self._value: float | None = None
        self._value_at: float | None = None
        self._error: str | None = None
        self._cannot_trip: str | None = None

    def restart(self, t0: float, grid: float, resets: Iterable[float]) -> None:
        """Begin anew at `t0` or the last reset after it, unless that is where the fold begins already."""
        fold = judging.start(self.criterion, t0, grid, resets)
        if self._fold is None or self._fold.start != fold.start:
            self._fold, self._error = fold, None

    def wait(self, why: str) -> None:
        """Nothing can be folded yet, and why."""
        self._fold, self._error = None, why

    async def follow(self, round: Round, server_now: float, until: float) -> None:
        """Fold every settled point that is not folded yet; after `until` (monotonic) the rest waits."""
        try:
            while self._fold is not None:
                fold = self._fold
                count = min(MOST_POINTS, settled_points(fold, server_now))
                if count == 0:
                    break
                grid = Grid(judging.index_of(fold), count, fold.grid)
                filled = await round.fill(self.criterion.reading, grid, self._worse)
                if self._fold is not fold:
                    continue  # started anew while the answer was on its way
                self._fold = judging.advance(fold, judging.grade_all(filled.values, self.criterion))
                self._remember(grid, filled.values, filled.by)
                self._error = None
                if time.monotonic() > until:
                    break
        except HttpFailure as error:
            self._error = str(error)

    async def check_buckets(self, round: Round) -> None:
        """Whether the histogram's buckets let this criterion trip at all."""
        asked = None if self._reading is None else quantile_of(self._reading.value)
        if self._reading is None or asked is None:
            self._cannot_trip = None
            return
        try:
            found = await round.vector(f"count by (le)({asked.metric})")
        except HttpFailure as error:
            self._error = str(error)
            return
        bounds = [bound for sample in found if (bound := _number(sample.labels.get("le"))) is not None]
        self._cannot_trip = cannot_trip(self.criterion, self._reading.value, bounds)

    def observed(self) -> CriterionObserved:
        """All that is known, as an observation."""
        return CriterionObserved(
            criterion=self.criterion.id,
            fold=self._fold,
            statistic=None if self._reading is None else self._reading.statistic,
            query=None if self._reading is None else self._reading.value,
            value=self._value,
            value_at=self._value_at,
            cannot_trip=self._cannot_trip,
            error=self._error,
        )

    def _worse(self, one: float, other: float) -> float:
        return judging.worst(one, other, self.criterion)

    def _remember(self, grid: Grid, values: list[float | None], by: list[Reading | None]) -> None:
        """The newest point's value, and the reading of the newest point that has one."""
        self._value = values[-1]
        self._value_at = (grid.first + grid.count - 1) * grid.step
        self._reading = next((reading for reading in reversed(by) if reading is not None), self._reading)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
