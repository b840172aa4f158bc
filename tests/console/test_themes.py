"""Themes: bundled ones can be read by tired eyes; a bad one is named and skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from aurora_tui.console import themes
from aurora_tui.console.palette import STATES, Palette


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2's contrast ratio of two colours, 1 to 21."""

    def luminance(colour: Color) -> float:
        parts = (part / 255 for part in colour.rgb)
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


RGB_THEMES = ("aurora-dark", "aurora-light", "high-contrast", "colour-blind-safe")


def test_the_five_bundled_themes_load_without_a_complaint() -> None:
    found = themes.load()
    assert list(found.by_name) == ["aurora-dark", "ansi-16", "aurora-light", "colour-blind-safe", "high-contrast"]
    assert found.problems == ()


@pytest.mark.parametrize("name", RGB_THEMES)
@pytest.mark.parametrize("ground", ["background", "panel", "cursor-row"])
def test_text_and_state_colours_have_a_contrast_of_at_least_4_5(name: str, ground: str) -> None:
    colours = themes.colours_of(themes.load().by_name[name])
    back = Color.parse(colours[ground])
    for ink in (*STATES, "foreground", "text-quiet", "accent", "secondary"):
        assert contrast(back, Color.parse(colours[ink])) >= 4.5, (ink, ground)


@pytest.mark.parametrize("name", RGB_THEMES)
def test_reversed_words_have_a_contrast_of_at_least_4_5(name: str) -> None:
    palette = Palette(themes.colours_of(themes.load().by_name[name]), "error")
    for ink in ("good", "warn", "bad", "blind", "environment"):
        style = palette.style(f"{ink} reverse bold")
        assert style.color is not None
        assert style.bgcolor is not None
        front, back = (Color.parse(part.get_truecolor().hex) for part in (style.color, style.bgcolor))
        assert contrast(back, front) >= 4.5, ink


def test_the_16_colour_theme_uses_no_rgb_and_leaves_the_terminals_background() -> None:
    palette = Palette(themes.colours_of(themes.load().by_name["ansi-16"]))
    for ink in ("", "good", "warn bold", "bad reverse", "dim", "accent chosen", "frame"):
        style = palette.style(ink)
        assert style.bgcolor is None
        assert style.color is None or (style.color.number is not None and style.color.number < 16)
    assert palette.style("chosen").reverse


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    themes.user_folder().mkdir(parents=True)
    return themes.user_folder()


def bundled_text() -> str:
    return (Path(__file__).resolve().parents[2] / "themes/aurora-dark.toml").read_text()


def test_a_persons_own_theme_is_found(own: Path) -> None:
    (own / "mine.toml").write_text(bundled_text().replace('"aurora-dark"', '"mine"'))
    assert "mine" in themes.load().by_name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('good = "#7fd88f"', 'good = "greenish"'), "states.good is not a colour"),
        (('good = "#7fd88f"', ""), "[states] lacks good"),
        (('good = "#7fd88f"', 'good = "#7fd88f"\nbest = "#fff"'), "unknown key best"),
        (("dark = true", "dark = 1"), "dark must be true or false"),
        (('name = "aurora-dark"', ""), "name is missing"),
        (("[states]", "[states"), "theme mine.toml skipped"),
    ],
)
def test_a_bad_theme_is_named_with_what_would_be_right_and_skipped(
    own: Path, change: tuple[str, str], words: str
) -> None:
    (own / "mine.toml").write_text(bundled_text().replace(*change))
    found = themes.load()
    assert len(found.problems) == 1
    assert words in found.problems[0]
    assert len(found.by_name) == 5


def test_an_environments_colour_may_be_a_theme_colour_or_one_of_its_own() -> None:
    colours = themes.colours_of(themes.load().by_name["aurora-dark"])
    assert Palette(colours, "error").style("environment").color == Palette(colours).style("bad").color
    assert Palette(colours, "#123456").style("environment").color != Palette(colours).style("environment").color
    assert Palette(colours, "no colour").style("environment").color == Palette(colours).style("environment").color
