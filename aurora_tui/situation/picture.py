"""The picture: the last word of every source, folded from observations, and how it becomes a Situation."""

from __future__ import annotations

import msgspec

from aurora_tui.situation import alert, checkpoint, criterion, latch, merge, slo, verdict
from aurora_tui.situation.alert import AlertState, AlertTrack, FiringSpan, SourceAlert
from aurora_tui.situation.checklist import checklist
from aurora_tui.situation.checkpoint import Ground
from aurora_tui.situation.criterion import CriterionObserved, CriterionStatus
from aurora_tui.situation.freshness import SourceLight
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
from aurora_tui.situation.slo import SloObserved
from aurora_tui.situation.workload import WorkloadsObserved

METRICS = "metrics"
CLUSTER = "cluster"
LEDGER = "ledger"
ALERT_SOURCES = ("am", "prom", "grafana")
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
    firing_history: tuple[FiringSpan, ...] = ()
    targets_down: tuple[str, ...] = ()
    reports: dict[str, tuple[SourceAlert, ...]] = {}
    sightless: frozenset[str] = frozenset()
    tracks: tuple[AlertTrack, ...] = ()
    workloads: WorkloadsObserved = WorkloadsObserved()
    probes: dict[str, ProbeStatus] = {}
    journal: Journal = Journal()
    green_since: float | None = None


def observe(picture: Picture, observation: Observation, mission: Mission) -> Picture:
    """The picture after one observation. A failure changes a light and nothing else."""
    lights = tuple(_lit(light, observation) if light.name == observation.source else light for light in picture.lights)
    picture = msgspec.structs.replace(picture, lights=lights)
    match observation:
        case MetricsObserved():
            return msgspec.structs.replace(
                picture,
                slos={item.slo: item for item in observation.slos},
                criteria={item.criterion: item for item in observation.criteria},
                firing_history=observation.firing_history,
                targets_down=observation.targets_down,
                green_since=green_since(mission, observation.slos, observation.at),
            )
        case ClusterObserved():
            return msgspec.structs.replace(picture, workloads=observation.workloads)
        case AlertsObserved():
            return _alerted(picture, observation)
        case ProbeObserved():
            return msgspec.structs.replace(picture, probes={**picture.probes, observation.source: observation.probe})
        case JournalObserved():
            return msgspec.structs.replace(picture, journal=observation.journal)
        case SourceFailed():
            return picture


def start_of_judgement(picture: Picture, frame: Frame, now: float) -> float:
    """T0: the running phase's start; without a phase, one window back."""
    run = picture.journal.current
    return run.started_at if run is not None else now - float(frame.mission.mission.window)


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
    alerts = alert.rows(picture.tracks, mission.severity)
    ground = Ground(
        mission=mission,
        journal=picture.journal,
        slos=slos,
        alerts=alerts,
        firing_history=picture.firing_history,
        green_since=picture.green_since,
        now=now,
    )
    timers = checkpoint.timers(ground)
    work = picture.workloads
    probes = tuple(picture.probes[name] for name in sorted(picture.probes))
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
    )
    cluster = frame.environment.cluster
    return Situation(
        now=now,
        mission=mission.mission.name,
        release=mission.mission.release,
        treaty=frame.treaty,
        environment=frame.environment_name,
        drill=frame.environment.drill,
        read_only=frame.read_only,
        cluster=work.cluster or (cluster.context if cluster else None),
        namespace=cluster.namespace if cluster else None,
        verdict=verdict.decide(judged),
        phase=checkpoint.phase_status(ground),
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
    )


def _lit(light: SourceLight, observation: Observation) -> SourceLight:
    """The light after an answer or a failure of its source."""
    if isinstance(observation, SourceFailed):
        return msgspec.structs.replace(
            light, error=observation.error, failing_since=light.failing_since or observation.at
        )
    assert isinstance(observation, Answer)
    return msgspec.structs.replace(
        light,
        observed_at=observation.at,
        failing_since=None,
        error=None,
        latency=observation.latency,
        version=observation.version or light.version,
        skew=observation.skew,
        notes=observation.notes,
    )


def _alerted(picture: Picture, observation: AlertsObserved) -> Picture:
    reports = {**picture.reports, observation.source: observation.alerts}
    sightless = picture.sightless - {observation.source}
    if not observation.can_see:
        sightless |= {observation.source}
    metrics_dark = any(item.name == METRICS and not item.trusted(observation.at) for item in picture.lights)
    blind = bool(picture.targets_down or sightless or metrics_dark)
    tracks = merge.merge(reports, picture.tracks, observation.at, blind=blind)
    return msgspec.structs.replace(picture, reports=reports, sightless=sightless, tracks=tracks)


def _criteria(picture: Picture, frame: Frame, light: SourceLight, now: float) -> tuple[CriterionStatus, ...]:
    begin = start_of_judgement(picture, frame, now)
    seen = [item for item in picture.lights if item.name in ALERT_SOURCES and item.watched]
    rows = []
    for rule in frame.mission.criterion:
        if rule.severity is not None:
            status = latch.severity_status(
                rule,
                picture.tracks,
                picture.firing_history,
                frame.mission.severity,
                start=begin,
                resets=picture.journal.resets.get(rule.id, ()),
                sources_seen=any(item.trusted(now) for item in seen),
                folded_to=max((item.observed_at for item in seen if item.observed_at is not None), default=None),
            )
        else:
            status = criterion.status(rule, picture.criteria.get(rule.id), now, light)
        rows.append(status)
    return tuple(rows)
