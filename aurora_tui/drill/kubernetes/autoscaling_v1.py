"""autoscaling/v1, in which `kubectl autoscale` writes: another face of autoscalers, which are kept as autoscaling/v2.

It is created, read and deleted; it is not changed and not watched here (405). What v1 has no field for it shows in
annotations: conditions. Metrics other than the processor's utilization it does not show.
https://github.com/kubernetes/kubernetes/blob/v1.35.0/pkg/apis/autoscaling/v1/conversion.go
"""

from __future__ import annotations

import json
from typing import Any

from aurora_tui.drill.kubernetes.kinds import AUTOSCALER, AUTOSCALER_V1
from aurora_tui.drill.kubernetes.status import bad_request

Object = dict[str, Any]

_GOAL = "targetCPUUtilizationPercentage"
_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas", _GOAL)
_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def newer(body: Object, subject: str) -> tuple[Object, list[str]]:
    """(a v1 object as v2, its unknown fields in words); Refused 400, in words that begin with `subject`."""
    spec = body.get("spec")
    head = {**body, "apiVersion": AUTOSCALER.api_version}
    if not isinstance(spec, dict):
        return head, []
    goal = spec.get(_GOAL)
    if goal is not None and (not isinstance(goal, int) or isinstance(goal, bool)):
        said = {bool: "bool", str: "string", list: "array", dict: "object"}.get(type(goal), f"number {goal}")
        field = f"HorizontalPodAutoscalerSpec.spec.{_GOAL} of type int32"
        raise bad_request(f"{subject}: json: cannot unmarshal {said} into Go struct field {field}")
    kept = {field: value for field, value in spec.items() if field in _SPEC and field != _GOAL}
    if goal is not None:
        target = {"type": "Utilization", "averageUtilization": goal}
        kept["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    return {**head, "spec": kept}, [f'unknown field "spec.{field}"' for field in spec if field not in _SPEC]


def older(thing: Object) -> Object:
    """A kept autoscaler as v1 shows it."""
    spec, status, meta = thing["spec"], thing.get("status") or {}, thing["metadata"]
    shown = {field: spec[field] for field in _SPEC if field in spec}
    for metric in spec.get("metrics") or ():
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu" and "averageUtilization" in resource["target"]:
            shown[_GOAL] = resource["target"]["averageUtilization"]
    if status.get("conditions"):
        conditions = json.dumps(status["conditions"], separators=(",", ":"))
        meta = {**meta, "annotations": {**(meta.get("annotations") or {}), _CONDITIONS: conditions}}
    told = {"currentReplicas": 0, "desiredReplicas": 0} | {field: status[field] for field in _STATUS if field in status}
    head = {"kind": AUTOSCALER_V1.name, "apiVersion": AUTOSCALER_V1.api_version}
    return {**head, "metadata": meta, "spec": shown, "status": told}
