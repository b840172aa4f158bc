"""How a tick's requests spread over histogram buckets: cumulative shares per bound, and the mean, from few parameters.

Parameters are rounded to small steps so that the shares come from a table; a tick then costs multiplications only.
"""

from __future__ import annotations

import math
from functools import lru_cache

FILL_BOUNDS = (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, math.inf)
RTT_BOUNDS = (150.0, 200.0, 250.0, 280.0, 300.0, 325.0, 350.0, 400.0, 450.0, 500.0, 650.0, 1000.0, 2000.0, math.inf)
POLICY_BOUNDS = (5.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0, 250.0, math.inf)

RTT_SPREAD = 0.16
"""Standard deviation of ln(RTT): p95 = 1.30 × median."""
POLICY_SPREAD = 0.33
FILL_SPREAD = 0.04

_LOG_STEP = 0.004  # 0.4 % of a latency
_FILL_STEP = 0.002

Shares = tuple[float, ...]
"""Cumulative share at each bound, the last (+Inf) being 1, followed by the mean: × requests gives buckets and sum."""


def _below(z: float) -> float:
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


@lru_cache(maxsize=4096)
def _log_normal(step: int, bounds: tuple[float, ...], spread: float) -> Shares:
    centre = step * _LOG_STEP
    shares = tuple(_below((math.log(bound) - centre) / spread) for bound in bounds[:-1])
    return (*shares, 1.0, math.exp(centre + spread * spread / 2))


@lru_cache(maxsize=4096)
def _fill(step: int) -> Shares:
    centre = step * _FILL_STEP
    shares = [_below((bound - centre) / FILL_SPREAD) for bound in FILL_BOUNDS[:-1]]
    shares[-1] = 1.0  # nothing is filled more than whole
    # The mean of the normal cut at 1: what lies above counts as 1.
    z = (1.0 - centre) / FILL_SPREAD
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return (*shares, 1.0, centre * _below(z) - FILL_SPREAD * density + 1.0 - _below(z))


def rtt_shares(median: float) -> Shares:
    """Round trips with this median in ms."""
    return _log_normal(round(math.log(median) / _LOG_STEP), RTT_BOUNDS, RTT_SPREAD)


def policy_shares(median: float) -> Shares:
    """Policy decisions with this median in ms."""
    return _log_normal(round(math.log(median) / _LOG_STEP), POLICY_BOUNDS, POLICY_SPREAD)


def fill_shares(mean: float) -> Shares:
    """Fill rates around `mean` (0 to 1), normal and cut at 1."""
    return _fill(round(mean / _FILL_STEP))
