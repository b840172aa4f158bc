"""The checkpoints panel: what is due and when, what is done and by whom, what is late."""

from __future__ import annotations

from functools import partial

from rich.cells import cell_len

from aurora_tui.console.ink import NO_VALUE, Row, Span, span
from aurora_tui.console.moments import age, alert_age, clock_length, day_and_time
from aurora_tui.console.table import Column, arrange
from aurora_tui.situation.checkpoint import Timer, TimerState
from aurora_tui.situation.situation import Situation

STATE = {
    TimerState.DONE: ("✔", "good"),
    TimerState.NEXT: ("▸", ""),
    TimerState.LATER: ("·", "dim"),
    TimerState.OVERDUE: ("!", "bad"),
    TimerState.UNKNOWN: ("?", "unknown"),
}
_COLUMNS = (
    Column(room=1),
    Column(least=10, most=28, late=True),  # title
    Column(),  # when
    Column(drop=2, least=6, most=40),  # by whom, or detail
)
_NOTE_AT = len(_COLUMNS) - 1


def rows(situation: Situation, now: float, width: int) -> list[Row]:
    """One row a timer, in the Situation's order; without a phase, the words how to start one."""
    cells = [(timer, _cells(timer, now)) for timer in situation.timers]
    layout = arrange(_COLUMNS, [[part.text for part in line] for _, line in cells], width)
    result = [
        Row(
            timer.id,
            partial(layout.line, _whole(line, layout.widths[_NOTE_AT])),
            _search(timer),
            timer,
            timer.state is TimerState.OVERDUE,
        )
        for timer, line in cells
    ]
    if situation.phase is None:
        words = ("no phase runs: nothing is counted", "start one: aurora-tui phase start ID")
        # The Situation's own row says the same, cut to a column.
        result = [Row(f"none/{text}", partial(_words, text), text) for text in words] + [
            row for row in result if row.id != "phase"
        ]
    return result


def _whole(cells: tuple[Span, ...], room: int) -> tuple[Span, ...]:
    """The cells without a note that could only be begun: Enter tells it whole."""
    return cells if cell_len(cells[-1].text) <= room else (*cells[:-1], span(""))


def _words(text: str) -> tuple[Span, ...]:
    return (span(text, "dim"),)


def _search(timer: Timer) -> str:
    return f"{timer.title} {timer.state.value} {timer.detail or ''}".lower()


def when(timer: Timer, now: float) -> str:
    """`in 16:47:49`, `OVERDUE 00:12` (by minutes after an hour), `done 09:14Z`, `— no data` or what there is not."""
    if timer.state is TimerState.DONE:
        return "done" if timer.done_at is None else f"done {day_and_time(timer.done_at, now)}"
    if timer.state is TimerState.UNKNOWN:
        return f"{NO_VALUE} {_clauses(timer)[0] or 'no data'}"
    if timer.due_at is None:
        return f"{age(now - timer.done_at)} ago" if timer.done_at is not None else NO_VALUE
    ahead = timer.due_at - now
    if ahead >= 0 and timer.state is not TimerState.OVERDUE:
        return f"in {clock_length(ahead)}"
    return f"OVERDUE {alert_age(-ahead)}"


def _clauses(timer: Timer) -> tuple[str, str]:
    """What is not known, and what else is said of it: `none made yet` and `RPO 15 min`."""
    first, _, rest = (timer.detail or "").partition(", ")
    return first, rest


def _cells(timer: Timer, now: float) -> tuple[Span, ...]:
    late = timer.due_at is not None and timer.due_at < now and timer.state in (TimerState.NEXT, TimerState.LATER)
    glyph, ink = STATE[TimerState.OVERDUE if late else timer.state]
    note = timer.detail or (f"by {timer.done_by}" if timer.done_by else "")
    if timer.state is TimerState.UNKNOWN:
        note = _clauses(timer)[1]
    quiet = "dim" if timer.state is TimerState.LATER else ""
    return (span(glyph, f"{ink} bold"), span(timer.title, quiet), span(when(timer, now), ink), span(note, "dim"))
