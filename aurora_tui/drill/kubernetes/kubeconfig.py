"""The kubeconfig that leads kubectl and the console to the drill."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping


def kubeconfig(
    server_url: str,
    token: str,
    namespace: str,
    context: str = "drill",
    ca_pem: str | None = None,
    others: Mapping[str, str] | None = None,
) -> str:
    """A kubeconfig (JSON, which is YAML) whose current context is `context`. server_url: e.g. https://127.0.0.1:6443.

    others: further contexts for the same cluster, as other users: context → token.
    ca_pem: the certificate to trust, from `loopback_tls()`. With an http:// URL kubectl sends no token and is
    refused (401); clients that always send it work.
    """
    cluster: dict[str, str] = {"server": server_url}
    if ca_pem is not None:
        cluster["certificate-authority-data"] = base64.b64encode(ca_pem.encode()).decode()
    tokens = {context: token, **(others or {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}} for name, token in tokens.items()],
        "contexts": [
            {"name": name, "context": {"cluster": context, "user": name, "namespace": namespace}} for name in tokens
        ],
    }
    return json.dumps(document, indent=2)
