"""How old what we know is: one light a source, so that old data never looks like new."""

from __future__ import annotations

from enum import Enum

import msgspec

STALE_AFTER_INTERVALS = 3
# Seconds that what we know may be dated ahead of now: clocks differ a little. More, and its age is not known at all.
AHEAD_TOLERATED = 5.0


class LightState(Enum):
    """What a source's light says, in words."""

    OFF = "off"  # not configured: nothing is watched there
    STARTING = "starting"  # no answer yet
    LIVE = "live"
    STALE = "stale"  # last good answer is older than three intervals, in the future (a clock went back), or disowned
    FAILED = "failed"  # never answered, and the last try failed


class SourceLight(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one source. Times are Unix seconds on the server's clock, latency is seconds.

    `error` is the last failure since the last good answer, ending in what the person can do.
    """

    name: str
    title: str
    interval: float
    watched: bool = True
    since: float | None = None  # when watching began
    observed_at: float | None = None
    failing_since: float | None = None
    error: str | None = None
    disowned: bool = False  # who answers now is not who gave the last good answer
    latency: float | None = None
    version: str | None = None
    skew: float | None = None
    notes: tuple[str, ...] = ()

    def age(self, now: float) -> float | None:
        """Seconds since the last good answer; None when there was none."""
        return None if self.observed_at is None else max(0.0, now - self.observed_at)

    def state(self, now: float) -> LightState:
        """What the light shows at `now`."""
        if not self.watched:
            return LightState.OFF
        age = self.age(now)
        if age is None:
            if self.error is not None:
                return LightState.FAILED
            waited = 0.0 if self.since is None else now - self.since
            return LightState.STARTING if waited <= STALE_AFTER_INTERVALS * self.interval else LightState.FAILED
        ahead = self.observed_at is not None and self.observed_at - now > AHEAD_TOLERATED
        young = age <= STALE_AFTER_INTERVALS * self.interval and not ahead
        return LightState.LIVE if young and not self.disowned else LightState.STALE

    def moved(self, seconds: float) -> SourceLight:
        """The same light after the clock it is counted on was put forward by `seconds` (back: below 0)."""
        return msgspec.structs.replace(
            self,
            since=None if self.since is None else self.since + seconds,
            observed_at=None if self.observed_at is None else self.observed_at + seconds,
            failing_since=None if self.failing_since is None else self.failing_since + seconds,
        )

    def trusted(self, now: float) -> bool:
        """Whether what this source last said may be taken for the present."""
        return self.state(now) is LightState.LIVE
