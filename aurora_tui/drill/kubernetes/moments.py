"""Times as the API spells them, remembered: a cluster's objects say the same few seconds again and again."""

from __future__ import annotations

import math
from functools import lru_cache

from aurora_tui.clock import iso, parse_iso

_spelled = lru_cache(maxsize=4096)(iso)
moment = lru_cache(maxsize=8192)(parse_iso)
"""Unix seconds of an RFC 3339 time."""


def stamp(seconds: float) -> str:
    """Unix seconds as RFC 3339, whole seconds, UTC."""
    return _spelled(math.floor(seconds))
