"""Which expressions have one answer for all steps, as Prometheus judges it: it evaluates these once, at the start.

Source: preprocessExprHelper in promql/engine.go of 2.42. It forgets that an aggregation's parameter may vary, so
quantile(scalar(x), y @ 0) takes scalar(x) of the first step for all of them; what is compared with it must, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

_VARIES = frozenset(
    {
        "time",
        "timestamp",
        "predict_linear",
        "minute",
        "hour",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    }
)


def invariant(node: Any) -> bool:
    match node:
        case promql.VectorSelector() | promql.SubqueryExpr():
            return node.at is not None
        case promql.MatrixSelector():
            return invariant(node.vector_selector)
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr():
            return invariant(node.expr)
        case promql.BinaryExpr():
            return invariant(node.lhs) and invariant(node.rhs)
        case promql.Call():
            return node.func.name not in _VARIES and all(invariant(each) for each in node.args)
    return True


def invariant_parts(node: Any) -> Iterator[Any]:
    """The largest expressions within `node` that are evaluated once, even when there is no step at all."""
    if invariant(node):
        yield node
        return
    match node:
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr():
            yield from invariant_parts(node.expr)
        case promql.BinaryExpr():
            yield from invariant_parts(node.lhs)
            yield from invariant_parts(node.rhs)
        case promql.Call():
            for each in node.args:
                yield from invariant_parts(each)
