"""Details of a pod or a deployment: containers, conditions, rollout, events, log tail."""

from __future__ import annotations

from dataclasses import dataclass

from aurora_tui.console.details.parts import fact, heading
from aurora_tui.console.figures import percent
from aurora_tui.console.ink import NO_VALUE, Line, paragraphs, span
from aurora_tui.console.moments import age
from aurora_tui.console.panels.workloads import pod_mark, short_name
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.workload import Condition, Container, DeploymentStatus, PodStatus
from aurora_tui.text import safe

LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class LogTail:
    """What is known of a log: being read (both None), the text, or why there is none."""

    container: str | None
    text: str | None = None
    error: str | None = None


def worst_container(pod: PodStatus) -> str | None:
    """The container whose log is wanted: the first that is not ready, else the first; None when there are none."""
    serving = [item for item in pod.containers if not item.init] or list(pod.containers)
    return next((item.name for item in serving if not item.ready), serving[0].name if serving else None)


def pod_lines(pod: PodStatus, situation: Situation, log: LogTail, now: float, cells: int) -> list[Line]:
    """Everything known about `pod`, the log last."""
    glyph, ink = pod_mark(pod, now)
    result: list[Line] = [
        (
            span(f"{glyph} {pod.reason}", f"{ink} bold"),
            span(f"   {pod.ready}/{pod.containers_total} ready   {pod.restarts} restarts"),
        )
    ]
    if pod.restarted_at is not None:
        result += fact("last restart", f"{age(now - pod.restarted_at)} ago", cells)
    result += fact("node", pod.node, cells)
    result += fact("age", age(None if pod.created_at is None else now - pod.created_at), cells)
    result += fact("deployment", pod.owner, cells)
    if pod.revision is not None:
        result += fact("revision", str(pod.revision), cells)
    result += heading("CONTAINERS")
    for container in pod.containers:
        result += _container(container, now, cells)
    result += heading("CONDITIONS") + _conditions(pod.conditions, now, cells)
    result += heading("WARNING EVENTS") + _events(situation, f"Pod/{pod.name}", pod.namespace, now, cells)
    return result + log_lines(log, cells)


def log_heading(log: LogTail) -> str:
    """The heading the log stands under: what `l` scrolls to."""
    return f"LOG{f' OF {log.container}' if log.container else ''} (last {LOG_LINES} lines)"


def log_lines(log: LogTail, cells: int) -> list[Line]:
    """The log tail, or that it is being read, or why it cannot be."""
    result = heading(log_heading(log))
    if log.error is not None:
        return result + paragraphs(safe(log.error, limit=2048), cells, "unknown")
    if log.text is None:
        return [*result, (span("reading…", "unknown"),)]
    if not log.text.strip():
        return [*result, (span("the log is empty", "dim"),)]
    for raw in log.text.splitlines()[-LOG_LINES:]:
        result += paragraphs(safe(raw, limit=2000), cells)
    return result


def _container(item: Container, now: float, cells: int) -> list[Line]:
    kind = "init " if item.init else ""
    state = f"{item.state}{f', {item.reason}' if item.reason else ''}"
    ready = "ready" if item.ready else "not ready"
    result: list[Line] = [
        (
            span(f"{kind}{item.name}", "title bold"),
            span(f"   {ready}", "good" if item.ready else "bad"),
            span(f"   {state}   {item.restarts} restarts"),
        )
    ]
    result += fact("image", item.image, cells)
    if item.message:
        result += fact("says", item.message, cells)
    if item.exit_code is not None or item.last_reason:
        when = "" if item.last_finished_at is None else f", {age(now - item.last_finished_at)} ago"
        code = "" if item.exit_code is None else f" with exit code {item.exit_code}"
        result += fact("last ended", f"{item.last_reason or 'ended'}{code}{when}", cells, "warn")
    return result


def _conditions(conditions: tuple[Condition, ...], now: float, cells: int) -> list[Line]:
    result: list[Line] = []
    for item in conditions:
        since = "" if item.since is None else f" for {age(now - item.since)}"
        words = ": ".join(part for part in (item.reason, item.message) if part)
        result += fact(item.type, f"{item.status}{since}{'  ' + words if words else ''}", cells)
    return result or [(span("none", "dim"),)]


def _events(situation: Situation, about: str, namespace: str, now: float, cells: int) -> list[Line]:
    result: list[Line] = []
    for event in situation.events:
        if event.about == about and event.namespace == namespace:
            last = "?" if event.last_at is None else age(now - event.last_at)
            result += fact(event.reason, f"{event.count}×, last {last} ago: {event.message}", cells, "warn")
    return result or [(span("none", "dim"),)]


def deployment_lines(item: DeploymentStatus, situation: Situation, now: float, cells: int) -> list[Line]:
    """Everything known about a deployment: rollout, traffic, conditions, events, every pod."""
    ready = item.ready >= item.desired
    result: list[Line] = [
        (
            span(f"{item.ready}/{item.desired} ready", "good bold" if ready else "bad bold"),
            span(f"   {item.updated} updated   {item.available} available   {item.restarts} restarts"),
        )
    ]
    result += fact("role", item.role.value or "none in this mission", cells)
    result += fact("revision", None if item.revision is None else str(item.revision), cells)
    result += fact("image", item.image, cells)
    result += fact("rollout", f"{item.rollout.value}{': ' + item.rollout_detail if item.rollout_detail else ''}", cells)
    traffic = NO_VALUE if item.traffic is None else percent(round(item.traffic * 100, 2))
    result += fact("traffic", f"{traffic}{f' ({item.traffic_basis})' if item.traffic_basis else ''}", cells)
    result += fact("age", age(None if item.created_at is None else now - item.created_at), cells)
    result += heading("CONDITIONS") + _conditions(item.conditions, now, cells)
    result += heading("WARNING EVENTS")
    result += _events(situation, f"Deployment/{item.name}", item.namespace, now, cells)
    pods = [pod for pod in situation.pods if pod.owner == item.name and pod.namespace == item.namespace]
    result += heading(f"PODS ({len(pods)}; x in the panel lists them all, Enter opens one)")
    for pod in pods:
        glyph, ink = pod_mark(pod, now)
        words = f"{pod.reason}  {pod.ready}/{pod.containers_total}  {pod.restarts} restarts  {pod.node or NO_VALUE}"
        result.append((span(f"{glyph} ", ink), span(f"{short_name(pod)}  "), span(words, ink)))
    return result
