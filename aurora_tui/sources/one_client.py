"""One HTTP client for a source that may look twice at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aurora_tui.situation.mission import Credentials
from aurora_tui.sources.http import NO_CREDENTIALS, open_client

if TYPE_CHECKING:
    import httpx


class OneClient:
    """Opened when it is first wanted: by one, while the others wait for it, as what is opened twice is closed once."""

    def __init__(self, url: str, credentials: Credentials = NO_CREDENTIALS) -> None:
        self._url, self._credentials = url, credentials
        self._opening = asyncio.Lock()
        self._client: httpx.AsyncClient | None = None

    async def get(self) -> httpx.AsyncClient:
        """The client; whatever `open_client` raises, and the next one to want it tries again."""
        async with self._opening:
            if self._client is None:
                self._client = await open_client(self._url, self._credentials)
            return self._client

    async def close(self) -> None:
        """Close its connections; a later `get` opens them anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
