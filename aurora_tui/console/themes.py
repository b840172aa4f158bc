"""Themes from TOML files: the bundled ones and the person's own; a bad file is named once and skipped."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from aurora_tui.bundled import bundled_dir
from aurora_tui.text import safe

DEFAULT = "aurora-dark"
COLOURS = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "quiet",
    "frame",
    "cursor-row",
)
STATES = ("good", "warn", "bad", "unknown", "blind")


class Themes(NamedTuple):
    """Themes by name, bundled ones first, and what was wrong with the files that were skipped."""

    by_name: dict[str, Theme]
    problems: tuple[str, ...]


def load() -> Themes:
    """Read every theme. A person's theme of the same name as a bundled one takes its place."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for path in (*sorted(bundled_dir("themes").glob("*.toml")), *_own()):
        try:
            theme = read(path)
        except (OSError, ValueError) as error:
            problems.append(f"theme {path.name} skipped: {safe(str(error), limit=200)}")
            continue
        themes[theme.name] = theme
    order = sorted(themes, key=lambda name: (name != DEFAULT, name))
    return Themes({name: themes[name] for name in order}, tuple(problems))


def user_folder() -> Path:
    """Where a person's themes lie."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "aurora-tui" / "themes"


def _own() -> list[Path]:
    return sorted(user_folder().glob("*.toml"))


def read(path: Path) -> Theme:
    """One theme. OSError when unreadable, ValueError naming the key and what would be right."""
    with path.open("rb") as file:
        data = tomllib.load(file)
    name = data.get("name")
    if not isinstance(name, str) or not name:
        raise ValueError('name is missing; write for example name = "my-theme"')
    unknown = set(data) - {"name", "dark", "ansi", "colours", "states"}
    if unknown:
        raise ValueError(f"unknown key {min(unknown)}; known are name, dark, ansi, [colours] and [states]")
    colours = _table(data, "colours", COLOURS)
    states = _table(data, "states", STATES)
    variables = {f"state-{key}": value for key, value in states.items()}
    variables |= {"text-quiet": colours["quiet"], "frame": colours["frame"], "cursor-row": colours["cursor-row"]}
    ansi = _flag(data, "ansi", False)
    if ansi:  # Textual's own widgets (the palette) need its variables for terminals without RGB
        variables = {**BUILTIN_THEMES["ansi-dark"].variables, **variables}
    return Theme(
        name=name,
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        success=states["good"],
        warning=states["warn"],
        error=states["bad"],
        dark=_flag(data, "dark", True),
        ansi=ansi,
        variables=variables,
    )


def colours_of(theme: Theme) -> dict[str, str]:
    """What a palette needs: the theme's own words, not what Textual derives from them."""
    fixed = {
        key: value
        for key in ("primary", "secondary", "accent", "foreground", "background", "surface", "panel")
        if (value := getattr(theme, key)) is not None
    }
    named = {"error": theme.error or "", "warning": theme.warning or "", "success": theme.success or ""}
    return {**fixed, **named, **theme.variables}


def _flag(data: Mapping[str, object], key: str, otherwise: bool) -> bool:
    value = data.get(key, otherwise)
    if not isinstance(value, bool):
        raise ValueError(f"{key} must be true or false")
    return value


def _table(data: Mapping[str, object], name: str, keys: tuple[str, ...]) -> dict[str, str]:
    table = data.get(name)
    if not isinstance(table, dict):
        raise ValueError(f"[{name}] is missing; it sets {', '.join(keys)}")
    missing = [key for key in keys if key not in table]
    if missing:
        raise ValueError(f"[{name}] lacks {', '.join(missing)}")
    extra = set(table) - set(keys)
    if extra:
        raise ValueError(f"[{name}] has an unknown key {min(extra)}; known are {', '.join(keys)}")
    for key, value in table.items():
        try:
            Color.parse(value)
        except (ColorParseError, TypeError, AttributeError) as error:
            raise ValueError(f'{name}.{key} is not a colour; write for example "#7fd88f" or "ansi_green"') from error
    return {key: str(table[key]) for key in keys}
