"""A small mission, and the values that sources would tell of it, for the tests of judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aurora_tui.situation.alert import AlertState, SourceAlert
from aurora_tui.situation.criterion import CriterionObserved
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.fold import Fold
from aurora_tui.situation.journal import Journal, project
from aurora_tui.situation.mission import (
    ChecklistItem,
    Checkpoint,
    CheckpointKind,
    Colours,
    Comparison,
    Criterion,
    Daily,
    Direction,
    Environment,
    Mission,
    MissionIdentity,
    Objective,
    Phase,
    Reading,
    Severity,
    SeverityRules,
    WorkloadRoles,
)
from aurora_tui.situation.slo import Point, SloObserved

NOW = 1_767_448_920.0  # 2026-01-03T14:02:00Z, on the grid of 15 s
HOUR = 3600.0
DAY = 24 * HOUR
GRID = 15.0
TREATY = "AURORA-AKASH-001"
SEVERITIES = SeverityRules(values={"critical": Severity.SEV2, "warning": Severity.SEV3})


def objective(id: str = "rtt", **changes: Any) -> Objective:
    values: dict[str, Any] = {
        "id": id,
        "title": id.upper(),
        "direction": Direction.AT_MOST,
        "threshold": 350.0,
        "budget": 0.95,
        "reading": (Reading(statistic="p95", value=id, newest=id),),
        "colours": Colours(good=300.0, warn=350.0),
        "unit": "ms",
        "digits": 0,
    }
    return Objective(**{**values, **changes})


RTT_HIGH = Criterion(
    id="rtt-high",
    title="RTT p95 > 400 ms for 15 min",
    then="rollback",
    slo="rtt",
    reading=(Reading(statistic="p95", value="rtt", newest="rtt"),),
    op=Comparison.GREATER,
    value=400.0,
    hold=Duration(900.0),
    unit="ms",
    digits=0,
)
ANY_SEV1 = Criterion(id="any-sev1", title="Any SEV1 alert fires", then="rollback", severity=Severity.SEV1)


def phase(id: str = "canary", length: str = "72h", **changes: Any) -> Phase:
    return Phase(id=id, title=id.capitalize(), length=Duration.parse(length), **changes)


def report_at(id: str, at: str) -> Checkpoint:
    return Checkpoint(id=id, title=f"Report {at}", at=Duration.parse(at), kind=CheckpointKind.REPORT)


def step_at(id: str, at: str, percent: float) -> Checkpoint:
    return Checkpoint(
        id=id, title=f"{percent} %", at=Duration.parse(at), kind=CheckpointKind.STEP, traffic_percent=percent
    )


def item(id: str, check: str | None = None) -> ChecklistItem:
    return ChecklistItem(id=id, title=id, check=check)


def daily(id: str, at: str, *phases: str) -> Daily:
    return Daily(id=id, title=id, at=at, tasks=("look",), phases=phases)


def mission(
    *phases: Phase,
    zone: str = "UTC",
    rounds: tuple[Daily, ...] = (),
    workloads: WorkloadRoles | None = None,
    **more: Any,
) -> Mission:
    return Mission(
        mission=MissionIdentity(name="Aurora GA", release="1.0.0", treaty=TREATY, day_zone=zone),
        slo=more.pop("slo", (objective(),)),
        criterion=more.pop("criterion", (RTT_HIGH, ANY_SEV1)),
        phase=phases or (phase(),),
        environments={"test": Environment()},
        daily=rounds,
        severity=SEVERITIES,
        workloads=workloads or WorkloadRoles(),
        **more,
    )


class Record(NamedTuple):
    """A ledger entry as the journal reads it."""

    sequence: int
    at: float
    actor: str
    action: str
    data: Mapping[str, Any]


def records(*entries: tuple[float, str, Mapping[str, Any]]) -> list[Record]:
    """(time, action, data) as entries, numbered from 1, all by Eva."""
    return [Record(number, at, "eva@bastion", action, data) for number, (at, action, data) in enumerate(entries, 1)]


def journal(*entries: tuple[float, str, Mapping[str, Any]]) -> Journal:
    return project(records(*entries))


def started(at: float, id: str = "canary") -> tuple[float, str, Mapping[str, Any]]:
    from aurora_tui.clock import iso_micro

    return at, "phase.started", {"phase": id, "started_at": iso_micro(at)}


def ended(at: float, id: str = "canary", outcome: str = "completed") -> tuple[float, str, Mapping[str, Any]]:
    return at, "phase.ended", {"phase": id, "outcome": outcome}


def ticked(at: float, key: str, evidence: str | None = None) -> tuple[float, str, Mapping[str, Any]]:
    return at, "tick.set", {"key": key, "evidence": evidence}


def alert(
    source: str = "am", state: AlertState = AlertState.FIRING, at: float = NOW - 60, **labels: str
) -> SourceAlert:
    """One report. Prometheus' own tells since when it is pending, Alertmanager when it fired."""
    told = {"pending_since": at} if source == "prom" else {"fired_at": at}
    return SourceAlert(source=source, state=state, labels={"alertname": "RTTHigh", **labels}, **told)


def reports(*alerts: SourceAlert) -> dict[str, list[SourceAlert]]:
    """By source, as a look at each would give them."""
    found: dict[str, list[SourceAlert]] = {}
    for one in alerts:
        found.setdefault(one.source, []).append(one)
    return found


def history(until: float, values: Iterable[float], step: float = 60.0) -> tuple[Point, ...]:
    """Points `step` apart, the last at `until`."""
    found = list(values)
    return tuple(Point(until - (len(found) - 1 - index) * step, value) for index, value in enumerate(found))


def slo_observed(id: str = "rtt", value: float = 280.0, at: float = NOW, **changes: Any) -> SloObserved:
    values: dict[str, Any] = {
        "slo": id,
        "statistic": "p95",
        "query": id,
        "values": {TREATY: value},
        "newest": {TREATY: at - 5},
        "history": history(at - 30, [value] * 60),
        "history_start": at - 3630,
        "good_ratio_window": {TREATY: 0.99},
        "window_at": at,
        "hour_at": at,
    }
    return SloObserved(**{**values, **changes})


def criterion_observed(at: float = NOW, value: float = 280.0, **fold: Any) -> CriterionObserved:
    """The criterion RTT_HIGH as folded to two grid steps before `at`."""
    to = (at - 2 * GRID) // GRID * GRID
    values: dict[str, Any] = {"start": at - DAY, "grid": GRID, "hold": 900.0, "to": to, "recent": bytes(60)}
    return CriterionObserved(
        criterion="rtt-high", fold=Fold(**{**values, **fold}), statistic="p95", query="rtt", value=value, value_at=to
    )
