"""What a person types under a plan: fields, pastes, the word, and what is missing."""

from __future__ import annotations

import pytest

from aurora_tui.console.acting.entry import REFUSED, Entry
from aurora_tui.console.acting.form import APPROVE, CANCEL, REASON, SECOND, WORD, Form
from aurora_tui.console.ink import plain, width


def typed(entry: Entry, *keys: str) -> Entry:
    for key in keys:
        entry.key(key, key if len(key) == 1 else None)
    return entry


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("a", "b", "left", "c"), "acb"),
        (("a", "b", "backspace"), "a"),
        (("a", "b", "home", "delete"), "b"),
        (("a", "b", "home", "c", "end", "d"), "cabd"),
        (("a", "b", "ctrl+u"), ""),
        (("a", " ", "b", "ctrl+w"), "a "),
        (("backspace", "delete", "left"), ""),
    ],
)
def test_a_field_is_edited_as_a_line_is(keys: tuple[str, ...], text: str) -> None:
    assert typed(Entry("reason"), *keys).text == text


def test_a_paste_becomes_one_line_without_anything_a_terminal_obeys() -> None:
    entry = Entry("reason")
    entry.paste("\x1b[31mred\nalert\r\n\t\x07now\n")
    assert "\x1b" not in entry.text
    assert "\n" not in entry.text
    assert "\x07" not in entry.text
    assert entry.text.startswith("\\x1b") or "red alert" in entry.text


def test_a_field_takes_no_more_than_it_has_room_for() -> None:
    entry = Entry("word", longest=10)
    entry.paste("x" * 5000)
    typed(entry, "y")
    assert entry.text == "x" * 10


def test_what_cannot_be_typed_takes_neither_keys_nor_pastes_and_says_so() -> None:
    entry = Entry("type prod")
    entry.able = False
    typed(entry, "p")
    entry.paste("prod")
    assert entry.text == ""
    assert "cannot be typed" in plain(entry.line(60, 10, focused=True))


@pytest.mark.parametrize("text", ["", "short", "x" * 300, "日本" * 60])
@pytest.mark.parametrize("focused", [True, False])
def test_a_field_stays_in_its_cells_and_shows_its_cursor(text: str, focused: bool) -> None:
    line = Entry("reason", text).line(50, 10, focused)
    assert width(line) <= 50
    assert any(part.ink == "reverse" for part in line) is focused


def test_cancel_has_the_keys_first_and_tab_goes_by_reason_and_word_to_approve() -> None:
    form = Form("production", "why")
    seen = [form.focus]
    for _ in range(4):
        form.step(1)
        seen.append(form.focus)
    assert seen == [CANCEL, REASON, WORD, APPROVE, CANCEL]


def test_approving_needs_the_word_exactly_and_a_reason() -> None:
    form = Form("production", "RTT is high")
    assert form.missing() == "type production"
    form.entries[WORD].paste("Production")
    assert form.missing() == "that is not the word: production"
    form.entries[WORD].clear()
    form.entries[WORD].paste(" production ")
    assert form.missing() is None
    form.entries[REASON].clear()
    assert form.missing() == "say why, in the reason field"


def test_a_second_word_stands_between_the_word_and_approve() -> None:
    form = Form("production", "why")
    form.ask_also("aurora-staging")
    assert form.order == [CANCEL, REASON, WORD, SECOND, APPROVE]
    form.entries[WORD].paste("production")
    assert form.missing() == "type aurora-staging"
    form.entries[SECOND].paste("aurora-staging")
    assert form.missing() is None
    form.ask_also(None)
    assert SECOND not in form.entries


def test_while_it_is_refused_the_words_cannot_be_typed_and_the_reason_can() -> None:
    form = Form("production", "")
    form.refuse(REFUSED)
    typed(form.entries[WORD], *"production")
    typed(form.entries[REASON], *"why")
    assert form.missing() == "type production"
    assert form.reason == "why"
    form.refuse(None)
    typed(form.entries[WORD], *"production")
    assert form.missing() is None
