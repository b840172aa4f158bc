"""What the API server refuses to store: the checks that operators and drills run into."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aurora_tui.drill.kubernetes import quotas
from aurora_tui.drill.kubernetes.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    LEASE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    Kind,
)
from aurora_tui.drill.kubernetes.schema import types
from aurora_tui.drill.kubernetes.selectors import labels_match
from aurora_tui.drill.kubernetes.status import Cause, bad_request, invalid

Object = dict[str, Any]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def check(kind: Kind, thing: Object, before: Object | None = None) -> None:
    """Refused 422 (or 400 for a wrong type) when `thing`, defaults filled in, may not replace `before`."""
    causes: list[Cause] = []
    name = thing["metadata"].get("name", "")
    if not name:
        causes.append(("FieldValueRequired", "Required value: name or generateName is required", "metadata.name"))
    elif len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        causes.append(("FieldValueInvalid", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}', "metadata.name"))
    for field in ("labels", "annotations"):
        for value in (thing["metadata"].get(field) or {}).values():
            if not isinstance(value, str):
                what = type(value).__name__.replace("int", "number")
                raise bad_request(
                    f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: json: cannot '
                    f"unmarshal {what} into Go struct field ObjectMeta.metadata.{field} of type string"
                )
    causes += [("FieldValueRequired", "Required value", field) for field in _missing(kind, thing)]
    if kind in (DEPLOYMENT, REPLICA_SET):
        causes += _workload(kind, thing, before)
    elif kind is AUTOSCALER:
        causes += _autoscaler(thing["spec"])
    elif kind is DISRUPTION_BUDGET:
        causes += _budget(thing["spec"])
    elif kind is RESOURCE_QUOTA:
        causes += quotas.causes(thing["spec"])
    elif kind is POD:
        causes += _pod_spec(thing["spec"], "spec", kind, name)
        if before is not None and _fixed(thing["spec"]) != _fixed(before["spec"]):
            message = (
                "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
                "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
                "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
                "previously negative)"
            )
            causes.append(("FieldValueForbidden", message, "spec"))
    elif kind is LEASE:
        seconds = (thing.get("spec") or {}).get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            rule = f"Invalid value: {seconds}: must be greater than 0"
            causes.append(("FieldValueInvalid", rule, "spec.leaseDurationSeconds"))
    if causes:
        raise invalid(kind, name, list({(field, why): (reason, why, field) for reason, why, field in causes}.values()))


def _missing(kind: Kind, thing: Object) -> list[str]:
    """Required fields of the spec that are not there."""
    return [] if "spec" not in thing else list(_absent(f"{kind.name}Spec", thing["spec"], "spec"))


def _absent(type_: str, value: Any, path: str) -> Iterator[str]:
    if type_[0] == "[" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _absent(type_[1:], item, f"{path}[{index}]")
    elif (fields := types().get(type_)) is not None and isinstance(value, dict):
        for field in fields.values():
            if field.name in value:
                yield from _absent(field.type, value[field.name], f"{path}.{field.name}")
            elif field.required:
                yield f"{path}.{field.name}"


def _share(value: Any, field: str) -> list[Cause]:
    """A number, not negative, or a percentage."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
        rule = (
            f"Invalid value: \"{value}\": a valid percent string must be a numeric string followed by an ending '%' "
            "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
        )
        return [("FieldValueInvalid", rule, field)]
    if isinstance(value, int) and value < 0:
        return [("FieldValueInvalid", f"Invalid value: {value}: must be greater than or equal to 0", field)]
    return []


def _autoscaler(spec: Object) -> list[Cause]:
    causes: list[Cause] = []
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        rule = f"Invalid value: {least}: must be greater than or equal to 1"
        causes.append(("FieldValueInvalid", rule, "spec.minReplicas"))
    if most < 1:
        causes.append(("FieldValueInvalid", f"Invalid value: {most}: must be greater than 0", "spec.maxReplicas"))
    elif most < least:
        rule = f"Invalid value: {most}: must be greater than or equal to `minReplicas`"
        causes.append(("FieldValueInvalid", rule, "spec.maxReplicas"))
    for index, metric in enumerate(spec.get("metrics") or ()):
        source = str(metric.get("type", "")).replace("ContainerResource", "containerResource")
        if source and source[0].lower() + source[1:] not in metric:
            rule = "Required value: must populate information for the given metric source"
            field = f"spec.metrics[{index}].{source[0].lower() + source[1:]}"
            causes.append(("FieldValueRequired", rule, field))
    return causes


def _budget(spec: Object) -> list[Cause]:
    causes = [
        cause for field in ("minAvailable", "maxUnavailable") for cause in _share(spec.get(field), f"spec.{field}")
    ]
    if "minAvailable" in spec and "maxUnavailable" in spec:
        rule = "Invalid value: minAvailable and maxUnavailable cannot be both set"
        causes.append(("FieldValueInvalid", rule, "spec"))
    return causes


def _fixed(spec: Object) -> Object:
    """The part of a pod's spec that may never change."""
    containers = [{**container, "image": ""} for container in spec.get("containers") or ()]
    rest = {k: v for k, v in spec.items() if k not in ("tolerations", "activeDeadlineSeconds", "initContainers")}
    return {**rest, "containers": containers}


def _workload(kind: Kind, thing: Object, before: Object | None) -> list[Cause]:
    spec, causes = thing["spec"], list[Cause]()
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        value = spec.get(field, 0)
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad_request(
                f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: json: cannot unmarshal '
                f"{'string' if isinstance(value, str) else 'value'} into Go struct field {kind.name}Spec.spec.{field} "
                "of type int32"
            )
        if value < 0:
            rule = f"Invalid value: {value}: must be greater than or equal to 0"
            causes.append(("FieldValueInvalid", rule, f"spec.{field}"))
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    for field in ("maxSurge", "maxUnavailable"):
        causes += _share(rolling.get(field), f"spec.strategy.rollingUpdate.{field}")
    selector = spec.get("selector")
    if not selector:
        causes.append(("FieldValueRequired", "Required value", "spec.selector"))
    else:
        labels = spec["template"]["metadata"].get("labels") or {}
        if not labels_match(selector, labels):
            shown = "{" + ", ".join(f'"{k}":"{v}"' for k, v in labels.items()) + "}"
            rule = f"Invalid value: {shown}: `selector` does not match template `labels`"
            causes.append(("FieldValueInvalid", rule, "spec.template.metadata.labels"))
        if before is not None and selector != before["spec"]["selector"]:
            causes.append(("FieldValueInvalid", "Invalid value: field is immutable", "spec.selector"))
    return causes + _pod_spec(spec["template"]["spec"], "spec.template.spec", kind, thing["metadata"].get("name", ""))


def _pod_spec(spec: Object, where: str, kind: Kind, name: str) -> list[Cause]:
    containers = spec.get("containers")
    if not containers:
        return [("FieldValueRequired", "Required value", f"{where}.containers")]
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, container in enumerate(containers):
        field = f"{where}.containers[{index}]"
        missing = [required for required in ("name", "image") if not container.get(required)]
        causes += [("FieldValueRequired", "Required value", f"{field}.{required}") for required in missing]
        if container.get("name") in seen:
            causes.append(("FieldValueDuplicate", f'Duplicate value: "{container["name"]}"', f"{field}.name"))
        seen.add(container.get("name", ""))
    return causes
