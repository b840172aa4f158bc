"""A value as one line of JSON in which nothing can turn, hide or control a terminal's text."""

from __future__ import annotations

import re
from typing import Any

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")


def json_line(value: Any) -> str:
    """`value` as one line of ASCII: everything else is escaped. Times are Unix seconds; unknown is null."""
    import msgspec

    return _NOT_PLAIN.sub(_escaped, msgspec.json.encode(value).decode())


def _escaped(found: re.Match[str]) -> str:
    """One character as JSON escapes it, in UTF-16 units (RFC 8259 section 7)."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
