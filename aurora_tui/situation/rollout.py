"""A deployment as a row: where its rollout stands, which part it plays, and how much of the traffic it gets.

Rollout rules in the order of `kubectl rollout status` (DeploymentStatusViewer in kubectl/pkg/polymorphichelpers).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from aurora_tui.situation.mission import WorkloadRoles
from aurora_tui.situation.pod import conditions, unix
from aurora_tui.situation.seen import DeploymentSeen
from aurora_tui.situation.workload import DeploymentStatus, PodStatus, Role, Rollout, RouteWeights

_ORDER = {Role.CANARY: 0, Role.STABLE: 1, Role.STANDBY: 2, Role.OTHER: 3}
BY_REPLICAS = "replicas"


def deployment_status(deployment: DeploymentSeen, role: Role, restarts: int = 0) -> DeploymentStatus:
    """The row of `deployment`, without its traffic share. `restarts` is the sum over its pods."""
    metadata, spec, status = deployment.metadata, deployment.spec, deployment.status
    rollout, detail = rollout_state(deployment)
    containers = spec.template.spec.containers or ()
    return DeploymentStatus(
        uid=metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        role=role,
        revision=metadata.revision,
        image=containers[0].image if containers else None,
        desired=_desired(deployment),
        ready=status.ready_replicas or 0,
        updated=status.updated_replicas or 0,
        available=status.available_replicas or 0,
        rollout=rollout,
        rollout_detail=detail,
        created_at=unix(metadata.creation_timestamp),
        restarts=restarts,
        conditions=conditions(status.conditions),
    )


def rollout_state(deployment: DeploymentSeen) -> tuple[Rollout, str | None]:
    """Where the rollout stands, and why in words.

    DONE speaks of the rollout only: pods that crash later do not change it, so the pods are judged too.
    """
    status, desired = deployment.status, _desired(deployment)
    if (deployment.metadata.generation or 0) > (status.observed_generation or 0):
        return Rollout.UNOBSERVED, "the controller has not seen the last edit yet"
    progressing = next((one for one in status.conditions or () if one.type == "Progressing"), None)
    if progressing is not None and progressing.reason == "ProgressDeadlineExceeded":
        return Rollout.FAILED, progressing.message or "exceeded its progress deadline"
    updated, available = status.updated_replicas or 0, status.available_replicas or 0
    detail = None
    if updated < desired:
        detail = f"{updated} of {desired} updated"
    elif (status.replicas or 0) > updated:
        detail = f"{(status.replicas or 0) - updated} old pods terminating"
    elif available < updated:
        detail = f"{available} of {updated} available"
    if deployment.spec.paused:
        return Rollout.PAUSED, detail
    return (Rollout.DONE, None) if detail is None else (Rollout.PROGRESSING, detail)


def role_of(name: str, roles: WorkloadRoles) -> Role:
    """The part that the mission gives the deployment `name`."""
    if name == roles.canary:
        return Role.CANARY
    if name == roles.stable:
        return Role.STABLE
    return Role.STANDBY if name in roles.standby else Role.OTHER


def in_order(deployments: Iterable[DeploymentStatus], roles: WorkloadRoles, namespace: str) -> list[DeploymentStatus]:
    """Canary, stable, standby (as the mission lists them), then the others; the mission's namespace first."""
    standby = {name: place for place, name in enumerate(roles.standby)}
    return sorted(
        deployments,
        key=lambda row: (
            _ORDER[row.role],
            row.namespace != namespace,
            standby.get(row.name, 0) if row.role is Role.STANDBY else 0,
            row.namespace,
            row.name,
        ),
    )


def with_traffic(
    deployments: Sequence[DeploymentStatus], routes: Iterable[RouteWeights], roles: WorkloadRoles, namespace: str
) -> list[DeploymentStatus]:
    """`deployments` with their share of the traffic, 0 to 1, and what it was read from.

    The mission's route decides; without one, the first by name whose backends are these deployments. Where no
    route splits the traffic, canary and stable share it as their ready pods do (one service before both).
    """
    # The mission's deployments count even when they are gone: their traffic is not their namesakes'.
    parts = [name for name in (roles.canary, roles.stable, *roles.standby) if name is not None]
    names = list(dict.fromkeys([*parts, *(row.name for row in deployments if row.namespace == namespace)]))
    for route in sorted(routes, key=lambda route: (route.name != roles.route, route.name, route.kind)):
        if roles.route is not None and route.name != roles.route:
            break
        shares = _shares(route, names)
        if shares:
            basis = f"{route.kind} {route.name}"
            return [
                msgspec.structs.replace(row, traffic=shares.get(row.name, 0.0), traffic_basis=basis)
                if row.namespace == namespace and (row.name in shares or row.role is not Role.OTHER)
                else row
                for row in deployments
            ]
    serving = {row.uid: row.ready for row in deployments if row.role in (Role.CANARY, Role.STABLE)}
    total = sum(serving.values())
    if not total:
        return list(deployments)
    return [
        msgspec.structs.replace(row, traffic=serving[row.uid] / total, traffic_basis=BY_REPLICAS)
        if row.uid in serving
        else row
        for row in deployments
    ]


def restarts_by_deployment(pods: Iterable[PodStatus]) -> dict[tuple[str, str], int]:
    """Sum of restarts of each deployment's pods, by namespace and name."""
    sums: dict[tuple[str, str], int] = {}
    for pod in pods:
        if pod.owner is not None:
            key = (pod.namespace, pod.owner)
            sums[key] = sums.get(key, 0) + pod.restarts
    return sums


def backend_deployment(backend: str, deployments: Sequence[str]) -> str | None:
    """The deployment behind a service: its namesake, else the longest name the service's begins with.

    `aurora-bridge-v0-svc` is behind `aurora-bridge-v0`, not `aurora-bridge`. None when nothing fits.
    """
    if backend in deployments:
        return backend
    fitting = [name for name in deployments if backend.startswith(f"{name}-")]
    if fitting:
        return max(fitting, key=len)
    longer = [name for name in deployments if name.startswith(f"{backend}-")]
    return longer[0] if len(longer) == 1 else None


def _shares(route: RouteWeights, deployments: Sequence[str]) -> Mapping[str, float] | None:
    """Each deployment's share by the route's weights; None when the route is not about these deployments."""
    total = sum(route.weights.values())
    shares: dict[str, float] = {}
    for backend, weight in route.weights.items():
        name = backend_deployment(backend, deployments)
        if name is not None and total > 0:
            shares[name] = shares.get(name, 0.0) + weight / total
    return shares or None


def _desired(deployment: DeploymentSeen) -> int:
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas
