"""The situation in lines of plain text: what `status` and `checklist` print."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_tui.clock import iso
from aurora_tui.situation.checkpoint import ChecklistRow, Timer, TimerState
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Direction
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import SloStatus
from aurora_tui.text import safe


def situation_lines(situation: Situation) -> Iterator[str]:
    """Verdict, reasons, an open run, SLOs, criteria, workloads, alerts, timers and sources."""
    from aurora_tui.commands.run_lines import open_run_line  # it needs our `span`

    now = situation.now
    place = f"{situation.environment} {situation.cluster or ''}/{situation.namespace or ''}".rstrip(" /")
    drill = " DRILL" if situation.drill else ""
    yield safe(f"{situation.mission} · {situation.treaty}  {place}{drill}  {iso(now)}")
    if situation.phase is not None:
        phase = situation.phase
        yield safe(f"phase {phase.title}  {span(now - phase.started_at)} of {span(phase.length)}")
    # A trip is known some seconds after it is due, when its last point is in: until then nothing is left.
    deadline = situation.verdict.deadline
    countdown = "" if deadline is None else f" {span(max(0.0, deadline - now))}"
    word = situation.verdict.word.value
    yield f"{word}{countdown if word == 'ROLL BACK IN' else ''}"
    for reason in situation.verdict.reasons:
        yield safe(f"  {reason.word.value}: {reason.text}")
        if reason.remedy is not None:
            yield safe(f"    {reason.remedy}")
    for run in situation.runs:
        if run.state.open:
            yield open_run_line(run, now)
    yield "slo"
    yield from (_slo(slo, now) for slo in situation.slos)
    yield "criteria"
    yield from (_criterion(status, now) for status in situation.criteria)
    yield "workloads"
    for item in situation.deployments:
        share = "" if item.traffic is None else f"  {item.traffic:.0%} of traffic ({item.traffic_basis})"
        revision = "?" if item.revision is None else str(item.revision)
        yield safe(
            f"  {item.name}  rev {revision}  {item.image or '?'}  {item.ready}/{item.desired} ready"
            f"  {item.rollout.value}  {item.role.value}{share}"
        )
    for pod in situation.pods:
        if not pod.healthy:
            yield safe(f"    {pod.name}  {pod.reason}  {pod.restarts} restarts  {pod.node or 'no node'}")
    yield f"alerts ({len(situation.alerts)}, {situation.alerts_silenced} silenced or inhibited)"
    for row in situation.alerts:
        age = "" if row.since is None else f"  {span(now - row.since)}"
        yield safe(f"  {row.severity.value} {row.name}  {row.state.value}{age}  {'+'.join(row.sources)}  {row.subject}")
    yield "checkpoints"
    yield from (timer_line(timer, now) for timer in situation.timers)
    yield "sources"
    yield from (light_line(light, now) for light in situation.lights)


def span(seconds: float) -> str:
    """A length of time as 41s, 06:41, 31:12:05 or 2d 07:12:05; minus sign when it is past."""
    sign = "-" if seconds < 0 else ""
    whole = int(abs(seconds))
    days, rest = divmod(whole, 86400)
    hours, minutes, left = rest // 3600, rest % 3600 // 60, rest % 60
    if days > 3:
        return f"{sign}{days}d {hours:02}:{minutes:02}:{left:02}"
    hours += 24 * days
    if hours:
        return f"{sign}{hours}:{minutes:02}:{left:02}"
    return f"{sign}{minutes:02}:{left:02}" if minutes else f"{sign}{left}s"


def timer_line(timer: Timer, now: float) -> str:
    """One row of the checkpoints."""
    if timer.state is TimerState.DONE and timer.done_at is not None:
        when = f"done {iso(timer.done_at)}" + (f" by {timer.done_by}" if timer.done_by else "")
    elif timer.due_at is None:
        when = timer.detail or ""
    elif timer.state is TimerState.OVERDUE:
        when = f"{span(now - timer.due_at)} overdue"
    else:
        when = f"in {span(timer.due_at - now)}"
    return safe(f"  {timer.state.value:8} {timer.title}  {when}")


def light_line(light: SourceLight, now: float) -> str:
    """One source: state, age, version, and the failure with its remedy."""
    age = light.age(now)
    parts = [f"  {light.state(now).value:8} {light.title}"]
    if age is not None:
        parts.append(f"{span(age)} old")
    if light.latency is not None:
        parts.append(f"{light.latency * 1000:.0f} ms")
    if light.version:
        parts.append(light.version)
    parts.extend(light.notes)
    if light.error is not None:
        parts.append(light.error)
    return safe("  ".join(parts), limit=600)


def checklist_line(row: ChecklistRow) -> str:
    """One item of a checklist."""
    mark = {True: "done", False: "open", None: "unknown"}[row.done]
    kind = "automatic" if row.automatic else "manual"
    who = f"  by {row.by} {iso(row.at)}" if row.by and row.at else ""
    return safe(f"  {mark:8} {row.id:24} {row.title}  ({kind}){who}" + (f"  {row.why}" if row.why else ""))


def _number(value: float | None, digits: int, unit: str) -> str:
    return "—" if value is None else f"{value:.{digits}f} {unit}".rstrip()


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _slo(slo: SloStatus, now: float) -> str:
    sign = "≥" if slo.direction is Direction.AT_LEAST else "≤"
    age = "" if slo.measured_at is None else f"  {span(max(0.0, now - slo.measured_at))} old"
    why = f"  {slo.why_unknown}" if slo.why_unknown else ""
    return safe(
        f"  {slo.state.value:8} {slo.title} {slo.statistic or ''}  {_number(slo.value, slo.digits, slo.unit)}"
        f"  {sign} {_number(slo.threshold, slo.digits, '')}  good {_share(slo.compliance)}"
        f"  budget left {_share(slo.budget_left)}{age}{why}"
    )


def _criterion(status: CriterionStatus, now: float) -> str:
    text = f"  {status.state.value:8} {status.title}"
    if status.op is not None:
        measured = " ".join(filter(None, (status.statistic, _number(status.value, status.digits, status.unit))))
        text += f": {measured}"
    if status.state is CriterionState.BREACHING and status.since is not None and status.trips_at is not None:
        text += f"  for {span(now - status.since)}, trips in {span(max(0.0, status.trips_at - now))}"
    for more in dict.fromkeys((status.detail, status.source_error, status.cannot_trip)):
        if more:
            text += f"  {more}"
    return safe(text)
