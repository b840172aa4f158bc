"""Details of an SLO: charts, what was read and how, the plan's own query, and the clocks of its criteria."""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.console.details.chart import chart
from aurora_tui.console.details.parts import fact, heading, query
from aurora_tui.console.figures import number, share
from aurora_tui.console.ink import NO_VALUE, Line, span
from aurora_tui.console.moments import age, clock_length, day_and_time, utc_second, window_name
from aurora_tui.console.panels.slo import LEVEL_INK, SIGN, STATE, criterion_line, limit_words
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.mission import Criterion, Mission, Objective
from aurora_tui.situation.slo import SloStatus

_HOUR = 3600.0


def lines(slo: SloStatus, criteria: Sequence[CriterionStatus], mission: Mission, now: float, cells: int) -> list[Line]:
    """Everything known about `slo`; `criteria` are the Situation's, filtered here."""
    objective = next((item for item in mission.slo if item.id == slo.id), None)
    result = _summary(slo, now, cells)
    end = slo.history[-1].time if slo.history else now
    window = float(mission.mission.window)
    for title, length, height in (("LAST HOUR", _HOUR, 8), (f"LAST {window_name(window)}", window, 7)):
        result += heading(title)
        span_of_time = (max(end, now) - length, max(end, now))
        result += chart(
            slo.history, *span_of_time, (cells, height), slo.threshold, slo.direction, slo.digits, slo.history_step
        )
    mine = [item for item in criteria if item.slo == slo.id]
    if mine:
        result += heading("ROLLBACK CRITERIA")
        for item in mine:
            result += criterion_lines(item, mission, now, cells)
    return result + _readings(slo, objective, cells)


def _summary(slo: SloStatus, now: float, cells: int) -> list[Line]:
    glyph, word, ink = STATE[slo.state]
    unit = f" {slo.unit}" if slo.unit else ""
    value = f"{number(slo.value, slo.digits)}{unit if slo.value is not None else ''}"
    result: list[Line] = [
        (
            span(f"{glyph} {word}", f"{ink} bold"),
            span(f"   {slo.statistic or 'no statistic'} ", "dim"),
            span(value, f"{LEVEL_INK[slo.level]} bold"),
            span(f"   objective {SIGN[slo.direction]} {number(slo.threshold, slo.digits)}{unit}"),
        )
    ]
    if slo.why_unknown:
        result += fact("no data", slo.why_unknown, cells, "unknown")
    measured = (
        "never" if slo.measured_at is None else f"{age(now - slo.measured_at)} ago, {utc_second(slo.measured_at)}Z"
    )
    result += fact("measured", measured, cells)
    basis = f" of {slo.compliance_basis}" if slo.compliance_basis else ""
    result += fact("compliance", f"{share(slo.compliance)}{basis} were good", cells)
    result += fact("completeness", f"{share(slo.completeness)} of the window has data", cells)
    burn = NO_VALUE if slo.burn_rate is None else f"{slo.burn_rate:.1f}×"
    result += fact("error budget", f"{share(slo.budget_left, 0)} left, burning at {burn}", cells)
    return result


def criterion_lines(item: CriterionStatus, mission: Mission, now: float, cells: int) -> list[Line]:
    """A criterion's state and both of its clocks in full."""
    written = next((one for one in mission.criterion if one.id == item.id), None)
    result: list[Line] = [(span(item.title, "title bold"),), criterion_line(item, now, cells)]
    rule = limit_words(item) or item.detail or ""
    hold = f" for {clock_length(item.hold)}" if item.hold else ""
    result += fact("rule", f"{item.statistic or ''} {rule}{hold}, then {item.then}".strip(), cells)
    result += fact("value", number(item.value, item.digits) + (f" {item.unit}" if item.unit else ""), cells)
    if item.since is not None:
        what = "breach since" if item.state is not CriterionState.NO_DATA else "gap since"
        result += fact(what, f"{day_and_time(item.since, now)} ({clock_length(now - item.since)})", cells)
    if item.trips_at is not None:
        result += fact(
            "trips at", f"{utc_second(item.trips_at)}Z, in {clock_length(item.trips_at - now)}", cells, "bad"
        )
    if item.tripped_at is not None:
        result += fact("tripped at", f"{utc_second(item.tripped_at)}Z", cells, "bad")
    if item.bad_share is not None:
        result += fact("bad points", f"{share(item.bad_share)} of the last hold", cells)
    if item.folded_to is not None:
        result += fact("looked up to", f"{utc_second(item.folded_to)}Z, {age(now - item.folded_to)} ago", cells)
    for name, text in (("last look failed", item.source_error), ("cannot trip", item.cannot_trip)):
        if text:
            result += fact(name, text, cells, "unknown")
    return result + _criterion_queries(written, item, cells)


def _criterion_queries(written: Criterion | None, item: CriterionStatus, cells: int) -> list[Line]:
    result: list[Line] = []
    for reading in written.reading if written else ():
        used = reading.statistic == item.statistic
        result.append((span(f"  {'▸' if used else '·'} {reading.statistic}", "" if used else "dim"),))
        result += query(reading.value, cells)
    return result


def _readings(slo: SloStatus, objective: Objective | None, cells: int) -> list[Line]:
    result = heading("READINGS, BEST FIRST")
    for reading in objective.reading if objective else ():
        used = reading.statistic == slo.statistic
        result.append(
            (span(f"{'▸' if used else '·'} {reading.statistic}{'  (in use)' if used else ''}", "" if used else "dim"),)
        )
        result += query(reading.value, cells)
    if slo.query:
        result += [(span("as asked now", "dim"),), *query(slo.query, cells)]
    if slo.as_written:
        result += heading("AS WRITTEN IN THE PLAN")
        result += query(slo.as_written, cells)
        result += fact("its value", number(slo.as_written_value, slo.digits), cells)
    if objective and objective.note:
        result += fact("note", objective.note, cells)
    return result
