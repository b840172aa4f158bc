"""Resource quotas: whether the pods that are added fit into what the namespace has left.

https://kubernetes.io/docs/concepts/policy/resource-quotas/ ; quantities as
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation

from aurora_tui.actions.answer import Answer, ok, together, warning
from aurora_tui.actions.operation import Reach
from aurora_tui.actions.preflight.objects import Acted
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.writes import Object, read_all
from aurora_tui.situation.runbook import Scale
from aurora_tui.text import safe

TITLE = "quota"
_SUFFIXES = {
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
}
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


async def quota(reach: Reach, acted: Sequence[Acted]) -> Answer:
    """A warning for every quota that the added pods do not fit into; nothing is asked when none are added."""
    wanted = added(acted)
    if not wanted:
        return ok(TITLE, "no pods are added")
    try:
        quotas = await read_all(reach.cluster, f"/api/v1/namespaces/{reach.namespace}/resourcequotas")
    except ApiError as error:
        if error.status != 404:
            raise
        quotas = []  # an API without quotas has none
    found = [answer for one in quotas for answer in _lacking(one, wanted)]
    return together(*found) if found else ok(TITLE, f"{wanted['pods']} more pods fit")


def added(acted: Iterable[Acted]) -> dict[str, Decimal]:
    """What scaling up adds, by the names that quotas have for it: pods, requests.cpu, limits.memory …"""
    wanted: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in acted:
        if not isinstance(one.step.step, Scale):
            continue
        spec = one.found.get("spec") or {}
        more = one.step.step.replicas - int(spec.get("replicas", 1) or 0)
        if more <= 0:
            continue
        wanted["pods"] += more
        pod = ((spec.get("template") or {}).get("spec")) or {}
        for container in pod.get("containers") or ():
            asked = container.get("resources") or {}
            for side in ("requests", "limits"):
                for resource, text in (asked.get(side) or {}).items():
                    if resource in _RESOURCES:
                        wanted[f"{side}.{resource}"] += more * quantity(text)
    return {name: value for name, value in wanted.items() if value}


def quantity(text: object) -> Decimal:
    """A Kubernetes quantity as a number: `250m` is 0.25, `256Mi` 268435456. 0 for what is none."""
    written = str(text)
    suffix = next((one for one in _SUFFIXES if written.endswith(one)), "")
    try:
        return Decimal(written.removesuffix(suffix)) * (_SUFFIXES[suffix] if suffix else 1)
    except InvalidOperation:
        return Decimal(0)


def _lacking(item: Object, wanted: dict[str, Decimal]) -> Iterable[Answer]:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if spec.get("scopes") or spec.get("scopeSelector"):
        return  # about some pods only: which ones, is the server's to say
    hard, used = status.get("hard") or spec.get("hard") or {}, status.get("used") or {}
    name = safe(str(item["metadata"].get("name", "")), 120)
    for resource, most in hard.items():
        plain = {"cpu": "requests.cpu", "memory": "requests.memory", "count/pods": "pods"}.get(resource, resource)
        more = wanted.get(plain)
        if more is None:
            continue
        left = quantity(most) - quantity(used.get(resource, "0"))
        if more > left:
            words = f"{name} leaves {_shown(left)} of {safe(resource, 60)}, and {_shown(more)} are needed"
            yield warning(TITLE, words, f"kubectl -n {item['metadata'].get('namespace')} describe quota {name}")


def _shown(number: Decimal) -> str:
    for suffix in ("Gi", "Mi"):
        size = _SUFFIXES[suffix]
        if number >= size and number % size == 0:
            return f"{number / size:f}{suffix}"
    return f"{number.normalize():f}"
