"""The kinds this API serves, as a table: a kind more is a line more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

STORED = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of object: where it is served and what is particular to it."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ("status",)
    categories: tuple[str, ...] = ()
    counts_generations: bool = False
    answers_with_object: bool = False
    """A delete answers with the object rather than with a Status."""
    needs_version: bool = False
    """A PUT must name the resourceVersion it replaces."""
    fields: tuple[str, ...] = ()
    """What a field selector may ask besides metadata.name and metadata.namespace."""
    empty: tuple[tuple[str, Any], ...] = ()
    """What the object of a bookmark holds besides its resourceVersion (required fields, unset)."""

    older: bool = False
    """Another version of a kind that is kept as a newer one."""

    @property
    def api_version(self) -> str:
        """apps/v1, v1"""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """deployments.apps, pods"""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def verbs(self) -> tuple[str, ...]:
        """What can be done with objects of the kind."""
        if self.older:
            return ("create", "delete", "get", "list")
        return STORED if self.plural != "namespaces" else tuple(v for v in STORED if v != "deletecollection")


_POD_SPEC = {"containers": None}
_TEMPLATE = {"metadata": {}, "spec": _POD_SPEC}

NAMESPACE = Kind(
    "", "v1", "Namespace", "namespaces", False, ("ns",), answers_with_object=True, fields=("status.phase",),
    empty=(("spec", {}), ("status", {})),
)  # fmt: skip
NODE = Kind(
    "", "v1", "Node", "nodes", False, ("no",), answers_with_object=False, fields=("spec.unschedulable",),
    empty=(("spec", {}), ("status", {})),
)  # fmt: skip
POD = Kind(
    "", "v1", "Pod", "pods", True, ("po",), ("eviction", "log", "status"), ("all",), True, True,
    fields=("status.phase", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "status.podIP"),
    empty=(("spec", _POD_SPEC), ("status", {})),
)  # fmt: skip
EVENT = Kind(
    "", "v1", "Event", "events", True, ("ev",), (),
    fields=(
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    ),
    empty=(
        ("involvedObject", {}), ("source", {}), ("firstTimestamp", None), ("lastTimestamp", None), ("eventTime", None),
        ("reportingComponent", ""), ("reportingInstance", ""),
    ),
)  # fmt: skip
SERVICE = Kind(
    "", "v1", "Service", "services", True, ("svc",), ("status",), ("all",), answers_with_object=True,
    fields=("spec.clusterIP", "spec.type"), empty=(("spec", {}), ("status", {"loadBalancer": {}})),
)  # fmt: skip
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",), ())
SECRET = Kind("", "v1", "Secret", "secrets", True, (), (), fields=("type",))
DEPLOYMENT = Kind(
    "apps", "v1", "Deployment", "deployments", True, ("deploy",), ("scale", "status"), ("all",), True,
    empty=(("spec", {"replicas": 0, "selector": None, "template": _TEMPLATE, "strategy": {}}), ("status", {})),
)  # fmt: skip
REPLICA_SET = Kind(
    "apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), ("scale", "status"), ("all",), True,
    fields=("status.replicas",),
    empty=(("spec", {"replicas": 0, "selector": None, "template": _TEMPLATE}), ("status", {"replicas": 0})),
)  # fmt: skip
LEASE = Kind(
    "coordination.k8s.io", "v1", "Lease", "leases", True, (), (), needs_version=True, empty=(("spec", {}),)
)  # fmt: skip
AUTOSCALER = Kind(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",), ("status",), ("all",),
    empty=(
        ("spec", {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0}),
        ("status", {"desiredReplicas": 0, "currentMetrics": None}),
    ),
)  # fmt: skip
AUTOSCALER_V1 = replace(AUTOSCALER, version="v1", subresources=(), older=True)
DISRUPTION_BUDGET = Kind(
    "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", True, ("pdb",), ("status",), (), True,
    empty=(
        ("spec", {}),
        ("status", {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}),
    ),
)  # fmt: skip
RESOURCE_QUOTA = Kind(
    "", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), ("status",), answers_with_object=True,
    empty=(("spec", {}), ("status", {})),
)  # fmt: skip
HTTP_ROUTE = Kind(
    "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", True, (), ("status",), ("gateway-api",), True,
    needs_version=True,
)  # fmt: skip

KINDS: tuple[Kind, ...] = (
    NAMESPACE, NODE, POD, EVENT, SERVICE, CONFIG_MAP, SECRET, DEPLOYMENT, REPLICA_SET, AUTOSCALER, LEASE,
    DISRUPTION_BUDGET, HTTP_ROUTE, RESOURCE_QUOTA,
)  # fmt: skip
BY_NAME = {(kind.api_version, kind.name): kind for kind in KINDS}
OLDER = {AUTOSCALER_V1: AUTOSCALER}
"""Versions that are served, and the kind their objects are kept as."""
BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in (*KINDS, *OLDER)}
