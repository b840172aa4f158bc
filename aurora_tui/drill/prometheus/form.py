"""A request's parameters: times, durations and the words in which Prometheus refuses them.

Source: parseTime, parseTimeParam and parseDuration in web/api/v1/api.go of 2.42.
Not imitated: times beyond what Go's clock can hold, NaN and ±Inf among them, which overflow there and are refused here.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from urllib.parse import unquote_plus

from aiohttp import web

from aurora_tui.drill.durations import parse_duration
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.floats import parse_float

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)")
_LONGEST = 2**63 / 1e9
_FARTHEST = 2**63 / 1e6
_URL_ENCODED = "application/x-www-form-urlencoded"
_BROKEN = re.compile(r";|%(?![0-9A-Fa-f]{2})")


class Form:
    """The body of a form first, then the query string, as Go's FormValue reads them."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    @classmethod
    async def of(cls, request: web.Request) -> Form:
        body: list[tuple[str, str]] = []
        if request.method == "POST" and request.content_type == _URL_ENCODED:
            body = _pairs((await request.read()).decode(errors="replace"))
        return cls(body + list(request.query.items()))

    def one(self, name: str) -> str:
        return next((value for key, value in self._pairs if key == name), "")

    def every(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def moment(self, name: str, default: float | None = None) -> float:
        """A time in Unix seconds, given as such or as RFC 3339."""
        text = self.one(name)
        if not text and default is not None:
            return default
        number = parse_float(text)
        if number is not None and abs(number) < _FARTHEST:
            return round(number * 1000) / 1000
        try:
            if not _MOMENT.fullmatch(text):
                raise ValueError(text)
            return datetime.fromisoformat(text).timestamp()
        except ValueError as error:
            # With a default the server asks through another function, which adds its own words.
            prefix = f"Invalid time value for '{name}': " if default is not None else ""
            raise bad_parameter(name, f'{prefix}cannot parse "{text}" to a valid timestamp') from error

    def duration(self, name: str) -> float:
        """Seconds, given as a number or as 1h30m; NaN is less than any."""
        text = self.one(name)
        number = parse_float(text)
        if number is not None:
            if abs(number) > _LONGEST:
                raise bad_parameter(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
            return -math.inf if number != number else number
        seconds = parse_duration(text)
        if seconds is None:
            raise bad_parameter(name, f'cannot parse "{text}" to a valid duration')
        return seconds

    def time_limit(self, longest: float) -> float:
        """Seconds that the query may take: `timeout`, but no more than `longest`."""
        return min(longest, self.duration("timeout")) if self.one("timeout") else longest


def _pairs(encoded: str) -> list[tuple[str, str]]:
    """As Go's url.ParseQuery reads them: what has a semicolon or a broken escape is left out, the rest is kept."""
    parts = (part.partition("=") for part in encoded.split("&") if part and not _BROKEN.search(part))
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in parts]


def bad_parameter(name: str, reason: object) -> BadQuery:
    return BadQuery(f'invalid parameter "{name}": {reason}')
