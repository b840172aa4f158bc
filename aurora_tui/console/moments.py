"""Times and lengths as the screen writes them: UTC, whole seconds, never a negative zero."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def clock_length(seconds: float) -> str:
    """A length that is watched: 06:41 below an hour, 16:47:49 above."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, _HOUR)
    minutes, secs = divmod(rest, _MINUTE)
    return f"{hours:02d}:{minutes:02d}:{secs:02d}" if hours else f"{minutes:02d}:{secs:02d}"


def hours_minutes(seconds: float) -> str:
    """A long length: 31:12 is 31 hours and 12 minutes."""
    minutes = max(0, int(seconds)) // _MINUTE
    return f"{minutes // 60}:{minutes % 60:02d}"


def age(seconds: float | None) -> str:
    """How long ago, in one short word: 2s, 41s, 6m, 1h02, 3d04h; `?` when that is not known."""
    if seconds is None:
        return "?"
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"


def alert_age(seconds: float | None) -> str:
    """How long an alert has lasted: counted in seconds during its first hour (06:41), then as `age`."""
    if seconds is None:
        return "?"
    return clock_length(seconds) if seconds < _HOUR else age(seconds)


def window_name(seconds: float) -> str:
    """A window as people say it: 72h, 7d, 30m."""
    for unit, size, most in (("h", _HOUR, 96), ("d", _DAY, 10_000)):
        if seconds >= size and seconds % size == 0 and seconds / size <= most:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds // _MINUTE)}m"


def utc(moment: float) -> str:
    """Time of day, 14:10."""
    return _at(moment).strftime("%H:%M")


def utc_second(moment: float) -> str:
    """Time of day to the second, 14:10:07."""
    return _at(moment).strftime("%H:%M:%S")


def day_and_time(moment: float, now: float) -> str:
    """14:10Z today, 01-04 14:10Z on another day."""
    same = _at(moment).date() == _at(now).date()
    return _at(moment).strftime("%H:%MZ" if same else "%m-%d %H:%MZ")


def stamp(moment: float) -> str:
    """2026-01-03 14:02:11Z."""
    return _at(moment).strftime("%Y-%m-%d %H:%M:%SZ")


def _at(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
