"""Rollback criteria: "for N consecutive minutes", told so that no restart and no lost scrape changes the answer.

Two clocks run over a grid of points (`aurora_tui.situation.fold`); here is what they mean now. A criterion
never says OK on data that is old: what cannot be known is NO_DATA, with the reason in words.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

import msgspec

from aurora_tui.situation.fold import Fold, Grade, advance, begin, index_of, settle
from aurora_tui.situation.freshness import AHEAD_TOLERATED, STALE_AFTER_INTERVALS, SourceLight
from aurora_tui.situation.mission import Comparison, Criterion

__all__ = [
    "CriterionObserved",
    "CriterionState",
    "CriterionStatus",
    "Fold",
    "Grade",
    "advance",
    "grade",
    "grade_all",
    "index_of",
    "start",
    "state_of",
    "status",
    "worst",
]

_COMPARE: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.LESS: operator.lt,
    Comparison.LESS_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_EQUAL: operator.ge,
}
_BAD_WHEN_LOW = (Comparison.LESS, Comparison.LESS_EQUAL)


class CriterionState(Enum):
    """What a criterion says, best first."""

    OK = "ok"
    BREACHING = "breaching"
    NO_DATA = "no data"
    TRIPPED_UNVERIFIED = "tripped, unverified"
    TRIPPED = "tripped"


class CriterionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion as shown. Times are Unix seconds, `hold` seconds; None means not known.

    `since` is when the present breach (or the present gap, for NO_DATA) began; `trips_at` when it becomes a
    trip if it goes on; `bad_share` the share of bad points in the last hold. `source_error` says that the
    last look failed; the state is then the one of `folded_to`.
    """

    id: str
    title: str
    then: str
    state: CriterionState
    slo: str | None = None
    statistic: str | None = None
    op: str | None = None
    limit: float | None = None
    unit: str = ""
    digits: int = 2
    hold: float | None = None
    value: float | None = None
    since: float | None = None
    trips_at: float | None = None
    tripped_at: float | None = None
    bad_share: float | None = None
    folded_to: float | None = None
    source_error: str | None = None
    cannot_trip: str | None = None
    detail: str | None = None


class CriterionObserved(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics source folded for one criterion. `fold` None: not folded yet."""

    criterion: str
    fold: Fold | None
    statistic: str | None = None
    query: str | None = None
    value: float | None = None
    value_at: float | None = None
    cannot_trip: str | None = None
    error: str | None = None


def grade(
    value: float | None, present: bool, criterion: Criterion, *, events: float | None = None, min_events: float = 0.0
) -> Grade:
    """One point. MISSING: no value, NaN, the presence missing, or fewer events than the reading asks for.

    ±Inf compares like any number: a rate over nothing is NaN, but a quantile in the last bucket may be +Inf.
    """
    if value is None or not present or math.isnan(value):
        return Grade.MISSING
    if min_events > 0.0 and not (events is not None and events >= min_events):
        return Grade.MISSING
    if criterion.op is None or criterion.value is None:
        raise ValueError(f"criterion {criterion.id} compares with nothing: it has no op or no value")
    return Grade.BAD if _COMPARE[criterion.op](value, criterion.value) else Grade.GOOD


def grade_all(values: Sequence[float | None], criterion: Criterion) -> bytes:
    """The codes of many points whose presence is already settled: None where missing."""
    if criterion.op is None or criterion.value is None:
        raise ValueError(f"criterion {criterion.id} compares with nothing: it has no op or no value")
    bad, limit = _COMPARE[criterion.op], criterion.value
    return bytes([2 if value is None or value != value else 1 if bad(value, limit) else 0 for value in values])


def worst(one: float, other: float, criterion: Criterion) -> float:
    """The worse of two values of one point, as the criterion sees it; a number is worse than NaN."""
    if math.isnan(one) or math.isnan(other):
        return other if math.isnan(one) else one
    return min(one, other) if criterion.op in _BAD_WHEN_LOW else max(one, other)


def start(criterion: Criterion, t0: float, grid: float, resets: Iterable[float] = ()) -> Fold:
    """The fold of a measured `criterion` before its first point. ValueError for one without a hold."""
    if criterion.hold is None:
        raise ValueError(f"criterion {criterion.id} has no hold")
    return begin(float(criterion.hold), t0, grid, resets)


def state_of(fold: Fold) -> CriterionState:
    """What the clocks say at `fold.to`. Trips are latched; before the first point nothing is known."""
    if fold.tripped_at is not None:
        return CriterionState.TRIPPED
    if fold.tripped_unverified_at is not None:
        return CriterionState.TRIPPED_UNVERIFIED
    if fold.bad_since is not None:
        return CriterionState.BREACHING
    if fold.to is None or fold.possible_since is not None:
        return CriterionState.NO_DATA
    return CriterionState.OK


def status(criterion: Criterion, observed: CriterionObserved | None, now: float, light: SourceLight) -> CriterionStatus:
    """The measured `criterion` as shown at `now` (server time).

    Data is too old when the last folded point is older than three looks of its source plus what the grid
    itself takes (one step and the settling). A latched trip stays whatever the age.
    """
    blank = CriterionStatus(
        id=criterion.id,
        title=criterion.title,
        then=criterion.then,
        state=CriterionState.NO_DATA,
        slo=criterion.slo,
        op=None if criterion.op is None else criterion.op.value,
        limit=criterion.value,
        unit=criterion.unit,
        digits=criterion.digits,
        hold=None if criterion.hold is None else float(criterion.hold),
        source_error=light.error,
    )
    if observed is None or observed.fold is None:
        error = (None if observed is None else observed.error) or light.error
        cannot_trip = None if observed is None else observed.cannot_trip
        return _with(blank, source_error=error, cannot_trip=cannot_trip, detail=error or "its history is being read")
    fold = observed.fold
    status = _with(
        blank,
        state=state_of(fold),
        statistic=observed.statistic,
        value=observed.value,
        bad_share=fold.bad_share,
        folded_to=fold.to,
        cannot_trip=observed.cannot_trip,
        source_error=observed.error or light.error,
    )
    limit = longest_known(light.interval, fold.grid)
    if fold.to is None:
        just_begun = -AHEAD_TOLERATED <= now - fold.start <= limit
        words = "counting has just begun: no point has settled yet" if just_begun else "its history is being read"
        return _with(status, detail=words)
    if now - fold.to > limit:
        return _on_old_data(status, fold, f"last known {_age(now - fold.to)} ago")
    if fold.to - now > AHEAD_TOLERATED:
        return _on_old_data(status, fold, f"last known {_age(fold.to - now)} in the future: a clock went back")
    return _on_fresh_data(status, fold)


def longest_known(interval: float, grid: float) -> float:
    """Seconds for which what was read of a grid may be taken for the present: three looks, settling and a step."""
    return STALE_AFTER_INTERVALS * interval + settle(grid) + grid


_UNVERIFIED = "bad or without data for a whole hold: cannot prove it healthy"
_NEVER_MEASURED = "nothing here measures it: no reading of it has data"


def _on_fresh_data(status: CriterionStatus, fold: Fold) -> CriterionStatus:
    if status.state is CriterionState.TRIPPED:
        return _with(status, since=fold.bad_since, tripped_at=fold.tripped_at)
    if status.state is CriterionState.TRIPPED_UNVERIFIED:
        return _with(
            status,
            since=fold.possible_since,
            tripped_at=fold.tripped_unverified_at,
            detail=_UNVERIFIED if status.statistic is not None else _NEVER_MEASURED,
        )
    if status.state is CriterionState.BREACHING and fold.bad_since is not None:
        return _with(status, since=fold.bad_since, trips_at=fold.bad_since + fold.hold)
    if status.state is CriterionState.NO_DATA and fold.possible_since is not None:
        return _with(
            status,
            since=fold.missing_since or fold.possible_since,
            trips_at=fold.possible_since + fold.hold,
            detail="no data: absent, not a number, or too few events",
        )
    return status


def _on_old_data(status: CriterionStatus, fold: Fold, words: str) -> CriterionStatus:
    if status.state is CriterionState.TRIPPED:
        return _with(status, since=fold.bad_since, tripped_at=fold.tripped_at, detail=words)
    if status.state is CriterionState.TRIPPED_UNVERIFIED:
        return _with(status, since=fold.possible_since, tripped_at=fold.tripped_unverified_at, detail=words)
    if status.state is CriterionState.BREACHING:
        words = f"{words}, breaching then"
    trips_at = None if fold.possible_since is None else fold.possible_since + fold.hold
    return _with(status, state=CriterionState.NO_DATA, since=fold.to, trips_at=trips_at, detail=words)


def _with(status: CriterionStatus, **changes: object) -> CriterionStatus:
    return msgspec.structs.replace(status, **changes)


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
