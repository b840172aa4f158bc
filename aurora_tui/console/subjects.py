"""From the row that was opened to its details, looked up afresh at every draw so that they stay live."""

from __future__ import annotations

from collections.abc import Callable

from aurora_tui.console.details.other import alert_group_lines, alert_lines, checkpoint_lines, verdict_lines
from aurora_tui.console.details.slo import criterion_lines
from aurora_tui.console.details.slo import lines as slo_lines
from aurora_tui.console.details.workload import LogTail, deployment_lines, log_heading, pod_lines
from aurora_tui.console.ink import WAITING, Line, span
from aurora_tui.console.panels.alerts import AlertGroup
from aurora_tui.situation.alert import AlertRow
from aurora_tui.situation.checkpoint import Timer
from aurora_tui.situation.criterion import CriterionStatus
from aurora_tui.situation.mission import Mission
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import SloStatus
from aurora_tui.situation.workload import DeploymentStatus, PodStatus

Story = tuple[str, list[Line]]


def story(subject: object, situation: Situation, mission: Mission, log: LogTail, now: float, cells: int) -> Story:
    """Title and lines of `subject` as it is now; as it last was, saying so, when it is not there any more."""
    present = _present(subject, situation)
    gone: list[Line] = []
    if present is None:
        gone = [(span("not there any more: this is how it last was", "unknown bold"),), ()]
    title, lines = _tell(present or subject, situation, mission, log, now, cells)
    return title, gone + lines


def verdict_story(situation: Situation | None, mission: Mission, now: float | None, cells: int) -> Story:
    """Why the verdict is what it is."""
    if situation is None or now is None:
        return "WHY", [(span(WAITING, "unknown"),)]
    return "WHY", verdict_lines(situation, mission, now, cells)


def log_mark(log: LogTail) -> str:
    """The line that `l` scrolls to."""
    return log_heading(log)


def pod_for_log(subject: object, situation: Situation) -> PodStatus | None:
    """The pod whose log is meant: the pod itself, or a deployment's sickest one."""
    if isinstance(subject, PodStatus):
        return subject
    if not isinstance(subject, DeploymentStatus):
        return None
    mine = [pod for pod in situation.pods if pod.owner == subject.name and pod.namespace == subject.namespace]
    return min(mine, key=lambda pod: (pod.healthy, -pod.restarts), default=None)


def _present(subject: object, situation: Situation) -> object | None:
    """The same subject in the newest Situation."""
    if isinstance(subject, AlertGroup):
        return subject.now_in(situation.alerts)
    keys: dict[type, tuple[Callable[[Situation], tuple[object, ...]], str]] = {
        SloStatus: (lambda all_: all_.slos, "id"),
        CriterionStatus: (lambda all_: all_.criteria, "id"),
        PodStatus: (lambda all_: all_.pods, "uid"),
        DeploymentStatus: (lambda all_: all_.deployments, "uid"),
        AlertRow: (lambda all_: all_.alerts, "fingerprint"),
        Timer: (lambda all_: all_.timers, "id"),
    }
    rows, key = keys[type(subject)]
    wanted = getattr(subject, key)
    return next((row for row in rows(situation) if getattr(row, key) == wanted), None)


def _tell(subject: object, situation: Situation, mission: Mission, log: LogTail, now: float, cells: int) -> Story:
    match subject:
        case SloStatus():
            return f"SLO  {subject.title}", slo_lines(subject, situation.criteria, mission, now, cells)
        case CriterionStatus():
            return f"CRITERION  {subject.title}", criterion_lines(subject, mission, now, cells)
        case PodStatus():
            return f"POD  {subject.namespace}/{subject.name}", pod_lines(subject, situation, log, now, cells)
        case DeploymentStatus():
            title = f"DEPLOYMENT  {subject.namespace}/{subject.name}"
            return title, deployment_lines(subject, situation, now, cells)
        case AlertRow():
            return f"ALERT  {subject.name}", alert_lines(subject, mission, now, cells)
        case AlertGroup():
            return f"ALERTS  {subject.key[0]} ×{len(subject.members):,}", alert_group_lines(subject, now, cells)
        case Timer():
            return f"CHECKPOINT  {subject.title}", checkpoint_lines(subject, situation, now, cells)
    raise TypeError(f"nothing is known about a {type(subject).__name__}")
