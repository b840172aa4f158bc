"""What the API server fills in: the defaults of each kind, in the field order in which it answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from aurora_tui.drill.kubernetes.kinds import (
    AUTOSCALER,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    EVENT,
    HTTP_ROUTE,
    NAMESPACE,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    Kind,
)

Object = dict[str, Any]

_META_ORDER = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields",
)  # fmt: skip
_EVENT_ORDER = (
    "metadata", "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type",
    "eventTime", "series", "action", "related", "reportingComponent", "reportingInstance",
)  # fmt: skip


def pruned(value: Any) -> Any:
    """`value` without nulls: a null in a request means "not set"."""
    if isinstance(value, dict):
        return {key: pruned(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [pruned(item) for item in value]
    return value


def filled(kind: Kind, thing: Object) -> Object:
    """`thing` with the kind's defaults, without kind and apiVersion, fields in the server's order."""
    thing = pruned({key: value for key, value in thing.items() if key not in ("kind", "apiVersion")})
    meta = thing["metadata"]
    for empty in ("labels", "annotations", "ownerReferences", "finalizers"):
        if not meta.get(empty, True):
            del meta[empty]
    meta.pop("selfLink", None)
    thing["metadata"] = {key: meta[key] for key in _META_ORDER if key in meta}
    fill = _DEFAULTS.get(kind)
    if fill is not None:
        thing = fill(thing)
    order = _EVENT_ORDER if kind is EVENT else ("metadata", "spec", "status")
    first = {key: thing[key] for key in order if key in thing}
    return first | thing


def pod_spec(spec: Object) -> Object:
    """A pod template's spec with its defaults."""
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            container.setdefault("resources", {})
            container.setdefault("terminationMessagePath", "/dev/termination-log")
            container.setdefault("terminationMessagePolicy", "File")
            image = str(container.get("image", ""))
            latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
            container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
            for port in container.get("ports") or ():
                port.setdefault("protocol", "TCP")
            for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
                if probe in container:
                    _probe(container[probe])
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    return spec


def _probe(probe: Object) -> None:
    for field, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        probe.setdefault(field, value)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {}).pop("creationTimestamp", None)
    template["spec"] = pod_spec(template.get("spec") or {})


def _deployment(thing: Object) -> Object:
    spec = thing.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    if spec.get("paused") is False:
        del spec["paused"]
    if spec.get("minReadySeconds") == 0:
        del spec["minReadySeconds"]
    thing.setdefault("status", {})
    return thing


def _replica_set(thing: Object) -> Object:
    spec = thing.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)
    thing.setdefault("status", {"replicas": 0})
    return thing


def _pod(thing: Object) -> Object:
    spec = pod_spec(thing.setdefault("spec", {}))
    if "tolerations" not in spec:
        spec["tolerations"] = [
            {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for what in ("not-ready", "unreachable")
        ]
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    status = thing.setdefault("status", {})
    status.setdefault("phase", "Pending")
    status.setdefault("qosClass", _quality(spec))
    # The server always spells these nulls out.
    for condition in status.get("conditions") or ():
        condition.setdefault("lastProbeTime", None)
    return thing


def _quality(spec: Object) -> str:
    resources = [container["resources"] for container in spec.get("containers") or ()]
    if not any(r.get("requests") or r.get("limits") for r in resources):
        return "BestEffort"
    both = ("cpu", "memory")
    guaranteed = all(
        set(both) <= set(r.get("limits") or ()) and (r.get("requests") or r["limits"]) == r["limits"] for r in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _service(thing: Object) -> Object:
    spec = thing.setdefault("spec", {})
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("internalTrafficPolicy", "Cluster")
    thing.setdefault("status", {"loadBalancer": {}})
    return thing


def _namespace(thing: Object) -> Object:
    thing["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = thing["metadata"]["name"]
    thing["metadata"] = {key: thing["metadata"][key] for key in _META_ORDER if key in thing["metadata"]}
    thing["spec"] = {"finalizers": ["kubernetes"], **(thing.get("spec") or {})}
    thing.setdefault("status", {"phase": "Active"})
    return thing


def _bare(thing: Object) -> Object:
    thing.setdefault("spec", {})
    thing.setdefault("status", {})
    return thing


def _event(thing: Object) -> Object:
    for field in ("firstTimestamp", "lastTimestamp", "eventTime"):
        thing.setdefault(field, None)
    thing.setdefault("source", {})
    thing.setdefault("reportingComponent", "")
    thing.setdefault("reportingInstance", "")
    return thing


def _secret(thing: Object) -> Object:
    plain = thing.pop("stringData", None) or {}
    if plain:
        coded = {key: base64.b64encode(str(text).encode()).decode() for key, text in plain.items()}
        thing["data"] = {**(thing.get("data") or {}), **coded}
    thing.setdefault("type", "Opaque")
    return thing


def _autoscaler(thing: Object) -> Object:
    spec = thing.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    if not spec.get("metrics"):
        spec["metrics"] = [{"type": "Resource", "resource": cpu}]
    thing.setdefault("status", {"desiredReplicas": 0, "currentMetrics": None})
    return thing


def _disruption_budget(thing: Object) -> Object:
    thing.setdefault("spec", {})
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    thing.setdefault("status", dict.fromkeys(counts, 0))
    return thing


def _http_route(thing: Object) -> Object:
    for rule in thing.setdefault("spec", {}).get("rules") or ():
        for backend in rule.get("backendRefs") or ():
            backend.setdefault("group", "")
            backend.setdefault("kind", "Service")
            backend.setdefault("weight", 1)
        rule.setdefault("matches", [{"path": {"type": "PathPrefix", "value": "/"}}])
    return thing


_DEFAULTS: dict[Kind, Callable[[Object], Object]] = {
    DEPLOYMENT: _deployment,
    REPLICA_SET: _replica_set,
    POD: _pod,
    SERVICE: _service,
    NAMESPACE: _namespace,
    NODE: _bare,
    EVENT: _event,
    SECRET: _secret,
    AUTOSCALER: _autoscaler,
    DISRUPTION_BUDGET: _disruption_budget,
    HTTP_ROUTE: _http_route,
    RESOURCE_QUOTA: _bare,
}
