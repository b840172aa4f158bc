"""Go's regular expressions (RE2) on Python's: the same matches, or the error of Go's parser (regexp/syntax, parse.go).

What RE2 has and this lacks is refused too: Unicode classes (\\pL), and flags anywhere but at the beginning.
"""

from __future__ import annotations

import re
from functools import lru_cache

_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_LEADING = re.compile(r"\(\?([ism]+)\)")
_GROUP = re.compile(r"\(\?(?:P<\w+>|:)")
_PERL = {"d": "0-9", "s": r"\t\n\f\r ", "w": "0-9A-Za-z_"}
_CLASS = re.compile(r"\[:(\^?)(\w+):\]")
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


class BadPattern(Exception):
    """The pattern is none, in Go's words."""

    def __init__(self, why: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {why}: `{part}`")


@lru_cache(maxsize=4096)
def anchored(pattern: str) -> re.Pattern[str]:
    """`pattern` as Alertmanager anchors it, for `match`: ^(?:pattern)$. BadPattern when it is none."""
    return unanchored(f"^(?:{pattern})$")


@lru_cache(maxsize=4096)
def unanchored(pattern: str) -> re.Pattern[str]:
    """`pattern` for `search`. BadPattern when it is none."""
    return re.compile(_Translation(pattern).python(), re.ASCII)


class _Translation:
    """One pass over the pattern: checks it as Go does and writes it as Python does."""

    def __init__(self, whole: str) -> None:
        self._whole = whole
        self._at = 0
        self._end = len(whole)
        self._out: list[str] = []
        self._open: list[str] = [""]  # what closes each group that is open; the whole pattern is the first
        self._operand = False  # whether there is something to repeat
        self._repeated = ""  # the repetition that has just been read
        self._began = True  # whether a group, or the pattern, has just begun

    def python(self) -> str:
        while self._at < self._end:
            began, self._began = self._began, False
            self._step(self._whole[self._at], began)
        if len(self._open) > 1:
            raise BadPattern("missing closing )", self._whole)
        return "".join([*self._out, self._open[0]])

    def _step(self, char: str, began: bool) -> None:
        repetition = self._repetition(char)
        if repetition:
            self._repeat(repetition)
            return
        self._repeated = ""
        match char:
            case "(":
                self._group(began)
            case ")":
                if len(self._open) == 1:
                    raise BadPattern("unexpected )", self._whole)
                self._write(self._open.pop(), 1, True)
            case "|":
                self._write("|", 1, False)
            case "[":
                self._class()
            case "\\":
                text, length = self._escape(self._at, inside=False)
                self._write(text, length, True)
            case "$":
                self._write(r"(?!\n)$", 1, True)  # Python's $ also matches before a last line feed
            case "{" | "}":
                self._write("\\" + char, 1, True)
            case _:
                self._write(char, 1, True)

    def _write(self, text: str, length: int, operand: bool) -> None:
        self._out.append(text)
        self._at += length
        self._operand = operand

    def _repetition(self, char: str) -> str:
        """The repetition that begins here, with the ? that makes it lazy; "" when there is none."""
        found = _REPEAT.match(self._whole, self._at) if char == "{" else None
        text = found[0] if found else char if char in "*+?" else ""
        if text and self._whole[self._at + len(text) : self._at + len(text) + 1] == "?":
            return text + "?" if self._at + len(text) < self._end else text
        return text

    def _repeat(self, text: str) -> None:
        if not self._operand:
            raise BadPattern("missing argument to repetition operator", text)
        if self._repeated:
            raise BadPattern("invalid nested repetition operator", self._repeated + text)
        bounds = _REPEAT.match(text)
        if bounds is not None:
            low, high = int(bounds[1]), int(bounds[3]) if bounds[3] else int(bounds[1])
            if low > 1000 or high > 1000 or low > high:
                raise BadPattern("invalid repeat count", bounds[0])
        self._write(text, len(text), True)
        self._repeated = text

    def _group(self, began: bool) -> None:
        flags = _LEADING.match(self._whole, self._at)
        if flags is not None and began:  # they hold to the end of the group
            self._open[-1] = ")" + self._open[-1]
            self._write(f"(?{flags[1]}:", flags.end() - self._at, False)
        elif self._whole[self._at + 1 : self._at + 2] != "?":
            self._open.append(")")
            self._write("(?:", 1, False)  # nobody reads what a group caught
        else:
            found = _GROUP.match(self._whole, self._at)
            if found is None:
                raise BadPattern("invalid or unsupported Perl syntax", self._whole[self._at : self._at + 3])
            self._open.append(")")
            self._write("(?:", found.end() - self._at, False)
        self._began = True

    def _escape(self, at: int, inside: bool) -> tuple[str, int]:
        """The escape at `at` in Python's words, and its length."""
        char = self._whole[at + 1 : at + 2] if at + 1 < self._end else ""
        if not char:
            raise BadPattern("trailing backslash at end of expression", "")
        if char.lower() in _PERL:
            if char in _PERL:
                return (_PERL[char] if inside else f"[{_PERL[char]}]"), 2
            if inside:
                raise BadPattern("invalid escape sequence", "\\" + char)  # RE2 has it; this has not
            return f"[^{_PERL[char.lower()]}]", 2
        if char in "afnrtv":
            return "\\" + char, 2
        if char in "AbBz" and not inside:
            return {"z": r"\Z"}.get(char, "\\" + char), 2
        if char == "x" and (code := re.compile(r"\\x([0-9A-Fa-f]{2})").match(self._whole, at)):
            return f"\\x{code[1]}", 4
        if char.isascii() and not char.isalnum() and char != "_":
            return re.escape(char), 2
        raise BadPattern("invalid escape sequence", "\\" + char)

    def _class(self) -> None:
        """A class in brackets: the first ] is literal, [:name:] is a class of its own."""
        start = self._at
        at = start + 1
        out = ["["]
        if self._whole[at : at + 1] == "^" and at < self._end:
            out.append("^")
            at += 1
        first = True
        while first or self._whole[at] != "]":
            if at >= self._end:
                raise BadPattern("missing closing ]", self._whole[start:])
            posix = _CLASS.match(self._whole, at)
            if posix is not None:
                if posix[1] or posix[2] not in _POSIX:
                    raise BadPattern("invalid character class range", posix[0])
                out.append(_POSIX[posix[2]])
                at = posix.end()
            else:
                text, at = self._range(at, first)
                out.append(text)
            first = False
            if at >= self._end:
                raise BadPattern("missing closing ]", self._whole[start:])
        self._write("".join([*out, "]"]), at + 1 - start, True)

    def _range(self, at: int, first: bool) -> tuple[str, int]:
        """One character of a class, or low-high; and where it ends."""
        begin = at
        low, at = self._one(at)
        dash = self._whole[at : at + 1] == "-" and at + 1 < self._end and self._whole[at + 1] != "]"
        if low == r"\-" and not first and self._whole[at : at + 1] != "]":
            raise BadPattern("invalid character class range", self._whole[begin : at + 1])
        if not dash:
            return low, at
        high, at = self._one(at + 1)
        if len(low) > 4 or len(high) > 4 or _code(high) < _code(low):
            raise BadPattern("invalid character class range", self._whole[begin:at])
        return f"{low}-{high}", at

    def _one(self, at: int) -> tuple[str, int]:
        if at >= self._end:
            raise BadPattern("missing closing ]", self._whole[at:])
        if self._whole[at] == "\\":
            text, length = self._escape(at, inside=True)
            return text, at + length
        return re.escape(self._whole[at]), at + 1


def _code(text: str) -> int:
    """The character that an escaped text of a class stands for."""
    named = text.startswith("\\") and text[1:2].isalpha()
    return ord(text.encode().decode("unicode_escape") if named else text[-1])
