"""Made-up Situations, feeds and settings for the console's tests: one a verdict, and a huge one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.situation.alert import AlertRow, AlertState
from aurora_tui.situation.checkpoint import ChecklistRow, PhaseStatus, Timer, TimerState
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import (
    ClusterSource,
    Colours,
    Criterion,
    Direction,
    Environment,
    HttpSource,
    Mission,
    MissionIdentity,
    Objective,
    Phase,
    Reading,
    Runbook,
    Severity,
)
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import Level, Point, SloState, SloStatus
from aurora_tui.situation.verdict import Reason, Verdict, Word
from aurora_tui.situation.workload import (
    Condition,
    Container,
    DeploymentStatus,
    PodStatus,
    Role,
    Rollout,
    WarningEvent,
)

NOW = 1_767_448_931.0  # 2026-01-03 14:02:11Z
RTT_QUERY = 'histogram_quantile(0.95, sum by (le, treaty_id) (rate(treaty_rtt_ms_bucket{treaty_id=~"$treaty"}[5m])))'
AS_WRITTEN = 'histogram_quantile(0.95, treaty_rtt_ms{treaty_id="AURORA-AKASH-001"})'


def settings(theme: str = "aurora-dark", drill: bool = False, read_only: bool = False) -> Settings:
    """Settings of a small mission in `production`."""
    environment = Environment(
        prometheus=HttpSource(url="http://prometheus:9090"),
        cluster=ClusterSource(namespace="aurora-production", context="bastion-eu"),
        colour="error",
        drill=drill,
        read_only=read_only,
    )
    return Settings(
        mission=_mission(environment),
        environment_name="drill" if drill else "production",
        environment=environment,
        files=(),
        ledger=Path("ledger.db"),
        theme=theme,
        read_only=read_only,
    )


def _mission(environment: Environment) -> Mission:
    reading = Reading(statistic="p95", value=RTT_QUERY, newest="max(timestamp(treaty_rtt_ms_bucket))")
    gauge = Reading(statistic="gauge", value="treaty_rtt_ms", newest="max(timestamp(treaty_rtt_ms))")
    rtt = Objective(
        id="rtt",
        title="RTT",
        direction=Direction.AT_MOST,
        threshold=350,
        budget=0.95,
        unit="ms",
        digits=0,
        reading=(reading, gauge),
        colours=Colours(good=300, warn=350),
        as_written=AS_WRITTEN,
    )
    return Mission(
        mission=MissionIdentity(name="Aurora GA", release="1.0.0", treaty="AURORA-AKASH-001"),
        slo=(rtt,),
        criterion=(Criterion(id="rtt-400", title="RTT over 400 ms", then="rollback", slo="rtt", reading=(reading,)),),
        phase=(Phase(id="canary", title="Canary", length=Duration(72 * 3600)),),
        environments={"production": environment},
        runbook=(
            Runbook(id="rollback", key="R", title="rollback", summary="Return to the previous revision."),
            Runbook(id="failover", key="F", title="failover"),
            Runbook(id="halt", key="H", title="halt"),
            Runbook(id="advance", key="G", title="advance"),
        ),
    )


def lights(now: float = NOW, **observed: float | None) -> tuple[SourceLight, ...]:
    """Four sources; `metrics=31` makes that one's last answer 31 s old, None one that never answered."""
    ages: dict[str, float | None] = {"metrics": 2.0, "cluster": 0.4, "alerts": 4.0, "bridge": 1.0, **observed}
    return tuple(
        SourceLight(
            name=name,
            title=name,
            interval=5.0,
            since=now - 3600,
            observed_at=None if age is None else now - age,
            error="connection refused by http://prometheus:9090. Is it running?" if age is None or age > 15 else None,
            failing_since=now - (age or 31) if age is None or age > 15 else None,
            latency=0.012,
            version="2.42.0" if name == "metrics" else None,
        )
        for name, age in ages.items()
    )


def history(base: float, swing: float, now: float = NOW, surge: float = 0.0) -> tuple[Point, ...]:
    """72 h of one value a minute, with a gap of 6 h and, if asked, a surge in the last 7 minutes."""
    points = []
    for minute in range(72 * 60, -1, -1):
        if 20 * 60 < minute < 26 * 60 or 30 < minute < 36:
            continue
        wave = math.sin(minute / 190) * swing + math.sin(minute / 7) * swing / 5
        points.append(Point(now - minute * 60, base + wave + (surge if minute < 7 else 0.0)))
    return tuple(points)


def slos() -> tuple[SloStatus, ...]:
    """Four objectives, all met."""
    fill = SloStatus(
        id="fill",
        title="Fill rate",
        unit="",
        digits=2,
        direction=Direction.AT_LEAST,
        threshold=0.80,
        statistic="p05",
        query="quantile(0.05, treaty_fill_rate)",
        state=SloState.MEETS,
        level=Level.WARN,
        value=0.83,
        measured_at=NOW - 2,
        compliance=0.981,
        compliance_basis="events",
        completeness=0.999,
        budget_left=0.71,
        burn_rate=0.6,
        spark=(0.81, 0.82, 0.84, 0.84, 0.85, 0.85, 0.84, 0.83),
        history=history(0.85, 0.03),
    )
    rtt = msgspec.structs.replace(
        fill,
        id="rtt",
        title="RTT",
        unit="ms",
        digits=0,
        direction=Direction.AT_MOST,
        threshold=350,
        statistic="p95",
        query=RTT_QUERY,
        level=Level.GOOD,
        value=287.0,
        compliance=0.9942,
        budget_left=0.88,
        spark=(280, 281, 284, 279, 290, 288, 286, 287),
        history=history(285, 20),
        as_written=AS_WRITTEN,
        as_written_value=286.0,
    )
    provenance = msgspec.structs.replace(
        fill,
        id="provenance",
        title="Provenance",
        threshold=0.95,
        statistic=None,
        level=Level.GOOD,
        value=0.97,
        compliance=0.9997,
        budget_left=0.98,
        spark=(0.96, 0.96, 0.97, 0.97, 0.97, 0.97, 0.97, 0.97),
    )
    policy = msgspec.structs.replace(
        rtt,
        id="policy",
        title="Policy",
        threshold=25,
        statistic="p99",
        value=19.0,
        compliance=1.0,
        budget_left=1.0,
        spark=(18, 18, 18, 19, 18, 18, 18, 19),
        history=(),
        as_written=None,
    )
    return fill, rtt, provenance, policy


def criteria() -> tuple[CriterionStatus, ...]:
    """Two criteria, both clear."""
    rtt = CriterionStatus(
        id="rtt-400",
        title="RTT over 400 ms",
        then="rollback",
        state=CriterionState.OK,
        slo="rtt",
        statistic="p95",
        op=">",
        limit=400,
        unit="ms",
        digits=0,
        hold=900.0,
        value=287.0,
        folded_to=NOW - 6,
    )
    sev1 = CriterionStatus(id="sev1", title="any SEV1 alert", then="rollback", state=CriterionState.OK)
    return rtt, sev1


def deployments() -> tuple[DeploymentStatus, ...]:
    """Canary, stable and standby."""
    canary = DeploymentStatus(
        uid="d1",
        namespace="aurora-production",
        name="aurora-bridge",
        role=Role.CANARY,
        revision=7,
        image="registry/aurora-bridge:1.0.0-rc1",
        desired=3,
        ready=3,
        updated=3,
        available=3,
        rollout=Rollout.DONE,
        traffic=0.1,
        traffic_basis="HTTPRoute aurora",
        created_at=NOW - 120_000,
        conditions=(
            Condition(type="Available", status="True", reason="MinimumReplicasAvailable", since=NOW - 100_000),
        ),
    )
    stable = msgspec.structs.replace(
        canary, uid="d2", name="aurora-bridge-v0", role=Role.STABLE, revision=3, image="registry/aurora-bridge:0.9.4",
        desired=6, ready=6, traffic=0.9,
    )  # fmt: skip
    standby = msgspec.structs.replace(
        stable, uid="d3", name="aurora-bridge-backup", role=Role.STANDBY, revision=2, desired=0, ready=0, traffic=None
    )
    return canary, stable, standby


def pod(number: int = 1, healthy: bool = True, owner: str | None = "aurora-bridge") -> PodStatus:
    """A pod of the canary; a sick one crashes in its second container."""
    crashing = Container(
        name="bridge",
        image="registry/aurora-bridge:1.0.0-rc1",
        state="waiting",
        reason="CrashLoopBackOff",
        message="back-off 5m0s restarting failed container=bridge",
        restarts=7,
        exit_code=137,
        last_reason="OOMKilled",
        last_finished_at=NOW - 95,
    )
    running = msgspec.structs.replace(
        crashing, state="running", reason=None, message=None, ready=True, restarts=0, exit_code=None, last_reason=None,
        last_finished_at=None,
    )  # fmt: skip
    return PodStatus(
        uid=f"p{number}",
        namespace="aurora-production",
        name=f"{owner or 'lonely'}-7cd8b-hvms{number}",
        owner=owner,
        reason="Running" if healthy else "CrashLoopBackOff",
        healthy=healthy,
        ready=2 if healthy else 1,
        containers_total=2,
        restarts=0 if healthy else 7,
        restarted_at=None if healthy else NOW - 95,
        node="node-2",
        created_at=NOW - 720,
        revision=7,
        containers=(msgspec.structs.replace(running, name="proxy"), running if healthy else crashing),
        conditions=(Condition(type="Ready", status=str(healthy), reason=None if healthy else "ContainersNotReady"),),
    )


def alert(name: str = "RTTHigh", severity: Severity = Severity.SEV2, **changes: object) -> AlertRow:
    """A firing alert."""
    row = AlertRow(
        fingerprint=f"f-{name}",
        name=name,
        severity=severity,
        severity_known=True,
        state=AlertState.FIRING,
        since=NOW - 401,
        sources=("prom", "am"),
        labels={"alertname": name, "severity": "critical", "treaty_id": "AURORA-AKASH-001"},
        annotations={"summary": "RTT p95 is over 400 ms", "runbook_url": "https://runbooks/aurora/rtt"},
    )
    return msgspec.structs.replace(row, **changes)


def timers() -> tuple[Timer, ...]:
    """The five rows of the canary."""
    return (
        Timer(
            id="t24",
            title="T+24h report",
            state=TimerState.DONE,
            done_at=NOW - 17_531,
            done_by="ada",
            detail="2/2 stamps",
        ),
        Timer(id="t48", title="T+48h report", state=TimerState.NEXT, due_at=NOW + 60_469),
        Timer(id="t72", title="T+72h final report", state=TimerState.LATER, due_at=NOW + 146_869),
        Timer(id="evening", title="Evening report", state=TimerState.NEXT, due_at=NOW + 14_269),
        Timer(id="backup", title="Ledger backup", state=TimerState.DONE, done_at=NOW - 360, detail="RPO 15 min"),
    )  # fmt: skip


def go() -> Situation:
    """All well."""
    return Situation(
        now=NOW,
        mission="Aurora GA",
        release="1.0.0",
        treaty="AURORA-AKASH-001",
        environment="production",
        drill=False,
        read_only=False,
        cluster="bastion-eu",
        namespace="aurora-production",
        verdict=Verdict(
            word=Word.GO,
            reasons=(Reason(text="4 SLOs met, 5 criteria clear", word=Word.GO),),
            next_due=NOW + 14_269,
            next_due_title="Evening report",
        ),
        phase=PhaseStatus(
            id="canary",
            title="Canary",
            started_at=NOW - 112_331,
            length=72 * 3600.0,
            traffic_percent=10.0,
            green_hours=31.2,
        ),
        slos=slos(),
        criteria=criteria(),
        deployments=deployments(),
        pods=tuple(pod(number) for number in range(1, 4)),
        events=(
            WarningEvent(
                uid="e1",
                namespace="aurora-production",
                about="Pod/aurora-bridge-7cd8b-hvms1",
                reason="BackOff",
                message="Back-off restarting failed container bridge",
                count=31,
                first_at=NOW - 700,
                last_at=NOW - 12,
            ),
        ),
        alerts=(),
        alerts_silenced=0,
        timers=timers(),
        checklist=(
            ChecklistRow(id="slos", title="All SLOs met", automatic=True, done=True, at=NOW - 60),
            ChecklistRow(id="oncall", title="On-call rotation confirmed", automatic=False, done=False),
            ChecklistRow(id="pages", title="Alert rules page", automatic=True, done=None, why="no alert source"),
        ),
        lights=lights(),
    )


def watch() -> Situation:
    """An SLO misses its objective; an alert is open."""
    fill, rtt, provenance, policy = slos()
    rtt = msgspec.structs.replace(
        rtt, state=SloState.MISSES, level=Level.BAD, value=372.0, spark=(281, 284, 283, 300, 320, 360, 370, 372)
    )
    reasons = (
        Reason(text="RTT p95 372 ms, objective ≤ 350", word=Word.WATCH, about="rtt"),
        Reason(text="SEV2 RTTHigh firing", word=Word.WATCH, since=NOW - 401),
    )
    return msgspec.structs.replace(
        go(),
        verdict=Verdict(word=Word.WATCH, reasons=reasons, next_due=NOW + 14_269, next_due_title="Evening report"),
        slos=(fill, rtt, provenance, policy),
        alerts=(
            alert(),
            alert("CapacityLow", Severity.SEV3, since=NOW - 3720, sources=("am",), subject="provider akash"),
        ),
        alerts_silenced=4,
    )


def breaching() -> Situation:
    """RTT is over 400 ms for 06:41 of 15:00, and a canary pod crashes."""
    base = watch()
    fill, rtt, provenance, policy = base.slos
    rtt = msgspec.structs.replace(
        rtt, value=412.0, compliance=0.954, budget_left=0.12, burn_rate=8.4,
        spark=(281, 284, 283, 300, 405, 410, 412, 412), history=history(285, 20, surge=125),
    )  # fmt: skip
    first, sev1 = criteria()
    first = msgspec.structs.replace(
        first, state=CriterionState.BREACHING, value=412.0, since=NOW - 401, trips_at=NOW + 499, bad_share=0.45
    )
    canary, stable, standby = deployments()
    canary = msgspec.structs.replace(canary, ready=2, restarts=7)
    reasons = (
        Reason(
            text="RTT p95 412 ms > 400", word=Word.ROLL_BACK_IN, since=NOW - 401, deadline=NOW + 499, about="rtt-400"
        ),
        *base.verdict.reasons[1:],
    )
    return msgspec.structs.replace(
        base,
        verdict=msgspec.structs.replace(
            base.verdict, word=Word.ROLL_BACK_IN, reasons=reasons, deadline=NOW + 499, runbook="rollback"
        ),
        slos=(fill, rtt, provenance, policy),
        criteria=(first, sev1),
        deployments=(canary, stable, standby),
        pods=(pod(1, healthy=False), pod(2), pod(3)),
    )


def rolled() -> Situation:
    """The criterion tripped."""
    base = breaching()
    first = msgspec.structs.replace(base.criteria[0], state=CriterionState.TRIPPED, tripped_at=NOW - 60, trips_at=None)
    reason = Reason(text="RTT p95 412 ms > 400 for 15m", word=Word.ROLL_BACK, since=NOW - 60, about="rtt-400")
    verdict = msgspec.structs.replace(base.verdict, word=Word.ROLL_BACK, reasons=(reason,), deadline=None)
    return msgspec.structs.replace(base, criteria=(first, base.criteria[1]), verdict=verdict)


def blind() -> Situation:
    """Metrics do not answer any more."""
    base = go()
    why = "no scrape newer than 45 s"
    unknown = tuple(
        msgspec.structs.replace(
            slo, state=SloState.UNKNOWN, level=Level.UNKNOWN, value=None, statistic=None, compliance=None,
            budget_left=None, why_unknown=why, spark=(*slo.spark[:5], None, None, None),
        )
        for slo in base.slos
    )  # fmt: skip
    first = msgspec.structs.replace(
        base.criteria[0], state=CriterionState.NO_DATA, value=None, since=NOW - 190, trips_at=NOW + 710
    )
    reason = Reason(
        text="metrics: connection refused by http://prometheus:9090. Is it running?", word=Word.BLIND, since=NOW - 190
    )
    return msgspec.structs.replace(
        base,
        verdict=msgspec.structs.replace(base.verdict, word=Word.BLIND, reasons=(reason,)),
        slos=unknown,
        criteria=(first, base.criteria[1]),
        lights=lights(metrics=190.0, bridge=None),
    )


def huge(pods: int = 10_000, alerts: int = 2_000) -> Situation:
    """More than anybody should have."""
    many = tuple(pod(number, healthy=number % 3 == 0) for number in range(pods))
    rows = tuple(
        alert(f"Alert{number}", Severity.SEV3, since=NOW - number, subject=f"provider {number}")
        for number in range(alerts)
    )
    return msgspec.structs.replace(breaching(), pods=many, alerts=rows)


def crowd(deployments: int = 40, pods: int = 125, sick: int = 5, alerts: int = 1_000) -> Situation:
    """A large world: of `deployments` beside the mission's, `sick` are short of pods; the first of these crashes."""
    base = breaching()
    others = []
    many = list(base.pods)
    for number in range(deployments):
        name, missing = f"crowd-{number:02d}", 10 if number in range(3, 3 + sick) else 0
        other = msgspec.structs.replace(
            base.deployments[1],
            uid=f"d-{name}",
            name=name,
            role=Role.OTHER,
            revision=1,
            image="registry/crowd:1.0.0",
            desired=pods,
            ready=pods - missing,
            traffic=None,
        )
        others.append(other)
        for place in range(pods):
            one = msgspec.structs.replace(pod(), uid=f"{name}-{place}", name=f"{name}-5d6f-p{place:03d}", owner=name)
            if place < missing:
                crashes = number == 3 and place < 5
                reason = "CrashLoopBackOff" if crashes else "Running"
                one = msgspec.structs.replace(one, healthy=False, reason=reason, ready=1)
            many.append(one)
    names = ("PodCrashLooping", "PodNotReady", "TreatyFillRateLow", "CertificateExpiresSoon")
    rows = [
        alert(
            names[number % len(names)],
            (Severity.SEV3, Severity.SEV4)[number % len(names) == 3],
            fingerprint=f"f-{number}",
            since=NOW - 7_000 + number,
            subject=f"pod crowd-{number:03d}",
            sources=("am",),
        )
        for number in range(alerts)
    ]
    rows.sort(key=lambda row: (row.severity is Severity.SEV4, row.since))
    return msgspec.structs.replace(
        base, deployments=(*base.deployments, *others), pods=tuple(many), alerts=(*base.alerts[:1], *rows)
    )


def empty() -> Situation:
    """The first Situation of a console: no source has answered yet."""
    base = go()
    waiting = tuple(
        SourceLight(name=name, title=name, interval=5.0, since=NOW)
        for name in ("metrics", "cluster", "alerts", "bridge")
    )
    return msgspec.structs.replace(
        blind(),
        slos=tuple(msgspec.structs.replace(slo, why_unknown="waiting for metrics") for slo in blind().slos),
        criteria=(),
        deployments=(),
        pods=(),
        timers=(),
        phase=None,
        cluster=None,
        verdict=Verdict(word=Word.BLIND, reasons=(Reason(text="waiting for metrics", word=Word.BLIND),)),
        lights=waiting,
        checklist=base.checklist,
    )


@dataclass
class MadeUpFeed:
    """Tells what it is given, then what `more` holds, and stays silent until it is cancelled."""

    first: Situation | None
    log: str | AuroraError = "listening on :8080\nready\n"
    fails: Exception | None = None
    more: asyncio.Queue[Situation] = field(default_factory=asyncio.Queue)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    closed: bool = False

    async def run(self, tell: Callable[[Situation], None]) -> None:
        if self.first is not None:
            tell(self.first)
        if self.fails is not None:
            raise self.fails
        while True:
            tell(await self.more.get())

    async def pod_log(self, namespace: str, pod_name: str, container: str | None, lines: int) -> str:
        self.asked.append((namespace, pod_name, container))
        if isinstance(self.log, AuroraError):
            raise self.log
        return self.log

    def hurry(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True
