"""Label matchers of silences, routes and filters: = != =~ !~, where a missing label counts as an empty value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aurora_tui.drill.alertmanager.refusal import Refusal

_FORMAT = re.compile(r"^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*$", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher, as silences carry it."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether the label's value matches (regular expressions are anchored at both ends)."""
        value = labels.get(self.name, "")
        same = re.fullmatch(self.value, value) is not None if self.is_regex else value == self.value
        return same == self.is_equal

    def body(self) -> dict[str, object]:
        return {"isEqual": self.is_equal, "isRegex": self.is_regex, "name": self.name, "value": self.value}

    def __str__(self) -> str:
        operator = ("=" if self.is_equal else "!") + ("~" if self.is_regex else "" if self.is_equal else "=")
        return f'{self.name}{operator}"{self.value}"'


def all_accept(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.accepts(labels) for matcher in matchers)


def parse(text: str) -> Matcher:
    """A matcher written `name="value"`; Refusal (400) in the real server's words when it is none."""
    found = _FORMAT.match(text)
    if found is None:
        raise Refusal(400, f"bad matcher format: {text}")
    name, operator, value = found.groups()
    if value.startswith('"'):
        if len(value) < 2 or not value.endswith('"'):
            raise Refusal(400, f"matcher value contains unescaped double quote: {value}")
        value = _ESCAPE.sub(lambda one: {"n": "\n"}.get(one[1], one[1]), value[1:-1])
    if operator.endswith("~"):
        regular_expression(value)
    return Matcher(name, value, operator.endswith("~"), operator in {"=", "=~"})


def regular_expression(pattern: str, anchor: bool = True) -> re.Pattern[str]:
    """The pattern compiled; Refusal (400) when it is none. Python's grammar stands in for RE2's."""
    try:
        return re.compile(pattern)
    except re.error as error:
        shown = f"^(?:{pattern})$" if anchor else pattern
        raise Refusal(400, f"error parsing regexp: {error.msg}: `{shown}`") from error
