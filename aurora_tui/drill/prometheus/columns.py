"""What a query's nodes exchange: series in rows, all steps of the range in one column each.

`None` in a column: no sample at this step. A scalar is one column without labels and without gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aurora_tui.drill.prometheus.errors import ExecutionFailed
from aurora_tui.drill.prometheus.labels import Labels

Column = list[float | None]
Row = tuple[Labels, Column]
Floats = Sequence[float]

DUPLICATE = "vector cannot contain metrics with the same labelset"


def join(rows: list[Row]) -> list[Row]:
    """Rows with equal labels become one when they never meet at a step; ExecutionFailed when they do."""
    by_labels: dict[Labels, Column] = {}
    for labels, column in rows:
        known = by_labels.get(labels)
        if known is None:
            by_labels[labels] = column
            continue
        both: Column = []
        for left, right in zip(known, column, strict=True):
            if left is not None and right is not None:
                raise ExecutionFailed(DUPLICATE)
            both.append(right if left is None else left)
        by_labels[labels] = both
    return rows if len(by_labels) == len(rows) else list(by_labels.items())


def distinct(rows: list[Row]) -> list[Row]:
    """`rows`, checked to have no two with the same labels in the whole range, as range functions demand."""
    if len({labels for labels, _ in rows}) < len(rows):
        raise ExecutionFailed(DUPLICATE)
    return rows


def filled(column: Column) -> bool:
    """Whether the column has any sample."""
    return any(value is not None for value in column)


def mapped(function: Callable[[float], float], column: Column) -> Column:
    return [None if value is None else function(value) for value in column]
