"""Untrusted text made safe to show, and addresses without their secrets."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.text import redact_url, safe

MISLEADING = (
    "\x1b[31m\x1b]0;x\x07\x9b\x9d\u202e\u2066\u200b\u200d\u2060\ufeff\u00ad\u115f\u3164\ufe0f\u2028\x00\x7f\ud800"
)
ANYTHING = st.text(st.one_of(st.characters(), st.sampled_from(MISLEADING)), max_size=80)
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANYTHING, st.integers(-1, 60))
def test_nothing_is_left_that_could_mislead_a_terminal_or_a_reader(text: str, limit: int) -> None:
    shown = safe(text, limit=limit)
    assert len(shown) <= max(0, limit)
    assert not [char for char in shown if unicodedata.category(char) in INVISIBLE]
    assert not set(shown) & set("\u115f\u1160\u3164\uffa0\u034f\ufe0e\ufe0f")


@given(ANYTHING)
def test_only_line_breaks_survive_where_lines_are_asked_for(text: str) -> None:
    shown = safe(text, lines=True)
    assert not [char for char in shown if unicodedata.category(char) in INVISIBLE and char != "\n"]


@given(ANYTHING)
def test_what_is_safe_stays_as_it_is(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_text_are_shown_all_the_same(raw: bytes) -> None:
    assert len(safe(raw, limit=20)) <= 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Fill rate ≥ 0.80 · é 日本", "Fill rate ≥ 0.80 · é 日本"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("pod\u202egnp.exe", "pod·gnp.exe"),
        ("a\u200bb", "a·b"),
        ("a\tb\r\nc", "a b  c"),
        ("a\u00a0b\u3000c", "a b c"),
        ("tail\x1b", "tail·"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_an_escape_sequence_without_an_end_hides_its_own_line_only() -> None:
    assert safe("one\n\x1b]0;hidden\nthree", lines=True) == "one\n\nthree"


def test_what_is_cut_says_so() -> None:
    assert safe("abcdef", limit=4) == "abc…"
    assert safe("x" * 100_000, limit=4) == "xxx…"


# Addresses

SECRET = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=6, max_size=20).map(lambda text: f"§{text}§")


@given(SECRET, SECRET, SECRET)
def test_no_user_password_query_or_fragment_is_kept(user: str, password: str, token: str) -> None:
    user, password, token = (quote(text, safe="") for text in (user, password, token))
    shown = redact_url(f"https://{user}:{password}@prometheus.example:9090/api/v1?token={token}#{token}")
    assert shown == "https://prometheus.example:9090/api/v1"


@given(st.text(st.characters(codec="ascii", categories=["L", "P", "S"]), min_size=6, max_size=20))
def test_a_password_that_nobody_quoted_is_not_kept_either(password: str) -> None:
    password = f"secret{password}"
    assert "secret" not in redact_url(f"http://on-call:{password}@prometheus.example:9090/")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://prometheus:9090", "http://prometheus:9090"),
        ("http://[::1]:9090/a/b?x=1", "http://[::1]:9090/a/b"),
        ("http://[fe80::a]/?mail=a@b", "http://[fe80::a]/"),
        ("http://prometheus:9090/api?mail=a@b", "http://prometheus:9090/api"),
        ("user:password@prometheus/x", "prometheus/x"),
        ("http://[::1", "http://[::1"),
        ("/api/v1/query?query=up", "/api/v1/query"),
        ("http://host\x1b[31m/", "http://host/"),
        ("", ""),
    ],
)
def test_what_is_left_of_an_address(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(max_size=60))
def test_no_address_is_too_broken_to_be_told(url: str) -> None:
    redact_url(url)
