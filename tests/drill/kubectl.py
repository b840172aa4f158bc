"""The real kubectl against an embedded cluster that lives faster than the world."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from aurora_tui.clock import Clock
from aurora_tui.drill.kubernetes import Cluster, kubeconfig, kubernetes_app, loopback_tls, roles
from tests.drill.clusters import NAMESPACE, deployment, namespace

PATIENCE = 60.0
"""Seconds that a kubectl, or the cluster, may take on a busy machine."""
BRIDGE = "deployment/aurora-bridge"
USERS = {"token": roles.admin("admin"), "o": roles.operator("olga", NAMESPACE), "v": roles.viewer("vic")}
Asked = dict[str, Any]


class Kubectl:
    """kubectl with a home and a kubeconfig of its own; contexts: drill (an administrator), olga and vic."""

    def __init__(self, home: Path, config: str, cluster: Cluster) -> None:
        self.cluster = cluster
        self.home = home
        self.asked: list[Asked] = []
        """What it has asked of the API: method, path, query, media type, body."""
        self._config = home / "kubeconfig"
        self._config.write_text(config)
        self._environment = {"HOME": str(home), "KUBECONFIG": str(self._config), "PATH": os.environ["PATH"]}

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "kubectl", *words, env=self._environment, stdout=pipe, stderr=pipe, stdin=asyncio.subprocess.DEVNULL
        )

    async def __call__(self, *words: str, fails: bool = False) -> str:
        """What it prints (standard error when it `fails`)."""
        process = await self.start(*words)
        async with asyncio.timeout(PATIENCE):
            out, wrong = await process.communicate()
        assert (process.returncode != 0) is fails, wrong.decode()
        return (wrong if fails else out).decode()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the cluster has come so far."""
        changed = asyncio.Event()
        self.cluster.listen(lambda *_: changed.set())
        async with asyncio.timeout(PATIENCE):
            while not holds():
                changed.clear()
                await changed.wait()

    def file(self, name: str, *objects: Asked) -> str:
        """A manifest; its path."""
        path = self.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n---\n".join(json.dumps(each) for each in objects))
        return str(path)

    @web.middleware
    async def note(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        raw = await request.read()
        readable = raw[:1] in (b"{", b"[")
        self.asked.append(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "media": request.headers.get("Content-Type"),
                "body": json.loads(raw) if readable else None,
            }
        )
        return await handler(request)


@asynccontextmanager
async def kubectl_for(home: Path, speed: float = 30.0) -> AsyncIterator[Kubectl]:
    """kubectl and a cluster in whose namespace the bridge is at its second revision."""
    now = Clock().now()
    # The drill's clock ends up at the wall's, so that kubectl's ages make sense.
    clock = Clock(now, now - 20 * speed, speed)
    cluster = Cluster(clock.now, clock.sleep, seed=1)
    for image, ago in (("aurora/bridge:1", 5 * 86400), ("aurora/bridge:2", 7200)):
        cluster.apply_manifests([namespace(), deployment(image)], at=clock.now() - ago)
        cluster.settle()
    tls = loopback_tls()
    app = kubernetes_app(cluster, USERS)
    kubectl = Kubectl(home, "", cluster)
    app.middlewares.append(kubectl.note)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls.context)
    await site.start()
    living = asyncio.create_task(cluster.run())
    url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    config = kubeconfig(url, "token", NAMESPACE, ca_pem=tls.ca_pem, others={"olga": "o", "vic": "v"})
    (home / "kubeconfig").write_text(config)
    try:
        yield kubectl
    finally:
        cluster.close()
        await living
        await runner.cleanup()
