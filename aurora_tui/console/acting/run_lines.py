"""A run as lines: each step with its clock and its words, the total against the target, and how it ended."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence

from aurora_tui.console.ink import Line, Span, fit, paragraphs, span, spread
from aurora_tui.console.moments import clock_length, day_and_time
from aurora_tui.console.panels.workloads import pod_mark, pod_words, state, tag
from aurora_tui.situation.run import Run, RunState, StepRun, StepState
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Rollout

_STEPS = {
    StepState.WAITING: ("·", "dim"),
    StepState.RUNNING: ("▶", "accent bold"),
    StepState.DONE: ("✔", "good"),
    StepState.FAILED: ("✗", "bad bold"),
}
_STATES = {
    RunState.APPROVED: ("▶", "APPROVED", "accent"),
    RunState.RUNNING: ("▶", "RUNNING", "accent"),
    RunState.VERIFIED: ("✔", "VERIFIED", "good"),
    RunState.FAILED: ("✗", "FAILED", "bad"),
    RunState.CANCELLED: ("‖", "CANCELLED", "warn"),
    RunState.ABANDONED: ("·", "ABANDONED", "warn"),
}
_PODS = 3  # beneath a deployment
_UNSTARTED = 10.0  # world seconds after approval in which an executor may be expected
_LIMIT = 120.0  # seconds, of a step whose limit is not known
_GRACE = 30.0  # seconds beyond a step's limit in which its end may be told


def title(run: Run) -> str:
    """`ROLLBACK  run 1a2b3c4d5e`."""
    back = f"  takes back {run.inverse_of}" if run.inverse_of else ""
    return f"{run.title.upper()}  run {run.id}{back}"


def took(run: Run, now: float) -> float:
    """World seconds from approval to its end, or to now."""
    return max(0.0, (run.ended_at if run.ended_at is not None else now) - run.approved_at)


def stopped(run: Run, now: float) -> str | None:
    """Why nobody carries an open run out, in words; None when somebody does, as far as can be known from here.

    Of another machine's executor only its entries are known: when they stay away for longer than its step may take.
    """
    if not run.state.open:
        return None
    if run.executor is None:
        late = now - run.approved_at > _UNSTARTED
        return "approved, and nobody has begun to carry it out" if late else None
    host, _, pid = run.executor.partition("@")[2].rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return _silent(run, now)
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return f"its executor {run.executor} is no more"
    except PermissionError:
        return None  # it lives, and is another user's
    return None


def elsewhere(run: Run) -> str | None:
    """The other machine that an open run is carried out on; None for this one."""
    host = run.executor.partition("@")[2].rpartition(":")[0] if run.executor is not None else ""
    return host if run.state.open and host and host != socket.gethostname() else None


def gone_word(run: Run) -> str:
    """What is known of an executor that does nothing any more, in a word."""
    return "STOPPED" if elsewhere(run) is None else "SILENT"


def silence(run: Run, now: float) -> float:
    """World seconds since its executor's last entry in the ledger."""
    heard = run.heard_at if run.heard_at is not None else run.started_at
    return max(0.0, now - (heard if heard is not None else run.approved_at))


def _silent(run: Run, now: float) -> str | None:
    step = run.step
    limit = float(step.limit) if step is not None and step.limit is not None else _LIMIT
    quiet = silence(run, now)
    if quiet <= limit + _GRACE:
        return None
    at = f"step {step.number} may take {clock_length(limit)}" if step is not None else "nothing is left to be done"
    return f"nothing was heard of its executor {run.executor} for {clock_length(quiet)}, and {at}"


def head(run: Run, now: float, cells: int, gone: str | None) -> list[Line]:
    """How it stands, in one word, and its clock against the target."""
    glyph, word, ink = _STATES[run.state]
    if gone is not None:
        glyph, word, ink = "✗", gone_word(run), "bad"
    elif run.cancel_asked and run.state.open:
        word, ink = "RUNNING, asked to stop before the next step", "warn"
    clock = took(run, now)
    over = run.target is not None and clock > run.target
    right = [span(clock_length(clock), "bad bold" if over else "title bold")]
    if run.target is not None:
        right.append(span(f" of {clock_length(run.target)}", "bad" if over else "dim"))
    right.append(span(" OVER", "bad bold") if over else span(""))
    done = sum(step.state is StepState.DONE for step in run.steps)
    left = (span(f" {glyph} {word} ", f"{ink} reverse bold"), span(f"  {done} of {len(run.steps)} steps done"))
    lines = [spread(left, (*right, Span(" ")), cells)]
    if gone is not None:
        far = elsewhere(run)
        rest = "nothing goes on by itself" if far is None else f"look at {far} before you go on with it"
        lines += paragraphs(f"{gone}: {rest}", cells, "bad bold")
    elif (far := elsewhere(run)) is not None:
        words = f"carried out on {far}, which wrote its last entry {clock_length(silence(run, now))} ago"
        lines += paragraphs(words, cells, "dim")
    if run.words:
        lines += paragraphs(run.words, cells, "bad bold" if run.state is RunState.FAILED else f"{ink} bold")
    return lines


def steps(run: Run, now: float, cells: int) -> tuple[list[Line], int]:
    """Every step, and which line the one under way is on."""
    lines: list[Line] = []
    seek = 0
    for step in run.steps:
        glyph, ink = _STEPS[step.state]
        if step.state in (StepState.RUNNING, StepState.FAILED):
            seek = len(lines)
        name = span(step.title, "dim" if step.state is StepState.WAITING else "title bold")
        already = [span("  was so already", "dim")] if step.already else []
        left = (span(f"{glyph} {step.number:>2} ", ink), name, *already)
        lines.append(spread(left, (span(step_clock(step, now), "dim"), Span(" ")), cells))
        if step.words and step.state is not StepState.WAITING:
            lines += paragraphs(step.words, cells, "bad" if step.state is StepState.FAILED else "dim", "     ")
    return lines, seek


def step_clock(step: StepRun, now: float) -> str:
    """How long a step took, or takes so far; "" before it begins."""
    if step.began_at is None:
        return ""
    return clock_length((step.ended_at if step.ended_at is not None else now) - step.began_at)


def workloads(run: Run, situation: Situation, now: float, cells: int) -> list[Line]:
    """The deployments that the run is about, as they are now, with the pods that are not well."""
    lines: list[Line] = []
    for item in _about(run, situation.deployments):
        lines += _deployment(item, cells)
        pods = [pod for pod in situation.pods if pod.owner == item.name and pod.namespace == item.namespace]
        ill = sorted((pod for pod in pods if not pod.healthy), key=lambda pod: pod.name)
        lines += [_pod(pod, now, cells) for pod in ill[:_PODS]]
        if len(ill) > _PODS:
            lines.append(fit((span(f"    … and {len(ill) - _PODS} more not ready", "warn"),), cells))
    return [(span("NOW", "accent bold"),), *lines] if lines else []


def _about(run: Run, deployments: Sequence[DeploymentStatus]) -> list[DeploymentStatus]:
    """Those whose name is a word of a step's title."""
    words = {word for step in run.steps for word in re.findall(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", step.title)}
    return [item for item in deployments if item.name in words]


def _deployment(item: DeploymentStatus, cells: int) -> list[Line]:
    glyph, ink = state(item)
    parts = [
        span(f"  {glyph} ", f"{ink} bold"),
        span(f"{item.name:<24} "),
        span(f"{item.ready}/{item.desired} ready", ink),
        span(f"  rev {item.revision if item.revision is not None else '?'}  {tag(item.image)}", "dim"),
    ]
    if item.rollout is not Rollout.DONE:
        parts.append(span(f"  {item.rollout.value}{': ' + item.rollout_detail if item.rollout_detail else ''}", "warn"))
    return [fit(parts, cells)]


def _pod(pod: PodStatus, now: float, cells: int) -> Line:
    glyph, ink = pod_mark(pod, now)
    return fit((span(f"    {glyph} ", f"{ink} bold"), span(f"{pod.name}  "), span(pod_words(pod), ink)), cells)


def facts(run: Run, now: float, cells: int) -> list[Line]:
    """Who approved it, when and why, and who carries it out."""
    rows = [
        ("approved", f"{day_and_time(run.approved_at, now)} by {run.approved_by}"),
        ("reason", run.reason or "none given"),
        ("executor", run.executor or "none yet"),
        ("way", run.choice or ""),
        ("stage", run.stage or ""),
        ("knowingly", "; ".join(run.forced)),
    ]
    lines: list[Line] = [(span("WHO AND WHY", "accent bold"),)]
    for name, value in rows:
        if value:
            shown = paragraphs(value, max(8, cells - 12))
            lines += [(span(f"  {name if not number else '':<10}", "dim"), *line) for number, line in enumerate(shown)]
    return lines


def row(run: Run, now: float, cells: int) -> Line:
    """One line of the list of runs."""
    glyph, word, ink = _STATES[run.state]
    gone = stopped(run, now)
    if gone is not None:
        glyph, word, ink = "✗", gone_word(run), "bad"
    done = sum(step.state is StepState.DONE for step in run.steps)
    left = (
        span(f"{glyph} ", f"{ink} bold"),
        span(f"{run.title:<22} "),
        span(f"{word.lower():<10} ", ink),
        span(f"{done}/{len(run.steps)}  {clock_length(took(run, now))}  "),
        span(run.reason, "dim"),
    )
    return spread(left, (span(f" {run.id}  {day_and_time(run.approved_at, now)} ", "dim"),), cells)
