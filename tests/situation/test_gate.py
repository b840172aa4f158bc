"""Gates: which stage comes next, and what must hold before it may be climbed."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.situation.checkpoint import Ground
from aurora_tui.situation.evidence import Reason, Verdict, Word
from aurora_tui.situation.gate import find, gates, next_stage, ticked_last
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.runbook import Note, Runbook, Stage
from tests.situation.missions import DAY, HOUR, NOW, ended, journal, mission, phase, report_at, started, step_at, ticked
from tests.situation.test_checklist import slo

STEP = (Note(text="x"),)
ADVANCE = Runbook(
    id="advance",
    key="G",
    title="advance",
    stage=(
        Stage(id="canary-10", title="10 %", done="soak/day-7", step=STEP),
        Stage(id="step-25", title="25 %", done="rollout/step-25", step=STEP, gate=("phase:rollout", "verdict:go")),
        Stage(id="step-50", title="50 %", done="rollout/step-50", step=STEP),
    ),
)
MISSION = mission(
    phase("soak", "7d", checkpoint=(report_at("day-7", "7d"),)),
    phase("canary", "72h", checkpoint=(report_at("h72", "72h"),)),
    phase("rollout", "24h", checkpoint=(step_at("step-25", "0h", 25), step_at("step-50", "6h", 50))),
    runbook=(Runbook(id="rollback", key="R", title="rollback", step=STEP), ADVANCE),
)
GO = Verdict(word=Word.GO, reasons=(Reason(text="all well", word=Word.GO),))


def ground(told: Journal, **more: Any) -> Ground:
    values: dict[str, Any] = {
        "slos": (slo(),),
        "alerts": (),
        "firing_history": (),
        "green_since": NOW - 8 * DAY,
        "alerts_known": True,
        **more,
    }
    return Ground(mission=MISSION, journal=told, now=NOW, **values)


def holds(check: str, told: Journal, verdict: Verdict = GO, **more: Any) -> tuple[bool | None, str]:
    found = find(check, ground(told, **more), verdict)
    return found.holds, found.why


def stage_after(*entries: Any) -> str | None:
    found = next_stage(ADVANCE, journal(*entries), MISSION)
    return None if found is None else found.id


def test_the_next_stage_is_the_first_whose_checkpoint_is_not_ticked() -> None:
    rollout = started(NOW - HOUR, "rollout")
    assert stage_after(started(NOW - 7 * DAY, "soak")) == "canary-10"
    assert stage_after(started(NOW - 7 * DAY, "soak"), ticked(NOW - 1, "soak/day-7")) == "step-25"
    assert stage_after(rollout) == "step-25"
    assert stage_after(rollout, ticked(NOW - 9, "rollout/step-25")) == "step-50"
    assert stage_after(rollout, ticked(NOW - 9, "rollout/step-25"), ticked(NOW - 5, "rollout/step-50")) is None


def test_a_stage_of_a_phase_before_the_one_that_runs_is_behind_us() -> None:
    assert stage_after(started(NOW - DAY, "canary")) == "step-25"


def test_a_phase_that_starts_anew_has_its_stages_before_it_again() -> None:
    entries = [started(NOW - 2 * DAY, "rollout"), ticked(NOW - DAY, "rollout/step-25")]
    assert stage_after(*entries, ended(NOW - HOUR, "rollout", "rolled back"), started(NOW - 60, "rollout")) == "step-25"


def test_a_tick_stays_good_once_its_phase_is_over() -> None:
    told = journal(started(NOW - 9 * DAY, "soak"), ticked(NOW - 2 * DAY, "soak/day-7"), ended(NOW - DAY, "soak"))
    assert ticked_last("soak/day-7", told) is not None


def test_a_phase_must_run() -> None:
    assert holds("phase:rollout", journal(started(NOW - HOUR, "rollout"))) == (True, "rollout runs")
    assert holds("phase:rollout", journal(started(NOW - HOUR, "canary"))) == (False, "canary runs")
    assert holds("phase:rollout", journal()) == (False, "no phase runs")


@pytest.mark.parametrize("word", list(Word))
def test_only_go_is_go(word: Word) -> None:
    verdict = Verdict(word=word, reasons=(Reason(text="because", word=word),))
    assert holds("verdict:go", journal(), verdict) == (word is Word.GO, f"the verdict is {word.value}")


def test_so_long_after_a_checkpoint_counts_from_its_tick() -> None:
    entries = [started(NOW - 8 * HOUR, "rollout"), ticked(NOW - 5 * HOUR, "rollout/step-25")]
    assert holds("after:step-25:5h", journal(*entries)) == (True, "5h after step-25")
    assert holds("after:step-25:6h", journal(*entries)) == (False, "too early: 6h after step-25 is 2026-01-03 15:02Z")
    assert holds("after:rollout/step-25:5h", journal(*entries))[0] is True
    assert holds("after:step-50:1h", journal(*entries)) == (False, "step-50 is not done yet")


def test_a_checkpoint_of_any_phase_may_be_named() -> None:
    told = journal(started(NOW - 9 * DAY, "soak"), ticked(NOW - 2 * DAY, "soak/day-7"), started(NOW - DAY, "canary"))
    assert holds("checkpoint:soak/day-7", told) == (True, "by eva@bastion")
    assert holds("checkpoint:canary/h72", told) == (False, "not done yet")


def test_what_a_phase_is_judged_by_is_not_known_while_none_runs() -> None:
    assert holds("slos", journal()) == (None, "not known: no phase runs")


def test_an_earlier_phase_is_asked_for_even_while_none_runs() -> None:
    told = journal(started(NOW - 4 * DAY), ended(NOW - DAY))
    assert holds("phase_done:canary", told) == (True, "completed by eva@bastion")
    assert holds("phase_done:soak", told) == (False, "soak is not completed")


def test_what_a_checklist_may_ask_a_gate_may_ask_in_its_words() -> None:
    told = journal(started(NOW - 8 * DAY, "soak"))
    assert holds("green_hours:168", told)[0] is True
    assert holds("no_incidents:SEV2", told) == (True, "none fired")
    assert holds("no_incidents:SEV2", told, alerts_known=False)[0] is None


def test_the_gate_of_every_next_stage_is_told_with_each_condition() -> None:
    [gate] = gates(ground(journal(started(NOW - HOUR, "rollout"))), GO)
    assert (gate.runbook, gate.stage, [one.check for one in gate.findings]) == (
        "advance", "step-25", ["phase:rollout", "verdict:go"],
    )  # fmt: skip
    assert gate.open
    [gate] = gates(ground(journal(started(NOW - HOUR, "canary"))), GO)
    assert not gate.open


def test_a_runbook_whose_stages_are_all_behind_us_has_no_gate() -> None:
    told = journal(started(NOW - HOUR, "rollout"), *(ticked(NOW - 9, f"rollout/step-{n}") for n in (25, 50)))
    assert gates(ground(told), GO) == ()


def test_a_gate_is_shut_while_something_is_not_known() -> None:
    stage = Stage(id="a", title="a", done="soak/day-7", step=STEP, gate=("slos",))
    unknown = Runbook(id="advance", key="G", title="x", stage=(stage,))
    told = Ground(
        mission=mission(MISSION.phase[0], runbook=(unknown,)), journal=journal(), slos=(), alerts=(),
        firing_history=(), green_since=None, now=NOW,
    )  # fmt: skip
    [gate] = gates(told, GO)
    assert not gate.open
