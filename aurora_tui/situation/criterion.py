"""Rollback criteria: "for N consecutive minutes", told so that no restart and no lost scrape changes the answer.

Two clocks run over a grid of points (facts: "For N consecutive minutes", restart-proof):

- *confirmed* starts at the first BAD point, bridges MISSING ones up to the gap, restarts after a longer
  gap, and is cleared by a GOOD one;
- *possible* counts MISSING as BAD and is cleared only by a GOOD one.
"""

from __future__ import annotations

from enum import Enum

import msgspec


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


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """Where the two clocks of one criterion stand after every grid point up to `to`.

    `to` None: no point folded yet. `bad_since` is the confirmed clock, `possible_since` the possible one,
    `missing_since` the start of the present gap. Trips are latched.
    """

    start: float
    grid: float
    hold: float
    to: float | None = None
    bad_since: float | None = None
    last_bad: float | None = None
    possible_since: float | None = None
    missing_since: float | None = None
    tripped_at: float | None = None
    tripped_unverified_at: float | None = None
    recent: tuple[int, ...] = ()  # one code a grid point of the last hold, oldest first


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
