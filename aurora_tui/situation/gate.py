"""Gates: which stage of a runbook comes next, and what must hold before it may be climbed.

A gate speaks the language of a phase's checklist, and four words of its own: `phase:<id>` (that phase runs),
`verdict:go`, `checkpoint:<phase>/<id>` (of any phase), `after:<checkpoint>:<duration>` (so long after it was ticked).
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from aurora_tui.situation.checklist import judge
from aurora_tui.situation.checkpoint import Ground
from aurora_tui.situation.duration import Duration
from aurora_tui.situation.evidence import Verdict, Word
from aurora_tui.situation.journal import Journal, Tick
from aurora_tui.situation.mission import Mission
from aurora_tui.situation.runbook import Runbook, Stage


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of a gate. `holds` None: it cannot be known now, which opens nothing."""

    check: str
    holds: bool | None
    why: str


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The gate of the stage that comes next in `runbook`."""

    runbook: str
    stage: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def open(self) -> bool:
        """Whether the stage may be climbed."""
        return all(one.holds is True for one in self.findings)


def gates(ground: Ground, verdict: Verdict) -> tuple[Gate, ...]:
    """The gate that comes next in every runbook that has stages left."""
    found = []
    for runbook in ground.mission.runbook:
        stage = next_stage(runbook, ground.journal, ground.mission)
        if stage is not None:
            findings = tuple(find(check, ground, verdict) for check in stage.gate)
            found.append(Gate(runbook=runbook.id, stage=stage.id, title=stage.title, findings=findings))
    return tuple(found)


def next_stage(runbook: Runbook, journal: Journal, mission: Mission) -> Stage | None:
    """The first stage that is not behind us; None when all are.

    A stage is behind us once its checkpoint is ticked, in the newest run of the checkpoint's phase, and when a later
    phase of the mission runs.
    """
    return next((stage for stage in runbook.stage if not _behind(stage, journal, mission)), None)


def find(check: str, ground: Ground, verdict: Verdict) -> Finding:
    """Whether one condition of a gate holds now, and why."""
    kind, _, rest = check.partition(":")
    run = ground.run
    holds: bool | None
    match kind:
        case "phase":
            running = "no phase" if run is None else run.phase
            holds, why = run is not None and run.phase == rest, f"{running} runs"
        case "verdict":
            # Without its reason, whose figures are others each second: the gate would never say the same twice.
            holds, why = verdict.word is Word.GO, f"the verdict is {verdict.word.value}"
        case "after":
            name, _, length = rest.rpartition(":")
            holds, why = _after(name, Duration.parse(length), ground)
        case "checkpoint" if "/" in rest:
            tick = ticked_last(rest, ground.journal)
            holds, why = tick is not None, "not done yet" if tick is None else f"by {tick.by}"
        case "phase_done":
            last = next((one for one in reversed(ground.journal.phases) if one.phase == rest), None)
            holds = last is not None and last.outcome == "completed"
            why = f"completed by {last.ended_by}" if last is not None and holds else f"{rest} is not completed"
        case _ if run is None or ground.phase is None:
            holds, why = None, "not known: no phase runs"
        case _:
            holds, why = judge(check, ground.phase, ground)
    return Finding(check=check, holds=holds, why=why)


def ticked_last(key: str, journal: Journal) -> Tick | None:
    """The tick of `phase/id` in the newest run of that phase, whether it runs still or not."""
    tick = journal.ticks.get(key)
    newest = next((run for run in reversed(journal.phases) if run.phase == key.partition("/")[0]), None)
    return None if tick is None or (newest is not None and tick.sequence < newest.sequence) else tick


def _behind(stage: Stage, journal: Journal, mission: Mission) -> bool:
    if ticked_last(stage.done, journal) is not None:
        return True
    order = [phase.id for phase in mission.phase]
    own, run = stage.done.partition("/")[0], journal.current
    return run is not None and own in order and run.phase in order and order.index(run.phase) > order.index(own)


def _after(name: str, length: Duration, ground: Ground) -> tuple[bool, str]:
    key = name if "/" in name or ground.run is None else f"{ground.run.phase}/{name}"
    tick = ticked_last(key, ground.journal)
    if tick is None:
        return False, f"{name} is not done yet"
    opens = tick.at + float(length)
    if ground.now >= opens:
        return True, f"{length} after {name}"
    moment = datetime.fromtimestamp(opens, UTC).strftime("%Y-%m-%d %H:%MZ")
    return False, f"too early: {length} after {name} is {moment}"
