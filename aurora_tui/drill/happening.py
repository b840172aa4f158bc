"""What every event of a scenario is: something that happens at its moment."""

from __future__ import annotations

import msgspec

from aurora_tui.situation.duration import Duration

START = Duration(0)


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """`at`: world seconds after the drill's start."""

    at: Duration = START
