"""Which cluster and as whom: kubeconfig files read by kubectl's rules.

Rules: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
The first file wins, for current-context and for every name; relative paths belong to the file they stand in.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from aurora_tui.kube.access import Access, ExecPlugin, Impersonation, User, base64_data
from aurora_tui.kube.errors import KubeconfigError
from aurora_tui.kube.kubeconfig_file import ClusterEntry, ContextEntry, ExecEntry, UserEntry, read_file
from aurora_tui.kube.proxy import environment_proxy
from aurora_tui.text import redact_url, safe

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CHOOSE = "Choose one with --context, or set current-context."


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _From:
    """An entry and the file it stands in, to which its relative paths belong."""

    file: Path

    def path(self, text: str | None) -> Path | None:
        return (self.file.parent / Path(text).expanduser()) if text else None


def load_access(
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
    in_cluster: bool = False,
    environ: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Access:
    """How to reach the cluster that kubectl would reach with the same flags and environment.

    Reads files, runs nothing. Raises KubeconfigError with what is missing and where.
    """
    if in_cluster:
        return in_cluster_access(environ, service_account)
    files = _files(kubeconfig, environ)
    read = [(path, read_file(path)) for path in files]
    if not read and "KUBERNETES_SERVICE_HOST" in environ and (service_account / "token").exists():
        return in_cluster_access(environ, service_account)
    if not read:
        tried = kubeconfig or environ.get("KUBECONFIG") or "~/.kube/config"
        raise KubeconfigError(
            f"no kubeconfig: {safe(tried, 200)} does not exist", "Set KUBECONFIG, or name a file with --kubeconfig."
        )
    name = context or next((file.current_context for _, file in read if file.current_context), None)
    contexts = _first_wins((path, entry.name, entry.context) for path, file in read for entry in file.contexts or ())
    if not name:
        raise KubeconfigError(f"no current context in {_listed(files)}", f"{_CHOOSE} There are: {_names(contexts)}.")
    if name not in contexts:
        raise KubeconfigError(
            f"no context {name!r} in {_listed(files)}", f"Use one of: {_names(contexts) or '(there is none)'}."
        )
    chosen = contexts[name][1]
    clusters = _first_wins((path, entry.name, entry.cluster) for path, file in read for entry in file.clusters or ())
    users = _first_wins((path, entry.name, entry.user) for path, file in read for entry in file.users or ())
    if chosen.cluster not in clusters:
        raise KubeconfigError(
            f"context {name!r} names the cluster {chosen.cluster!r}, which is in none of {_listed(files)}",
            f"Clusters there: {_names(clusters) or 'none'}.",
        )
    if chosen.user and chosen.user not in users:
        raise KubeconfigError(
            f"context {name!r} names the user {chosen.user!r}, which is in none of {_listed(files)}",
            f"Users there: {_names(users) or 'none'}.",
        )
    here, user = users.get(chosen.user, (_From(files[0]), UserEntry()))
    return _access(name, chosen, *clusters[chosen.cluster], _checked_user(chosen.user, here, user), environ)


def in_cluster_access(environ: Mapping[str, str], service_account: Path = SERVICE_ACCOUNT) -> Access:
    """The pod's own service account; its token file is read again as the kubelet renews it."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = service_account / "token"
    if not host or not token.exists():
        raise KubeconfigError(
            "not inside a cluster: KUBERNETES_SERVICE_HOST is not set or the service account's token is not mounted",
            "Use a kubeconfig, or let the pod mount its service account token.",
        )
    return Access(
        context="in-cluster",
        cluster="in-cluster",
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=_namespace(service_account / "namespace"),
        user=User(name="service account", token_file=token),
        ca_file=service_account / "ca.crt",
    )


def _namespace(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() or "default"
    except FileNotFoundError:
        return "default"
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"cannot read {file}: {error}", "Let the pod mount its service account.") from error


def _files(kubeconfig: str | None, environ: Mapping[str, str]) -> list[Path]:
    if kubeconfig:
        path = Path(kubeconfig).expanduser()
        if not path.exists():
            raise KubeconfigError(f"the kubeconfig {path} does not exist", "Correct --kubeconfig or the profile.")
        return [path]
    listed = [text for text in environ.get("KUBECONFIG", "").split(os.pathsep) if text]
    paths = [Path(text) for text in listed] or [Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _first_wins(entries: Iterable[tuple[Path, str, T | None]]) -> dict[str, tuple[_From, T]]:
    first: dict[str, tuple[_From, T]] = {}
    for path, name, entry in entries:
        if entry is not None:
            first.setdefault(name, (_From(path), entry))
    return first


def _access(
    name: str, context: ContextEntry, here: _From, cluster: ClusterEntry, user: User, environ: Mapping[str, str]
) -> Access:
    where = f"cluster {context.cluster!r} in {here.file}"
    if not cluster.server:
        raise KubeconfigError(f"{where} has no server", "Set clusters[].cluster.server.")
    ca = cluster.certificate_authority_data
    if cluster.insecure_skip_tls_verify and (ca or cluster.certificate_authority):
        raise KubeconfigError(
            f"{where} has both insecure-skip-tls-verify and a certificate authority", "Remove one of them."
        )
    server = cluster.server.rstrip("/")
    if "://" not in server:
        secure = ca or cluster.certificate_authority or cluster.insecure_skip_tls_verify
        server = f"{'https' if secure else 'http'}://{server}"
    if "@" in _location(server, where):
        raise KubeconfigError(f"{where}: its server's URL holds a user name", "Put credentials into the user entry.")
    proxy = cluster.proxy_url or environment_proxy(server, environ)
    if proxy and not proxy.lower().startswith(("http://", "https://")):
        raise KubeconfigError(
            f"{where}: the proxy {redact_url(proxy)} is not an HTTP proxy",
            "SOCKS proxies are not supported: use an http:// proxy, or forward a port with ssh -L.",
        )
    return Access(
        context=name,
        cluster=context.cluster,
        server=server,
        namespace=context.namespace or "default",
        user=user,
        ca_file=None if ca else here.path(cluster.certificate_authority),
        ca_data=_ascii(base64_data(ca, f"{where}: certificate-authority-data")) if ca else None,
        verify=not cluster.insecure_skip_tls_verify,
        tls_server_name=cluster.tls_server_name or None,
        proxy=proxy or None,
    )


def _ascii(pem: bytes) -> str:
    """What TLS takes. A comment between the certificates may hold any name; the certificates themselves are ASCII."""
    return pem.decode("ascii", "replace").replace("\ufffd", "?")


def _location(server: str, where: str) -> str:
    """User, host and port of a server's URL; KubeconfigError when it is none."""
    try:
        parts = urlsplit(server)
        if not parts.hostname or parts.port == 0:
            raise ValueError("no host or port")
    except ValueError as error:
        raise KubeconfigError(f"{where}: its server is not a URL ({safe(str(error), 80)})", "Correct it.") from None
    return parts.netloc


def _checked_user(name: str, here: _From, user: UserEntry) -> User:
    where = f"user {name!r} in {here.file}"
    if user.auth_provider is not None:
        raise KubeconfigError(
            f"{where} uses the auth-provider {safe(user.auth_provider.name, 40)!r}, which Kubernetes has removed",
            "Sign in with an exec plugin (kubelogin, gke-gcloud-auth-plugin) or a token.",
        )
    if not user.impersonate and (user.as_uid or user.as_groups or user.as_user_extra):
        raise KubeconfigError(f"{where} impersonates a group, uid or extra but no user", "Set `as` too.")
    if user.username and (user.token or user.token_file):
        raise KubeconfigError(f"{where} has both a token and a user name", "Remove one of them.")
    certificate, key = here.path(user.client_certificate), here.path(user.client_key)
    if bool(certificate or user.client_certificate_data) != bool(key or user.client_key_data):
        raise KubeconfigError(f"{where} has a client certificate without a key, or a key without one", "Add it.")

    def data(text: str | None, key: str) -> bytes | None:
        return base64_data(text, f"{where}: {key}") if text else None

    return User(
        name=name,
        token=user.token or None,
        token_file=here.path(user.token_file),
        username=user.username or None,
        password=user.password or None,
        certificate_file=certificate,
        key_file=key,
        certificate_data=data(user.client_certificate_data, "client-certificate-data"),
        key_data=data(user.client_key_data, "client-key-data"),
        impersonate=Impersonation(
            user=user.impersonate,
            uid=user.as_uid,
            groups=tuple(user.as_groups or ()),
            extra={key: tuple(values) for key, values in (user.as_user_extra or {}).items()},
        )
        if user.impersonate
        else None,
        plugin=_plugin(where, here, user.exec) if user.exec is not None else None,
    )


def _plugin(where: str, here: _From, plugin: ExecEntry) -> ExecPlugin:
    versions = {f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1")}
    if plugin.api_version not in versions:
        raise KubeconfigError(
            f"{where}: exec.apiVersion is {safe(plugin.api_version, 60)!r}",
            f"It must be one of {', '.join(sorted(versions))}; update the plugin and write the entry again.",
        )
    if plugin.interactive_mode == "Always":
        raise KubeconfigError(
            f"{where}: the exec plugin {safe(plugin.command, 80)!r} always wants to talk to a person",
            "The console owns the terminal: sign in before (so that interactiveMode can be IfAvailable or Never).",
        )
    # As kubectl: a command with a slash is a path (relative to the file), a bare name is looked up in PATH.
    command = str(here.path(plugin.command)) if "/" in plugin.command else plugin.command
    return ExecPlugin(
        command=command,
        args=tuple(plugin.args or ()),
        env=tuple((variable.name, variable.value) for variable in plugin.env or ()),
        api_version=plugin.api_version,
        provide_cluster_info=plugin.provide_cluster_info,
        install_hint=plugin.install_hint,
    )


def _names(entries: Mapping[str, object]) -> str:
    return safe(", ".join(sorted(entries)), 400)


def _listed(files: list[Path]) -> str:
    return ", ".join(str(path) for path in files)
