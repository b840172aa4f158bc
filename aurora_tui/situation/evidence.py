"""What the verdict is made from, and what it says: the words, worst first, and their reasons."""

from __future__ import annotations

from enum import Enum

import msgspec

from aurora_tui.situation.alert import AlertRow
from aurora_tui.situation.checkpoint import Timer
from aurora_tui.situation.criterion import CriterionStatus
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.slo import SloStatus
from aurora_tui.situation.workload import DeploymentStatus, PodStatus


class Word(Enum):
    """Verdicts, worst first (DESIGN, "The screen")."""

    ROLL_BACK = "ROLL BACK"
    BLIND = "BLIND"
    ROLL_BACK_IN = "ROLL BACK IN"
    WATCH = "WATCH"
    GO = "GO"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why, in words. `since` and `deadline` are Unix seconds so that a screen can count them itself."""

    text: str
    word: Word
    since: float | None = None
    deadline: float | None = None
    about: str | None = None  # id of the SLO, criterion, alert or source
    remedy: str | None = None  # what clears it, where nothing else says so


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`deadline` is when something becomes worse by itself (a trip), `next_due` the next checkpoint."""

    word: Word
    reasons: tuple[Reason, ...]
    deadline: float | None = None
    next_due: float | None = None
    next_due_title: str | None = None
    runbook: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the verdict is made from, already judged at `now`. `essential` lights must be live for GO.

    `judged_since`: per criterion, when its judgement began (T0 or an operator's reset). `canary`: the deployment that
    should be there and serve. `short_since`: by namespace and name of a deployment, since when it has too few ready
    pods.
    `dated_ahead`: what the ledger holds of a time to come, in words.
    """

    now: float
    scrape_interval: float
    lights: tuple[SourceLight, ...]
    essential: frozenset[str]
    slos: tuple[SloStatus, ...]
    criteria: tuple[CriterionStatus, ...]
    alerts: tuple[AlertRow, ...]
    deployments: tuple[DeploymentStatus, ...]
    pods: tuple[PodStatus, ...]
    probes: tuple[ProbeStatus, ...]
    timers: tuple[Timer, ...]
    judged_since: dict[str, float] = {}
    canary: str | None = None
    short_since: dict[tuple[str, str], float] = {}
    namespace: str | None = None
    namespace_missing: bool = False
    namespace_terminating: bool = False
    dated_ahead: tuple[str, ...] = ()
