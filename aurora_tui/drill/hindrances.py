"""What can stand in the way of acting on a drill's cluster: refusals, rivals, an API that is away or knows us not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from aurora_tui.clock import iso
from aurora_tui.drill.happening import Happening
from aurora_tui.drill.kubernetes import Cluster
from aurora_tui.drill.kubernetes.admission import OPERATIONS, Webhook
from aurora_tui.drill.kubernetes.auth import Authenticator
from aurora_tui.drill.kubernetes.kinds import DEPLOYMENT, KINDS, RESOURCE_QUOTA
from aurora_tui.drill.kubernetes.ownership import written_by
from aurora_tui.drill.kubernetes.quotas import counts
from aurora_tui.drill.kubernetes.registry import DeleteOptions
from aurora_tui.drill.manifests import CANARY, DEPLOYMENTS, NAMESPACE

WEBHOOK = "policy.drill.local"
QUOTA = "drill"
BUSY = "drill/busybody"
"""The annotation that a busybody counts up."""


class DenyWrites(Happening, frozen=True, kw_only=True, tag="deny-writes"):
    """A validating webhook denies writes of `resource` with `message`, dry runs too, until `recover`.

    resource: as in a webhook's rule: deployments, deployments/scale, deployments/* (it and its subresources), *, */*.
    code: the webhook's own, 403 or 400.
    """

    resource: str = "deployments/*"
    message: str = "changes are frozen"
    code: Literal[400, 403] = 403
    operations: tuple[Literal["CREATE", "UPDATE", "DELETE"], ...] = OPERATIONS  # type: ignore[assignment]


class Quota(Happening, frozen=True, kw_only=True, tag="quota"):
    """A ResourceQuota lets the namespace have `pods` pods, or no more than it has now, until `recover` deletes it."""

    pods: int | None = None


class Busybody(Happening, frozen=True, kw_only=True, tag="busybody"):
    """Somebody writes an annotation of a deployment `rate` times a world second, until `recover`; 0 ends it."""

    deployment: str = CANARY
    rate: float = 5.0


class ApiOutage(Happening, frozen=True, kw_only=True, tag="api-outage"):
    """The Kubernetes API refuses connections, and breaks those it has, for so many world seconds or until `recover`."""

    seconds: float = 30.0


class ExpireToken(Happening, frozen=True, kw_only=True, tag="expire-token"):
    """The API no longer accepts the token of `user` (401), until `recover`."""

    user: Literal["drill-operator", "drill-admin", "drill-viewer"] = "drill-operator"


Hindrance = DenyWrites | Quota | Busybody | ApiOutage | ExpireToken
HINDRANCES: tuple[type[Happening], ...] = (DenyWrites, Quota, Busybody, ApiOutage, ExpireToken)


def check(event: object, place: str) -> None:
    """What types cannot say. Raises msgspec.ValidationError, as a wrong type does."""
    match event:
        case DenyWrites() if event.resource.partition("/")[0] not in {"*", *(kind.plural for kind in KINDS)}:
            known = ", ".join(kind.plural for kind in KINDS)
            raise msgspec.ValidationError(f"{event.resource!r} is not one of {known} - at `{place}.resource`")
        case Quota() if event.pods is not None and not 0 <= event.pods <= 100_000:
            raise msgspec.ValidationError(f"{event.pods} is not a number of pods - at `{place}.pods`")
        case Busybody() if event.deployment not in DEPLOYMENTS:
            known = ", ".join(DEPLOYMENTS)
            raise msgspec.ValidationError(f"{event.deployment!r} is not one of {known} - at `{place}.deployment`")
        case Busybody() if not 0.0 <= event.rate <= 1000.0:
            raise msgspec.ValidationError(f"{event.rate} is not between 0 and 1000 a second - at `{place}.rate`")
        case ApiOutage() if not 0.0 < event.seconds <= 86400.0:
            raise msgspec.ValidationError(f"{event.seconds} is not above 0 and at most a day - at `{place}.seconds`")


class Hindrances:
    """Lets hindrances come up in a cluster, and end.

    leave: has the API refuse and break every connection; be_back: has it listen again, if it does not.
    """

    def __init__(
        self,
        cluster: Cluster,
        door: Authenticator,
        leave: Callable[[], Awaitable[None]],
        be_back: Callable[[], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._door = door
        self._leave = leave
        self._be_back = be_back
        self._one_at_a_time = asyncio.Lock()
        self._webhooks: list[Webhook] = []
        self._busy: dict[str, asyncio.Future[None]] = {}
        self._outage: asyncio.Future[None] | None = None

    def names(self) -> list[str]:
        """What is in force, in the scenario's words."""
        return [
            *("deny-writes" for _ in self._webhooks),
            *(("quota",) if self._cluster.store.get(RESOURCE_QUOTA, NAMESPACE, QUOTA) is not None else ()),
            *("busybody" for _ in self._busy),
            *(("api-outage",) if self._outage is not None else ()),
            *("expire-token" for _ in self._door.expired),
        ]

    async def apply(self, event: Hindrance) -> None:
        """Let it come up now."""
        match event:
            case DenyWrites():
                webhook = Webhook(
                    name=WEBHOOK,
                    resource=event.resource,
                    message=event.message,
                    code=event.code,
                    operations=event.operations,
                )
                self._webhooks.append(webhook)
                self._cluster.registry.judges.append(webhook)
            case Quota():
                self._limit(event.pods)
            case Busybody():
                self._let_be(event.deployment)
                if event.rate > 0.0:
                    writing = asyncio.ensure_future(_write(self._cluster, event.deployment, event.rate))
                    self._busy[event.deployment] = writing
            case ApiOutage():
                self._end_outage()
                async with self._one_at_a_time:
                    await self._leave()
                self._end_outage()
                self._outage = asyncio.ensure_future(self._return_after(event.seconds))
            case ExpireToken():
                self._door.expired.add(event.user)

    async def recover(self) -> None:
        """Everything ends."""
        self.stop()
        for webhook in self._webhooks:
            self._cluster.registry.judges.remove(webhook)
        self._webhooks.clear()
        quota = self._cluster.store.get(RESOURCE_QUOTA, NAMESPACE, QUOTA)
        if quota is not None:
            self._cluster.registry.delete(quota, DeleteOptions())
        self._door.expired.clear()
        async with self._one_at_a_time:
            await self._be_back()

    def stop(self) -> None:
        """Begin nothing new: the world ends."""
        self._end_outage()
        for name in list(self._busy):
            self._let_be(name)

    def _limit(self, pods: int | None) -> None:
        if pods is None:
            pods = sum(counts(pod) for pod in self._cluster.pods(NAMESPACE))
        head = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA, "namespace": NAMESPACE}}
        self._cluster.apply_manifests([{**head, "spec": {"hard": {"pods": str(pods)}}}])

    def _let_be(self, deployment: str) -> None:
        writing = self._busy.pop(deployment, None)
        if writing is not None:
            writing.cancel()

    def _end_outage(self) -> None:
        outage, self._outage = self._outage, None
        if outage is not None:
            outage.cancel()

    async def _return_after(self, seconds: float) -> None:
        await self._cluster.sleep(seconds)
        self._outage = None
        async with self._one_at_a_time:
            await self._be_back()


async def _write(cluster: Cluster, deployment: str, rate: float) -> None:
    """Count an annotation up as some other tool would, until cancelled; a deployment that is not there is let be."""
    count = 0
    while not cluster.closed:
        entry = cluster.store.get(DEPLOYMENT, NAMESPACE, deployment)
        if entry is not None:
            count += 1
            thing = entry.copy()
            thing["metadata"].setdefault("annotations", {})[BUSY] = str(count)
            owning = written_by("busybody", DEPLOYMENT, iso(cluster.now()))
            cluster.registry.update(DEPLOYMENT, entry, thing, owning=owning)
        await cluster.sleep(1 / rate)
