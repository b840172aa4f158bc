"""Times as the v2 API reads and writes them: RFC 3339, written with milliseconds (go-openapi/strfmt, time.go)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORMAT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?| (\d\d:\d\d:\d\d))\Z", re.ASCII
)
_LAST_LAYOUT = "2006-01-02 15:04:05"  # the one whose failure is told
_ELEMENTS = ("2006", "-", "01", "-", "02", " ", "15", ":", "04", ":", "05")
_ZERO = datetime(1, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadMoment(Exception):
    """The text is no time, in Go's words."""


class Moment(float):
    """Unix seconds that were written in another zone, `ahead` of UTC: they are shown in that zone."""

    ahead = timedelta()


def write(moment: float) -> str:
    """Unix seconds as 2026-01-03T14:02:11.042Z (cut, not rounded, to milliseconds)."""
    ahead = moment.ahead if isinstance(moment, Moment) else timedelta()
    text = (_EPOCH + timedelta(seconds=moment) + ahead).isoformat(timespec="milliseconds")[:-6]
    if not ahead:
        return text + "Z"
    minutes = abs(ahead) // timedelta(minutes=1)
    return f"{text}{'-' if ahead < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def read(text: str) -> float | None:
    """Unix seconds; None for Go's zero time, the epoch for an empty text. BadMoment when it is no time."""
    if not text:
        return 0.0
    found = _FORMAT.match(text)
    if found is None:
        raise _unreadable(text)
    day, minute, second, fraction, zone, plain = found.groups()
    if (
        zone and len(zone) == 5 and len(fraction or "") not in (4, 7)
    ):  # a zone without colon: with .000 or .000000 alone
        raise _unreadable(text)
    try:
        local = datetime.strptime(f"{day} {plain or f'{minute}:{second or chr(48) * 2}'}", "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise _unreadable(text) from error
    local += timedelta(microseconds=int((fraction or ".0")[1:7].ljust(6, "0")))
    ahead = timedelta() if zone in (None, "Z") else _ahead(zone)
    try:
        here = local.replace(tzinfo=UTC) - ahead
    except OverflowError as error:  # Go's years go on; no alert's do
        raise BadMoment(f'parsing time "{text}": out of range') from error
    if here == _ZERO:
        return None
    moment = Moment((here - _EPOCH) / timedelta(seconds=1))
    moment.ahead = ahead
    return moment


def _ahead(zone: str) -> timedelta:
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -ahead if zone[0] == "-" else ahead


def _unreadable(text: str) -> BadMoment:
    """Where Go's time.Parse stops."""
    left = text
    for element in _ELEMENTS:
        fits = left[: len(element)].isdigit() if element.isdigit() else left.startswith(element)
        if element == " " and not left:
            continue  # Go lets blanks be missing at the end
        if not fits or len(left) < len(element):
            return BadMoment(f'parsing time "{text}" as "{_LAST_LAYOUT}": cannot parse "{left}" as "{element}"')
        left = left[len(element) :]
    return BadMoment(f'parsing time "{text}": extra text: "{left}"' if left else f'parsing time "{text}": out of range')
