"""Taking a run back: what it changed, in a safe order, as a runbook that is planned and approved like any other."""

from __future__ import annotations

from aurora_tui.actions.plan import Plan
from aurora_tui.actions.way_back import way_back
from aurora_tui.errors import UsageError
from aurora_tui.situation.run import Run, StepRun, StepState
from aurora_tui.situation.runbook import AnyStep, Runbook, Wait, WaitFor


def inverse_runbook(plan: Plan, run: Run, key: str) -> Runbook:
    """The steps that take `run` back to what its approved `plan` read before. `key`: the runbook's own.

    A step that failed half way, or was cut off, may have had its effect: it is taken back too, and where it had none
    that changes nothing. What was so already before the run stays. `way_back` tells the order. UsageError when there is
    nothing to take back.
    """
    if run.state.open:
        raise UsageError(f"Run {run.id}, {run.title}, is not over", "Cancel it, or wait until it ends.")
    begun = {one.number for one in run.steps if _may_have_changed(one)}
    steps = way_back([one for one in plan.steps if one.number in begun])
    if not steps:
        raise UsageError(f"Run {run.id}, {run.title}, changed nothing that can be taken back", "Look at its steps.")
    return Runbook(
        id=plan.runbook,
        key=key,
        title=f"take back: {plan.title}",
        summary=f"What run {run.id} changed, as it was before; what takes over is waited for, then the other goes.",
        step=(*steps, *_last_look(plan)),
    )


def _may_have_changed(step: StepRun) -> bool:
    return step.state is not StepState.WAITING and not step.already


def _last_look(plan: Plan) -> tuple[AnyStep, ...]:
    """What told the run itself at last that all is well: its last wait for a page."""
    pages = [one.step for one in plan.steps if isinstance(one.step, Wait) and one.step.until is WaitFor.HEALTH]
    return tuple(pages[-1:])
