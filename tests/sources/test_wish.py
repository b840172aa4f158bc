"""Retry-After in all its spellings, and none."""

from __future__ import annotations

import pytest

from aurora_tui.sources.wish import retry_after

NOW = "Sat, 03 Jan 2026 14:02:11 GMT"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Sat, 03 Jan 2026 14:03:11 GMT", 60.0),
        ("Saturday, 03-Jan-26 14:03:11 GMT", 60.0),
        ("Sat, 03 Jan 2026 14:02:10 GMT", None),  # in the past
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Sat, 99 Jan 2026 14:03:11 GMT", None),
        ("Sat, 03 Jan 99999999 14:03:11 GMT", None),
    ],
)
def test_a_wish_is_seconds_or_a_date_and_nonsense_is_none(said: str | None, seconds: float | None) -> None:
    assert retry_after(said, NOW) == seconds


def test_a_date_without_the_servers_own_says_nothing() -> None:
    assert retry_after(NOW, None) is None
