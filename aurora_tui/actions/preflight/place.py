"""The namespace: there, and not on its way out."""

from __future__ import annotations

from aurora_tui.actions.answer import Answer, ok, refused, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.kube.questions import namespace
from aurora_tui.situation.runbook import AnyStep, Apply, Delete, Note, Restore, Snapshot

TITLE = "namespace"
_MAKES = (Apply, Restore)
_TAKES = (Delete, Snapshot, Note)


async def place(reach: Reach, steps: tuple[AnyStep, ...]) -> Answer:
    """Refused when it is gone, unless a step brings it; and when it is being deleted, unless nothing else is wanted.

    ApiError 403 where it may not be read.
    """
    found, name = await namespace(reach.cluster, reach.namespace), reach.namespace
    if found is None:
        if isinstance(steps[0], _MAKES):
            return warning(TITLE, f"{name} does not exist: step 1 is to bring it", "")
        return refused(TITLE, f"{name} does not exist in this cluster", "Check --namespace and the context.")
    if found.phase == "Terminating":
        words = f"{name} is being deleted: nothing new can be made in it"
        if all(isinstance(step, _TAKES) for step in steps):
            return warning(TITLE, words, f"kubectl get namespace {name} -o yaml tells what holds it up.")
        return refused(TITLE, words, f"kubectl get namespace {name} -o yaml tells what holds it up.")
    return ok(TITLE, name)
