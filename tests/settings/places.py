"""What the tests of this room share: the bundled mission as text and as tables, and files to write others to."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.errors import UsageError
from aurora_tui.settings import Overrides, Settings, load
from aurora_tui.settings.document import Document
from aurora_tui.settings.toml import toml

AURORA = Path(__file__).resolve().parents[2] / "ops/aurora.toml"
_TABLES = tomllib.loads(AURORA.read_text(encoding="utf-8"))


def aurora_tables() -> dict[str, Any]:
    """The bundled mission's tables, to be changed at will."""
    return copy.deepcopy(_TABLES)


def write(path: Path, tables: dict[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tables if isinstance(tables, str) else toml(Document(tables)), encoding="utf-8")
    return path


def complaint(*configs: Path, overrides: Overrides | None = None) -> str:
    """What `load` says of these files."""
    with pytest.raises(UsageError) as caught:
        load(configs, overrides or Overrides())
    assert caught.value.exit_code == 2
    return str(caught.value)


def loaded(*configs: Path, **overrides: Any) -> Settings:
    return load(configs, Overrides(**overrides))
