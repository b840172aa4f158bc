"""The embedded API asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from aurora_tui.drill.kubernetes import kubernetes_app
from aurora_tui.drill.kubernetes.auth import Authenticator
from aurora_tui.drill.kubernetes.roles import User
from tests.drill.clusters import StoppedCluster

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


class Api:
    """An administrator with an HTTP client."""

    def __init__(self, cluster: StoppedCluster, client: TestClient[Any, Any]) -> None:
        self.cluster = cluster
        self.client = client
        self.headers = {"Authorization": "Bearer token"}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """(status, body): JSON decoded, text as it is."""
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        data = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        async with self.client.request(method, path, data=data, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def get(self, path: str, **headers: str) -> Any:
        """The body of a GET that succeeds."""
        status, body = await self.ask("GET", path, **headers)
        assert status == 200, body
        return body

    async def watch(self, path: str, count: int | None = None) -> list[dict[str, Any]]:
        """The first `count` events of a watch, or all until it ends."""
        events: list[dict[str, Any]] = []
        async with self.client.get(path, headers=self.headers) as response:
            assert response.status == 200
            async for line in response.content:
                events.append(json.loads(line))
                if len(events) == count:
                    break
        return events


@asynccontextmanager
async def api_of(
    cluster: StoppedCluster, users: Mapping[str, str | User] | Authenticator | None = None
) -> AsyncIterator[Api]:
    """users: token → user; an administrator with the token "token" when not given."""
    async with TestClient(TestServer(kubernetes_app(cluster, users or {"token": "admin"}))) as client:
        yield Api(cluster, client)
