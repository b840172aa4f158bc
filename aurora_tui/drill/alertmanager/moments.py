"""Times as the v2 API reads and writes them: RFC 3339, written with milliseconds in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from aurora_tui.drill.alertmanager.refusal import malformed

_ZERO = "0001-01-01T00:00:00"


def write(moment: float) -> str:
    """Unix seconds as 2026-01-03T14:02:11.042Z (cut, not rounded, to milliseconds)."""
    whole = datetime.fromtimestamp(moment, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03d}Z"


def read(text: object, what: str) -> float | None:
    """Unix seconds; None for nothing and for Go's zero time. Refusal (400) when it is no time."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise malformed(what, "json: cannot unmarshal into Go value of type strfmt.DateTime")
    if text.startswith(_ZERO):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise malformed(
            what, f'parsing time "{text}" as "2006-01-02 15:04:05": cannot parse "{text}" as "2006"'
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
