"""Durations as Prometheus' model.Duration reads and writes them: 1h30m, 15s, 0s (prometheus/common, model/time.go)."""

from __future__ import annotations

import re

_FORMAT = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\Z", re.ASCII)
_MILLISECONDS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_UNITS = ("y", "w", "d", "h", "m", "s", "ms")
_ONLY_WHOLE = {"y", "w"}  # written only when nothing is left over


class BadDuration(Exception):
    """The text is no duration, in Prometheus' words."""


def duration(text: str) -> float:
    """Seconds. BadDuration when `text` is none."""
    if text == "0":
        return 0.0
    if not text:
        raise BadDuration("empty duration string")
    found = _FORMAT.match(text)
    if found is None:
        raise BadDuration(f'not a valid duration string: "{text}"')
    parts = zip(found.groups(), _MILLISECONDS, strict=True)
    return sum(int(count) * unit for count, unit in parts if count) / 1000


def go_duration(seconds: float) -> str:
    """`seconds` as model.Duration writes them: 90.0 is 1m30s."""
    left = round(seconds * 1000)
    if left == 0:
        return "0s"
    out = ""
    for unit, size in zip(_UNITS, _MILLISECONDS, strict=True):
        if unit in _ONLY_WHOLE and left % size:
            continue
        if left >= size:
            out += f"{left // size}{unit}"
            left %= size
    return out
