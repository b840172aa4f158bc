"""Label matchers: = != =~ !~, regular expressions anchored at both ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.labels import Labels, value_of

EQUAL, NOT_EQUAL, MATCHES, MATCHES_NOT = "=", "!=", "=~", "!~"


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> re.Pattern[str]:
    """`pattern` for `fullmatch`. Python's grammar lacks a few things of RE2 (`\\pL`, `\\z`): BadQuery then."""
    try:
        return re.compile(pattern, re.ASCII)  # \d and \w mean ASCII in RE2
    except re.error as error:
        raise BadQuery(f"error parsing regexp: {error}: `{pattern}`") from error


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
