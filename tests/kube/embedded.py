"""Connections of our own to an embedded API over a stopped cluster: what `aurora_tui.kube` writes is really kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aurora_tui.drill.kubernetes import roles
from aurora_tui.drill.kubernetes.roles import User
from aurora_tui.kube.access import Access
from aurora_tui.kube.access import User as AccessUser
from aurora_tui.kube.connection import Connection
from tests.drill.clusters import NAMESPACE, StoppedCluster, deployment, settled
from tests.drill.kube_api import api_of

USERS: dict[str, str | User] = {
    "admin": roles.admin("ada"),
    "operator": roles.operator("olga", NAMESPACE),
    "viewer": roles.viewer("vic"),
}


def connection_to(url: str, token: str) -> Connection:
    """A connection to the API at `url` with a bearer token."""
    user = AccessUser(name=token, token=token)
    return Connection(Access(context="drill", cluster="drill", server=url, namespace=NAMESPACE, user=user))


class Desk:
    """An embedded API and who speaks with it: `operator` of the namespace, `viewer`, `admin`."""

    def __init__(self, cluster: StoppedCluster, url: str) -> None:
        self.cluster = cluster
        self.url = url
        self.admin, self.operator, self.viewer = (connection_to(url, token) for token in USERS)

    async def close(self) -> None:
        for one in (self.admin, self.operator, self.viewer):
            await one.close()


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """One with a deployment, aurora-bridge, that runs."""
    cluster = settled(deployment())
    async with api_of(cluster, USERS) as api:
        made = Desk(cluster, str(api.client.make_url("")).rstrip("/"))
        try:
            yield made
        finally:
            await made.close()
