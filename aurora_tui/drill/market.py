"""Who trades in the drill: providers of GPU time, tenants with budgets and mixes; and how a request is routed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TREATY = "AURORA-AKASH-001"
AGGREGATE = "SIM-AGG"
"""The treaty label of the simulator's own figures: the whole market."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A seller of GPU time. price: $ per GPU hour; latency: median round trip in ms; capacity: requests a tick;
    reputation: points, 0 to 100."""

    name: str
    price: float
    latency: float
    capacity: float
    reputation: float


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of request, by what it values. gpu_hours: what one request uses."""

    name: str
    price_weight: float
    latency_weight: float
    reputation_weight: float
    gpu_hours: float


@dataclass(frozen=True, slots=True)
class Tenant:
    """A buyer. budget: the most it pays, $ per GPU hour; requests: a tick on average; mix: share of each workload."""

    name: str
    treaty: str
    budget: float
    requests: float
    mix: Mapping[str, float]


PROVIDERS = (
    Provider("akash", 1.10, 236.0, 1500.0, 92.0),
    Provider("io-net", 1.25, 244.0, 700.0, 88.0),
    Provider("render", 1.60, 228.0, 500.0, 94.0),
    Provider("flux", 0.90, 247.0, 560.0, 81.0),
    Provider("vast", 0.75, 250.0, 720.0, 76.0),
)
NAMES = tuple(provider.name for provider in PROVIDERS)

WORKLOADS = {
    "inference": Workload("inference", 0.5, 2.4, 1.0, 0.0008),
    "batch": Workload("batch", 1.6, 0.5, 0.6, 0.004),
    "training": Workload("training", 0.9, 0.4, 2.0, 0.02),
}

TENANTS = (
    Tenant("helios-labs", TREATY, 1.70, 360.0, {"inference": 0.75, "batch": 0.20, "training": 0.05}),
    Tenant("meridian", TREATY, 1.40, 240.0, {"inference": 0.40, "batch": 0.45, "training": 0.15}),
    Tenant("tidewater", "OTHERS", 1.30, 420.0, {"inference": 0.30, "batch": 0.50, "training": 0.20}),
    Tenant("quanta-bio", "OTHERS", 1.00, 330.0, {"batch": 0.60, "training": 0.40}),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The requests of one tenant's one workload in a tick, before they are routed."""

    tenant: Tenant
    workload: Workload
    requests: float
    of_treaty: bool


BATCHES = tuple(
    Batch(tenant, WORKLOADS[name], tenant.requests * share, tenant.treaty == TREATY)
    for tenant in TENANTS
    for name, share in tenant.mix.items()
)


def route(
    prices: Sequence[float], latencies: Sequence[float], reputations: Sequence[float], up: Sequence[bool]
) -> tuple[tuple[int, ...], ...]:
    """For each of BATCHES the providers it may use, best first: affordable ones by weighted price, latency, reputation.

    A treaty's requests favour its own provider (the first): that is what a treaty is.
    """
    open_ones = [index for index in range(len(PROVIDERS)) if up[index]]
    routes: list[tuple[int, ...]] = []
    for batch in BATCHES:
        work, budget = batch.workload, batch.tenant.budget
        scored = sorted(
            (
                work.price_weight * prices[index]
                + work.latency_weight * latencies[index] / 200.0
                - work.reputation_weight * reputations[index] / 100.0
                - (0.8 if batch.of_treaty and index == 0 else 0.0),
                index,
            )
            for index in open_ones
            if prices[index] <= budget
        )
        routes.append(tuple(index for _, index in scored))
    return tuple(routes)
