"""What needs no cluster to be known: read-only, where a runbook may run, another run, the evidence, the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurora_tui.actions.answer import Answer, forced, ok, refused, together, warning
from aurora_tui.actions.gate import gate
from aurora_tui.actions.operation import Reach
from aurora_tui.situation.evidence import Word
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.runbook import Stage
from aurora_tui.situation.situation import Situation
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.actions.planning import Asked


def rules(reach: Reach, asked: Asked, stage: Stage | None, journal: Journal, situation: Situation | None) -> Answer:
    """All of them, in the order of their showing."""
    return together(
        _environment(reach, asked),
        _other_runs(journal),
        _evidence(asked, situation),
        gate(asked, stage, journal, reach.settings.mission, situation),
    )


def _environment(reach: Reach, asked: Asked) -> Answer:
    name = reach.settings.environment_name
    if reach.settings.read_only:
        return refused(
            "environment", f"{name} is read-only here", "Leave --read-only or `read_only` out, if you may act there."
        )
    allowed = asked.runbook.environments
    if allowed and name not in allowed:
        return refused(
            "environment",
            f"{asked.runbook.title} may not run in {name}, only in {', '.join(allowed)}",
            "Choose another --env, or name it in the runbook's `environments`.",
        )
    return ok("environment", name)


def _other_runs(journal: Journal) -> Answer:
    run = journal.open_run
    if run is None:
        return ok("other runs", "none is open")
    return refused(
        "other runs",
        f"run {run.id}, {run.title}, approved by {run.approved_by}, is {run.state.value}",
        f"Wait until it ends; or aurora-tui resume {run.id}, or aurora-tui abandon {run.id}.",
    )


def _evidence(asked: Asked, situation: Situation | None) -> Answer:
    title = "evidence"
    if situation is None:
        return warning(title, "nobody looked at the metrics, the pods and the alerts", "aurora-tui status")
    verdict = situation.verdict
    words = safe(f"{verdict.word.value}: {verdict.reasons[0].text}", 400)
    if verdict.word is not Word.BLIND:
        return ok(title, words)
    if asked.on_what_we_know:
        return forced(title, words, f"acted on what is known: {words}")
    return refused(
        title, words, "Restore what is missing, or act on what is known (--on-what-we-know), which is recorded."
    )
