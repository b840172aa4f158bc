"""What sources tell: each observation names its source, so that its age can be known."""

from __future__ import annotations

import msgspec

from aurora_tui.situation.alert import FiringSpan, SourceAlert
from aurora_tui.situation.criterion import CriterionObserved
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.situation.slo import SloObserved
from aurora_tui.situation.workload import WorkloadsObserved


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer of `source` at `at` (Unix seconds, world time). Latency and skew are seconds.

    `skew` is the server's clock minus ours; `notes` are warnings worth showing that are not failures.
    """

    source: str
    at: float
    latency: float | None = None
    version: str | None = None
    skew: float | None = None
    notes: tuple[str, ...] = ()


class SourceFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A look that failed: `error` says what happened, to what, and what to do. No clock changes by it.

    `disowned`: who answers there now is not whom we knew. However young, what was known says nothing of the present.
    """

    source: str
    at: float
    error: str
    disowned: bool = False


class MetricsObserved(Answer, frozen=True, kw_only=True):
    """Prometheus answered. Always complete: every SLO and criterion of the mission, as last known.

    `firing_history` is read from `firing_known_from` to `firing_known_to` (None: not read yet); `firing_error` says
    why it could not be read at the last look.
    """

    slos: tuple[SloObserved, ...] = ()
    criteria: tuple[CriterionObserved, ...] = ()
    firing_history: tuple[FiringSpan, ...] = ()
    firing_known_from: float | None = None
    firing_known_to: float | None = None
    firing_error: str | None = None
    targets_down: tuple[str, ...] = ()


class ClusterObserved(Answer, frozen=True, kw_only=True):
    """The cluster's store changed or was confirmed alive."""

    workloads: WorkloadsObserved


class AlertsObserved(Answer, frozen=True, kw_only=True):
    """All alerts that one source knows now."""

    alerts: tuple[SourceAlert, ...] = ()


class ProbeObserved(Answer, frozen=True, kw_only=True):
    """A probe's page was read."""

    probe: ProbeStatus


class JournalObserved(Answer, frozen=True, kw_only=True):
    """The ledger was read."""

    journal: Journal


Observation = SourceFailed | MetricsObserved | ClusterObserved | AlertsObserved | ProbeObserved | JournalObserved
