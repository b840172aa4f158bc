"""A plan as lines: what is refused, each object now → after, why, what was checked, and how a person would type it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from rich.cells import cell_len

from aurora_tui.actions.plan import Change, Check, Outcome, Plan, PlannedStep
from aurora_tui.console.acting.typed import continued
from aurora_tui.console.ink import Line, Span, fit, paragraphs, span, spread, width

_MARKS = {Outcome.OK: ("✔", "good"), Outcome.WARNING: ("!", "warn"), Outcome.REFUSED: ("✗", "bad")}

_NOTHING = "# nothing for kubectl to do"


@dataclass(frozen=True, slots=True)
class Folds:
    """What is unfolded. `changed`: numbers of the steps that a new plan has otherwise than the one before."""

    diffs: bool = False
    changed: frozenset[int] = field(default_factory=frozenset)


def lines(plan: Plan, folds: Folds, cells: int) -> list[Line]:
    """The whole plan: what stands against it, what it does, what was looked at, what it stands on."""
    result: list[Line] = []
    by_outcome = {kind: [check for check in plan.checks if check.outcome is kind] for kind in Outcome}
    refused = by_outcome[Outcome.REFUSED]
    for number, check in enumerate(refused, 1):
        last = number == len(refused) or refused[number].remedy != check.remedy
        result += _check(check, cells, remedy=last)
    result += [()] if result else []
    for one in plan.steps:
        result += _step(one, folds, cells)
    looked_at = (*by_outcome[Outcome.WARNING], *by_outcome[Outcome.OK])
    if looked_at:
        result += [(), (span("CHECKED", "accent bold"),)]
    for check in looked_at:
        result += _check(check, cells)
    if plan.ground:
        result += [(), (span("ON WHAT GROUND", "accent bold"),), *paragraphs(plan.ground, cells, "", "  ")]
    if plan.cluster is not None:
        seen = plan.cluster
        result += [(), (span("WHICH CLUSTER", "accent bold"),)]
        facts = (("server", seen.server), ("as", seen.user), ("kube-system", seen.uid), ("CA SHA-256", seen.ca))
        for name, value in facts:
            result += _hanging(span(f"  {name:<12}", "dim"), value or "not known", cells, "" if value else "unknown")
    return result


def kubectl_lines(plan: Plan, cells: int) -> list[Line]:
    """What a person would type instead, step by step: lines to be copied whole."""
    result: list[Line] = []
    for one in plan.steps:
        result.append((span(f"# {one.number} {one.title}", "dim"),))
        if one.kubectl:
            result += [(span(line),) for line in continued(one.kubectl, cells)]
        else:
            result.append((span(_NOTHING, "dim"),))
    return result


def kubectl_text(plan: Plan) -> str:
    """The same as one text, for the clipboard."""
    return "".join(f"# {one.number} {one.title}\n{one.kubectl or _NOTHING}\n" for one in plan.steps)


def warnings(plan: Plan) -> int:
    """How many things are to be known before going on."""
    checks = sum(check.outcome is Outcome.WARNING for check in plan.checks)
    return checks + sum(len(one.warnings) for one in plan.steps)


def meaning(plan: Plan) -> str:
    """What a person consents to. A check that is passed may say other figures each time: that alone changes nothing."""
    quiet = (
        msgspec.structs.replace(check, words="") if check.outcome is Outcome.OK else check for check in plan.checks
    )
    return msgspec.structs.replace(plan, checks=tuple(quiet)).meaning


def changed_steps(before: Plan, after: Plan) -> frozenset[int]:
    """Numbers of the steps of `after` that say something else than those of `before`."""
    old = {one.number: _said(one) for one in before.steps}
    return frozenset(one.number for one in after.steps if old.get(one.number) != _said(one))


def _said(one: PlannedStep) -> tuple[object, ...]:
    return one.title, one.changes, one.diff, one.why, one.already, one.warnings, one.refusals


def _step(one: PlannedStep, folds: Folds, cells: int) -> list[Line]:
    refused = bool(one.refusals)
    mark, ink = ("✗", "bad bold") if refused else ("✔", "good") if one.already else (" ", "title bold")
    head = [span(f"{mark}{one.number:>2} ", ink), span(one.title, "dim" if one.already else "title bold")]
    if one.already:
        head.append(span("  is so already", "good"))
    if one.number in folds.changed:
        head.append(span("  ◂ not as it was a moment ago", "warn bold"))
    result: list[Line] = _wrapped(head, cells)
    if one.subject is not None:
        side = (span(f"  {one.subject.kind} {one.subject.name} ", "dim"),)
        beneath = fit((span(f"    {one.subject}", "dim"),), cells)
        beside = len(result) == 1 and width((*result[0], *side)) <= cells
        result = [spread(result[0], side, cells)] if beside else [*result, beneath]
    result += _changes([change for change in one.changes if not one.already or change.now != change.after], cells)
    for words in one.refusals:
        result += _hanging(span("    ✗ ", "bad bold"), words, cells, "bad bold")
    for words in one.warnings:
        result += _hanging(span("    ! ", "warn bold"), words, cells, "warn")
    if one.why:
        result += _hanging(span("    why  ", "dim"), one.why, cells)
    if one.diff and folds.diffs:
        result += [fit((span(f"    {text}", _diff_ink(text)),), cells) for text in one.diff]
    elif one.diff:
        result.append((span(f"    {len(one.diff)} lines of difference: d shows them", "dim"),))
    return result


def _changes(changes: Sequence[Change], cells: int) -> list[Line]:
    """`replicas  1 → 3`, names in a column; a long value goes on beneath, nothing of it is cut off."""
    room = min(max((cell_len(one.what) for one in changes), default=0), cells // 3)
    result: list[Line] = []
    for one in changes:
        head = span(f"    {one.what.ljust(room)}  ", "dim")
        if not one.now:
            result += _hanging(head, one.after, cells, "title bold")
            continue
        same = one.now == one.after
        whole = (head, span(one.now, "dim" if same else ""), span(" → ", "accent bold"), span(one.after, "title bold"))
        if width(whole) <= cells:
            result.append(whole)
            continue
        result += _hanging(head, f"{one.now} →", cells)
        result += _hanging(span(" " * width((head,))), one.after, cells, "title bold")
    return result


def _check(check: Check, cells: int, *, remedy: bool = True) -> list[Line]:
    mark, ink = _MARKS[check.outcome]
    words = f"{check.title}: {check.words}" if check.words else check.title
    quiet = check.outcome is Outcome.OK
    result = _hanging(span(f"{mark} ", f"{ink} bold"), words, cells, "" if quiet else ink)
    if remedy and check.remedy and not quiet:
        result += _hanging(span("    → ", "accent"), check.remedy, cells)
    return result


def _hanging(head: Span, text: str, cells: int, ink: str = "") -> list[Line]:
    """`text` behind `head`, its further lines beneath its first one."""
    indent = width((head,))
    lines = paragraphs(text, max(8, cells - indent), ink)
    return [(head if number == 0 else Span(" " * indent), *line) for number, line in enumerate(lines)]


def _wrapped(parts: Sequence[Span], cells: int) -> list[Line]:
    if width(parts) <= cells:
        return [tuple(parts)]
    head, title, *more = parts
    return [*_hanging(head, title.text, cells, title.ink), *((Span("  "), part) for part in more)]


def _diff_ink(text: str) -> str:
    return "good" if text.startswith("+") else "bad" if text.startswith("-") else "dim"
