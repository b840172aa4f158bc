"""A run of a runbook in lines for a person: one in a list, all of one, and what can be done about one that stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aurora_tui.clock import iso
from aurora_tui.commands.lines import span
from aurora_tui.commands.wrapping import hanging
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.situation.run import Run, StepRun


def run_line(run: Run, now: float) -> str:
    """One line of a list. now: world time, Unix seconds."""
    parts = [run.id, iso(run.approved_at), f"{run.state.value:9}", _title(run), run.environment]
    parts += [clock_line(run, now), f"by {run.approved_by}"]
    if run.reason:
        parts.append(f"“{run.reason}”")
    return safe("  ".join(parts), limit=400)


def open_run_line(run: Run, now: float) -> str:
    """A run that may still change something, as the situation tells it."""
    step = run.step
    at = "" if step is None else f", step {step.number} of {len(run.steps)}: {step.title}"
    asked = ", cancelling" if run.cancel_asked else ""
    return safe(
        f"run {run.id} {_title(run)} {run.state.value}{at}  {clock_line(run, now)}  by {run.approved_by}{asked}"
    )


def run_lines(run: Run, now: float, width: int) -> Iterator[str]:
    """Who, why, on what ground, every step with its times, and how it ended."""
    yield from hanging("", f"run {run.id}  {_title(run)}  {run.environment}", width)
    yield from hanging(
        "  state     ", run.state.value + (", cancelling" if run.cancel_asked and run.state.open else ""), width
    )
    yield from hanging("  approved  ", f"{iso(run.approved_at)} by {run.approved_by}", width)
    yield from hanging("  reason    ", run.reason or "none", width)
    for words in run.forced:
        yield from hanging("  aside     ", words, width)
    if run.inverse_of is not None:
        yield from hanging("  undoes    ", f"run {run.inverse_of}", width)
    if run.executor is not None:
        yield from hanging("  executor  ", run.executor, width)
    yield from hanging("  clock     ", clock_line(run, now), width)
    for step in run.steps:
        yield from step_lines(step, run, width)
    if run.words:
        yield from hanging("  ended     ", run.words, width)
    yield from next_lines(run, width)


def step_lines(step: StepRun, run: Run, width: int) -> Iterator[str]:
    """One step: when it ended counted from the approval, how, and what was said."""
    at = step.ended_at if step.ended_at is not None else step.began_at
    when = "" if at is None else minutes(at - run.approved_at)
    state = "was so" if step.already and step.state.value == "done" else step.state.value
    words = f"{step.title}: {step.words}" if step.words else step.title
    yield from hanging(f"  {when:>8}  {step.number:>2}/{len(run.steps)} {state:8} ", words, width)


def clock_line(run: Run, now: float) -> str:
    """How long it has taken so far, or took, against its target: `00:41 of 05:00`."""
    taken = max(0.0, (now if run.ended_at is None else run.ended_at) - run.approved_at)
    return minutes(taken) + ("" if run.target is None else f" of {minutes(run.target)}")


def minutes(seconds: float) -> str:
    """A length of time as a clock shows it: 00:15, 05:00, 1:02:03."""
    whole = max(0, int(seconds))
    return span(whole) if whole >= 3600 else f"{whole // 60:02}:{whole % 60:02}"


def next_lines(run: Run, width: int) -> Iterator[str]:
    """What can be done about a run that did not end well."""
    if run.state.value == "failed":
        yield from hanging("  next      ", f"go on where it stopped: aurora-tui resume {run.id}", width)
        yield from hanging("            ", f"or take back what it did: aurora-tui act --take-back {run.id}", width)
    elif run.state.value == "cancelled":
        yield from hanging("  next      ", f"take back what it did: aurora-tui act --take-back {run.id}", width)


def _title(run: Run) -> str:
    return run.title + (f" ({run.choice})" if run.choice else "")
