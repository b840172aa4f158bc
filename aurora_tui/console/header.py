"""The header: what is watched, where, which phase, and what time it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurora_tui.console.figures import percent
from aurora_tui.console.ink import NO_VALUE, Line, Span, span, spread, width
from aurora_tui.console.moments import hours_minutes, stamp
from aurora_tui.settings import Settings

if TYPE_CHECKING:
    from aurora_tui.situation.checkpoint import PhaseStatus
    from aurora_tui.situation.situation import Situation


def lines(settings: Settings, situation: Situation | None, now: float | None, cells: int, height: int) -> list[Line]:
    """One line of `cells` cells when `height` is 1, else two; what is not known yet comes from the settings."""
    what = _mission(settings, situation)
    where = _place(settings, situation)
    clocks = _clocks(now)
    phase = _phase(situation.phase if situation else None, now, known=situation is not None)
    if height > 1:
        return [
            spread(what, clocks[-1], cells),
            spread((span(" "), *where), (*phase, span(" ")), cells),
        ]
    gap = (span("  "),)
    left = (*what, span(" "), *where, *gap, *phase)
    room = cells - width(left) - 2
    return [spread(left, next((clock for clock in clocks if width(clock) <= room), clocks[-1]), cells)]


def _clocks(now: float | None) -> list[tuple[Span, ...]]:
    """The time with its date, without the year, and alone: whichever there is room for."""
    if now is None:
        return [(span("no clock yet ", "dim"),)]
    full = stamp(now)
    return [(span(f"{text} ", "title"),) for text in (full, full[5:], full[11:])]


def _mission(settings: Settings, situation: Situation | None) -> tuple[Span, ...]:
    identity = settings.mission.mission
    name = situation.mission if situation else identity.name
    treaty = situation.treaty if situation else identity.treaty
    drill = situation.drill if situation else settings.environment.drill
    read_only = situation.read_only if situation else settings.read_only
    parts = [span(" ")]
    if drill:
        parts += [span(" DRILL ", "warn reverse bold"), span(" ")]
    parts += [span(name.upper(), "title bold"), span(f" · {treaty}", "title"), span(" ")]
    parts += [span(f" {settings.environment_name} ", "environment bold")]
    if read_only:
        parts.append(span(" read-only", "dim"))
    return tuple(parts)


def _place(settings: Settings, situation: Situation | None) -> tuple[Span, ...]:
    watched = settings.environment.cluster
    if watched is None:
        return (span("no cluster watched", "dim"),)
    cluster = (situation.cluster if situation else None) or watched.context or "cluster"
    namespace = (situation.namespace if situation else None) or watched.namespace
    return (span(f"{cluster}/{namespace}", "title"),)


def _phase(phase: PhaseStatus | None, now: float | None, known: bool) -> tuple[Span, ...]:
    if phase is None or now is None:
        return (span("no phase runs" if known else f"phase {NO_VALUE}", "dim"),)
    share = f" {percent(phase.traffic_percent)}" if phase.traffic_percent is not None else ""
    day = f" day {phase.soak_day} of {phase.soak_days}" if phase.soak_day is not None and phase.soak_days else ""
    elapsed = now - phase.started_at
    over = elapsed > phase.length
    return (
        span(f"{phase.title.upper()}{share}{day}", "title bold"),
        span(f"  {hours_minutes(elapsed)} of {hours_minutes(phase.length)}", "warn" if over else "title"),
    )
