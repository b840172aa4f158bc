"""The kubeconfig that leads kubectl and the console to the drill."""

from __future__ import annotations

import base64
import json


def kubeconfig(server_url: str, token: str, namespace: str, context: str = "drill", ca_pem: str | None = None) -> str:
    """A kubeconfig (JSON, which is YAML) with one context. server_url: e.g. https://127.0.0.1:6443.

    ca_pem: the certificate to trust, from `loopback_tls()`. With an http:// URL kubectl sends no token and is
    refused (401); clients that always send it work.
    """
    cluster: dict[str, str] = {"server": server_url}
    if ca_pem is not None:
        cluster["certificate-authority-data"] = base64.b64encode(ca_pem.encode()).decode()
    named = {"cluster": context, "user": context, "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": context, "user": {"token": token}}],
        "contexts": [{"name": context, "context": named}],
    }
    return json.dumps(document, indent=2)
