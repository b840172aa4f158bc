"""The Kubernetes API over HTTP."""

from __future__ import annotations

from aiohttp import web

from aurora_tui.drill.kubernetes.cluster import Cluster


def kubernetes_app(cluster: Cluster, tokens: dict[str, str]) -> web.Application:
    """The API server of `cluster`. tokens: bearer token → user name; every user there is may do everything."""
    raise NotImplementedError
