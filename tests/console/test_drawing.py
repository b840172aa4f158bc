"""What panels are made of: ink, tables, figures, charts, differences, rectangles, frames, the key bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.console import figures, geometry, moments
from aurora_tui.console.bindings import actions, bar
from aurora_tui.console.canvas import differing
from aurora_tui.console.details.chart import chart
from aurora_tui.console.frame import frame
from aurora_tui.console.ink import Span, cut, fit, paragraphs, plain, span, spread, width, wrap
from aurora_tui.console.keybar import line as key_line
from aurora_tui.console.table import Column, arrange
from aurora_tui.situation.mission import Direction
from aurora_tui.situation.slo import Point
from tests.console import situations as made_up

WORDS = actions(made_up.settings().mission.runbook)
TEXT = st.text(st.sampled_from("ab 東é…\u0301x"), max_size=30)


@given(text=TEXT, cells=st.integers(0, 40))
def test_a_fitted_line_takes_exactly_its_cells(text: str, cells: int) -> None:
    assert width(fit((span(text), span("tail", "bad")), cells)) == cells


@given(text=TEXT, cells=st.integers(1, 40))
def test_a_cut_text_never_takes_more_than_its_cells(text: str, cells: int) -> None:
    assert width((Span(cut(text, cells)),)) <= cells


def test_escape_sequences_and_invisible_characters_do_not_survive_inking() -> None:
    assert span("a\x1b[31mb\x1b]52;c;aGk=\x07c\u202ed\u200be").text == "abc·d·e"


def test_markup_is_only_text() -> None:
    assert span("[red]x[/red]").text == "[red]x[/red]"


def test_the_right_part_of_a_spread_line_stays_when_the_left_is_too_long() -> None:
    assert plain(spread((span("a" * 20),), (span("RIGHT"),), 12)) == "aaaaaa…RIGHT"


def test_wrapping_breaks_between_words_and_cuts_only_the_last_line() -> None:
    assert wrap("one two three four five", [7, 5, 6]) == ["one two", "three", "four…"]


def test_paragraphs_lose_no_word() -> None:
    text = "x" * 50 + " end\nsecond"
    assert "".join(plain(line) for line in paragraphs(text, 20)).replace(" ", "") == text.replace(" ", "").replace(
        "\n", ""
    )


@given(
    old=st.lists(st.tuples(TEXT, st.sampled_from(["", "bad"])), max_size=4),
    new=st.lists(st.tuples(TEXT, st.sampled_from(["", "bad"])), max_size=4),
)
def test_outside_the_differing_ranges_two_lines_are_the_same(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    before = fit((span(*part) for part in old), 40)
    after = fit((span(*part) for part in new), 40)
    ranges = differing(before, after)
    changed = {x for start, end in ranges for x in range(start, end)}
    for x, (was, now) in enumerate(zip(cells_of(before), cells_of(after), strict=False)):
        assert x in changed or was == now
    assert (before == after) <= (ranges == [])


def cells_of(line: tuple[Span, ...]) -> list[tuple[str, str]]:
    from rich.cells import cell_len

    cells: list[tuple[str, str]] = []
    for part in line:
        for char in part.text:
            if cell_len(char) == 0 and cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
            else:
                cells += [(char, part.ink)] + [("", part.ink)] * (cell_len(char) - 1)
    return cells


def test_a_ticking_second_costs_one_cell() -> None:
    assert differing((span("in 16:47:49"),), (span("in 16:47:48"),)) == [(10, 11)]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "00:00"), (401, "06:41"), (60_469, "16:47:49"), (146_869, "40:47:49"), (-5, "00:00")]
)
def test_watched_lengths_count_seconds(seconds: float, words: str) -> None:
    assert moments.clock_length(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "?"), (2, "2s"), (359, "5m"), (3720, "1h02"), (90_000, "1d01h"), (-3, "0s")]
)
def test_ages_are_one_short_word(seconds: float | None, words: str) -> None:
    assert moments.age(seconds) == words


@pytest.mark.parametrize(("seconds", "name"), [(259_200, "72h"), (604_800, "7d"), (1800, "30m"), (345_600, "96h")])
def test_windows_are_named_as_people_do(seconds: float, name: str) -> None:
    assert moments.window_name(seconds) == name


@pytest.mark.parametrize(
    ("ratio", "words"), [(1.0, "100 %"), (0.9999, "99.9 %"), (0.981, "98.1 %"), (0.0, "0 %"), (None, "— %")]
)
def test_shares_are_rounded_down(ratio: float | None, words: str) -> None:
    assert figures.share(ratio) == words


@pytest.mark.parametrize(("done", "text"), [(0.0, "╺━━━"), (0.5, "━━╺━"), (1.0, "━━━╺"), (7.0, "━━━╺"), (-1.0, "╺━━━")])
def test_a_progress_bar_stays_in_its_cells(done: float, text: str) -> None:
    assert figures.bar(done, 4) == text


def test_a_column_that_nobody_fills_takes_no_room_and_the_least_important_goes_first() -> None:
    columns = (Column(), Column(drop=1), Column(drop=2), Column())
    layout = arrange(columns, [("name", "one", "two", "")], 9)
    assert plain(layout.line((span("name"), span("one"), span("two"), span("")))) == "name one "


# Charts -------------------------------------------------------------------------------------------------------------


def picture(points: list[Point], height: int = 6) -> list[str]:
    lines = chart(points, 0.0, 3600.0, (60, height), 400.0, Direction.AT_MOST, 0, 60.0)
    assert {width(line) for line in lines} == {60}
    return [plain(line) for line in lines]


def test_the_threshold_is_a_line_with_its_value() -> None:
    lines = picture([Point(t * 60.0, 300.0 + t * 3) for t in range(60)])
    assert any("400┤" in line and "╌" in line for line in lines)


def test_a_gap_is_left_open_and_blank_on_the_time_axis() -> None:
    lines = picture([Point(t * 60.0, 500.0) for t in range(60) if not 25 <= t <= 35])
    columns = range(34, 38)  # minutes 28 to 33 of 60, in 50 columns behind the labels
    for line in lines[:-1]:
        assert all(line[x] in " ╌" for x in columns)
    assert lines[-1][34:38].strip() == ""


def test_values_beyond_the_threshold_are_inked_bad() -> None:
    lines = chart(
        [Point(t * 60.0, 300.0 if t < 30 else 500.0) for t in range(60)],
        0.0, 3600.0, (60, 8), 400.0, Direction.AT_MOST, 0, 60.0,
    )  # fmt: skip
    dots = [part for line in lines for part in line if part.text and 0x2800 <= ord(part.text[0]) <= 0x28FF]
    assert {part.ink for part in dots} == {"good", "bad"}


def test_without_points_the_chart_says_no_data() -> None:
    assert any("no data in this time" in line for line in picture([]))


# Rectangles ---------------------------------------------------------------------------------------------------------


@given(
    columns=st.integers(60, 300), rows=st.integers(16, 100), wants=st.lists(st.integers(0, 50), min_size=4, max_size=4)
)
def test_panels_fill_the_body_without_overlap(columns: int, rows: int, wants: list[int]) -> None:
    placed = geometry.arrange(
        columns, rows, dict(zip(("slo", "checkpoints", "workloads", "alerts"), wants, strict=True))
    )
    assert placed is not None
    covered: set[tuple[int, int]] = set()
    for name, box in placed.boxes.items():
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert all(0 <= x < columns and 0 <= y < rows for x, y in cells)
        if name != "details":
            assert not cells & covered
            covered |= cells
    assert len(covered) == columns * rows


@pytest.mark.parametrize(("columns", "rows"), [(59, 36), (120, 15)])
def test_below_60_by_16_there_is_no_arrangement(columns: int, rows: int) -> None:
    assert geometry.arrange(columns, rows, {}) is None


def test_at_80_by_24_every_slo_a_criterion_two_pods_and_two_alerts_are_in_view() -> None:
    placed = geometry.arrange(80, 24, {"slo": 5, "workloads": 4, "alerts": 2, "checkpoints": 5})
    assert placed is not None
    shown = {name: placed.boxes[name].height - 1 for name in ("slo", "workloads", "alerts", "checkpoints")}
    assert shown == {"slo": 5, "workloads": 4, "alerts": 2, "checkpoints": 3}


@pytest.mark.parametrize("framed", [True, False])
@given(title=TEXT, note=TEXT, columns=st.integers(20, 80), rows=st.integers(3, 9))
def test_a_frame_has_exactly_its_size(framed: bool, title: str, note: str, columns: int, rows: int) -> None:
    heads = (("72h", columns // 2), ("budget", columns - 10))
    lines = frame(title, note, [(span("row"),)] * 3, columns, rows, framed, focused=False, heads=heads)
    assert {width(line) for line in lines} == {columns}


def test_names_of_columns_stand_in_the_upper_border_over_their_columns() -> None:
    lines = frame("SLO", "", [(span("98.1 %"),)], 24, 3, True, focused=False, heads=(("72h", 7), ("budget", 14)))
    assert plain(lines[0]).index("72h") == 2 + 7
    assert plain(lines[0]).index("budget") == 2 + 14


def test_a_border_whose_room_is_taken_names_no_columns() -> None:
    lines = frame("a long title of a panel", "", [], 30, 3, True, focused=False, heads=(("72h", 7), ("budget", 20)))
    assert "72h" not in plain(lines[0])
    assert "budget" in plain(frame("a", "", [], 30, 3, True, focused=False, heads=(("budget", 20),))[0])


def test_a_narrow_key_bar_keeps_help_and_quit() -> None:
    assert "? help  q quit" in plain(key_line(bar(WORDS), 60))


def test_the_key_bar_dims_what_cannot_be_done_yet() -> None:
    dimmed = {part.text for part in key_line(bar(WORDS), 200) if part.ink == "dim"}
    assert {"R", "F", "H", "G", "S", "a"} <= dimmed
