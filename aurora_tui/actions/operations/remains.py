"""What is left while a deletion takes its time: pods that still stop, finalizers, a namespace that does not end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.operations.crew import label_selector
from aurora_tui.actions.operations.overlay import Found, controlled
from aurora_tui.actions.plan import Subject
from aurora_tui.kube.writes import Object, read_all
from aurora_tui.text import safe

_TELLING = (
    "NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure",
    "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
)  # fmt: skip


def selectors_of(workloads: Iterable[Found]) -> list[dict[str, str]]:
    """Label selectors of the workloads' pods, as lists ask for them: few, for each is a list at every look."""
    alike: dict[tuple[str, str], list[str]] = {}
    found = []
    for one in workloads:
        selector = ((one.live or {}).get("spec") or {}).get("selector")
        if one.kind.group not in ("apps", "batch") or not isinstance(selector, dict) or one.namespace is None:
            continue
        labels = selector.get("matchLabels") or {}
        if len(labels) == 1 and not selector.get("matchExpressions"):
            ((key, value),) = labels.items()
            alike.setdefault((one.namespace, key), []).append(value)
        elif words := label_selector(selector):
            found.append({"namespace": one.namespace, "selector": words})
    for (namespace, key), values in alike.items():
        words = f"{key}={values[0]}" if len(values) == 1 else f"{key} in ({','.join(sorted(values))})"
        found.append({"namespace": namespace, "selector": words})
    return found


async def pods_left(selectors: list[dict[str, Any]], reach: Reach) -> list[str]:
    """Names of the pods that are still there. A pod that nobody made but a person is not a workload's."""
    left: list[str] = []
    for one in selectors:
        pods = await read_all(reach.cluster, f"/api/v1/namespaces/{one['namespace']}/pods", one["selector"])
        left += [safe(pod["metadata"]["name"], 253) for pod in pods if controlled(pod)]
    return sorted(set(left))


def stuck(subject: Subject, thing: Object) -> str:
    """What an object that is being deleted waits for, in words.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
    """
    conditions = (thing.get("status") or {}).get("conditions") or () if subject.resource == "namespaces" else ()
    told = [
        safe(str(one.get("message") or one.get("reason") or one["type"]), 300)
        for one in conditions
        if one.get("type") in _TELLING and one.get("status") == "True"
    ]
    finalizers = (thing.get("metadata") or {}).get("finalizers") or ()
    if finalizers:
        told.append(f"finalizers {', '.join(safe(str(one), 120) for one in finalizers)}")
    return f"{subject} is being deleted" + (f": {'; '.join(told)}" if told else "")
