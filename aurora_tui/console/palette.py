"""From ink to style: what `bad bold` looks like in the theme that is on."""

from __future__ import annotations

from collections.abc import Mapping

from rich.color import ColorParseError
from rich.style import Style

# Ink → theme variable. Every theme of ours sets the five state colours; the rest is Textual's own.
_VARIABLES = {
    "": "foreground",
    "good": "state-good",
    "warn": "state-warn",
    "bad": "state-bad",
    "unknown": "state-unknown",
    "blind": "state-blind",
    "dim": "text-quiet",
    "accent": "accent",
    "spark": "secondary",
    "frame": "frame",
    "title": "foreground",
    "environment": "primary",
}
STATES = ("state-good", "state-warn", "state-bad", "state-unknown", "state-blind")


def rich_colour(value: str) -> str | None:
    """A theme's colour as Rich names it: `ansi_bright_red` → `bright_red`, hex as it is, None for the default."""
    if value in ("", "ansi_default"):
        return None
    return value.removeprefix("ansi_") if value.startswith("ansi_") else value


class Palette:
    """Styles of one theme, made when first asked for. `environment` is the environment's colour from the settings."""

    def __init__(self, variables: Mapping[str, str], environment: str = "primary") -> None:
        self._variables = variables
        self._environment = environment
        self._styles: dict[tuple[str, str], Style] = {}
        self.ansi = variables.get("background") == "ansi_default"

    def style(self, ink: str, ground: str = "background") -> Style:
        """The style of `ink` on the theme's `ground` (background or panel); `chosen` has a ground of its own."""
        found = self._styles.get((ink, ground))
        if found is None:
            found = self._styles[ink, ground] = self._make(ink, ground)
        return found

    def _make(self, ink: str, ground: str) -> Style:
        names = ink.split()
        colour = self._colour(next((name for name in names if name in _VARIABLES), ""))
        chosen = "chosen" in names
        back = rich_colour(self._variables.get("cursor-row" if chosen else ground, ""))
        if "reverse" in names and not self.ansi:
            return Style(color=rich_colour(self._variables["background"]), bgcolor=colour, bold="bold" in names)
        # Without RGB the chosen row has no shade of its own: it is told by reversing it.
        reverse = "reverse" in names or (self.ansi and chosen)
        return Style(
            color=colour,
            bgcolor=None if self.ansi else back,
            bold="bold" in names or None,
            dim=("dim" in names and self.ansi) or None,
            reverse=reverse or None,
        )

    def _colour(self, name: str) -> str | None:
        variable = _VARIABLES[name]
        if name == "environment":
            variable = self._environment
            if variable not in self._variables:
                return self._parsed(variable)
        return rich_colour(self._variables.get(variable, ""))

    def _parsed(self, name: str) -> str | None:
        """An environment's colour that is no theme variable: a colour of its own, else the theme's primary."""
        try:
            Style(color=name)
        except ColorParseError:
            return rich_colour(self._variables.get("primary", ""))
        return name
