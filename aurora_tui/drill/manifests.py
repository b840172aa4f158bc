"""The bridge's objects in the drill's cluster: canary, stable and standby deployments, services, the traffic split."""

from __future__ import annotations

from typing import Any

NAMESPACE = "aurora-production"
CANARY, STABLE, STANDBY = "aurora-bridge", "aurora-bridge-v0", "aurora-bridge-backup"
DEPLOYMENTS = (CANARY, STABLE, STANDBY)
_IMAGE = "vaultmesh/aurora-bridge"
GOOD, CANDIDATE = "0.9.9", "1.0.0-rc1"
REPLICAS = {CANARY: 3, STABLE: 3, STANDBY: 0}
WEIGHTS = {CANARY: 10, STABLE: 90}

Manifest = dict[str, Any]


def image(version: str) -> str:
    return f"{_IMAGE}:{version}"


def before_canary() -> list[Manifest]:
    """The namespace as it was before the canary: everything at the good version."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        *(_deployment(name, GOOD, "release 0.9.9") for name in DEPLOYMENTS),
        *(_service(name) for name in DEPLOYMENTS),
    ]


def canary() -> list[Manifest]:
    """What starts the canary: the candidate's image, and a tenth of the traffic."""
    return [_deployment(CANARY, CANDIDATE, "canary of 1.0.0-rc1"), _route()]


def _deployment(name: str, version: str, cause: str) -> Manifest:
    labels = {"app": name}
    container = {
        "name": "bridge",
        "image": image(version),
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": labels,
            "annotations": {"kubernetes.io/change-cause": cause},
        },
        "spec": {
            "replicas": REPLICAS[name],
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def _service(name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


def _route() -> Manifest:
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in WEIGHTS.items()]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": CANARY, "namespace": NAMESPACE},
        "spec": {"parentRefs": [{"name": "aurora"}], "rules": [{"backendRefs": backends}]},
    }
