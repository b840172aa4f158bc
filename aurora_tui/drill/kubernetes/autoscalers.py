"""Autoscalers: sizes are kept within bounds; metrics there are none, and the status says so."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.clock import iso
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import AUTOSCALER, DEPLOYMENT, REPLICA_SET
from aurora_tui.drill.kubernetes.ownership import written_by
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

_TARGETS = {kind.name: kind for kind in (DEPLOYMENT, REPLICA_SET)}
_COMPONENT = "horizontal-pod-autoscaler"
_NO_METRICS = (
    "the HPA was unable to compute the replica count: failed to get {name} utilization: unable to get metrics for "
    "resource {name}: unable to fetch metrics from resource metrics API: the server could not find the requested "
    "resource (get pods.metrics.k8s.io)"
)

_GOT_SCALE = (
    "AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale",
)  # fmt: skip


class AutoscalerController:
    """Does what the real one does in a cluster without metrics: brings sizes into their bounds, and complains.

    A size of 0 switches an autoscaler off, as in a real cluster.
    """

    kinds = frozenset({AUTOSCALER, DEPLOYMENT, REPLICA_SET})

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def concerns(self, change: Change) -> Iterable[Key]:
        """An autoscaler, and what it scales."""
        if change.kind is AUTOSCALER:
            return () if change.gone else (change.key,)
        if change.kind not in self.kinds:
            return ()
        about = (change.kind.name, change.key[1])
        return [
            (change.key[0], entry.thing["metadata"]["name"])
            for entry in self._tools.store.entries(AUTOSCALER, change.key[0])
            if (entry.thing["spec"]["scaleTargetRef"]["kind"], entry.thing["spec"]["scaleTargetRef"]["name"]) == about
        ]

    def sync(self, key: Key) -> None:
        """Look at the target's size once."""
        scaler = self._tools.store.get(AUTOSCALER, *key)
        if scaler is None:
            return
        reference = scaler.thing["spec"]["scaleTargetRef"]
        kind = _TARGETS.get(reference["kind"])
        target = self._tools.store.get(kind, key[0], reference["name"]) if kind is not None else None
        if target is None:
            why = f"the HPA controller was unable to get the target's current scale: {reference['kind'].lower()}s \""
            unable = ("AbleToScale", "False", "FailedGetScale", f'{why}{reference["name"]}" not found')
            self._tell(scaler, {"desiredReplicas": 0}, [unable])
            return
        self._scale(scaler, target)

    def _scale(self, scaler: Entry, target: Entry) -> None:
        spec, size = scaler.thing["spec"], target.thing["spec"]["replicas"]
        wanted = min(max(size, spec.get("minReplicas", 1)), spec["maxReplicas"])
        if size == 0:
            why = "scaling is disabled since the replica count of the target is zero"
            off = ("ScalingActive", "False", "ScalingDisabled", why)
            self._tell(scaler, {"desiredReplicas": 0}, [_GOT_SCALE, off], target)
            return
        if wanted != size:
            bound = "below Spec.MinReplicas" if wanted > size else "above Spec.MaxReplicas"
            thing = target.copy()
            thing["spec"]["replicas"] = wanted
            owning = written_by("kube-controller-manager", target.kind, iso(self._tools.now()), "scale")
            self._tools.registry.update(target.kind, target, thing, owning=owning)
            message = f"New size: {wanted}; reason: Current number of replicas {bound}"
            self._tools.events.record(AUTOSCALER, scaler.thing, "SuccessfulRescale", message, _COMPONENT)
            said = f"the HPA controller was able to update the target scale to {wanted}"
            done = ("AbleToScale", "True", "SucceededRescale", said)
            self._tell(scaler, {"desiredReplicas": wanted, "lastScaleTime": iso(self._tools.now())}, [done], target)
            return
        name = next((m["resource"]["name"] for m in spec["metrics"] if "resource" in m), "cpu")
        blind = ("ScalingActive", "False", "FailedGetResourceMetric", _NO_METRICS.format(name=name))
        before = scaler.thing["status"]
        kept = {"desiredReplicas": before.get("desiredReplicas", 0)}
        if "lastScaleTime" in before:
            kept["lastScaleTime"] = before["lastScaleTime"]
        self._tell(scaler, kept, [_GOT_SCALE, blind], target)

    def _tell(
        self, scaler: Entry, status: Object, conditions: list[tuple[str, str, str, str]], target: Entry | None = None
    ) -> None:
        before = {one["type"]: one for one in scaler.thing["status"].get("conditions") or ()}
        told = []
        for type_, holds, reason, message in conditions:
            known = before.get(type_, {})
            since = known["lastTransitionTime"] if known.get("status") == holds else iso(self._tools.now())
            told.append(
                {"type": type_, "status": holds, "lastTransitionTime": since, "reason": reason, "message": message}
            )
        current = {"currentReplicas": target.thing["status"].get("replicas", 0)} if target is not None else {}
        after = {**status, **current, "currentMetrics": None, "conditions": told}
        self._tools.registry.write(AUTOSCALER, scaler, {**scaler.copy(), "status": after})
