"""One alert, and what becomes of it when it is posted again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Alert:
    """timed: its end is only the resolve time-out, because none was posted. Times are Unix seconds."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float
    updated_at: float
    generator_url: str
    timed: bool
    fingerprint: str

    def after(self, old: Alert) -> Alert:
        """This alert where `old`, with the same labels, is known already (mem.go, Put; types.go, Merge)."""
        overlap = old.starts_at < self.ends_at < old.ends_at or old.starts_at < self.starts_at < old.ends_at
        if not overlap:
            return self
        now = self.updated_at
        starts_at, ends_at = min(self.starts_at, old.starts_at), self.ends_at
        if self.ends_at <= now:
            if old.ends_at <= now:
                ends_at = max(self.ends_at, old.ends_at)  # the latest of two explicit ends
        elif not old.timed:
            ends_at = max(self.ends_at, old.ends_at)  # an explicit end rules if it is the latest
        return replace(self, starts_at=starts_at, ends_at=ends_at)
