"""A length of time as people write it in the mission file: `15s`, `15m`, `72h`, `7d`, `1h30m`."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


class Duration(float):
    """Seconds; reads from and prints as Prometheus writes durations.

    https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Seconds of `text`; ValueError with what would be right when it is not a duration."""
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            raise ValueError(f"{text!r} is not a duration; write for example 15s, 5m, 72h, 7d or 1h30m")
        return cls(sum(float(number) * _UNITS[unit] for number, unit in parts))

    def __str__(self) -> str:
        if float(self) == 0.0:
            return "0s"
        milliseconds = round(self * 1000)
        text = ""
        for unit in ("d", "h", "m", "s", "ms"):
            size = round(_UNITS[unit] * 1000)
            count, milliseconds = divmod(milliseconds, size)
            if count:
                text += f"{count}{unit}"
        return text

    __repr__ = __str__
