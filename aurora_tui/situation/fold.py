"""The two clocks of a criterion, as a fold over grid points: the same however it is cut or restarted.

On the grid t = k·g (g = scrape interval), T0 ≤ t ≤ server's now − D (D = 2g), each point is GOOD, BAD or
MISSING:

- *confirmed* starts at the first BAD point, bridges a run of MISSING ones up to the gap G = 3g, restarts
  after a longer one, and is cleared by a GOOD one;
- *possible* counts MISSING as BAD and is cleared only by a GOOD one.

A clock that reaches the hold H latches a trip: the confirmed clock TRIPPED (only at a BAD point), the
possible one TRIPPED_UNVERIFIED. A latch ends only by an operator's reset, which starts a new fold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import IntEnum

import msgspec

GAP_STEPS = 3
SETTLE_STEPS = 2
_ROUNDING = 1e-6  # of a step: sums of float seconds


class Grade(IntEnum):
    """What one grid point says of a criterion. The codes are those of `Fold.recent`."""

    GOOD = 0
    BAD = 1
    MISSING = 2


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """Where the two clocks of one criterion stand after every grid point up to `to`.

    `to` None: no point folded yet. `bad_since` is the confirmed clock, `possible_since` the possible one,
    `missing_since` the start of the present gap. Trips are latched. `recent` holds a code for each grid
    point of the last hold, oldest first.
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
    recent: bytes = b""

    @property
    def bad_share(self) -> float | None:
        """The share of BAD among the known points of the last hold: flapping shows here, though it never trips."""
        bad = self.recent.count(Grade.BAD)
        known = bad + self.recent.count(Grade.GOOD)
        return bad / known if known else None


def index_of(fold: Fold) -> int:
    """The k of the first grid point t = k·g that is not folded yet."""
    if fold.to is None:
        return math.ceil(fold.start / fold.grid - _ROUNDING)
    return round(fold.to / fold.grid) + 1


def settle(grid: float) -> float:
    """D: how long a point is left to settle before it is judged; seconds."""
    return SETTLE_STEPS * grid


def begin(hold: float, t0: float, grid: float, resets: Iterable[float] = ()) -> Fold:
    """A fold that begins at `t0`, or at the last operator reset after it: a reset clears clocks and latches."""
    return Fold(start=max([t0, *resets]), grid=grid, hold=hold)


def settled_points(fold: Fold, server_now: float) -> int:
    """How many grid points after `fold.to` may be judged at `server_now`."""
    last = math.floor((server_now - settle(fold.grid)) / fold.grid + _ROUNDING)
    return max(0, last - index_of(fold) + 1)


def advance(fold: Fold, codes: bytes | Iterable[int]) -> Fold:
    """`fold` after the points that follow `fold.to` without a hole, one Grade each. Chunks may be of any size."""
    codes = bytes(codes)
    if not codes:
        return fold
    grid = fold.grid
    first = index = index_of(fold)
    hold_steps = math.ceil(fold.hold / grid - _ROUNDING)

    def steps(moment: float | None) -> int:
        return -1 if moment is None else round(moment / grid)

    # Whole steps instead of seconds, −1 for "not running": exact, and quick enough for 72 h at 15 s.
    bad, last_bad = steps(fold.bad_since), steps(fold.last_bad)
    possible, missing = steps(fold.possible_since), steps(fold.missing_since)
    tripped, unverified = steps(fold.tripped_at), steps(fold.tripped_unverified_at)
    for code in codes:
        if code == 0:
            bad = possible = missing = -1
        else:
            if possible < 0:
                possible = index
            if code == 1:
                if bad < 0:
                    bad = index
                last_bad, missing = index, -1
                if tripped < 0 and index - bad >= hold_steps:
                    tripped = index
            else:
                if missing < 0:
                    missing = index
                if index - missing >= GAP_STEPS:
                    bad = -1  # one point more than the gap: the confirmed clock starts anew
            if unverified < 0 and tripped < 0 and index - possible >= hold_steps:
                unverified = index
        index += 1

    def moment(step: int) -> float | None:
        return None if step < 0 else step * grid

    return Fold(
        start=fold.start,
        grid=grid,
        hold=fold.hold,
        to=(first + len(codes) - 1) * grid,
        bad_since=moment(bad),
        last_bad=moment(last_bad),
        possible_since=moment(possible),
        missing_since=moment(missing),
        tripped_at=moment(tripped),
        tripped_unverified_at=moment(unverified),
        recent=(fold.recent[-hold_steps:] + codes)[-hold_steps:] if hold_steps else b"",
    )
