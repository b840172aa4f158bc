"""Label matchers: = != =~ !~, regular expressions anchored at both ends."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.labels import Labels, value_of

EQUAL, NOT_EQUAL, MATCHES, MATCHES_NOT = "=", "!=", "=~", "!~"


# Python reads these, RE2 refuses them: looking ahead and behind, conditions, comments, references back.
_ONLY_PYTHON = re.compile(r"(?<!\\)(?:\\\\)*(?P<found>\(\?(?:[=!#>(]|<[=!]?|P[=>])|\\[1-9])")
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\]")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_POSSESSIVE = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\+")
_MOST_REPEATS = 1000
_POSIX_CLASS = re.compile(r"\[:(\^?\w+):\]")
_BRACE_AS_SUCH = re.compile(r"(?<!\\)((?:\\\\)*)\{(?=,)")


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> re.Pattern[str]:
    """`pattern` for `fullmatch`, read as RE2 reads it; BadQuery in RE2's words where it cannot be.

    Python's grammar lacks a few things of RE2 (`\\pL`, `\\z`, `\\Q`, `[[:^alpha:]]`): these are refused as well.
    """
    refusal = _foreign(pattern)
    if refusal:
        raise BadQuery(f"error parsing regexp: {refusal}")
    known = _POSIX_CLASS.sub(lambda found: _POSIX[found[1]], pattern)
    known = _BRACE_AS_SUCH.sub(r"\1\\{", known)  # Python reads {,2} as {0,2}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what later versions of Python may read otherwise
            return re.compile(known, re.ASCII)  # \d and \w mean ASCII in RE2
    except re.error as error:
        raise BadQuery(f"error parsing regexp: {_as_re2_says(error, pattern)}") from error


def _foreign(pattern: str) -> str:
    """What RE2 says of what only Python understands, or understands otherwise; "" of all else."""
    only_python = _ONLY_PYTHON.search(pattern)
    if only_python is not None:
        found = only_python["found"]
        kind = "invalid escape sequence" if found[0] == "\\" else "invalid or unsupported Perl syntax"
        return f"{kind}: `{found}`"
    for named in _POSIX_CLASS.finditer(pattern):
        if named[1] not in _POSIX:
            return f"invalid character class range: `{named[0]}`"
    outside = _CLASS_OR_ESCAPE.sub("x", pattern)
    for repeat in _REPEAT.finditer(outside):
        least, most = int(repeat[1]), int(repeat[2] or repeat[1])
        if max(least, most) > _MOST_REPEATS or least > most:
            return f"invalid repeat count: `{repeat[0]}`"
    possessive = _POSSESSIVE.search(outside)
    return f"invalid nested repetition operator: `{possessive[0]}`" if possessive else ""


def _as_re2_says(error: re.error, pattern: str) -> str:
    whole = f"^(?:{pattern})$"
    at = error.pos or 0
    match error.msg.split():
        case ["missing", "),", *_]:
            return f"missing closing ): `{whole}`"
        case ["unbalanced", "parenthesis"]:
            return f"unexpected ): `{whole}`"
        case ["unterminated", "character", "set"]:
            return f"missing closing ]: `{pattern[at:]})$`"
        case ["nothing", "to", "repeat"]:
            return f"missing argument to repetition operator: `{pattern[at]}`"
        case ["multiple", "repeat"]:
            return f"invalid nested repetition operator: `{pattern[at - 1 : at + 1]}`"
        case ["bad", "character", "range", bounds]:
            return f"invalid character class range: `{bounds}`"
        case ["unknown", "extension", extension, *_]:
            return f"invalid or unsupported Perl syntax: `({extension}`"
        case ["bad", "escape", escape, *_]:
            return f"invalid escape sequence: `{escape}`"
    return f"{error.msg}: `{pattern}`"


@dataclass(frozen=True, slots=True)
class Matcher:
    """`name kind value`, where a missing label counts as an empty value."""

    name: str
    kind: str
    value: str

    def accepts(self, labels: Labels) -> bool:
        return self.accepts_value(value_of(labels, self.name))

    def accepts_value(self, value: str) -> bool:
        if self.kind == EQUAL:
            return value == self.value
        if self.kind == NOT_EQUAL:
            return value != self.value
        return (anchored(self.value).fullmatch(value) is not None) == (self.kind == MATCHES)
