"""The gate before a stage: passed when every condition holds, or knowingly, for a reason that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurora_tui.actions.answer import Answer, forced, ok, refused, together
from aurora_tui.situation.gate import Finding, next_stage
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.mission import Mission
from aurora_tui.situation.runbook import Stage
from aurora_tui.situation.situation import Situation
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.actions.planning import Asked


def gate(asked: Asked, stage: Stage | None, journal: Journal, mission: Mission, situation: Situation | None) -> Answer:
    """A check a condition of the stage's gate; nothing for a runbook without stages, and for taking one back."""
    if stage is None or asked.inverse_of is not None:
        return Answer()
    findings = [_order(asked, stage, journal, mission), *_findings(asked, stage, situation)]
    return together(*(_answer(one, asked.override.strip()) for one in findings))


def _order(asked: Asked, stage: Stage, journal: Journal, mission: Mission) -> Finding:
    following = next_stage(asked.runbook, journal, mission)
    words = "every stage is behind us" if following is None else f"{following.title} comes next"
    return Finding(check="order", holds=following is not None and following.id == stage.id, why=words)


def _findings(asked: Asked, stage: Stage, situation: Situation | None) -> tuple[Finding, ...]:
    """What the situation says of the stage's gate; not known where it judged another stage's, or nobody looked."""
    judged = () if situation is None else situation.gates
    found = next((one for one in judged if one.runbook == asked.runbook.id and one.stage == stage.id), None)
    if found is not None:
        return found.findings
    why = "not known: nobody looked" if situation is None else "not judged yet: plan again in a moment"
    return tuple(Finding(check=check, holds=None, why=why) for check in stage.gate)


def _answer(finding: Finding, override: str) -> Answer:
    title, why = f"gate {finding.check}", safe(finding.why, 300)
    if finding.holds:
        return ok(title, why)
    if override:
        recorded = f"gate {finding.check} overridden: {safe(override, 300)} (it said: {why})"
        return forced(title, f"{why}; overridden: {safe(override, 300)}", recorded)
    return refused(title, why, "Wait until it holds, or override it with a reason, which is recorded.")
