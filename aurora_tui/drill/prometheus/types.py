"""A query's parts with their types, checked against each other as Prometheus checks them.

Source: checkAST and newAggregateExpr in promql/parser/parse.go of 2.42.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aurora_tui.drill.prometheus.matchers import Matcher
from aurora_tui.drill.prometheus.tokens import quoted

SCALAR, VECTOR, MATRIX, TEXT = "scalar", "vector", "matrix", "string"
_DOCUMENTED = {VECTOR: "instant vector", MATRIX: "range vector"}
_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))
_SETS = frozenset(("and", "or", "unless"))
_WITH_PARAMETER = {"topk": SCALAR, "bottomk": SCALAR, "quantile": SCALAR}
_V, _M, _S, _T = (VECTOR,), (MATRIX,), (SCALAR,), (TEXT,)
_MANY = -1


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's argument types; `optional` of the last may be left out, or come any number of times (-1)."""

    arguments: tuple[str, ...]
    optional: int = 0
    gives: str = VECTOR


SIGNATURES: dict[str, Signature] = {
    **dict.fromkeys(("abs", "ceil", "exp", "floor", "ln", "log10", "log2", "sgn", "sqrt"), Signature(_V)),
    **dict.fromkeys(("absent", "sort", "sort_desc", "timestamp"), Signature(_V)),
    **dict.fromkeys(("rate", "irate", "increase", "delta", "idelta", "resets", "changes"), Signature(_M)),
    **dict.fromkeys(("avg_over_time", "min_over_time", "max_over_time", "sum_over_time"), Signature(_M)),
    **dict.fromkeys(("count_over_time", "last_over_time", "present_over_time"), Signature(_M)),
    **dict.fromkeys(("stddev_over_time", "stdvar_over_time", "absent_over_time"), Signature(_M)),
    **dict.fromkeys(("clamp_max", "clamp_min"), Signature(_V + _S)),
    "clamp": Signature(_V + _S + _S),
    "histogram_quantile": Signature(_S + _V),
    "label_join": Signature(_V + _T + _T + _T, _MANY),
    "label_replace": Signature(_V + _T + _T + _T + _T),
    "quantile_over_time": Signature(_S + _M),
    "round": Signature(_V + _S, 1),
    "scalar": Signature(_V, 0, SCALAR),
    "time": Signature((), 0, SCALAR),
    "vector": Signature(_S),
}


class Problem(Exception):
    """What is wrong with a query, at the character `at`, counted from 0."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(slots=True)
class Node:
    """A part of a query from the character `at` to before `end`."""

    at: int
    end: int

    def type(self) -> str:
        """What it gives; Problem when its parts do not fit together."""
        raise NotImplementedError

    def must_give(self, wanted: str, context: str) -> None:
        found = self.type()
        if found != wanted:
            expected, got = (_DOCUMENTED.get(each, each) for each in (wanted, found))
            raise Problem(f"expected type {expected} in {context}, got {got}", self.at)


@dataclass(slots=True)
class Plain(Node):
    """A number or a string."""

    kind: str

    def type(self) -> str:
        return self.kind


@dataclass(slots=True)
class Paren(Node):
    inner: Node

    def type(self) -> str:
        return self.inner.type()


@dataclass(slots=True)
class Unary(Node):
    inner: Node

    def type(self) -> str:
        found = self.inner.type()
        if found not in (SCALAR, VECTOR):
            got = quoted(_DOCUMENTED.get(found, found))
            raise Problem(
                f"unary expression only allowed on expressions of type scalar or instant vector, got {got}", self.at
            )
        return found


@dataclass(slots=True)
class Selector(Node):
    name: str
    matchers: list[Matcher]
    is_range: bool = False
    has_offset: bool = False
    has_moment: bool = False

    def type(self) -> str:
        if self.name:
            for matcher in self.matchers[:-1]:
                if matcher.name == "__name__":
                    twice = f"{quoted(self.name)} or {quoted(matcher.value)}"
                    raise Problem(f"metric name must not be set twice: {twice}", self.at)
        elif all(matcher.accepts_value("") for matcher in self.matchers):
            raise Problem("vector selector must contain at least one non-empty matcher", self.at)
        return MATRIX if self.is_range else VECTOR


@dataclass(slots=True)
class Subquery(Node):
    inner: Node
    has_offset: bool = False
    has_moment: bool = False

    def type(self) -> str:
        found = self.inner.type()
        if found != VECTOR:
            raise Problem(f"subquery is only allowed on instant vector, got {found} instead", self.at)
        return MATRIX


@dataclass(slots=True)
class Call(Node):
    name: str
    arguments: list[Node]

    def named(self, end: int) -> Call:
        """Itself, which ends at `end`; Problem when there is no such function."""
        if self.name not in SIGNATURES:
            raise Problem(f"unknown function with name {quoted(self.name)}", self.at)
        self.end = end
        return self

    def type(self) -> str:
        signature = SIGNATURES[self.name]
        most = len(signature.arguments)
        least = most - (1 if signature.optional else 0)
        count = len(self.arguments)
        wrong = f"argument(s) in call to {quoted(self.name)}, got {count}"
        if not signature.optional and count != most:
            raise Problem(f"expected {most} {wrong}", self.at)
        if count < least:
            raise Problem(f"expected at least {least} {wrong}", self.at)
        if signature.optional > 0 and count > least + signature.optional:
            raise Problem(f"expected at most {least + signature.optional} {wrong}", self.at)
        for index, argument in enumerate(self.arguments):
            argument.must_give(signature.arguments[min(index, most - 1)], f"call to function {quoted(self.name)}")
        return signature.gives


@dataclass(slots=True)
class Aggregation(Node):
    operation: str
    arguments: list[Node]

    def counted(self) -> Aggregation:
        """Itself; Problem when it has too few or many arguments, or is one that this server does not have."""
        if self.operation == "count_values":
            raise Problem("count_values is not served by this embedded Prometheus", self.at)
        wanted, count = (2 if self.operation in _WITH_PARAMETER else 1), len(self.arguments)
        if not count:
            raise Problem("no arguments for aggregate expression provided", self.at)
        if count != wanted:
            raise Problem(
                f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {count}", self.at
            )
        return self

    def type(self) -> str:
        self.arguments[-1].must_give(VECTOR, "aggregation expression")
        if self.operation in _WITH_PARAMETER:
            self.arguments[0].must_give(_WITH_PARAMETER[self.operation], "aggregation parameter")
        return VECTOR


@dataclass(slots=True)
class Binary(Node):
    left: Node
    right: Node
    operator: str
    operator_at: int
    as_bool: bool = False
    on: bool = False
    labels: list[str] = field(default_factory=list)
    grouped: bool = False
    include: list[str] = field(default_factory=list)

    def type(self) -> str:
        left, right = self.left.type(), self.right.type()
        operator = self.operator.lower()
        both = {left, right}
        if self.as_bool and operator not in _COMPARISONS:
            raise Problem("bool modifier can only be used on comparison operators", self.operator_at)
        if operator in _COMPARISONS and not self.as_bool and both == {SCALAR}:
            raise Problem("comparisons between scalars must use BOOL modifier", self.operator_at)
        for label in self.labels:
            if self.on and label in self.include:
                problem = f"label {quoted(label)} must not occur in ON and GROUP clause at once"
                raise Problem(problem, self.operator_at)
        for side, found in ((self.left, left), (self.right, right)):
            if found not in (SCALAR, VECTOR):
                raise Problem("binary expression must contain only scalar and instant vector types", side.at)
        if both != {VECTOR} and self.labels:
            raise Problem("vector matching only allowed between instant vectors", self.at)
        if operator in _SETS:
            if both == {VECTOR} and self.grouped:
                raise Problem(f"no grouping allowed for {quoted(operator)} operation", self.at)
            if SCALAR in both:
                raise Problem(f"set operator {quoted(operator)} not allowed in binary scalar expression", self.at)
        return SCALAR if both == {SCALAR} else VECTOR
