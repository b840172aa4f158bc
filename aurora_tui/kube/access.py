"""How to reach a cluster and as whom: what a kubeconfig comes down to. Secrets are in no `repr`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aurora_tui.kube.errors import KubeconfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    """Act as someone else: sent as Impersonate-* headers, as kubectl's `--as` does."""

    user: str
    uid: str | None = None
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecPlugin:
    """A program that prints an ExecCredential (client.authentication.k8s.io v1 or v1beta1)."""

    command: str
    api_version: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    provide_cluster_info: bool = False
    install_hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who we are. A file wins over the value beside it for tokens, data over file for certificates (as kubectl)."""

    name: str
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate_file: Path | None = None
    certificate_data: bytes | None = field(default=None, repr=False)
    key_file: Path | None = None
    key_data: bytes | None = field(default=None, repr=False)
    impersonate: Impersonation | None = None
    plugin: ExecPlugin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One context, resolved. `server` has a scheme and no trailing slash; `proxy` is an HTTP proxy's URL."""

    context: str
    cluster: str
    server: str
    namespace: str
    user: User
    ca_file: Path | None = None
    ca_data: str | None = None
    verify: bool = True
    tls_server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)


def base64_data(text: str, where: str) -> bytes:
    """The bytes of a `*-data` value; KubeconfigError naming it when it is not base64."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise KubeconfigError(f"{where} is not base64", "Write the kubeconfig again with kubectl config.") from None
