"""Green hours: since when every SLO has been met without a break (a gap in the data is a break)."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.situation.mission import Direction, Mission, Objective
from aurora_tui.situation.slo import Point, SloObserved

LONGEST_GAP_STEPS = 5


def green_since(mission: Mission, observed: Sequence[SloObserved], now: float) -> float | None:
    """Unix time since when all SLOs have been met; `now` when one is missed; None when one has no history."""
    by_id = {item.slo: item for item in observed}
    latest: float | None = None
    for objective in mission.slo:
        item = by_id.get(objective.id)
        if item is None or not item.history:
            return None
        since = _met_since(objective, item.history, LONGEST_GAP_STEPS * item.history_step, now)
        latest = since if latest is None else max(latest, since)
    return latest


def _met_since(objective: Objective, history: Sequence[Point], gap: float, now: float) -> float:
    at_least = objective.direction is Direction.AT_LEAST
    limit = objective.threshold
    after = now
    for point in reversed(history):
        # Written so that NaN counts as missed.
        met = point.value >= limit if at_least else point.value <= limit
        if not met or after - point.time > gap:
            return after
        after = point.time
    return after
