"""Placeholders are filled in so that a treaty's name is matched and never interpreted."""

from __future__ import annotations

import json
import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.situation.duration import PATTERN, Duration
from aurora_tui.situation.query import substitute


def filled(query: str, treaty: str | None = None, window: float | None = None) -> str:
    return substitute(query, treaty=treaty, scrape_interval=15, window=window)


def test_no_treaty_means_all_of_them() -> None:
    assert filled('x{treaty_id=~"$treaty"}') == 'x{treaty_id=~".+"}'


def test_fresh_is_three_scrape_intervals_and_window_a_duration() -> None:
    assert filled("last_over_time(x[$fresh])") == "last_over_time(x[45s])"
    assert filled("increase(x[$window])", window=72 * 3600) == "increase(x[3d])"
    assert filled("increase(x[$window])", window=5400) == "increase(x[1h30m])"


def test_a_window_that_is_not_given_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a window"):
        filled("x[$window]")


def test_placeholders_in_other_places_are_left_alone() -> None:
    for query in ('x{a="$window"} # $treaty $fresh', 'x{a="$treaty_other$"}', "'$fresh'"):
        assert filled(query, treaty="T", window=60) == query


def test_a_treaty_that_reads_like_a_placeholder_is_not_filled_in_again() -> None:
    assert filled('x{a=~"$treaty"}', treaty="$window", window=60) == r'x{a=~"\\$window"}'


def test_a_back_quoted_string_takes_backslashes_as_they_are() -> None:
    assert filled("x{a=~`$treaty`}", treaty="A.B") == r"x{a=~`A\.B`}"


@pytest.mark.parametrize("quote", ['"', "'", "`"])
@given(treaty=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12), other=st.text(max_size=5))
def test_a_treaty_matches_itself_and_nothing_else(quote: str, treaty: str, other: str) -> None:
    query = filled(f"x{{treaty_id=~{quote}$treaty{quote}}}", treaty=treaty)
    if quote != "`":  # the parser, unlike Prometheus, looks for escapes in back-quoted strings
        promql_parser.parse(query)
    literal = query.removeprefix("x{treaty_id=~").removesuffix("}")
    # Neither quotes nor control characters are left in it, so any language's unquoting reads it alike.
    pattern = literal[1:-1] if quote == "`" else json.loads('"' + literal[1:-1] + '"')
    assert re.fullmatch(pattern, treaty)
    assert other == treaty or not re.fullmatch(pattern, other)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("1h30m", 5400), ("7d", 604800), ("250ms", 0.25), ("1.5h", 5400), ("0s", 0)]
)
def test_a_duration_is_read_as_prometheus_writes_it(text: str, seconds: float) -> None:
    assert Duration.parse(text) == seconds
    assert re.search(PATTERN, text)


@pytest.mark.parametrize("text", ["", "15", "m", "1m1m", "30m1h", " 5m", "-5m", "٣s", "5 m", "9" * 400 + "d"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write for example"):
        Duration.parse(text)


@given(st.integers(0, 10**9))
def test_a_duration_reads_back_what_it_prints(milliseconds: int) -> None:
    assert Duration.parse(str(Duration(milliseconds / 1000))) == pytest.approx(milliseconds / 1000)
