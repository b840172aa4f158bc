"""Horizontal autoscalers: one that targets a deployment fights whoever scales it.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation
"""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.actions.answer import Answer, ok, together, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import PlannedStep
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, read_all
from aurora_tui.situation.runbook import Scale, Undo
from aurora_tui.text import safe

TITLE = "autoscaler"


async def autoscalers(reach: Reach, steps: Sequence[PlannedStep]) -> Answer:
    """A warning for every deployment that is scaled or returned and that an autoscaler targets."""
    returned: dict[str, Scale | Undo] = {one.step.deployment: one.step for one in steps if isinstance(one.step, Undo)}
    wanted = returned | {one.step.deployment: one.step for one in steps if isinstance(one.step, Scale)}
    if not wanted:
        return ok(TITLE, "nothing is scaled")
    path = f"/apis/autoscaling/v2/namespaces/{reach.namespace}/horizontalpodautoscalers"
    try:
        items = await read_all(reach.cluster, path)
    except ApiError as error:
        if error.status != 404:
            raise
        items = []  # an API without autoscalers has none
    found = [_fight(item, wanted[target]) for item in items if (target := _target(item)) in wanted]
    return together(*found) if found else ok(TITLE, "none targets these deployments")


def _target(item: Object) -> str:
    target = (item.get("spec") or {}).get("scaleTargetRef") or {}
    return str(target.get("name", "")) if target.get("kind") == "Deployment" else ""


def _fight(item: Object, step: Scale | Undo) -> Answer:
    spec, name = item.get("spec") or {}, safe(str(item["metadata"].get("name", "")), 120)
    least, most = spec.get("minReplicas") or 1, spec.get("maxReplicas")
    deployment = _target(item)
    keeps = f"{name} keeps {deployment} between {least} and {most} replicas"
    if isinstance(step, Undo):
        return warning(TITLE, f"{keeps}: their number may move while it is returned", "")
    if step.replicas == 0:
        return warning(TITLE, f"{keeps}: at 0 it stops, and starts again with the first replica", "")
    return warning(
        TITLE,
        f"{keeps}, and will set another number than {step.replicas}",
        f"Change it instead, or too: kubectl -n {item['metadata'].get('namespace')} edit hpa {name}",
    )
