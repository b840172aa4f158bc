"""Resource quotas: what the pods of a namespace may ask for together, and the refusal of one too many (pure).

https://kubernetes.io/docs/concepts/policy/resource-quotas/ - pods and what they request of cpu and memory; scopes and
counts of other objects are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aurora_tui.drill.kubernetes.nodes import quantity
from aurora_tui.drill.kubernetes.status import Cause, Refused

Object = dict[str, Any]

_COUNTS = ("pods", "count/pods")
_AMOUNTS = {
    **{
        name: ("requests", name.removeprefix("requests."))
        for name in ("cpu", "memory", "requests.cpu", "requests.memory")
    },
    **{name: ("limits", name.removeprefix("limits.")) for name in ("limits.cpu", "limits.memory")},
}
_MIB, _KIB = 1 << 20, 1 << 10
_SLACK = 1e-9


def causes(spec: Object) -> list[Cause]:
    """What is wrong with a quota's spec: what this API does not count is no standard resource to it."""
    found: list[Cause] = []
    for name, amount in (spec.get("hard") or {}).items():
        if name not in _COUNTS and name not in _AMOUNTS:
            rule = f'Invalid value: "{name}": must be a standard resource for quotas'
            found.append(("FieldValueInvalid", rule, f"spec.hard[{name}]"))
        elif quantity(amount) < 0:
            rule = f'Invalid value: "{amount}": must be greater than or equal to 0'
            found.append(("FieldValueInvalid", rule, f"spec.hard[{name}]"))
    for scope in spec.get("scopes") or ():
        found.append(("FieldValueInvalid", f'Invalid value: ["{scope}"]: unsupported scope', "spec.scopes"))  # noqa: PERF401
    if spec.get("scopeSelector"):
        found.append(("FieldValueInvalid", "Invalid value: {}: unsupported scope", "spec.scopeSelector"))
    return found


def counts(pod: Object) -> bool:
    """Whether a pod is counted: those that are over are not."""
    return (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def used(hard: Object, pods: Iterable[Object]) -> dict[str, float]:
    """What these pods use of each resource that `hard` limits."""
    total = dict.fromkeys(hard, 0.0)
    for pod in pods:
        if counts(pod):
            for name in hard:
                total[name] += _asked(name, pod)
    return total


def shown(name: str, amount: float) -> str:
    """An amount as the API writes it: 3, 250m, 512Mi."""
    if name in _COUNTS:
        return str(round(amount))
    if name.endswith("cpu"):
        milli = round(amount * 1000)
        return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"
    whole = round(amount)
    for suffix, size in (("Gi", 1 << 30), ("Mi", _MIB), ("Ki", _KIB)):
        if whole and whole % size == 0:
            return f"{whole // size}{suffix}"
    return str(whole)


def refusal(quota: Object, pod: Object, pods: Iterable[Object]) -> Refused | None:
    """Why `pod` may not come to `pods` under this quota; None when it may."""
    hard: Object = quota["spec"].get("hard") or {}
    name, quota_name = pod["metadata"]["name"], quota["metadata"]["name"]
    missing = _missing(hard, pod)
    if missing:
        return _forbidden(name, f"failed quota: {quota_name}: must specify {missing}")
    before = used(hard, pods)
    asked = {resource: _asked(resource, pod) for resource in hard}
    over = [
        resource
        for resource in sorted(hard)
        if asked[resource] > 0 and before[resource] + asked[resource] > quantity(hard[resource]) + _SLACK
    ]
    if not over:
        return None
    requested, now, limited = (
        ",".join(f"{resource}={shown(resource, amounts[resource])}" for resource in over)
        for amounts in (asked, before, {resource: quantity(hard[resource]) for resource in over})
    )
    why = f"exceeded quota: {quota_name}, requested: {requested}, used: {now}, limited: {limited}"
    return _forbidden(name, why)


def _forbidden(name: str, why: str) -> Refused:
    return Refused(403, "Forbidden", f'pods "{name}" is forbidden: {why}', {"name": name, "kind": "pods"})


def _asked(resource: str, pod: Object) -> float:
    if resource in _COUNTS:
        return 1.0
    field, what = _AMOUNTS[resource]
    return sum(quantity(amount) for amount in _amounts(pod, field, what).values())


def _amounts(pod: Object, field: str, what: str) -> dict[str, str]:
    """Container → what it says, of those that say it; a limit is a request too where none is made."""
    found = {}
    for container in pod["spec"].get("containers") or ():
        resources = container.get("resources") or {}
        said = (resources.get(field) or {}).get(what)
        if said is None and field == "requests":
            said = (resources.get("limits") or {}).get(what)
        if said is not None:
            found[container["name"]] = said
    return found


def _missing(hard: Object, pod: Object) -> str:
    """What a quota limits must be said by every container: `limits.cpu for: bridge; …`"""
    found = []
    for resource in sorted(hard):
        if resource in _AMOUNTS:
            said = _amounts(pod, *_AMOUNTS[resource])
            silent = sorted(c["name"] for c in pod["spec"].get("containers") or () if c["name"] not in said)
            if silent:
                found.append(f"{resource} for: {','.join(silent)}")
    return "; ".join(found)
