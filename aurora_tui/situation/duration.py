"""A length of time as people write it in the mission file: `15s`, `15m`, `72h`, `7d`, `1h30m`."""

from __future__ import annotations

import re
from itertools import pairwise

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
# A whole duration, for a JSON Schema: units from the longest to the shortest, each once at most.
PATTERN = "^(?=.)" + "".join(rf"([0-9]+(\.[0-9]+)?{unit})?" for unit in ("w", "d", "h", "m", "s", "ms")) + "$"
_LONGEST = 100 * 365 * 86400.0


class Duration(float):
    """Seconds; reads from and prints as Prometheus writes durations.

    https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Seconds of `text`; ValueError with what would be right when it is not a duration."""
        parts = _PART.findall(text)
        units = [_UNITS[unit] for _, unit in parts]
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        descending = all(bigger > smaller for bigger, smaller in pairwise(units))
        if not parts or "".join(number + unit for number, unit in parts) != text or not descending:
            raise ValueError(f"{text!r} is not a duration; write for example 15s, 5m, 72h, 7d or 1h30m")
        if seconds > _LONGEST:
            raise ValueError(f"{text!r} is longer than a hundred years; write for example 72h or 7d")
        return cls(seconds)

    def __str__(self) -> str:
        milliseconds = round(self * 1000)
        if milliseconds == 0:
            return "0s"
        text = ""
        for unit in ("d", "h", "m", "s", "ms"):
            size = round(_UNITS[unit] * 1000)
            count, milliseconds = divmod(milliseconds, size)
            if count:
                text += f"{count}{unit}"
        return text

    __repr__ = __str__
