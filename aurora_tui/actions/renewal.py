"""Who we are, said anew: when the API no longer accepts it, the kubeconfig may have been written again since."""

from __future__ import annotations

from contextlib import suppress

from aurora_tui.actions.operation import Reach
from aurora_tui.actions.plan import Cluster
from aurora_tui.actions.reach import access_of
from aurora_tui.kube.errors import KubeconfigError
from aurora_tui.text import redact_url, safe


async def renew_identity(reach: Reach) -> None:
    """Read the kubeconfig again and go on with what it says. UsageError when it now leads to another server.

    An exec plugin is run again by the connection itself, and a token file read again.
    """
    connection = reach.connection
    if connection is None:
        return
    access = connection.access
    pinned = Cluster(context=safe(access.context, 120), server=safe(redact_url(access.server), 200))
    with suppress(KubeconfigError):  # somebody may be writing it just now: the next answer says 401 again
        renewed = await access_of(reach.settings, pinned)
        if renewed is not None:
            await connection.adopt(renewed)
