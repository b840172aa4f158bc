"""The mission file and the person's profile, merged and checked into typed values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aurora_tui.clock import WALL, Clock
from aurora_tui.situation.mission import Environment, Mission


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Flags of the command line: they win over both files. None: not given."""

    environment: str | None = None
    prometheus: str | None = None
    alertmanager: str | None = None
    grafana: str | None = None
    context: str | None = None
    namespace: str | None = None
    kubeconfig: str | None = None
    treaty: str | None = None
    theme: str | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a command needs to know, checked. `files` are those read, in order of merging."""

    mission: Mission
    environment_name: str
    environment: Environment
    files: tuple[Path, ...]
    ledger: Path
    theme: str
    read_only: bool
    clock: Clock = WALL


def load(configs: Sequence[Path] = (), overrides: Overrides = Overrides()) -> Settings:
    """The mission file (bundled, or the first of `configs`) with the person's file and flags merged over it.

    Raises UsageError naming file, key, value and what would be right, one line for every problem found.
    PromQL is not checked here: `check_queries` does that, so that a console can paint first.
    """
    raise NotImplementedError


def check_queries(settings: Settings) -> None:
    """Parse every PromQL text; UsageError as `load` raises it."""
    raise NotImplementedError
