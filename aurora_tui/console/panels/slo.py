"""The SLO panel: one line an objective, and beneath it every criterion of it that is not clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from aurora_tui.console.figures import bar, number, share, spark
from aurora_tui.console.ink import Line, Row, Span, fit, span
from aurora_tui.console.moments import clock_length, utc
from aurora_tui.console.table import Cell, Column, Layout, arrange
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.mission import Direction
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import Level, SloState, SloStatus

SIGN = {Direction.AT_LEAST: "≥", Direction.AT_MOST: "≤"}
STATE = {
    SloState.MEETS: ("✔", "meets", "good"),
    SloState.MISSES: ("✗", "misses", "bad"),
    SloState.UNKNOWN: ("?", "no data", "unknown"),
}
LEVEL_INK = {Level.GOOD: "good", Level.WARN: "warn", Level.BAD: "bad", Level.UNKNOWN: "unknown"}
_SPARK_CELLS = 8
_ALMOST_COMPLETE = 0.95
_SPARK_AT = 6
_COLUMNS = (
    Column(room=1),  # glyph
    Column(least=10, most=24),  # title
    Column(drop=2, least=4, most=9),  # statistic
    Column(right=True, most=10),  # value
    Column(drop=1, most=10),  # objective
    Column(),  # word
    Column(drop=5, least=5, most=_SPARK_CELLS),
    Column(drop=3),  # compliance
    Column(drop=4),  # budget
)
_UNNAMED_COLUMNS = (*_COLUMNS[:-2], Column(drop=3, right=True), Column(drop=4, right=True))


class Head(NamedTuple):
    """A column's name on the panel's border, and the cell of the panel's content it starts at."""

    text: str
    start: int


class _Table(NamedTuple):
    layout: Layout
    cells: dict[str, tuple[Cell, ...]]
    heads: tuple[Head, ...]


def rows(situation: Situation, now: float, width: int, window: str = "72h") -> list[Row]:
    """Every SLO, why it is unknown if it is, and its criteria that breach, cannot see, or tripped."""
    layout, cells, _ = _table(situation, width, window)
    unclear = [item for item in situation.criteria if item.state is not CriterionState.OK]
    result: list[Row] = []
    for slo in situation.slos:
        missed = slo.state is not SloState.MEETS
        unknown = slo.state is SloState.UNKNOWN
        draw = partial(_unknown_line, layout, slo) if unknown else partial(layout.line, cells[slo.id])
        result.append(Row(slo.id, draw, _search(slo), slo, pressing=missed))
        result += [_criterion_row(item, now, width, slo) for item in unclear if item.slo == slo.id]
    result += [_criterion_row(item, now, width, None) for item in unclear if item.slo not in cells]
    return result


def heads(situation: Situation, width: int, window: str = "72h") -> tuple[Head, ...]:
    """What stands on the panel's border because the rows have no room to repeat it: `72h` and `budget`."""
    return _table(situation, width, window).heads


def _table(situation: Situation, width: int, window: str) -> _Table:
    """Cells that name their figures where all fits so; else the names go to the border, then the spark shrinks."""
    cells = {slo.id: _cells(slo, f"{window} ", "budget ", _SPARK_CELLS) for slo in situation.slos}
    layout = arrange(_COLUMNS, _texts(cells), 1000)
    if layout.taken <= width:
        return _Table(arrange(_COLUMNS, _texts(cells), width), cells, ())
    cells = {slo.id: _cells(slo, "", "", _SPARK_CELLS) for slo in situation.slos}
    layout = arrange(_UNNAMED_COLUMNS, _texts(cells), width)
    room = layout.widths[_SPARK_AT]
    if 0 < room < _SPARK_CELLS:
        cells = {slo.id: _cells(slo, "", "", room) for slo in situation.slos}
    compliance, budget = len(_COLUMNS) - 2, len(_COLUMNS) - 1
    named = []
    if layout.widths[compliance] and any(slo.compliance is not None for slo in situation.slos):
        named.append(Head(window, layout.start(compliance)))
    if layout.widths[budget] and any(slo.budget_left is not None for slo in situation.slos):
        named.append(Head("budget", layout.start(budget) + layout.widths[budget] - len("budget")))
    return _Table(layout, cells, tuple(named))


def _texts(cells: Mapping[str, Sequence[Cell]]) -> list[list[str]]:
    return [["".join(part.text for part in _spans(cell)) for cell in line] for line in cells.values()]


def _spans(cell: Cell) -> tuple[Span, ...]:
    return (cell,) if isinstance(cell, Span) else cell


def _unknown_line(layout: Layout, slo: SloStatus) -> Line:
    """`? RTT   — ≤ 350  no data: why`: nothing that was known before stands where a figure would."""
    shown = [number_ for number_, room in enumerate(layout.widths[:5]) if room]
    taken = sum(layout.widths[at] for at in shown) + len(shown)
    head = Layout(tuple(_COLUMNS[at] for at in shown), tuple(layout.widths[at] for at in shown), taken - 1)
    cells = _cells(slo, "", "", 0)
    left = head.line([cells[at] for at in shown])
    why = f"no data{': ' + slo.why_unknown if slo.why_unknown else ''}"
    return (*fit(left, taken), *fit((span(why, "unknown"),), layout.total - taken))


def _search(slo: SloStatus) -> str:
    return f"{slo.title} {slo.statistic or ''} {STATE[slo.state][1]}".lower()


def is_bad(slo: SloStatus, value: float) -> bool:
    """Whether `value` is on the wrong side of the objective."""
    return value < slo.threshold if slo.direction is Direction.AT_LEAST else value > slo.threshold


def _cells(slo: SloStatus, window: str, budget: str, spark_cells: int) -> tuple[Cell, ...]:
    """One SLO's cells; `window` and `budget` name the two shares where there is room for their names."""
    glyph, word, ink = STATE[slo.state]
    incomplete = slo.completeness is not None and slo.completeness < _ALMOST_COMPLETE
    spent = slo.budget_left is not None and slo.budget_left < 0
    return (
        span(glyph, f"{ink} bold"),
        span(slo.title),
        span(slo.statistic or "", "dim"),
        span(number(slo.value, slo.digits), f"{LEVEL_INK[slo.level]} bold"),
        span(f"{SIGN[slo.direction]} {number(slo.threshold, slo.digits)}", "dim"),
        span(word, ink),
        spark(slo.spark, spark_cells, slo.threshold, partial(is_bad, slo)) if slo.spark and spark_cells else span(""),
        (span(window, "dim"), span(f"{'~' if incomplete else ''}{share(slo.compliance)}")),
        (span(budget, "dim"), span(share(slo.budget_left, 0), "bad" if spent else "")),
    )


def _criterion_row(item: CriterionStatus, now: float, width: int, slo: SloStatus | None) -> Row:
    search = f"{item.title} {item.state.value}".lower()
    draw = partial(criterion_line, item, now, width, titled=slo is None)
    passing = is_not_counted_yet(item)
    return Row(f"criterion/{item.id}", draw, search, slo or item, pressing=not passing, passing=passing)


def is_not_counted_yet(item: CriterionStatus) -> bool:
    """Whether a criterion has no data only because its history has not been read yet."""
    known = (item.folded_to, item.source_error, item.since, item.cannot_trip)
    return item.state is CriterionState.NO_DATA and all(value is None for value in known)


def limit_words(item: CriterionStatus) -> str:
    """`over 400`, `under 0.75`, `at or over 5`: when the value is bad, in words."""
    words = {">": "over", ">=": "at or over", "<": "under", "<=": "at or under"}
    return f"{words.get(item.op or '', item.op or '')} {number(item.limit, item.digits)}".strip()


def _not_counted_yet(item: CriterionStatus) -> str:
    """Nothing is lost, but nothing is known yet either: what of."""
    rule = f"{limit_words(item)}{' for ' + clock_length(item.hold) if item.hold else ''}"
    begun = item.detail is not None and item.detail.startswith("counting")
    return f"{'counting has just begun' if begun else 'reading its history'}: {rule}".removesuffix(": ")


def criterion_line(item: CriterionStatus, now: float, width: int, titled: bool = False) -> Line:
    """`⚠ over 400 for 06:41 of 15:00 ━━━━╺━━━━  trips 14:10`, and its like for the other states."""
    name = f"{item.title}: " if titled else ""
    if item.state is CriterionState.TRIPPED:
        when = f" {utc(item.tripped_at)}Z" if item.tripped_at is not None else ""
        what = f"{limit_words(item)} for {clock_length(item.hold)}" if item.hold else item.detail or item.title
        return fit((span(f"  ✗ {name}TRIPPED{when}: {what} → {item.then}", "bad bold"),), width)
    if item.state is CriterionState.TRIPPED_UNVERIFIED:
        when = f" {utc(item.tripped_at)}Z" if item.tripped_at is not None else ""
        return fit(
            (span(f"  ? {name}tripped, unverified{when}: {item.detail or 'no data all along'}", "blind"),), width
        )
    if item.state is CriterionState.OK:
        return fit((span(f"  ✔ {name}clear ({limit_words(item) or item.detail or item.title})", "good"),), width)
    if is_not_counted_yet(item):
        return fit((span(f"  … {name}{_not_counted_yet(item)}", "dim"),), width)
    breaching = item.state is CriterionState.BREACHING
    ink = "bad" if breaching else "unknown"
    glyph, what = ("⚠", limit_words(item) or item.detail or "breaching") if breaching else ("?", "no data")
    elapsed = None if item.since is None else now - item.since
    left = f"  {glyph} {name}{what}"
    if elapsed is not None:
        left += f" for {clock_length(elapsed)}"
    if item.hold:
        left += f" of {clock_length(item.hold)}"
    if elapsed is None and item.source_error:
        left += f": {item.source_error}"
    right = "" if item.trips_at is None else f"  {'trips' if breaching else 'may trip'} {utc(item.trips_at)}"
    room = min(20, width - len(left) - len(right) - 1)
    gauge = ""
    if elapsed is not None and item.hold and room >= 4:
        done = 1 - (item.trips_at - now) / item.hold if item.trips_at is not None else elapsed / item.hold
        gauge = bar(done, room)
    head, point, tail = gauge.partition("╺")
    parts = (span(f"{left} ", ink), span(head, ink), span(point, ink), span(tail, "dim"), span(right, ink))
    return fit((part for part in parts if part.text), width)
