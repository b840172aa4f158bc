"""A server's wish to be left alone for a while: Retry-After (RFC 9110, 10.2.3)."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(said: str | None, date: str | None) -> float | None:
    """Seconds to wait: what is said in seconds, or as a date compared with the answer's own `Date`. None for nonsense.

    Both dates are the server's, so that its clock may be wrong.
    """
    if said is None:
        return None
    text = said.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        until, now = _moment(text), _moment(date or "")
        if until is None or now is None:
            return None
        seconds = until - now
    return seconds if 0.0 <= seconds < math.inf else None


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
