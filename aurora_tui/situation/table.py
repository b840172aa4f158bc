"""What every table of the mission file is: typed, frozen, and strict about its keys."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from aurora_tui.situation.duration import Duration


def lasting(text: str) -> Any:
    """A default of so long. Made anew each time: msgspec's JSON Schema cannot show a default of our own type."""
    return msgspec.field(default_factory=partial(Duration.parse, text))


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the mission file: an unknown key is an error."""
