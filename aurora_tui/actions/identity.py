"""Which cluster this is, told so that no other cluster can be taken for it."""

from __future__ import annotations

import asyncio
import hashlib

from aurora_tui.actions.plan import Cluster
from aurora_tui.kube.access import Access
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.errors import ApiError
from aurora_tui.kube.questions import namespace, whoami
from aurora_tui.text import redact_url, safe


async def identify(connection: Connection) -> Cluster:
    """The cluster as it says itself, asked now. `uid` None when kube-system may not be read."""

    async def uid() -> str | None:
        try:
            found = await namespace(connection, "kube-system")
        except ApiError as error:
            if error.status == 403:
                return None
            raise
        return None if found is None else found.uid

    access = connection.access
    uid_said, user, authority = await asyncio.gather(uid(), whoami(connection), asyncio.to_thread(_authority, access))
    return Cluster(
        context=safe(access.context, 120),
        server=safe(redact_url(access.server), 200),
        ca=hashlib.sha256(authority).hexdigest() if authority else "",
        uid=uid_said,
        user=safe(user, 120) if user else None,
    )


def _authority(access: Access) -> bytes:
    """The certificates that the server is trusted by, as they are written; empty for the machine's own."""
    if access.ca_data is not None:
        return access.ca_data.encode()
    return access.ca_file.read_bytes() if access.ca_file is not None else b""
