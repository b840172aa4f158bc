"""The Situation: one frozen value that holds everything any screen shows."""

from __future__ import annotations

import msgspec

from aurora_tui.situation.alert import AlertRow
from aurora_tui.situation.checkpoint import ChecklistRow, PhaseStatus, Timer
from aurora_tui.situation.criterion import CriterionStatus
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.gate import Gate
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.run import Run
from aurora_tui.situation.slo import SloStatus
from aurora_tui.situation.verdict import Verdict
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, WarningEvent


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known at `now` (Unix seconds, server time). Rows are in the order they are shown."""

    now: float
    mission: str
    release: str
    treaty: str
    environment: str
    drill: bool
    read_only: bool
    cluster: str | None
    namespace: str | None
    verdict: Verdict
    phase: PhaseStatus | None
    slos: tuple[SloStatus, ...]
    criteria: tuple[CriterionStatus, ...]
    deployments: tuple[DeploymentStatus, ...]
    pods: tuple[PodStatus, ...]
    events: tuple[WarningEvent, ...]
    alerts: tuple[AlertRow, ...]
    alerts_silenced: int
    timers: tuple[Timer, ...]
    checklist: tuple[ChecklistRow, ...]
    lights: tuple[SourceLight, ...]
    probes: tuple[ProbeStatus, ...] = ()
    gates: tuple[Gate, ...] = ()  # of the stages that come next, one a runbook that has any left
    runs: tuple[Run, ...] = ()  # of runbooks, newest last: the last few
