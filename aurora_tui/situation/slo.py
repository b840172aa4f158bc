"""SLO readings: what the value is, whether it meets its objective, and what is left of its budget."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from aurora_tui.situation.freshness import AHEAD_TOLERATED, STALE_AFTER_INTERVALS, SourceLight
from aurora_tui.situation.mission import Direction, MissionIdentity, Objective

HOUR = 3600.0
SPARK_BUCKETS = 16
# Seconds that a share of good events may be old: it is asked for once a minute.
SHARES_LAST = 180.0


class Point(NamedTuple):
    """A value at a time (Unix seconds)."""

    time: float
    value: float


class SloObserved(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics source saw for one SLO. Maps are by treaty; a treaty that is not in one has no data.

    `statistic` is None when no reading of the SLO had data. Ratios are shares of good events, 0 to 1.
    `window_at` and `hour_at` are when they were read; `shares_error` and
    `history_error` are why the last look could not read them.
    `history` is the focused treaty's value over the mission's window, `history_step` seconds apart, gaps left out.
    """

    slo: str
    statistic: str | None
    query: str | None
    values: dict[str, float] = {}
    newest: dict[str, float] = {}
    good_ratio_window: dict[str, float] = {}
    good_ratio_hour: dict[str, float] = {}
    window_at: float | None = None
    hour_at: float | None = None
    shares_error: str | None = None
    history: tuple[Point, ...] = ()
    history_step: float = 60.0
    history_start: float | None = None
    history_error: str | None = None
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
    history_error: str | None = None
    why_unknown: str | None = None


class _Budget(NamedTuple):
    """What is left of the error budget, and how fast it is being spent."""

    compliance: float | None
    basis: str | None
    left: float | None
    burn_rate: float | None


def judge(
    objective: Objective,
    observed: SloObserved | None,
    treaty: str,
    now: float,
    light: SourceLight,
    identity: MissionIdentity,
) -> SloStatus:
    """`objective` for `treaty` at `now` (server time), over the window of `identity`.

    UNKNOWN, never MEETS, when the source is not trusted, when the value is absent or not a number, and when
    the newest raw sample was older than three scrape intervals at the last look. The old value stays, with
    the time it was measured at.
    """
    shown = SloStatus(
        id=objective.id,
        title=objective.title,
        unit=objective.unit,
        digits=objective.digits,
        direction=objective.direction,
        threshold=objective.threshold,
        statistic=None,
        query=None,
        state=SloState.UNKNOWN,
        level=Level.UNKNOWN,
        as_written=objective.as_written,
    )
    if observed is None:
        return msgspec.structs.replace(shown, why_unknown=light.error or "no answer from the metrics yet")
    value = observed.values.get(treaty)
    why = _why_unknown(observed, treaty, now, light, float(identity.scrape_interval))
    window = float(identity.window)
    budget = _budget(objective, observed, treaty, now, window, max(SHARES_LAST, STALE_AFTER_INTERVALS * light.interval))
    known = why is None and value is not None
    return msgspec.structs.replace(
        shown,
        statistic=observed.statistic,
        query=observed.query,
        state=_state(objective, value) if known and value is not None else SloState.UNKNOWN,
        level=_level(objective, value) if known and value is not None else Level.UNKNOWN,
        value=None if value is None or math.isnan(value) else value,
        measured_at=observed.newest.get(treaty),
        compliance=budget.compliance,
        compliance_basis=budget.basis,
        completeness=_completeness(observed, now, window),
        budget_left=budget.left,
        burn_rate=budget.burn_rate,
        spark=spark(observed.history, now, observed.history_step),
        history=observed.history,
        history_step=observed.history_step,
        as_written_value=observed.as_written_value,
        history_error=observed.history_error,
        why_unknown=why,
    )


def meets(objective: Objective, value: float) -> bool:
    """Whether `value` is on the right side of the objective; NaN never is."""
    if objective.direction is Direction.AT_LEAST:
        return value >= objective.threshold
    return value <= objective.threshold


def spark(history: Sequence[Point], now: float, step: float) -> tuple[float | None, ...]:
    """Means of the last hour in SPARK_BUCKETS buckets, oldest first; None where no data is.

    Buckets stand on multiples of their width, so that old ones keep their value. The newest is left out
    while no point of it can be there yet.
    """
    width = HOUR / SPARK_BUCKETS
    last = math.floor(now / width)
    sums = [0.0] * (SPARK_BUCKETS + 1)
    counts = [0] * (SPARK_BUCKETS + 1)
    for point in reversed(history):
        bucket = math.floor(point.time / width) - (last - SPARK_BUCKETS)
        if bucket < 0:
            break
        if bucket <= SPARK_BUCKETS and math.isfinite(point.value):
            sums[bucket] += point.value
            counts[bucket] += 1
    means = tuple(total / count if count else None for total, count in zip(sums, counts, strict=True))
    too_early = means[-1] is None and now - last * width < 2 * step
    return means[:-1] if too_early else means[1:]


def _why_unknown(
    observed: SloObserved, treaty: str, now: float, light: SourceLight, scrape_interval: float
) -> str | None:
    """Why the value may not be taken for the present, in words; None when it may."""
    if not light.trusted(now):
        return light.error or "the metrics source does not answer"
    if observed.error is not None:
        return observed.error
    value, newest = observed.values.get(treaty), observed.newest.get(treaty)
    if value is None:
        others = len(observed.values)
        return f"no data for treaty {treaty}" + (f", but for {others} other treaties" if others else "")
    if math.isnan(value):
        return "not a number: nothing was observed in its window"
    if newest is None:
        return "no fresh sample: the exporter is gone or the scrape fails"
    # At the last look, not now: between two looks nothing newer can be known, and the light counts that.
    age = (now if light.observed_at is None else min(now, light.observed_at)) - newest
    if age < -max(AHEAD_TOLERATED, scrape_interval):
        return f"its newest sample lies {-age:.0f} s in the future: a clock went back"
    if age > STALE_AFTER_INTERVALS * scrape_interval:
        return f"its newest sample was {age:.0f} s old, more than {STALE_AFTER_INTERVALS} scrape intervals"
    return None


def _state(objective: Objective, value: float) -> SloState:
    return SloState.MEETS if meets(objective, value) else SloState.MISSES


def _level(objective: Objective, value: float) -> Level:
    sign = 1.0 if objective.direction is Direction.AT_LEAST else -1.0
    if sign * value >= sign * objective.colours.good:
        return Level.GOOD
    return Level.WARN if sign * value >= sign * objective.colours.warn else Level.BAD


def _budget(
    objective: Objective, observed: SloObserved, treaty: str, now: float, window: float, longest: float
) -> _Budget:
    """From the share of good events where there is one, else from the share of present minutes that were good.

    A share of events that is old, or could not be read, is not known: minutes say another thing.
    """
    window_share: float | None
    hour_share: float | None
    by_events = _share(observed.good_ratio_window, treaty)
    if by_events is not None:
        if not _recent(observed.window_at, now, longest):
            return _Budget(None, None, None, None)
        hour_share = _share(observed.good_ratio_hour, treaty) if _recent(observed.hour_at, now, longest) else None
        basis, window_share = "events", by_events
    elif observed.shares_error is not None:
        return _Budget(None, None, None, None)
    else:
        basis = "minutes"
        window_share = _good_minutes(objective, observed.history, now - window)
        hour_share = _good_minutes(objective, observed.history, now - HOUR)
    if window_share is None:
        return _Budget(None, None, None, None)
    allowed = 1.0 - objective.budget
    if allowed <= 0.0:
        return _Budget(window_share, basis, 1.0 if window_share >= 1.0 else None, None)
    left = 1.0 - (1.0 - window_share) / allowed
    return _Budget(window_share, basis, left, None if hour_share is None else (1.0 - hour_share) / allowed)


def _share(shares: Mapping[str, float], treaty: str) -> float | None:
    share = shares.get(treaty)
    return None if share is None or math.isnan(share) else share


def _recent(read_at: float | None, now: float, longest: float) -> bool:
    return read_at is not None and -AHEAD_TOLERATED <= now - read_at <= longest


def _good_minutes(objective: Objective, history: Sequence[Point], since: float) -> float | None:
    present = good = 0
    for point in reversed(history):
        if point.time < since:
            break
        present += 1
        good += meets(objective, point.value)
    return good / present if present else None


def _time(point: Point) -> float:
    return point.time


def _completeness(observed: SloObserved, now: float, window: float) -> float | None:
    """The share of the window with data; None before its history was read."""
    if observed.history_start is None or observed.history_step <= 0.0:
        return None
    present = len(observed.history) - bisect_left(observed.history, now - window, key=_time)
    return min(1.0, present / max(1.0, window // observed.history_step))
