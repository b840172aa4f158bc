"""The form under a plan: Cancel, the reason, the word, Approve; what is still missing before it can be approved."""

from __future__ import annotations

from aurora_tui.console.acting.entry import REFUSED, Entry
from aurora_tui.console.ink import Line, Span, fit, span

CANCEL, APPROVE = "cancel", "approve"
REASON, WORD, SECOND = "reason", "word", "second"


class Form:
    """Which field has the keys, and what was typed. Cancel has them first."""

    def __init__(self, word: str, reason: str) -> None:
        self.word = word
        self.second_word: str | None = None
        self.entries = {REASON: Entry("reason", reason), WORD: Entry(f"type {word}", longest=120)}
        self.focus = CANCEL

    @property
    def reason(self) -> str:
        """Why, as the person leaves it."""
        return self.entries[REASON].text.strip()

    @property
    def order(self) -> list[str]:
        """The way of the Tab key."""
        return [CANCEL, *self.entries, APPROVE]

    @property
    def entry(self) -> Entry | None:
        """The field that has the keys; None on a button."""
        return self.entries.get(self.focus)

    def step(self, by: int) -> None:
        """To the next field, or the one before; round at the ends."""
        order = self.order
        self.focus = order[(order.index(self.focus) + by) % len(order)]

    def ask_also(self, word: str | None) -> None:
        """A second word, or none any more."""
        if word == self.second_word:
            return
        self.second_word = word
        self.entries.pop(SECOND, None)
        if word is not None:
            self.entries[SECOND] = Entry(f"and {word}", longest=120)
        if self.focus == SECOND and word is None:
            self.focus = CANCEL

    def refuse(self, why: str | None) -> None:
        """Why the words may not be typed at all; None when they may.

        What was typed stays: a source may be dark for a moment only.
        """
        for name in (WORD, SECOND):
            if name in self.entries:
                self.entries[name].able, self.entries[name].unable = why is None, why or REFUSED

    def clear_words(self) -> None:
        """Forget the words: what they were typed for is another thing now."""
        for name in (WORD, SECOND):
            if name in self.entries:
                self.entries[name].clear()

    def missing(self) -> str | None:
        """What is still to be typed, in words; None when nothing is."""
        wanted = {WORD: self.word, SECOND: self.second_word}
        for name, word in wanted.items():
            if word is None:
                continue
            typed = self.entries[name].text.strip()
            if typed != word:
                return f"type {word}" if not typed or word.startswith(typed) else f"that is not the word: {word}"
        return None if self.reason else "say why, in the reason field"

    def lines(self, cells: int, why_not: str | None) -> list[Line]:
        """The fields, then the buttons; `why_not`: why Approve does nothing now."""
        room = max(len(entry.label) for entry in self.entries.values())
        room = min(room, cells // 2)
        lines = [fit(entry.line(cells, room, self.focus == name), cells) for name, entry in self.entries.items()]
        parts = [*_button("Cancel", self.focus == CANCEL, "accent"), Span("  ")]
        parts += _button("Approve", self.focus == APPROVE, "dim" if why_not else "good")
        parts += [Span("  "), span(why_not, "dim") if why_not else span("Enter on Approve does it", "good")]
        return [*lines, fit(parts, cells)]


def _button(word: str, focused: bool, ink: str) -> list[Span]:
    return [span(f"▸[ {word} ]◂" if focused else f" [ {word} ] ", f"{ink} bold reverse" if focused else ink)]
