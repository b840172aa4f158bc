"""Disruption budgets: how many pods may go, kept by a controller and spent by evictions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from aurora_tui.clock import iso, parse_iso
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, DISRUPTION_BUDGET, POD, REPLICA_SET, Kind
from aurora_tui.drill.kubernetes.registry import DeleteOptions, Registry, owner_of
from aurora_tui.drill.kubernetes.selectors import labels_match
from aurora_tui.drill.kubernetes.status import Refused, too_many_requests
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object, ObjectStore

_EVICTED_SECONDS = 120.0
"""An evicted pod that is still there after so long is counted as not disrupted after all."""


def healthy(pod: Object) -> bool:
    """Ready, and not on its way out."""
    conditions = pod["status"].get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _covered(store: ObjectStore, budget: Entry) -> list[Object]:
    selector = budget.thing["spec"].get("selector")
    namespace = budget.thing["metadata"]["namespace"]
    if selector is None:
        return []
    return [
        entry.thing
        for entry in store.entries(POD, namespace)
        if labels_match(selector, entry.thing["metadata"].get("labels") or {})
        and entry.thing["status"].get("phase") not in ("Succeeded", "Failed")
    ]


class DisruptionController:
    """Keeps the status of every PodDisruptionBudget; see kubernetes.io/docs/concepts/workloads/pods/disruptions."""

    kinds = frozenset({DISRUPTION_BUDGET, POD, DEPLOYMENT, REPLICA_SET})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def concerns(self, change: Change) -> Iterable[Key]:
        """A budget; and every budget of the namespace when a pod or what owns pods changes."""
        if change.kind is DISRUPTION_BUDGET:
            return () if change.gone else (change.key,)
        if change.kind not in self.kinds:
            return ()
        home = change.key[0]
        return [(home, b.thing["metadata"]["name"]) for b in self._tools.store.entries(DISRUPTION_BUDGET, home)]

    def sync(self, key: Key) -> None:
        """Count the budget's pods."""
        budget = self._tools.store.get(DISRUPTION_BUDGET, *key)
        if budget is None:
            return
        now, pods = self._tools.now(), _covered(self._tools.store, budget)
        expected, desired = self._wanted(budget, pods)
        evicted = {
            name: when
            for name, when in (budget.thing["status"].get("disruptedPods") or {}).items()
            if any(p["metadata"]["name"] == name and "deletionTimestamp" not in p["metadata"] for p in pods)
            and now - parse_iso(when) < _EVICTED_SECONDS
        }
        counted = sum(healthy(pod) and pod["metadata"]["name"] not in evicted for pod in pods)
        allowed = max(0, counted - desired) if expected else 0
        status: Object = {"observedGeneration": budget.thing["metadata"]["generation"]}
        if evicted:
            status["disruptedPods"] = evicted
        status |= {"disruptionsAllowed": allowed, "currentHealthy": counted, "desiredHealthy": desired}
        status |= {"expectedPods": expected, "conditions": [self._condition(budget, allowed)]}
        self._tools.registry.write(DISRUPTION_BUDGET, budget, {**budget.copy(), "status": status})
        again = min((parse_iso(when) + _EVICTED_SECONDS for when in evicted.values()), default=None)
        self._tools.alarm(self, key, again)

    def _wanted(self, budget: Entry, pods: list[Object]) -> tuple[int, int]:
        """(pods that there should be, pods that must stay healthy)."""
        spec = budget.thing["spec"]
        if "maxUnavailable" in spec:
            expected = self._sizes(pods)
            return expected, max(0, expected - _part(spec["maxUnavailable"], expected))
        least = spec.get("minAvailable", 0)
        if isinstance(least, int):
            return len(pods), least
        expected = self._sizes(pods)
        return expected, _part(least, expected)

    def _sizes(self, pods: list[Object]) -> int:
        """The sum of what the pods' controllers were told to run."""
        sizes: dict[str, int] = {}
        for pod in pods:
            kind: Kind = REPLICA_SET
            home, owner = pod["metadata"]["namespace"], owner_of(pod)
            while owner is not None:
                entry = self._tools.store.get(kind, home, owner["name"])
                if entry is None:
                    break
                size, above = entry.thing["spec"]["replicas"], owner_of(entry.thing)
                if above is None or kind is DEPLOYMENT:
                    sizes[owner["uid"]] = size
                    break
                kind, owner = DEPLOYMENT, above
        return sum(sizes.values())

    def _condition(self, budget: Entry, allowed: int) -> Object:
        before: Object = next(iter(budget.thing["status"].get("conditions") or ()), {})
        reason, status = ("SufficientPods", "True") if allowed else ("InsufficientPods", "False")
        since = before["lastTransitionTime"] if before.get("status") == status else iso(self._tools.now())
        generation = budget.thing["metadata"]["generation"]
        return {
            "type": "DisruptionAllowed",
            "status": status,
            "observedGeneration": generation,
            "lastTransitionTime": since,
            "reason": reason,
            "message": "",
        }


def _part(bound: Any, whole: int) -> int:
    """A number, or a percentage of `whole`, rounded up."""
    if isinstance(bound, int):
        return bound
    return math.ceil(whole * int(str(bound).removesuffix("%")) / 100)


def evict(registry: Registry, pod: Entry, options: DeleteOptions, now: float, dry_run: bool) -> Object:
    """Delete a pod if its budget allows; Refused 429 when it does not, 500 when several budgets cover it."""
    thing = pod.thing
    if "deletionTimestamp" not in thing["metadata"] and thing["status"].get("phase") == "Running":
        budgets = [
            budget
            for budget in registry.store.entries(DISRUPTION_BUDGET, thing["metadata"]["namespace"])
            if budget.thing["spec"].get("selector") is not None
            and labels_match(budget.thing["spec"]["selector"], thing["metadata"].get("labels") or {})
        ]
        if len(budgets) > 1:
            why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            refusal = Refused(500, "", why)
            del refusal.body["reason"]
            raise refusal
        for budget in budgets:
            if _spends(budget.thing, thing):
                _spend(registry, budget, thing, now, dry_run)
    registry.delete(pod, options, dry_run)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _spends(budget: Object, pod: Object) -> bool:
    """Whether the eviction needs the budget's leave: an unready pod may go without (unhealthyPodEvictionPolicy)."""
    if healthy(pod):
        return True
    status = budget["status"]
    enough = status["currentHealthy"] >= status["desiredHealthy"] > 0
    return not (enough or budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow")


def _spend(registry: Registry, budget: Entry, pod: Object, now: float, dry_run: bool) -> None:
    thing = budget.copy()
    status, name = thing["status"], thing["metadata"]["name"]
    if status.get("observedGeneration", 0) < thing["metadata"]["generation"]:
        raise too_many_requests(f"The disruption budget {name} is still being processed by the server.", retry=10)
    if status["disruptionsAllowed"] <= 0:
        needs = f"needs {status['desiredHealthy']} healthy pods and has {status['currentHealthy']} currently"
        raise too_many_requests(f"The disruption budget {name} {needs}")
    status["disruptionsAllowed"] -= 1
    status.setdefault("disruptedPods", {})[pod["metadata"]["name"]] = iso(now)
    if not dry_run:
        registry.write(DISRUPTION_BUDGET, budget, thing)
