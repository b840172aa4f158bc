"""The picture: the last word of every source, folded from observations, and how it becomes a Situation."""

from __future__ import annotations

import msgspec

from aurora_tui.situation import alert, begin, checkpoint, criterion, latch, merge, slo, unwell, verdict
from aurora_tui.situation.alert import AlertRow, AlertState, AlertTrack, FiringSpan, SourceAlert
from aurora_tui.situation.bridging import bridged
from aurora_tui.situation.checklist import checklist
from aurora_tui.situation.checkpoint import Ground, PhaseStatus
from aurora_tui.situation.criterion import CriterionObserved, CriterionStatus
from aurora_tui.situation.firing import FiringHistory
from aurora_tui.situation.freshness import STALE_AFTER_INTERVALS, SourceLight
from aurora_tui.situation.gate import gates
from aurora_tui.situation.green import green_since
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.mission import Environment, Mission
from aurora_tui.situation.observation import (
    AlertsObserved,
    Answer,
    ClusterObserved,
    JournalObserved,
    MetricsObserved,
    Observation,
    ProbeObserved,
    SourceFailed,
)
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import SloObserved, SloState, SloStatus
from aurora_tui.situation.workload import WorkloadsObserved

METRICS = "metrics"
CLUSTER = "cluster"
LEDGER = "ledger"
ALERT_SOURCES = ("am", "prom", "grafana")
RUNS = 20  # of runbooks that a Situation tells: the newest
# Without these, when they are configured, health cannot be proved; the others only add to what is known.
ESSENTIAL = frozenset({METRICS, CLUSTER, LEDGER, "am", "prom"})


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while a console runs."""

    mission: Mission
    environment_name: str
    environment: Environment
    treaty: str
    read_only: bool


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The last word of every source. Maps are by source, SLO or criterion."""

    lights: tuple[SourceLight, ...]
    slos: dict[str, SloObserved] = {}
    criteria: dict[str, CriterionObserved] = {}
    history: FiringHistory = FiringHistory()
    down_since: dict[str, float] = {}  # targets that cannot be scraped, and since when that is known
    reports: dict[str, tuple[SourceAlert, ...]] = {}
    tracks: tuple[AlertTrack, ...] = ()
    alerts: tuple[AlertRow, ...] = ()  # the tracks as rows: made when alerts are told, not at every look
    dark_merged: frozenset[str] = frozenset()  # the sources of alerts that were dark when they were last merged
    firings: tuple[FiringSpan, ...] = ()  # what was seen firing: a latch outlives the alert
    workloads: WorkloadsObserved = WorkloadsObserved()
    short_since: dict[tuple[str, str], float] = {}  # by namespace and name: since when it has too few ready pods
    probes: dict[str, ProbeStatus] = {}
    journal: Journal = Journal()
    green_since: float | None = None  # as of the last answer of the metrics


def observe(picture: Picture, observation: Observation, mission: Mission) -> Picture:
    """The picture after one observation. A failure changes a light and nothing else."""
    lights = tuple(_lit(light, observation) if light.name == observation.source else light for light in picture.lights)
    picture = msgspec.structs.replace(picture, lights=lights)
    match observation:
        case MetricsObserved():
            fresh = STALE_AFTER_INTERVALS * float(mission.mission.scrape_interval)
            return msgspec.structs.replace(
                picture,
                slos={
                    item.slo: bridged(picture.slos.get(item.slo), item, observation.at, fresh)
                    for item in observation.slos
                },
                criteria={item.criterion: item for item in observation.criteria},
                history=FiringHistory(
                    spans=observation.firing_history,
                    since=observation.firing_known_from,
                    to=observation.firing_known_to,
                    error=observation.firing_error,
                ),
                down_since={
                    target: picture.down_since.get(target, observation.at) for target in observation.targets_down
                },
                green_since=green_since(mission, observation.slos, observation.at),
            )
        case ClusterObserved():
            short = unwell.short_since(observation.workloads, picture.short_since, observation.at)
            return msgspec.structs.replace(picture, workloads=observation.workloads, short_since=short)
        case AlertsObserved():
            return _alerted(picture, observation, mission)
        case ProbeObserved():
            return msgspec.structs.replace(picture, probes={**picture.probes, observation.source: observation.probe})
        case JournalObserved():
            return msgspec.structs.replace(picture, journal=observation.journal)
        case SourceFailed():
            return picture


def start_of_judgement(picture: Picture, frame: Frame, now: float) -> float:
    """T0: the running phase's start; without a phase, the end of the last one, at most one window back."""
    return begin.start(picture.journal, float(frame.mission.mission.window), now)


def clock_moved(picture: Picture, seconds: float) -> Picture:
    """`picture` after the clock that observations are dated by was put forward by `seconds` (back: below 0).

    What was known half a minute ago is still half a minute old.
    """
    return msgspec.structs.replace(
        picture,
        lights=tuple(light.moved(seconds) for light in picture.lights),
        down_since={target: since + seconds for target, since in picture.down_since.items()},
        short_since={name: since + seconds for name, since in picture.short_since.items()},
    )


def assess(picture: Picture, frame: Frame, now: float) -> Situation:
    """What it all means at `now` (Unix seconds, server time)."""
    mission = frame.mission
    light = next((item for item in picture.lights if item.name == METRICS), None)
    dark = light or SourceLight(name=METRICS, title="metrics", interval=1.0, watched=False)
    slos = tuple(
        slo.judge(objective, picture.slos.get(objective.id), frame.treaty, now, dark, mission.mission)
        for objective in mission.slo
    )
    criteria = _criteria(picture, frame, dark, now)
    alerts = picture.alerts
    ground = Ground(
        mission=mission,
        journal=picture.journal,
        slos=slos,
        alerts=alerts,
        firing_history=(*picture.history.spans, *picture.firings),
        green_since=_green_since(picture, slos, now),
        now=now,
        alerts_known=_alerts_known(picture, frame, dark, now),
    )
    timers = checkpoint.timers(ground)
    phase = checkpoint.phase_status(ground)
    work = picture.workloads
    probes = tuple(picture.probes[name] for name in sorted(picture.probes))
    cluster = frame.environment.cluster
    namespace = cluster.namespace if cluster else None
    judged = verdict.Evidence(
        now=now,
        scrape_interval=float(mission.mission.scrape_interval),
        lights=picture.lights,
        essential=frozenset(item.name for item in picture.lights if item.watched or item.name == METRICS) & ESSENTIAL,
        slos=slos,
        criteria=criteria,
        alerts=alerts,
        deployments=work.deployments,
        pods=work.pods,
        probes=probes,
        timers=timers,
        judged_since=_judged_since(picture, frame, now),
        canary=_canary_expected(picture, frame, phase, now),
        short_since=picture.short_since,
        namespace=namespace,
        namespace_missing=work.namespace_missing,
        namespace_terminating=work.namespace_terminating,
        dated_ahead=tuple(begin.dated_ahead(picture.journal, (rule.id for rule in mission.criterion), now)),
    )
    decided = verdict.decide(judged)
    return Situation(
        now=now,
        mission=mission.mission.name,
        release=mission.mission.release,
        treaty=frame.treaty,
        environment=frame.environment_name,
        drill=frame.environment.drill,
        read_only=frame.read_only,
        cluster=work.cluster or (cluster.context if cluster else None),
        namespace=namespace,
        verdict=decided,
        phase=phase,
        slos=slos,
        criteria=criteria,
        deployments=work.deployments,
        pods=work.pods,
        events=work.events,
        alerts=alerts,
        alerts_silenced=sum(row.state in (AlertState.SILENCED, AlertState.INHIBITED) for row in alerts),
        timers=timers,
        checklist=checklist(ground),
        lights=picture.lights,
        probes=probes,
        runs=tuple(picture.journal.runs.values())[-RUNS:],
        gates=gates(ground, decided),
    )


def _lit(light: SourceLight, observation: Observation) -> SourceLight:
    """The light after an answer or a failure of its source."""
    if isinstance(observation, SourceFailed):
        return msgspec.structs.replace(
            light,
            error=observation.error,
            failing_since=light.failing_since or observation.at,
            disowned=observation.disowned,
        )
    assert isinstance(observation, Answer)
    return msgspec.structs.replace(
        light,
        observed_at=observation.at,
        failing_since=None,
        error=None,
        disowned=False,
        latency=observation.latency,
        version=observation.version or light.version,
        skew=observation.skew,
        notes=observation.notes,
    )


def _alerted(picture: Picture, observation: AlertsObserved, mission: Mission) -> Picture:
    reports = {**picture.reports, observation.source: observation.alerts}
    now = observation.at
    blind = dict(picture.down_since)
    if any(item.name == METRICS and item.watched and not item.trusted(now) for item in picture.lights):
        blind[METRICS] = now
    dark = frozenset(item.name for item in picture.lights if item.name in ALERT_SOURCES and not item.trusted(now))
    tracks, rows = picture.tracks, picture.alerts
    same = picture.reports.get(observation.source) == observation.alerts and picture.dark_merged == dark
    # A thousand alerts that nothing happened to are not merged again: most answers are the one before.
    if not same or not merge.is_settled(tracks, now):
        tracks = merge.merge(reports, tracks, now, blind=blind, dark=dark)
        rows = alert.rows(tracks, mission.severity)
    firings = latch.remember(picture.firings, tracks, mission, now)
    return msgspec.structs.replace(
        picture, reports=reports, tracks=tracks, alerts=rows, firings=firings, dark_merged=dark
    )


def _criteria(picture: Picture, frame: Frame, light: SourceLight, now: float) -> tuple[CriterionStatus, ...]:
    seen = [item for item in picture.lights if item.name in ALERT_SOURCES and item.watched]
    began = _judged_since(picture, frame, now)
    rows = []
    longest = _longest_known(frame, light)
    for rule in frame.mission.criterion:
        if rule.severity is not None:
            status = latch.severity_status(
                rule,
                (*picture.history.spans, *picture.firings),
                frame.mission.severity,
                start=began[rule.id],
                sources_seen=any(item.trusted(now) for item in seen),
                history=picture.history,
                why_unknown=picture.history.why_unknown(began[rule.id], now, longest),
                source_error=light.error,
            )
        else:
            status = criterion.status(rule, picture.criteria.get(rule.id), now, light)
        rows.append(status)
    return tuple(rows)


def _judged_since(picture: Picture, frame: Frame, now: float) -> dict[str, float]:
    """Per criterion, the time its judgement begins: T0, or the operator's last reset after it."""
    t0 = start_of_judgement(picture, frame, now)
    resets = begin.resets(picture.journal, now)
    return {rule.id: max([t0, *resets.get(rule.id, ())]) for rule in frame.mission.criterion}


def _green_since(picture: Picture, slos: tuple[SloStatus, ...], now: float) -> float | None:
    """Since when all SLOs are met; `now` when one is missed now, None when one is not known now."""
    states = {status.state for status in slos}
    if SloState.MISSES in states:
        return now
    return None if SloState.UNKNOWN in states else picture.green_since


def _alerts_known(picture: Picture, frame: Frame, light: SourceLight, now: float) -> bool:
    """Whether "no alert fired" can be said: Prometheus' history is read, and every watched alert source is live."""
    watched = [item for item in picture.lights if item.watched and item.name in (METRICS, *ALERT_SOURCES)]
    t0 = start_of_judgement(picture, frame, now)
    unknown = picture.history.why_unknown(t0, now, _longest_known(frame, light))
    return unknown is None and bool(watched) and all(item.trusted(now) for item in watched)


def _longest_known(frame: Frame, light: SourceLight) -> float:
    return criterion.longest_known(light.interval, float(frame.mission.mission.scrape_interval))


def _canary_expected(picture: Picture, frame: Frame, phase: PhaseStatus | None, now: float) -> str | None:
    """The deployment that should carry the phase's traffic; None when nothing is expected or the cluster is dark."""
    if phase is None or phase.traffic_percent is None:
        return None
    seen = any(item.name == CLUSTER and item.trusted(now) for item in picture.lights)
    return frame.mission.workloads.canary if seen else None
