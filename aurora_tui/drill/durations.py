"""Durations as Prometheus and Alertmanager read and write them: 1h30m, 15s, 250ms.

Source: model.ParseDuration and Duration.String of prometheus/common. A year has 365 days.
"""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS = (
    (365 * 86_400_000, "y"),
    (7 * 86_400_000, "w"),
    (86_400_000, "d"),
    (3_600_000, "h"),
    (60_000, "m"),
    (1000, "s"),
    (1, "ms"),
)
_ONLY_WHOLE = ("y", "w")


def parse_duration(text: str) -> float | None:
    """Seconds of 1h30m, 15s, 0; None when it is not a duration."""
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    return sum(int(count) * unit for count, (unit, _) in zip(found.groups(), _UNITS, strict=True) if count) / 1000


def show_duration(seconds: float) -> str:
    """The shortest way to write it, in weeks and years only when nothing is over."""
    left, out = round(seconds * 1000), ""
    for size, unit in _UNITS:
        if left >= size and (unit not in _ONLY_WHOLE or left % size == 0):
            out += f"{left // size}{unit}"
            left %= size
    return out or "0s"
