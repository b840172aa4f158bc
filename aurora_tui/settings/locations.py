"""Where files are: the person's own settings, the ledger, and paths that a settings file names."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from aurora_tui.errors import UsageError
from aurora_tui.settings.document import Document

_NAMED_PATHS = (
    ("ledger",),
    ("environments", "*", "cluster", "kubeconfig"),
    *(("runbook", "*", *steps, "*", "path") for steps in (("step",), ("choice", "*", "step"), ("stage", "*", "step"))),
    ("runbook", "*", "step", "*", "path"),
    ("runbook", "*", "choice", "*", "step", "*", "path"),
    ("runbook", "*", "stage", "*", "step", "*", "path"),
    *(
        ("environments", "*", *source, "auth", key)
        for source in (("prometheus",), ("alertmanager",), ("grafana",), ("probe", "*"))
        for key in ("bearer_file", "password_file", "client_certificate", "client_key", "ca")
    ),
)


def person_file() -> Path:
    """`$XDG_CONFIG_HOME/aurora-tui/config.toml`, usually `~/.config/aurora-tui/config.toml`; it need not exist."""
    return _base("XDG_CONFIG_HOME", ".config") / "aurora-tui" / "config.toml"


def ledger_file(named: str | None, mission: str, environment: str) -> Path:
    """The ledger of one mission in one environment.

    `named` is the `ledger` key, `{environment}` in it filled in. Without it:
    `$XDG_STATE_HOME/aurora-tui/<mission>/<environment>/remembrancer.db`, the mission in small letters and dashes.
    """
    if named is not None:
        return Path(named.replace("{environment}", environment))
    return _base("XDG_STATE_HOME", ".local/state") / "aurora-tui" / _folder(mission) / environment / "remembrancer.db"


def with_paths_resolved(document: Document) -> Document:
    """The document with `~` expanded in every path it names, and paths made relative to the file that names them."""
    for pattern in _NAMED_PATHS:
        for place in list(document.places(*pattern)):
            path, origin = document.at(place), document.origin(place)
            if isinstance(path, str):
                # A flag's path is relative to where the command runs, as everywhere else.
                folder = origin.parent if isinstance(origin, Path) else Path()
                document = document.with_value(place, absolute(folder / _expanded(path)))
    return document


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{path}: there is no such home folder", "Write the path in full, or set HOME.") from error


def absolute(path: Path) -> str:
    """The path in full: whoever uses it may run somewhere else. UsageError when there is no here."""
    try:
        return str(path.absolute())
    except FileNotFoundError as error:
        raise UsageError("the folder this command runs in is gone", "Change to one that exists.") from error


def _base(variable: str, default: str) -> Path:
    """A base folder of the XDG specification, which says that relative ones are to be ignored.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / default
    except RuntimeError as error:
        raise UsageError("this account has no home folder", f"Set HOME or {variable}.") from error


def _folder(mission: str) -> str:
    """A mission's name as the name of a folder."""
    plain = re.sub(r"[^a-z0-9]+", "-", mission.lower()).strip("-")[:60]
    return plain or "mission-" + hashlib.sha256(mission.encode()).hexdigest()[:8]
