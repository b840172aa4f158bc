"""The mission file as a JSON Schema, for editors that complete and check TOML by one."""

from __future__ import annotations

from typing import Any

import msgspec

from aurora_tui.situation.duration import PATTERN, Duration
from aurora_tui.situation.mission import Mission


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a whole mission file. Rules between tables are not in it: `config check` knows them."""
    (top,), parts = msgspec.json.schema_components([Mission], schema_hook=_described, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Aurora TUI mission file",
        **top,
        "$defs": parts,
    }


def _described(kind: type) -> dict[str, Any]:
    if kind is Duration:
        return {"type": "string", "pattern": PATTERN, "examples": ["15s", "5m", "72h", "7d", "1h30m"]}
    raise NotImplementedError(f"no schema for {kind.__name__}")
