"""A plan in lines for a person, most needed first: where, what to which object, why, what was checked, what refuses it.

What a person may want to copy, the kubectl lines, is never broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aurora_tui.commands.lines import span
from aurora_tui.commands.wrapping import hanging
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.actions.plan import Check, Plan, PlannedStep

_LONGEST_DIFF = 60
_LONGEST_COMMAND = 4000


def plan_lines(plan: Plan, width: int, *, drill: bool = False) -> Iterator[str]:
    """All of it."""
    yield from _place(plan, width, drill)
    for step in plan.steps:
        yield ""
        yield from _step(step, width)
    if plan.checks:
        yield ""
        yield "checked"
        # What stands against it last, beside the question.
        for check in sorted(plan.checks, key=lambda one: _GRAVITY[one.outcome.value]):
            yield from _check(check, width)
    if plan.forced:
        yield ""
        yield "set aside knowingly, and recorded"
        for words in plan.forced:
            yield from hanging("  - ", words, width)
    if plan.refusals:
        yield ""
        yield "REFUSED"
        for words in plan.refusals:
            yield from hanging("  - ", words, width)


_GRAVITY = {"ok": 0, "warning": 1, "refused": 2}
_WORDS = {"ok": "ok", "warning": "WARNING", "refused": "REFUSED"}


def _place(plan: Plan, width: int, drill: bool) -> Iterator[str]:
    """Which cluster and namespace: the first thing to be sure of."""
    cluster = plan.cluster
    where = "no cluster" if cluster is None else f"{cluster.context} / {plan.namespace}"
    named = plan.environment.upper()
    yield from hanging("", f"{named}{' (DRILL)' if drill and named != 'DRILL' else ''} · {where}", width)
    if cluster is not None:
        yield from hanging("  server   ", cluster.server + (f" as {cluster.user}" if cluster.user else ""), width)
        known = [f"kube-system {cluster.uid}"] if cluster.uid else ["kube-system not readable"]
        known += [f"CA {cluster.ca[:16]}…"] if cluster.ca else []
        yield from hanging("  cluster  ", ", ".join(known), width)
    what = plan.title + (f", choice {plan.choice}" if plan.choice else "")
    target = "" if plan.target is None else f", to be verified within {span(plan.target)}"
    yield from hanging("  act      ", f"{what}, {_steps(len(plan.steps))}{target}", width)
    if plan.inverse_of is not None:
        yield from hanging("  undoes   ", f"run {plan.inverse_of}", width)
    if plan.ground:
        yield from hanging("  ground   ", plan.ground, width)


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"


def _step(step: PlannedStep, width: int) -> Iterator[str]:
    head = f"{step.number}. "
    yield from hanging(head, step.title + ("  (is so already)" if step.already else ""), width)
    if step.subject is not None and str(step.subject).lower() not in step.title.lower():
        yield from hanging("     ", str(step.subject), width)
    room = max((len(safe(change.what, 40)) for change in step.changes), default=0)
    for change in step.changes:
        label = f"     {safe(change.what, 40):{room}}  "
        yield from hanging(label, f"{change.now or 'nothing'} → {change.after or 'nothing'}", width)
    for label, text in (("why", step.why), *(("WARNING", one) for one in step.warnings)):
        if text:
            yield from hanging(f"     {label}: ", text, width)
    for words in step.refusals:
        yield from hanging("     REFUSED: ", words, width)
    for line in step.diff[:_LONGEST_DIFF]:
        yield "     " + safe(line, max(10, width - 5))
    if len(step.diff) > _LONGEST_DIFF:
        yield f"     … {len(step.diff) - _LONGEST_DIFF} more lines; --json shows all"
    if step.kubectl:
        for line in safe(step.kubectl, _LONGEST_COMMAND, lines=True).splitlines():
            yield f"     $ {line}"


def _check(check: Check, width: int) -> Iterator[str]:
    word = _WORDS[check.outcome.value]
    yield from hanging(f"  {word:8} ", f"{check.title}: {check.words}" if check.words else check.title, width)
    if check.remedy and check.outcome.value != "ok":
        yield from hanging("           ", check.remedy, width)
