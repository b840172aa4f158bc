"""SLO readings: what the value is, whether it meets its objective, and what is left of its budget."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec

from aurora_tui.situation.mission import Direction


class Point(NamedTuple):
    """A value at a time (Unix seconds)."""

    time: float
    value: float


class SloObserved(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics source saw for one SLO. Maps are by treaty; a treaty that is not in one has no data.

    `statistic` is None when no reading of the SLO had data. Ratios are shares of good events, 0 to 1.
    `history` is the focused treaty's value over the mission's window, `history_step` seconds apart, gaps left out.
    """

    slo: str
    statistic: str | None
    query: str | None
    values: dict[str, float] = {}
    newest: dict[str, float] = {}
    good_ratio_window: dict[str, float] = {}
    good_ratio_hour: dict[str, float] = {}
    history: tuple[Point, ...] = ()
    history_step: float = 60.0
    history_start: float | None = None
    as_written_value: float | None = None
    error: str | None = None


class SloState(Enum):
    """Whether the objective is met now."""

    MEETS = "meets"
    MISSES = "misses"
    UNKNOWN = "unknown"


class Level(Enum):
    """Colour of a value, by the plan's thresholds."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


class SloStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the SLO panel. None means not known, and is shown as such.

    `compliance` is the good share over the window, `completeness` the share of the window with data,
    `budget_left` 1.0 = untouched and below 0 = overspent, `burn_rate` 1.0 = spends exactly the budget.
    `spark` holds the newest buckets oldest first, None where data is missing.
    """

    id: str
    title: str
    unit: str
    digits: int
    direction: Direction
    threshold: float
    statistic: str | None
    query: str | None
    state: SloState
    level: Level
    value: float | None = None
    measured_at: float | None = None
    compliance: float | None = None
    compliance_basis: str | None = None  # "events" or "minutes"
    completeness: float | None = None
    budget_left: float | None = None
    burn_rate: float | None = None
    spark: tuple[float | None, ...] = ()
    history: tuple[Point, ...] = ()
    history_step: float = 60.0
    as_written: str | None = None
    as_written_value: float | None = None
    why_unknown: str | None = None
