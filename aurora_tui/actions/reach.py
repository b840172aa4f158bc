"""Opening what a run works on: the environment's cluster, by the kubeconfig's rules, and the folder beside the ledger.

The context is pinned: what a plan was made on is what it is carried out on, wherever `kubectl config use-context`
points by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Cluster
from aurora_tui.errors import UsageError
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.kubeconfig import load_access
from aurora_tui.settings import Settings
from aurora_tui.text import redact_url, safe


@asynccontextmanager
async def open_reach(settings: Settings, run: str, cluster: Cluster | None = None) -> AsyncIterator[Reach]:
    """The reach of `run`; its connection is closed at the end. `cluster`: the one that was approved.

    UsageError when the kubeconfig cannot be used, or now leads to another server than the approved one. That who
    answers there is the same is asked with `identify`.
    """
    connection = await connect(settings, cluster)
    try:
        yield reach_of(settings, run, connection)
    finally:
        if connection is not None:
            await connection.close()


def reach_of(settings: Settings, run: str, connection: Connection | None) -> Reach:
    """The reach of `run` through a connection that somebody else opens and closes."""
    cluster = settings.environment.cluster
    return Reach(
        settings=settings,
        connection=connection,
        namespace="" if cluster is None else cluster.namespace,
        folder=settings.ledger.parent,
        run=run,
        clock=settings.clock,
    )


async def connect(settings: Settings, pinned: Cluster | None = None) -> Connection | None:
    """A connection to the environment's cluster, ready to speak; None when the environment names none."""
    access = await access_of(settings, pinned)
    if access is None:
        return None
    connection = Connection(access)
    try:
        await connection.prepare()
    except BaseException:
        await connection.close()
        raise
    return connection


async def access_of(settings: Settings, pinned: Cluster | None = None) -> Access | None:
    """How to reach the cluster, read anew; None without one. UsageError when it is not the one `pinned` any more."""
    cluster = settings.environment.cluster
    if cluster is None:
        return None
    access = await asyncio.to_thread(
        load_access,
        kubeconfig=cluster.kubeconfig,
        context=cluster.context if pinned is None or cluster.in_cluster else pinned.context,
        in_cluster=cluster.in_cluster,
    )
    if pinned is not None and safe(redact_url(access.server), 200) != pinned.server:
        raise UsageError(
            f"Context {safe(access.context, 120)} now points to {redact_url(access.server)}, "
            f"and the plan was made on {pinned.server}",
            "Nothing was done. Look at which cluster is meant, and plan again.",
        )
    return access
