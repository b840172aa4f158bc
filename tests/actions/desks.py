"""Plans for tests: what is asked for, on which situation, and one check of a plan by its title."""

from __future__ import annotations

from typing import Any

import msgspec

from aurora_tui.actions.plan import Check, Plan
from aurora_tui.actions.planning import Asked, make_plan
from aurora_tui.situation.gate import Finding, Gate
from aurora_tui.situation.journal import EMPTY, Journal
from aurora_tui.situation.runbook import AnyStep, Runbook
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.verdict import Reason, Verdict, Word
from tests.actions.worlds import World
from tests.console.situations import go


def book(*steps: AnyStep, **more: Any) -> Runbook:
    """A runbook of these steps."""
    return Runbook(**{"id": "test", "key": "X", "title": "test", "step": steps, **more})


def bundled(here: World, id: str) -> Runbook:
    """A runbook of the mission."""
    return next(one for one in here.settings.mission.runbook if one.id == id)


def situation(word: Word = Word.GO, text: str = "all is well", gates: tuple[Gate, ...] = ()) -> Situation:
    """A situation whose verdict is this."""
    verdict = Verdict(word=word, reasons=(Reason(text=text, word=word),))
    return msgspec.structs.replace(go(), verdict=verdict, gates=gates)


def gate(stage: str, *findings: tuple[str, bool | None, str], runbook: str = "test") -> Gate:
    """The gate of `stage`: its conditions, whether they hold, and why."""
    found = tuple(Finding(check=check, holds=holds, why=why) for check, holds, why in findings)
    return Gate(runbook=runbook, stage=stage, title=stage, findings=found)


async def plan_of(
    here: World, runbook: Runbook, *, journal: Journal = EMPTY, judged: Situation | None = None, **asked: Any
) -> Plan:
    """The plan of `runbook`, made through the world's own connection."""
    return await make_plan(here.reach, Asked(runbook=runbook, **asked), journal, judged)


def check(plan: Plan, title: str) -> Check:
    """The plan's one check of that title."""
    found = [one for one in plan.checks if one.title == title]
    assert len(found) == 1, f"{len(found)} checks are called {title!r}: {plan.checks}"
    return found[0]


def titles(plan: Plan) -> list[str]:
    """The titles of the plan's checks."""
    return [one.title for one in plan.checks]
