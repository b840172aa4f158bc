"""Label matchers of silences, routes and filters: = != =~ !~, where a missing label counts as an empty value.

Written and read as pkg/labels of Alertmanager 0.25 does (parse.go, matcher.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aurora_tui.drill.alertmanager.re2 import BadPattern, anchored

_FORMAT = re.compile(r"^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*$", re.DOTALL | re.ASCII)
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


class BadMatcher(Exception):
    """The text is no matcher, in the real server's words."""


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """One matcher, as silences carry it. BadPattern when its regular expression is none."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True
    _accepts: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_accepts", _test(self.value, self.is_regex, self.is_equal))

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether the label's value matches (regular expressions are anchored at both ends)."""
        return self._accepts(labels.get(self.name, ""))

    def body(self) -> dict[str, object]:
        return {"isEqual": self.is_equal, "isRegex": self.is_regex, "name": self.name, "value": self.value}

    def __str__(self) -> str:
        operator = ("=" if self.is_equal else "!") + ("~" if self.is_regex else "" if self.is_equal else "=")
        value = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{operator}"{value}"'


def _test(value: str, is_regex: bool, is_equal: bool) -> Callable[[str], bool]:
    if not is_regex:
        return value.__eq__ if is_equal else value.__ne__
    match = anchored(value).match
    return (lambda text: match(text) is not None) if is_equal else (lambda text: match(text) is None)


def all_accept(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.accepts(labels) for matcher in matchers)


def parse(text: str) -> Matcher:
    """A matcher written `name="value"`, the quotes may be missing. BadMatcher in the real server's words."""
    found = _FORMAT.match(text)
    if found is None:
        raise BadMatcher(f"bad matcher format: {text}")
    name, operator, written = found.groups()
    try:
        return Matcher(name, _unquoted(written), operator.endswith("~"), operator in {"=", "=~"})
    except BadPattern as error:
        raise BadMatcher(str(error)) from error


def parse_all(text: str) -> list[Matcher]:
    """The matchers of `{a="b",c=~"d"}`; the braces may be missing. BadMatcher as `parse`."""
    tokens, token, quoted, escaped = [], "", False, False
    for char in text.removeprefix("{").removesuffix("}"):
        if char == "," and not quoted:
            tokens.append(token)
            token = ""
            continue
        if char == '"':
            quoted, escaped = (quoted, False) if escaped else (not quoted, False)
        else:
            escaped = char == "\\" and not escaped
        token += char
    if token.strip():
        tokens.append(token)
    return [parse(each) for each in tokens]


def _unquoted(written: str) -> str:
    """The value without its quotes and escapes. A backslash before anything but n " \\ stands for itself."""
    quoted = written.startswith('"')
    text = written[1:] if quoted else written
    out: list[str] = []
    at, closed = 0, not quoted
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "\\" and following:
            out.append({"n": "\n", '"': '"', "\\": "\\"}.get(following, char + following))
            at += 2
            continue
        if char == '"':
            if not quoted or at < len(text) - 1:
                raise BadMatcher(f"matcher value contains unescaped double quote: {written}")
            closed = True
        else:
            out.append(char)
        at += 1
    if not closed:
        raise BadMatcher(f"matcher value contains unescaped double quote: {written}")
    return "".join(out)
