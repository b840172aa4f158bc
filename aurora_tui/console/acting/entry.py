"""A line of text that a person types: what keys and pastes make of it, and how it looks."""

from __future__ import annotations

from rich.cells import cell_len

from aurora_tui.console.ink import Line, Span, cut, span
from aurora_tui.text import safe

LONGEST = 300  # characters
PLANNING = "once there is a plan"
REFUSED = "cannot be typed: see why above"


class Entry:
    """One field. `able` False: nothing can be typed, for a reason that is said beside it."""

    def __init__(self, label: str, text: str = "", *, longest: int = LONGEST) -> None:
        self.label = label
        self.longest = longest
        self.able = True
        self.unable = REFUSED  # why, when it is not able
        self.text = ""
        self.at = 0
        self._put(text)

    def clear(self) -> None:
        """Forget what was typed."""
        self.text, self.at = "", 0

    def key(self, key: str, character: str | None) -> bool:
        """Take a key; False when it means nothing to a field."""
        if key in ("left", "right", "home", "end", "ctrl+a", "ctrl+e"):
            ends = {"home": 0, "ctrl+a": 0, "end": len(self.text), "ctrl+e": len(self.text)}
            self.at = ends.get(key, max(0, min(len(self.text), self.at + (1 if key == "right" else -1))))
        elif not self.able:
            return False
        elif key in ("backspace", "ctrl+h"):
            self.text, self.at = self.text[: max(0, self.at - 1)] + self.text[self.at :], max(0, self.at - 1)
        elif key == "delete":
            self.text = self.text[: self.at] + self.text[self.at + 1 :]
        elif key == "ctrl+u":
            self.text, self.at = self.text[self.at :], 0
        elif key == "ctrl+w":
            head = self.text[: self.at].rstrip()
            kept = head[: head.rfind(" ") + 1]
            self.text, self.at = kept + self.text[self.at :], len(kept)
        elif character is not None and character.isprintable():
            self._put(character)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        """Put a pasted text in as one line, nothing in it that a terminal would obey, no more than there is room."""
        if self.able:
            self._put(" ".join(safe(text[: 4 * self.longest]).split()))

    def _put(self, text: str) -> None:
        text = text[: max(0, self.longest - len(self.text))]
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.at += len(text)

    def line(self, cells: int, label_cells: int, focused: bool) -> Line:
        """`label ▕text▏` in `cells` cells; the part around the cursor when the text is longer than its room."""
        label = Span(f"{self.label.ljust(label_cells)} ▏", "accent bold" if focused else "title")
        room = max(4, cells - cell_len(label.text) - 1)
        if not self.able:
            return (label, span(cut(self.unable, room), "dim" if self.unable == PLANNING else "bad"))
        start = max(0, self.at - room + 1) if focused else 0
        shown = self.text[start : start + room]
        while cell_len(shown) > room:
            shown = shown[1:] if focused else shown[:-1]
            start += focused
        if not focused:
            return (label, span(cut(self.text, room) or "·" * min(room, 12), "" if self.text else "dim"))
        at = max(0, self.at - start)
        under = shown[at : at + 1] or " "
        rest = shown[at + 1 :]
        blanks = " " * max(0, room - cell_len(shown) - (at >= len(shown)))
        return (label, span(shown[:at], "chosen"), span(under, "reverse"), span(rest + blanks, "chosen"))
