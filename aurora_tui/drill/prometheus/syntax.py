"""Whether a text is a query, and if not, what Prometheus says is wrong with it and where.

The parser that makes the tree (promql-parser) has other words, tells no positions, and takes some of what only later
versions take; so every query passes this reader first. Source: generatedParser.y in promql/parser of 2.42.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar

from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.matchers import Matcher
from aurora_tui.drill.prometheus.selectors import SelectorReader, names_a_metric
from aurora_tui.drill.prometheus.tokens import (
    AGGREGATOR,
    DURATION,
    END,
    IDENTIFIER,
    KEYWORD,
    METRIC_IDENTIFIER,
    NUMBER,
    OPERATOR,
    STRING,
    Token,
    quoted,
)
from aurora_tui.drill.prometheus.types import (
    Aggregation,
    Binary,
    Call,
    Node,
    Paren,
    Plain,
    Problem,
    Selector,
    Subquery,
    Unary,
)

_PRECEDENCE = {
    **dict.fromkeys(("or",), 1),
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_POWER = 6
_YEAR_10000 = 253_402_300_800
_FLOAT = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F]+|inf|nan", re.IGNORECASE)
_ONLY_ON_SELECTORS = "modifier must be preceded by an instant vector selector or range vector selector or a subquery"


_Read = TypeVar("_Read")


def check_query(text: str) -> None:
    """BadQuery, as Prometheus words it, unless `text` is a query."""
    _reading(text, lambda reader: reader.query())


def read_selector(text: str) -> list[Matcher]:
    """The matchers of a series selector; BadQuery as Prometheus words it."""
    return _reading(text, lambda reader: reader.lone_selector())


def _reading(text: str, read: Callable[[_Reader], _Read]) -> _Read:
    try:
        return read(_Reader(text))
    except Problem as problem:
        before = text[: problem.at]
        line = before.count("\n") + 1
        column = len(before[before.rfind("\n") + 1 :].encode()) + 1
        raise BadQuery(f"{line}:{column}: parse error: {problem}") from problem


class _Reader(SelectorReader):
    """Reads expressions; it makes their parts, which then say whether they fit together."""

    def query(self) -> None:
        if self._peek().kind == END:
            raise Problem("no expression found in input", 0)
        tree = self._expression(0)
        self._expect_end()
        tree.type()

    def lone_selector(self) -> list[Matcher]:
        token = self._peek()
        if not (names_a_metric(token) or token.is_("{")):
            raise self._unexpected()
        selector = self._selector()
        self._expect_end()
        return selector.matchers

    def _expect_end(self) -> None:
        if self._peek().kind != END:
            raise self._unexpected()

    def _expression(self, least: int) -> Node:
        left = self._operand()
        while (precedence := self._binds()) >= max(least, 1):
            operator = self._take()
            left = self._binary(left, operator, precedence)
        return left

    def _binds(self) -> int:
        token = self._peek()
        return _PRECEDENCE.get(token.lower, 0) if token.kind == OPERATOR else 0

    def _binary(self, left: Node, operator: Token, precedence: int) -> Binary:
        as_bool = self._taken("bool")
        on = self._peek().is_("on")
        labels: list[str] = []
        group, include = False, []
        matched = False
        if self._taken("on", "ignoring"):
            matched = True
            labels = self._grouping()
            if self._taken("group_left", "group_right"):
                group = True
                if self._peek().is_("("):
                    include = self._grouping()
        right = self._expression(precedence if precedence == _POWER else precedence + 1)
        return Binary(
            left.at, self._end, left, right, operator.text, operator.at, as_bool, on and matched, labels, group, include
        )

    def _operand(self) -> Node:
        if self._peek().is_("+", "-"):
            sign = self._take()
            operand = self._expression(_POWER)
            return Unary(sign.at, operand.end, operand)
        node = self._primary()
        while True:
            token = self._peek()
            if token.is_("offset"):
                self._offset(node)
            elif token.is_("@"):
                self._moment(node)
            elif token.is_("["):
                node = self._brackets(node)
            else:
                return node
            node.end = self._end

    def _primary(self) -> Node:
        token = self._peek()
        if token.kind == NUMBER:
            self._take()
            if not _FLOAT.fullmatch(token.text):
                reason = f"strconv.ParseFloat: parsing {quoted(token.text)}: invalid syntax"
                raise Problem(f"error parsing number: {reason}", token.at)
            return Plain(token.at, self._end, "scalar")
        if token.kind == STRING:
            self._take()
            return Plain(token.at, self._end, "string")
        if token.is_("("):
            self._take()
            inner = self._expression(0)
            if not self._taken(")"):
                raise self._unexpected()
            return Paren(token.at, self._end, inner)
        if not (names_a_metric(token) or token.is_("{")):
            raise self._unexpected()
        if token.kind == AGGREGATOR:
            self._take()
            if self._peek().is_("by", "without", "("):
                return self._aggregation(token)
            return self._selector(token)
        if token.kind == IDENTIFIER:
            self._take()
            if self._peek().is_("("):
                return Call(token.at, 0, token.text, self._arguments()).named(self._end)
            return self._selector(token)
        return self._selector()

    def _aggregation(self, token: Token) -> Aggregation:
        self._aggregations += 1
        modified = self._taken("by", "without")
        if modified:
            self._grouping()
        if not self._peek().is_("("):
            raise self._unexpected()
        arguments = self._arguments()
        if not modified and self._taken("by", "without"):
            self._grouping()
        self._aggregations -= 1
        return Aggregation(token.at, self._end, token.lower, arguments).counted()

    def _arguments(self) -> list[Node]:
        self._take()
        if self._taken(")"):
            return []
        found = [self._expression(0)]
        while not self._taken(")"):
            comma = self._peek()
            if not self._taken(","):
                raise self._unexpected()
            if not self._begins_expression():
                raise Problem("trailing commas not allowed in function call args", comma.at)
            found.append(self._expression(0))
        return found

    def _begins_expression(self) -> bool:
        token = self._peek()
        return token.kind in (NUMBER, STRING) or token.is_("(", "{", "+", "-") or names_a_metric(token)

    def _grouping(self) -> list[str]:
        if not self._taken("("):
            raise self._unexpected("grouping opts", '"("')
        names: list[str] = []
        while not self._taken(")"):
            token = self._peek()
            word = token.kind in (IDENTIFIER, METRIC_IDENTIFIER, KEYWORD, AGGREGATOR) or token.text[:1].isalpha()
            if not word or token.kind in (NUMBER, STRING, DURATION) or ":" in token.text:
                raise self._unexpected("grouping opts", "label")
            names.append(self._take().text)
            if not self._taken(",") and not self._peek().is_(")"):
                raise self._unexpected("grouping opts", '"," or ")"')
        return names

    def _offset(self, node: Node) -> None:
        self._take()
        self._taken("-")
        if self._peek().kind != DURATION:
            raise self._unexpected("offset", "duration")
        self._duration()
        if not isinstance(node, Selector | Subquery):
            raise Problem(f"offset {_ONLY_ON_SELECTORS}", node.at)
        if node.has_offset:
            raise Problem("offset may not be set multiple times", node.at)
        node.has_offset = True

    def _moment(self, node: Node) -> None:
        self._take()
        if self._taken("start", "end"):
            for sign in "()":
                if not self._taken(sign):
                    raise self._unexpected("@", "timestamp")
            seconds = 0.0
        else:
            negative = self._peek().is_("-")
            self._taken("+", "-")
            if self._peek().kind != NUMBER:
                raise self._unexpected("@", "timestamp")
            seconds = float(self._take().text) * (-1 if negative else 1)
        if not abs(seconds) < 2**63:
            raise Problem(f"timestamp out of bounds for @ modifier: {_as_go_prints(seconds)}", node.at)
        if not 0 <= seconds < _YEAR_10000:
            raise Problem("a moment before 1970 or after 9999 is not served by this embedded Prometheus", node.at)
        if not isinstance(node, Selector | Subquery):
            raise Problem(f"@ {_ONLY_ON_SELECTORS}", node.at)
        if node.has_moment:
            raise Problem("@ <timestamp> may not be set multiple times", node.at)
        node.has_moment = True

    def _brackets(self, node: Node) -> Node:
        bracket = self._take()
        if self._peek().kind != DURATION:
            raise self._unexpected("subquery selector", "duration")
        self._duration()
        if self._taken(":"):
            if self._peek().kind == DURATION:
                self._duration()
                if not self._taken("]"):
                    raise self._unexpected("subquery selector", '"]"')
            elif not self._taken("]"):
                raise self._unexpected("subquery selector", 'duration or "]"')
            return Subquery(node.at, self._end, node)
        if not self._taken("]"):
            raise self._unexpected("subquery or range", '":" or "]"')
        if not isinstance(node, Selector) or node.is_range:
            raise Problem("ranges only allowed for vector selectors", bracket.at)
        if node.has_offset:
            raise Problem("no offset modifiers allowed before range", bracket.at)
        if node.has_moment:
            raise Problem("no @ modifiers allowed before range", bracket.at)
        node.is_range = True
        return node


def _as_go_prints(number: float) -> str:
    if number != number:
        return "NaN"
    return f"{number:f}" if abs(number) < math.inf else ("+Inf" if number > 0 else "-Inf")
