"""Prometheus' own record of what fired: "none fired" may be said only of the stretch that was read."""

from __future__ import annotations

import msgspec

from aurora_tui.situation.alert import FiringSpan
from aurora_tui.situation.freshness import AHEAD_TOLERATED


class FiringHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: `spans` that fired from `since` to `to` (Unix seconds, server time; None: nothing read yet).

    `error` is why the last look could not read on.
    """

    spans: tuple[FiringSpan, ...] = ()
    since: float | None = None
    to: float | None = None
    error: str | None = None

    def reaches(self, start: float) -> bool:
        """Whether it was read from `start` on."""
        return self.since is not None and self.to is not None and self.since - start <= AHEAD_TOLERATED

    def why_unknown(self, start: float, now: float, longest: float) -> str | None:
        """Why "none fired since `start`" cannot be said at `now`, in words; None when it can.

        `longest` is how many seconds old its newest point may be.
        """
        if self.to is None or not self.reaches(start):
            return f"alert history: {self.error}" if self.error else "the alerts' history is being read"
        age = now - self.to
        if age > longest:
            return f"alert history: {self.error or f'read up to {age:.0f} s ago only'}"
        return "alert history: read into the future, a clock went back" if age < -AHEAD_TOLERATED else None
