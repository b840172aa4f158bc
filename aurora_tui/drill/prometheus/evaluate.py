"""PromQL's tree evaluated for all steps of a range at once; an instant query is a range of one step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import promql_parser as promql

from aurora_tui.drill.prometheus import binary, functions, over_time, rates
from aurora_tui.drill.prometheus.aggregate import TAKES_NUMBER, aggregate, grouping
from aurora_tui.drill.prometheus.columns import Column, Row, distinct, filled, join
from aurora_tui.drill.prometheus.errors import BadQuery, ExecutionFailed, TimedOut
from aurora_tui.drill.prometheus.invariance import invariant, invariant_parts
from aurora_tui.drill.prometheus.labels import NAME, Labels, drop_name
from aurora_tui.drill.prometheus.matchers import EQUAL, MATCHES, MATCHES_NOT, NOT_EQUAL, Matcher
from aurora_tui.drill.prometheus.quantile import histogram_quantile
from aurora_tui.drill.prometheus.storage import Storage
from aurora_tui.drill.prometheus.windows import LatestPicker, Ranged, WindowCutter

LOOKBACK_MS = 300_000.0
_DEFAULT_SUBQUERY_STEP_MS = 60_000.0
_MOST_SUBQUERY_STEPS = 500_000
# The parser's enums cannot be dictionary keys; their names can.
_OPERATORS = {
    "MatchOp.Equal": EQUAL,
    "MatchOp.NotEqual": NOT_EQUAL,
    "MatchOp.Re": MATCHES,
    "MatchOp.NotRe": MATCHES_NOT,
}
_MANY_SIDE = {"VectorMatchCardinality.ManyToOne": "left", "VectorMatchCardinality.OneToMany": "right"}

_OfRange = Callable[[Ranged], Column]
OF_RANGE: dict[str, _OfRange] = {
    "rate": lambda ranged: rates.extrapolated(ranged, counter=True, per_second=True),
    "increase": lambda ranged: rates.extrapolated(ranged, counter=True, per_second=False),
    "delta": lambda ranged: rates.extrapolated(ranged, counter=False, per_second=False),
    "irate": lambda ranged: rates.instant_change(ranged, per_second=True),
    "idelta": lambda ranged: rates.instant_change(ranged, per_second=False),
    "resets": rates.resets_count,
    "changes": rates.changes_count,
    "last_over_time": over_time.last_over_time,
    "count_over_time": over_time.count_over_time,
}


def matchers_of(selector: Any) -> list[Matcher]:
    """The matchers of a vector selector, its name among them."""
    found = [Matcher(each.name, _OPERATORS[str(each.op)], each.value) for each in selector.matchers.matchers]
    return [Matcher(NAME, EQUAL, selector.name), *found] if selector.name else found


def is_scalar(node: Any) -> bool:
    if isinstance(node, promql.NumberLiteral):
        return True
    if isinstance(node, promql.Call):
        return bool(node.func.return_type == promql.ValueType.Scalar)
    if isinstance(node, promql.ParenExpr | promql.UnaryExpr):
        return is_scalar(node.expr)
    return isinstance(node, promql.BinaryExpr) and is_scalar(node.lhs) and is_scalar(node.rhs)


def unwrap(node: Any) -> Any:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates nodes at `steps` (rising) of a query over `bounds`, both in milliseconds.

    `deadline` is a time.monotonic() moment.
    """

    storage: Storage
    steps: list[float]
    bounds: tuple[float, float]
    lookback_ms: float = LOOKBACK_MS
    deadline: float = math.inf

    def vector(self, node: Any) -> list[Row]:
        """The rows of an instant-vector expression, each with at least one sample."""
        if time.monotonic() > self.deadline:
            raise TimedOut("query timed out in expression evaluation")
        match node:
            case promql.VectorSelector():
                return self._select(node, want_time=False)
            case promql.ParenExpr():
                return self.vector(node.expr)
            case promql.UnaryExpr():
                rows = self.vector(node.expr)
                return distinct([(drop_name(labels), [None if v is None else -v for v in c]) for labels, c in rows])
            case promql.AggregateExpr():
                return self._aggregate(node)
            case promql.BinaryExpr():
                return self._binary(node)
            case promql.Call():
                return [row for row in self._call(node) if filled(row[1])]
        raise BadQuery(f"{type(node).__name__} is not supported here")

    def scalar(self, node: Any) -> list[float]:
        match node:
            case promql.NumberLiteral():
                return [node.val] * len(self.steps)
            case promql.ParenExpr():
                return self.scalar(node.expr)
            case promql.UnaryExpr():
                return [-value for value in self.scalar(node.expr)]
            case promql.BinaryExpr():
                return binary.scalars(str(node.op), self.scalar(node.lhs), self.scalar(node.rhs))
            case promql.Call() if node.func.name == "time":
                return [step / 1000 for step in self.steps]
            case promql.Call() if node.func.name == "scalar":
                return functions.scalar(self.vector(node.args[0]), len(self.steps))
        raise BadQuery(f"{type(node).__name__} is not supported here")

    def _moments(self, node: Any) -> list[float]:
        """When a selector looks: at each step, moved by `offset`, or always at the `@` moment."""
        offset = node.offset.total_seconds() * 1000 if node.offset is not None else 0.0
        if node.at is None:
            return [step - offset for step in self.steps] if offset else self.steps
        if node.at.type == promql.AtModifierType.Start:
            fixed = self.bounds[0]
        elif node.at.type == promql.AtModifierType.End:
            fixed = self.bounds[1]
        else:
            fixed = float(round(node.at.at.timestamp() * 1000))
        return [fixed - offset] * len(self.steps)

    def _select(self, node: Any, want_time: bool) -> list[Row]:
        picker = LatestPicker(self._moments(node), self.lookback_ms)
        rows: list[Row] = []
        for series in self.storage.select(matchers_of(node)):
            column = picker.pick(series, want_time)
            if column is not None and filled(column):
                rows.append((series.labels, column))
        return rows

    def ranged(self, node: Any) -> list[Ranged]:
        """The series of a matrix selector or subquery, cut into windows."""
        node = unwrap(node)
        range_ms = node.range.total_seconds() * 1000
        if isinstance(node, promql.MatrixSelector):
            selector = node.vector_selector
            cutter = WindowCutter(self._moments(selector), range_ms)
            cut = [cutter.cut(series) for series in self.storage.select(matchers_of(selector))]
            return [ranged for ranged in cut if ranged is not None]
        return self._subquery(node, range_ms)

    def _subquery(self, node: Any, range_ms: float) -> list[Ranged]:
        moments = self._moments(node)
        step = node.step.total_seconds() * 1000 if node.step is not None else _DEFAULT_SUBQUERY_STEP_MS
        earliest = moments[0] - range_ms
        start = math.trunc(earliest / step) * step
        if start < earliest:
            start += step
        count = int((moments[-1] - start) // step) + 1
        if count > _MOST_SUBQUERY_STEPS:
            raise ExecutionFailed("query processing would load too many samples into memory in query execution")
        if count < 1:
            self._refuse_what_fails(node.expr, start)
            return []
        grid = [start + index * step for index in range(count)]
        inner = Evaluator(self.storage, grid, self.bounds, self.lookback_ms, self.deadline)
        rows: list[Row] = [((), list(inner.scalar(node.expr)))] if is_scalar(node.expr) else inner.vector(node.expr)
        cutter = WindowCutter(moments, range_ms)
        out = []
        for labels, column in rows:
            present = [(at, value) for at, value in zip(inner.steps, column, strict=True) if value is not None]
            out.append(cutter.cut_points(labels, [at for at, _ in present], [value for _, value in present]))
        return out

    def _refuse_what_fails(self, node: Any, start: float) -> None:
        """Raises what evaluating the parts that do not depend on steps raises."""
        once = Evaluator(self.storage, [start], self.bounds, self.lookback_ms, self.deadline)
        for part in invariant_parts(node):
            if isinstance(part, promql.MatrixSelector | promql.SubqueryExpr):
                once.ranged(part)
            elif not is_scalar(part) and not isinstance(part, promql.StringLiteral):
                once.vector(part)

    def _aggregate(self, node: Any) -> list[Row]:
        operation = str(node.op)
        modifier = node.modifier
        by = modifier is None or modifier.type == promql.AggModifierType.By
        names = [] if modifier is None else modifier.labels
        number = self.scalar(node.param) if operation in TAKES_NUMBER else []
        if number and invariant(node.expr):
            number = [number[0]] * len(number)
        return aggregate(operation, self.vector(node.expr), grouping(by, names), number)

    def _binary(self, node: Any) -> list[Row]:
        operator, modifier = str(node.op), node.modifier
        as_bool = modifier is not None and modifier.return_bool
        if is_scalar(node.lhs):
            numbers = self.scalar(node.lhs)  # the left side first: of two errors the first is told
            return binary.vector_scalar(operator, self.vector(node.rhs), numbers, as_bool, True)
        if is_scalar(node.rhs):
            return binary.vector_scalar(operator, self.vector(node.lhs), self.scalar(node.rhs), as_bool, False)
        left, right = self.vector(node.lhs), self.vector(node.rhs)
        matching = _matching(modifier)
        if operator in binary.SET_OPERATORS:
            return binary.combine_sets(operator, left, right, matching)
        return binary.vectors(operator, left, right, matching, as_bool)

    def _call(self, node: Any) -> list[Row]:
        name, arguments = node.func.name, node.args
        if name in OF_RANGE:
            return self._of_range(OF_RANGE[name], arguments[0], keeps_name=name == "last_over_time")
        if name in over_time.OVER_TIME:
            function = over_time.OVER_TIME[name]
            return self._of_range(lambda ranged: over_time.over_time(function, ranged), arguments[0])
        if name == "quantile_over_time":
            q = self.scalar(arguments[0])
            return self._of_range(lambda ranged: over_time.quantile_over_time(q, ranged), arguments[1])
        if name in functions.EACH:
            return functions.each(functions.EACH[name], self.vector(arguments[0]))
        if name in ("absent", "absent_over_time"):
            return self._absent(name, arguments[0])
        return self._other_call(name, arguments)

    def _of_range(self, function: _OfRange, argument: Any, keeps_name: bool = False) -> list[Row]:
        rows: list[Row] = []
        for ranged in self.ranged(argument):
            column = function(ranged)
            if filled(column):
                rows.append((ranged.labels if keeps_name else drop_name(ranged.labels), column))
        return distinct(rows)

    def _absent(self, name: str, argument: Any) -> list[Row]:
        plain = unwrap(argument)
        labels: Labels = ()
        if isinstance(plain, promql.VectorSelector | promql.MatrixSelector):
            labels = functions.absent_labels(matchers_of(getattr(plain, "vector_selector", plain)))
        if name == "absent":
            rows = self.vector(argument)
        else:
            rows = [(ranged.labels, over_time.count_over_time(ranged)) for ranged in self.ranged(argument)]
        return functions.absent(rows, labels, len(self.steps))

    def _other_call(self, name: str, arguments: list[Any]) -> list[Row]:
        match name:
            case "vector":
                return [((), list(self.scalar(arguments[0])))]
            case "timestamp":
                plain = unwrap(arguments[0])
                if isinstance(plain, promql.VectorSelector):
                    return join([(drop_name(labels), column) for labels, column in self._select(plain, True)])
                seconds = [step / 1000 for step in self.steps]
                return functions.with_numbers(lambda value, at: at, self.vector(plain), seconds)
            case "histogram_quantile":
                return histogram_quantile(self.scalar(arguments[0]), self.vector(arguments[1]))
            case "label_replace":
                return functions.label_replace(self.vector(arguments[0]), *_texts(arguments[1:]))
            case "label_join":
                target, separator, *sources = _texts(arguments[1:])
                return functions.label_join(self.vector(arguments[0]), target, separator, sources)
            case "sort" | "sort_desc":
                return functions.sort_rows(self.vector(arguments[0]), name == "sort_desc")
            case "clamp":
                bounds = [self.scalar(argument) for argument in arguments[1:]]
                return functions.with_numbers(functions.clamp, self.vector(arguments[0]), *bounds)
            case "clamp_min":
                return functions.with_numbers(functions.go_max, self.vector(arguments[0]), self.scalar(arguments[1]))
            case "clamp_max":
                return functions.with_numbers(functions.go_min, self.vector(arguments[0]), self.scalar(arguments[1]))
            case "round":
                nearest = self.scalar(arguments[1]) if len(arguments) > 1 else [1.0] * len(self.steps)
                return functions.with_numbers(functions.round_to, self.vector(arguments[0]), nearest)
        raise BadQuery(f'parse error: unknown function with name "{name}"')


def _texts(arguments: list[Any]) -> list[str]:
    return [unwrap(argument).val for argument in arguments]


def _matching(modifier: Any) -> binary.Matching:
    if modifier is None:
        return binary.Matching()
    on, names = False, ()
    if modifier.matching is not None:
        on = modifier.matching.type == promql.LabelModifierType.Include
        names = tuple(modifier.matching.labels)
    many = _MANY_SIDE.get(str(modifier.card), "")
    return binary.Matching(on, names, many, tuple(modifier.group_labels or ()))
