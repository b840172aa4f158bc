"""Reading tokens one at a time, up to a series selector: what both queries and match[] are made of.

Source: generatedParser.y in promql/parser of 2.42.
"""

from __future__ import annotations

from aurora_tui.drill.durations import parse_duration
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.labels import NAME
from aurora_tui.drill.prometheus.matchers import EQUAL, MATCHES, MATCHES_NOT, NOT_EQUAL, Matcher, anchored
from aurora_tui.drill.prometheus.tokens import (
    AGGREGATOR,
    ERROR,
    IDENTIFIER,
    KEYWORD,
    METRIC_IDENTIFIER,
    OPERATOR,
    STRING,
    Token,
    quoted,
    tokens,
    unquoted,
)
from aurora_tui.drill.prometheus.types import Problem, Selector

_NAMES_A_METRIC = frozenset(("offset", "by", "without", "start", "end", "and", "or", "unless"))
_LONGEST = (2**63 - 1) // 10**6 / 1000  # seconds in Go's nanoseconds


def names_a_metric(token: Token) -> bool:
    """Keywords may be metrics' names, too, most of them."""
    return token.kind in (IDENTIFIER, METRIC_IDENTIFIER, AGGREGATOR) or (
        token.kind in (KEYWORD, OPERATOR) and token.lower in _NAMES_A_METRIC
    )


class SelectorReader:
    """Reads one token ahead, and only when the grammar needs it: an error that comes first is told first."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._ahead: Token | None = None
        self._aggregations = 0
        self._end = 0

    def _peek(self) -> Token:
        if self._ahead is None:
            self._ahead = next(self._tokens)
            if self._ahead.kind == ERROR:
                raise Problem(self._ahead.text, self._ahead.at)
        return self._ahead

    def _take(self) -> Token:
        token = self._peek()
        self._ahead = None
        self._end = token.at + len(token.text)
        return token

    def _taken(self, *texts: str) -> bool:
        if self._peek().is_(*texts):
            self._take()
            return True
        return False

    def _unexpected(self, context: str | None = None, expected: str = "") -> Problem:
        token = self._peek()
        if context is None:
            context = "aggregation" if self._aggregations else ""
        where = f" in {context}" if context else ""
        wanted = f", expected {expected}" if expected else ""
        return Problem(f"unexpected {token.described()}{where}{wanted}", token.at)

    def _duration(self) -> None:
        token = self._take()
        seconds = parse_duration(token.text)
        if seconds is None:
            raise Problem(f"not a valid duration string: {quoted(token.text)}", token.at)
        if seconds > _LONGEST:
            raise Problem("duration out of range", token.at)
        if seconds == 0:
            raise Problem("duration must be greater than 0", token.at)

    def _selector(self, name: Token | None = None) -> Selector:
        if name is None and not self._peek().is_("{"):
            name = self._take()
        at = name.at if name is not None else self._peek().at
        matchers: list[Matcher] = []
        if self._taken("{"):
            while not self._taken("}"):
                matchers.append(self._matcher())
                if not self._taken(",") and not self._peek().is_("}"):
                    raise self._unexpected("label matching", '"," or "}"')
        named = name.text if name is not None else ""
        if named:
            matchers.append(Matcher(NAME, EQUAL, named))
        return Selector(at, self._end, named, matchers)

    def _matcher(self) -> Matcher:
        label = self._peek()
        if label.kind != IDENTIFIER:
            raise self._unexpected("label matching", 'identifier or "}"')
        self._take()
        if not self._peek().is_(EQUAL, NOT_EQUAL, MATCHES, MATCHES_NOT):
            raise self._unexpected("label matching", "label matching operator")
        operator = self._take().text
        if self._peek().kind != STRING:
            raise self._unexpected("label matching", "string")
        matcher = Matcher(label.text, operator, unquoted(self._take().text))
        if operator in (MATCHES, MATCHES_NOT):
            try:
                anchored(matcher.value)
            except BadQuery as error:
                raise Problem(str(error), label.at) from error
        return matcher
