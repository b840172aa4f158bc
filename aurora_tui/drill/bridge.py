"""The bridge's own page: /health, as well as the cluster's pods are."""

from __future__ import annotations

from aiohttp import web

from aurora_tui.drill.kubernetes import Cluster
from aurora_tui.drill.manifests import CANARY, DEPLOYMENTS, NAMESPACE


def canary_image(cluster: Cluster) -> str | None:
    """The image of the canary's template; None when the canary is gone or scaled to nothing."""
    deployment = cluster.deployment(NAMESPACE, CANARY)
    if deployment is None or not deployment["spec"].get("replicas", 1):
        return None
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def health(cluster: Cluster) -> tuple[dict[str, object], int]:
    """The page's JSON and HTTP status. ok: every wanted pod is ready; degraded: some; down: none, with 503."""
    pods: dict[str, object] = {}
    ready_in_all = wanted_in_all = 0
    for name in DEPLOYMENTS:
        deployment = cluster.deployment(NAMESPACE, name)
        if deployment is None:
            continue
        wanted = int(deployment["spec"].get("replicas", 1))
        ready = len(cluster.ready_pods(NAMESPACE, {"app": name}))
        pods[name] = {"ready": ready, "wanted": wanted}
        ready_in_all, wanted_in_all = ready_in_all + min(ready, wanted), wanted_in_all + wanted
    status = "down" if not ready_in_all else "ok" if ready_in_all == wanted_in_all else "degraded"
    image = canary_image(cluster)
    version = image.rpartition(":")[2] if image else None
    return {"status": status, "version": version, "pods": pods}, 503 if status == "down" else 200


def bridge_app(cluster: Cluster) -> web.Application:
    """GET /health."""

    async def page(request: web.Request) -> web.Response:
        body, status = health(cluster)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get("/health", page)
    return app
