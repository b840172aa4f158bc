"""The kubeconfig that leads kubectl and the console to the drill."""

from __future__ import annotations

import json


def kubeconfig(server_url: str, token: str, namespace: str, context: str = "drill") -> str:
    """A kubeconfig (JSON, which is YAML) with one context. server_url: e.g. http://127.0.0.1:6443."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": {"server": server_url}}],
            "users": [{"name": context, "user": {"token": token}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context, "namespace": namespace}}],
        },
        indent=2,
    )
