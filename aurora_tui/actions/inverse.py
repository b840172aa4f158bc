"""Taking a run back: what it changed, last first, as a runbook that is planned and approved like any other."""

from __future__ import annotations

from aurora_tui.actions.operations import operation_of
from aurora_tui.actions.plan import Plan, PlannedStep
from aurora_tui.errors import UsageError
from aurora_tui.situation.run import Run, StepRun, StepState
from aurora_tui.situation.runbook import AnyStep, Runbook


def inverse_runbook(plan: Plan, run: Run, key: str) -> Runbook:
    """The steps that take `run` back to what its approved `plan` read before. `key`: the runbook's own.

    A step that failed half way, or was cut off, may have had its effect: it is taken back too, and where it had none
    that changes nothing. What was so already before the run stays. UsageError when there is nothing to take back.
    """
    if run.state.open:
        raise UsageError(f"Run {run.id}, {run.title}, is not over", "Cancel it, or wait until it ends.")
    begun = {one.number for one in run.steps if _may_have_changed(one)}
    steps: list[AnyStep] = []
    for planned in reversed(plan.steps):
        if planned.number in begun:
            steps += _taken_back(planned)
    if not steps:
        raise UsageError(f"Run {run.id}, {run.title}, changed nothing that can be taken back", "Look at its steps.")
    return Runbook(
        id=plan.runbook,
        key=key,
        title=f"take back: {plan.title}",
        summary=f"What run {run.id} changed, as it was before, last first.",
        step=tuple(steps),
    )


def _may_have_changed(step: StepRun) -> bool:
    return step.state is not StepState.WAITING and not step.already


def _taken_back(planned: PlannedStep) -> list[AnyStep]:
    return list(operation_of(planned.step).inverse(planned))
