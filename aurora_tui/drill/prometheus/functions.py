"""Functions of instant vectors: value by value, label by label, or of presence."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from aurora_tui.drill.prometheus.columns import Row, join, mapped
from aurora_tui.drill.prometheus.errors import BadQuery, ExecutionFailed
from aurora_tui.drill.prometheus.floats import INF, NAN, divide
from aurora_tui.drill.prometheus.labels import NAME, Labels, drop_name, value_of, with_label
from aurora_tui.drill.prometheus.matchers import EQUAL, Matcher, anchored

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _quiet(function: Callable[[float], float], at_zero: float = NAN) -> Callable[[float], float]:
    """`function` with Go's answers where Python raises: `at_zero`, +Inf beyond the largest, NaN out of its domain."""

    def answer(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return INF
        except ValueError:
            return at_zero if value == 0 else NAN

    return answer


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """Of what is not finite, itself; a zero keeps the sign, as in Go: ceil(-0.3) is -0."""
    return lambda value: math.copysign(float(function(value)), value) if math.isfinite(value) else value


EACH: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _quiet(math.exp),
    "ln": _quiet(math.log, -INF),
    "log2": _quiet(math.log2, -INF),
    "log10": _quiet(math.log10, -INF),
    "sqrt": _quiet(math.sqrt),
    "sgn": lambda value: value if value != value else float((value > 0) - (value < 0)),
}


def go_max(one: float, other: float) -> float:
    """math.Max: +Inf wins even over NaN."""
    if INF in (one, other):
        return INF
    return NAN if one != one or other != other else max(one, other)


def go_min(one: float, other: float) -> float:
    """math.Min: -Inf wins even over NaN."""
    if -INF in (one, other):
        return -INF
    return NAN if one != one or other != other else min(one, other)


def each(function: Callable[[float], float], rows: list[Row]) -> list[Row]:
    return join([(drop_name(labels), mapped(function, column)) for labels, column in rows])


def with_numbers(function: Callable[..., float | None], rows: list[Row], *numbers: list[float]) -> list[Row]:
    """`function(value, number, …)` of each sample with the scalars of its step."""
    return join(
        [
            (
                drop_name(labels),
                [None if step[0] is None else function(*step) for step in zip(column, *numbers, strict=True)],
            )
            for labels, column in rows
        ]
    )


def clamp(value: float, low: float, high: float) -> float | None:
    return None if high < low else go_max(low, go_min(high, value))


def round_to(value: float, nearest: float) -> float:
    inverse = divide(1.0, nearest)
    scaled = value * inverse + 0.5
    return divide(EACH["floor"](scaled), inverse)


def scalar(rows: list[Row], width: int) -> list[float]:
    """The value of the only series at each step, NaN when there is none or several."""
    out = []
    for step in range(width):
        present = [value for _, column in rows if (value := column[step]) is not None]
        out.append(present[0] if len(present) == 1 else NAN)
    return out


def absent(rows: list[Row], labels: Labels, width: int) -> list[Row]:
    """1 at the steps at which no series has a sample."""
    present = [False] * width
    for _, column in rows:
        present = [known or value is not None for known, value in zip(present, column, strict=True)]
    return [] if all(present) else [(labels, [None if here else 1.0 for here in present])]


def absent_labels(matchers: Sequence[Matcher]) -> Labels:
    """The labels that an absent series is known to have: those matched by one `=` alone."""
    labels: Labels = ()
    seen: set[str] = set()
    for matcher in matchers:
        if matcher.name == NAME:
            continue
        first = matcher.kind == EQUAL and matcher.name not in seen
        labels = with_label(labels, matcher.name, matcher.value if first else "")
        seen.add(matcher.name)
    return labels


def sort_rows(rows: list[Row], descending: bool) -> list[Row]:
    """By value when there is one step (a range's rows are sorted by labels anyway); NaN last."""
    if not rows or len(rows[0][1]) != 1:
        return rows
    numbers = [row for row in rows if row[1][0] == row[1][0]]
    missing = [row for row in rows if row[1][0] != row[1][0]]
    return sorted(numbers, key=lambda row: row[1][0] or 0.0, reverse=descending) + missing


def label_replace(rows: list[Row], target: str, replacement: str, source: str, pattern: str) -> list[Row]:
    """`target` set to `replacement` with $1, ${name} filled in where `source` matches the whole `pattern`."""
    try:
        expression = anchored(pattern)
    except BadQuery as error:
        raise ExecutionFailed(f"invalid regular expression in label_replace(): {pattern}") from error
    if not _LABEL_NAME.fullmatch(target):
        raise ExecutionFailed(f"invalid destination label name in label_replace(): {target}")
    out: list[Row] = []
    for labels, column in rows:
        found = expression.fullmatch(value_of(labels, source))
        out.append((with_label(labels, target, _expand(replacement, found)) if found else labels, column))
    return join(out)


def _expand(template: str, found: re.Match[str]) -> str:
    """regexp.Expand of Go: an unknown group is empty, $$ is a dollar."""

    def fill(reference: re.Match[str]) -> str:
        name = reference["braced"] or reference["plain"]
        if name is None:
            return "$"
        try:
            return found[int(name) if name.isdigit() else name] or ""
        except IndexError:
            return ""

    return re.sub(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<plain>\w+))", fill, template)


def label_join(rows: list[Row], target: str, separator: str, sources: Sequence[str]) -> list[Row]:
    if not _LABEL_NAME.fullmatch(target):
        raise ExecutionFailed(f"invalid destination label name in label_join(): {target}")
    out = [
        (with_label(labels, target, separator.join(value_of(labels, name) for name in sources)), column)
        for labels, column in rows
    ]
    return join(out)
