"""Disruption budgets: told when a pod is deleted. They bind evictions only, never a deletion or a scale-down.

https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-budgets
"""

from __future__ import annotations

from collections.abc import Sequence

from aurora_tui.actions.answer import Answer, together, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations.deployment import labels_of
from aurora_tui.actions.preflight.objects import Acted
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, read_all
from aurora_tui.situation.runbook import DeletePod
from aurora_tui.text import safe

TITLE = "disruption budget"


async def budgets(reach: Reach, acted: Sequence[Acted]) -> Answer:
    """A warning for every budget that has nothing to give and picks a pod that is deleted; else nothing is said."""
    pods = [one for one in acted if isinstance(one.step.step, DeletePod)]
    if not pods:
        return Answer()
    try:
        items = await read_all(reach.cluster, f"/apis/policy/v1/namespaces/{reach.namespace}/poddisruptionbudgets")
    except ApiError as error:
        if error.status != 404:
            raise
        return Answer()
    return together(
        *(
            warning(TITLE, f"{_name(item)} allows no disruption now, and {pod.name} is one of its pods", "")
            for pod in pods
            for item in items
            if not (item.get("status") or {}).get("disruptionsAllowed")
            and picks((item.get("spec") or {}).get("selector"), labels_of(pod.found))
        )
    )


def picks(selector: Object | None, labels: dict[str, str]) -> bool:
    """Whether a label selector picks these labels; none picks nothing, an empty one everything (policy/v1)."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_fits(one, labels) for one in selector.get("matchExpressions") or ())


def _fits(one: Object, labels: dict[str, str]) -> bool:
    key, values = str(one.get("key")), one.get("values") or ()
    match one.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def _name(item: Object) -> str:
    return safe(str(item["metadata"].get("name", "")), 120)
