"""How long it takes to grade and fold 72 h at 15 s for the mission's measured criteria."""

from __future__ import annotations

import random
import time

from aurora_tui.settings import load
from aurora_tui.situation.criterion import grade_all, start
from aurora_tui.situation.fold import advance

GRID = 15.0
POINTS = 72 * 240


def fold_seconds() -> float:
    """Seconds for every measured criterion of the bundled mission over 17,280 points each, a few bad or missing."""
    mission = load().mission
    chance = random.Random(7)
    measured = [rule for rule in mission.criterion if rule.severity is None]
    series = []
    for rule in measured:
        limit = rule.value or 0.0
        points: list[float | None] = [limit * chance.uniform(0.7, 1.3) for _ in range(POINTS)]
        points[4000:4040] = [None] * 40
        series.append(points)
    began = time.perf_counter()
    for rule, points in zip(measured, series, strict=True):
        advance(start(rule, 0.0, GRID), grade_all(points, rule))
    return time.perf_counter() - began
