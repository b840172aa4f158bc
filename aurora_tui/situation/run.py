"""Runs of runbooks, as the ledger tells them: what was approved, how far it came, how it ended.

A fold over ledger entries, so that every console and every resumed executor sees the same run.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

APPROVED = "run.approved"  # {run, plan}
STARTED = "run.started"  # {run, executor}: the first time, and again when it is resumed
STEP_BEGUN = "run.step.begun"  # {run, step}
STEP_DONE = "run.step.done"  # {run, step, words, already, subjects}
STEP_FAILED = "run.step.failed"  # {run, step, words}
CANCEL_ASKED = "run.cancel.asked"  # {run}
FINISHED = "run.finished"  # {run, outcome, words}


class RunState(Enum):
    """Where a run stands. RUNNING until it is finished, also when its executor is no more."""

    APPROVED = "approved"
    RUNNING = "running"
    VERIFIED = "verified"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"

    @property
    def open(self) -> bool:
        """Whether it may still change something."""
        return self in (RunState.APPROVED, RunState.RUNNING)


class StepState(Enum):
    """Where a step of a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class StepRun(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run. `already`: it was found done. Times are Unix seconds, world time; `limit` seconds."""

    number: int
    title: str
    state: StepState = StepState.WAITING
    words: str = ""
    already: bool = False
    began_at: float | None = None
    ended_at: float | None = None
    limit: int | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `sequence`: of its approval in the ledger. `executor`: the last one's `user@host:pid`.

    `heard_at`: when the ledger's last entry of its executor was made.
    """

    id: str
    runbook: str
    title: str
    environment: str
    steps: tuple[StepRun, ...]
    approved_at: float
    approved_by: str
    sequence: int
    reason: str = ""
    stage: str | None = None
    choice: str | None = None
    target: int | None = None
    forced: tuple[str, ...] = ()
    inverse_of: str | None = None
    state: RunState = RunState.APPROVED
    executor: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    cancel_asked: bool = False
    words: str = ""
    heard_at: float | None = None

    @property
    def step(self) -> StepRun | None:
        """The step that is under way, or failed last; else the next one; None when all are done."""
        under_way = (one for one in self.steps if one.state in (StepState.RUNNING, StepState.FAILED))
        return next(under_way, next((one for one in self.steps if one.state is StepState.WAITING), None))


def folded(runs: Mapping[str, Run], sequence: int, at: float, actor: str, action: str, data: Any) -> dict[str, Run]:
    """`runs` after one entry. Entries of other kinds, of runs unknown, or of a shape not ours change nothing."""
    known = dict(runs)
    match action, data:
        case "run.approved", {"run": str(id), "plan": dict(plan)}:
            run = _approved(id, plan, sequence, at, actor)
            if run is not None and id not in known:
                known[id] = run
        case _, {"run": str(id)} if id in known:
            after = _after(known[id], at, action, data)
            if action != CANCEL_ASKED and after != known[id]:
                after = msgspec.structs.replace(after, heard_at=at)
            known[id] = after
    return known


def _approved(id: str, plan: dict[str, Any], sequence: int, at: float, actor: str) -> Run | None:
    try:
        read = msgspec.convert(plan, _Plan)
    except msgspec.ValidationError:
        return None
    return Run(
        id=id,
        runbook=read.runbook,
        title=read.title,
        environment=read.environment,
        steps=tuple(StepRun(number=one.number, title=one.title, limit=one.limit) for one in read.steps),
        approved_at=at,
        approved_by=actor,
        sequence=sequence,
        reason=read.reason,
        stage=read.stage,
        choice=read.choice,
        target=read.target,
        forced=read.forced,
        inverse_of=read.inverse_of,
    )


class _PlannedStep(msgspec.Struct):
    number: int
    title: str
    limit: int | None = None


class _Plan(msgspec.Struct):
    runbook: str
    title: str
    environment: str
    steps: tuple[_PlannedStep, ...]
    reason: str = ""
    stage: str | None = None
    choice: str | None = None
    target: int | None = None
    forced: tuple[str, ...] = ()
    inverse_of: str | None = None


def _after(run: Run, at: float, action: str, data: dict[str, Any]) -> Run:
    if not run.state.open:
        if action == STARTED and run.state is RunState.FAILED and isinstance(data.get("executor"), str):
            return msgspec.structs.replace(
                run, state=RunState.RUNNING, executor=data["executor"], ended_at=None, words="", cancel_asked=False
            )
        return run
    match action, data:
        case "run.started", {"executor": str(executor)}:
            started = at if run.started_at is None else run.started_at
            return msgspec.structs.replace(run, state=RunState.RUNNING, executor=executor, started_at=started)
        case "run.step.begun", {"step": int(number)}:
            return _with_step(run, number, state=StepState.RUNNING, began_at=at, ended_at=None, words="")
        case "run.step.done", {"step": int(number), **rest}:
            words, already = str(rest.get("words", "")), rest.get("already") is True
            return _with_step(run, number, state=StepState.DONE, ended_at=at, words=words, already=already)
        case "run.step.failed", {"step": int(number), **rest}:
            return _with_step(run, number, state=StepState.FAILED, ended_at=at, words=str(rest.get("words", "")))
        case "run.cancel.asked", _:
            return msgspec.structs.replace(run, cancel_asked=True)
        case "run.finished", {"outcome": str(outcome), **rest}:
            ended = {one.value: one for one in RunState if not one.open}.get(outcome)
            if ended is None:
                return run
            return msgspec.structs.replace(run, state=ended, ended_at=at, words=str(rest.get("words", "")))
    return run


def _with_step(run: Run, number: int, **changes: Any) -> Run:
    if isinstance(number, bool):
        return run  # `true` is no number of a step, though Python counts with it
    steps = (msgspec.structs.replace(one, **changes) if one.number == number else one for one in run.steps)
    return msgspec.structs.replace(run, steps=tuple(steps))
