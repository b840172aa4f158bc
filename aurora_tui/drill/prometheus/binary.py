"""Operators between vectors and scalars: matching by labels, arithmetic, comparisons, and/or/unless.

Source: VectorBinop, VectorscalarBinop, VectorAnd/Or/Unless and resultMetric in promql/engine.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aurora_tui.drill.prometheus.columns import Column, Row, filled, join
from aurora_tui.drill.prometheus.errors import ExecutionFailed
from aurora_tui.drill.prometheus.floats import ARITHMETIC, COMPARISON
from aurora_tui.drill.prometheus.labels import NAME, Labels, drop_name, only, show, value_of, with_label, without

# 2.42 keeps the name of what went through atan2.
_DROPS_NAME = frozenset(ARITHMETIC) - {"atan2"}
_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_Compute = Callable[[float, float], float | None]
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Matching:
    """How two vectors are paired. `many` names the side with several series per match: "", "left" or "right"."""

    on: bool = False
    names: tuple[str, ...] = ()
    many: str = ""
    include: tuple[str, ...] = ()

    def signature(self, labels: Labels) -> Labels:
        return only(labels, self.names) if self.on else without(labels, (*self.names, NAME))

    def result(self, operator: str, labels: Labels, one_side: Labels) -> Labels:
        if operator in _DROPS_NAME:
            labels = drop_name(labels)
        if not self.many:
            labels = only(labels, self.names) if self.on else without(labels, self.names)
        for name in self.include:
            labels = with_label(labels, name, value_of(one_side, name))
        return labels


def scalars(operator: str, left: list[float], right: list[float]) -> list[float]:
    """Scalar with scalar; comparisons give 0 or 1."""
    if operator in ARITHMETIC:
        return list(map(ARITHMETIC[operator], left, right))
    return [float(truth) for truth in map(COMPARISON[operator], left, right)]


def vector_scalar(operator: str, rows: list[Row], numbers: list[float], as_bool: bool, scalar_first: bool) -> list[Row]:
    """Vector with scalar. A comparison keeps the vector's value, whichever side it stands on."""
    compute = _with_number(operator, as_bool, scalar_first)
    drops_name = as_bool or operator in _DROPS_NAME
    out: list[Row] = []
    for labels, column in rows:
        computed = [None if value is None else compute(value, at) for value, at in zip(column, numbers, strict=True)]
        if filled(computed):
            out.append((drop_name(labels) if drops_name else labels, computed))
    return join(out)


def _with_number(operator: str, as_bool: bool, scalar_first: bool) -> _Compute:
    """What a vector's value and the scalar give; None: the value is filtered out."""
    if operator in ARITHMETIC:
        compute = ARITHMETIC[operator]
        return (lambda value, number: compute(number, value)) if scalar_first else compute
    return _computation(_MIRRORED.get(operator, operator) if scalar_first else operator, as_bool)


def _computation(operator: str, as_bool: bool) -> _Compute:
    """What a matched pair (left, right) gives; None: the pair is filtered out."""
    if operator in ARITHMETIC:
        return ARITHMETIC[operator]
    compare = COMPARISON[operator]
    if as_bool:
        return lambda left, right: float(compare(left, right))
    return lambda left, right: left if compare(left, right) else None


def vectors(operator: str, left: list[Row], right: list[Row], matching: Matching, as_bool: bool) -> list[Row]:
    """Vector with vector, one-to-one or with one `many` side; ExecutionFailed when a match is not unique."""
    if not left or not right:
        return []
    compute = _computation(operator, as_bool)
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    pairing = _Pairing(operator, matching, as_bool, compute, swapped)
    one_by_signature = _by_signature(one, matching)
    unique = all(len(found) == 1 for found in one_by_signature.values())
    many_signatures = [matching.signature(labels) for labels, _ in many]
    if unique and not matching.many and len(set(many_signatures)) == len(many):
        rows = []
        for signature, (labels, column) in zip(many_signatures, many, strict=True):
            found = one_by_signature.get(signature)
            if found:
                other_labels, other = found[0]
                rows.append((pairing.labels(labels, other_labels), _paired(compute, column, other)))
        return join([row for row in rows if filled(row[1])])
    return pairing.step_by_step(many, one, many_signatures)


def _by_signature(rows: list[Row], matching: Matching) -> dict[Labels, list[Row]]:
    found: dict[Labels, list[Row]] = {}
    for row in rows:
        found.setdefault(matching.signature(row[0]), []).append(row)
    return found


def _paired(compute: _Compute, left: Column, right: Column) -> Column:
    return [None if a is None or b is None else compute(a, b) for a, b in zip(left, right, strict=True)]


@dataclass(frozen=True, slots=True)
class _Pairing:
    operator: str
    matching: Matching
    as_bool: bool
    compute: _Compute
    swapped: bool

    def labels(self, many: Labels, one: Labels) -> Labels:
        labels = self.matching.result(self.operator, many, one)
        return drop_name(labels) if self.as_bool else labels

    def step_by_step(self, many: list[Row], one: list[Row], many_signatures: list[Labels]) -> list[Row]:
        """The careful way, for sides on which a match has several series at different steps."""
        one_signatures = [self.matching.signature(labels) for labels, _ in one]
        width = len(many[0][1])
        out: dict[Labels, Column] = {}
        for step in range(width):
            if not any(column[step] is not None for _, column in many):
                continue
            partners = self._partners(one, one_signatures, step)
            if partners:
                self._one_step(many, many_signatures, partners, step, out)
        return [(labels, column) for labels, column in out.items() if filled(column)]

    def _partners(self, one: list[Row], signatures: list[Labels], step: int) -> dict[Labels, tuple[Labels, float]]:
        partners: dict[Labels, tuple[Labels, float]] = {}
        for signature, (labels, column) in zip(signatures, one, strict=True):
            value = column[step]
            if value is None:
                continue
            if signature in partners:
                side = "left" if self.swapped else "right"
                names = self.matching.names
                group = only(labels, names) if self.matching.on else without(labels, (*names, NAME))
                raise ExecutionFailed(
                    f"found duplicate series for the match group {show(group)} on the {side} hand-side of the "
                    f"operation: [{show(labels)}, {show(partners[signature][0])}];many-to-many matching not allowed: "
                    "matching labels must be unique on one side"
                )
            partners[signature] = (labels, value)
        return partners

    def _one_step(
        self,
        many: list[Row],
        signatures: list[Labels],
        partners: dict[Labels, tuple[Labels, float]],
        step: int,
        out: dict[Labels, Column],
    ) -> None:
        done: set[tuple[Labels, Labels]] = set()
        written: set[Labels] = set()
        for signature, (labels, column) in zip(signatures, many, strict=True):
            value = column[step]
            partner = partners.get(signature)
            if value is None or partner is None:
                continue
            result = self.compute(partner[1], value) if self.swapped else self.compute(value, partner[1])
            if result is None:
                continue
            metric = self.labels(labels, partner[0])
            mark = (signature, metric if self.matching.many else ())
            if mark in done:
                if self.matching.many:
                    raise ExecutionFailed("multiple matches for labels: grouping labels must ensure unique matches")
                raise ExecutionFailed(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                )
            done.add(mark)
            if metric in written:
                raise ExecutionFailed("vector cannot contain metrics with the same labelset")
            written.add(metric)
            out.setdefault(metric, [None] * len(column))[step] = result


def combine_sets(operator: str, left: list[Row], right: list[Row], matching: Matching) -> list[Row]:
    """and, or, unless."""
    if operator == "or":
        present = _presence(left, matching)
        rows = left + [
            (labels, _where(column, present.get(matching.signature(labels)), False)) for labels, column in right
        ]
        return join([row for row in rows if filled(row[1])])
    present = _presence(right, matching)
    wanted = operator == "and"
    rows = [(labels, _where(column, present.get(matching.signature(labels)), wanted)) for labels, column in left]
    return [row for row in rows if filled(row[1])]


def _presence(rows: list[Row], matching: Matching) -> dict[Labels, list[bool]]:
    found: dict[Labels, list[bool]] = {}
    for labels, column in rows:
        signature = matching.signature(labels)
        here = [value is not None for value in column]
        known = found.get(signature)
        found[signature] = here if known is None else [a or b for a, b in zip(known, here, strict=True)]
    return found


def _where(column: Column, present: Sequence[bool] | None, wanted: bool) -> Column:
    if present is None:
        return [None] * len(column) if wanted else column
    return [value if here == wanted else None for value, here in zip(column, present, strict=True)]
