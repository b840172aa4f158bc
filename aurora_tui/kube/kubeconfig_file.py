"""One kubeconfig file as it is written: the keys we honour, by their names there.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from aurora_tui.kube.errors import KubeconfigError
from aurora_tui.text import safe


class ClusterEntry(msgspec.Struct, rename="kebab"):
    server: str | None = None
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None


class _Variable(msgspec.Struct):
    name: str
    value: str = ""


class ExecEntry(msgspec.Struct, rename="camel"):
    command: str
    api_version: str = ""
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str | None = None
    provide_cluster_info: bool = False
    interactive_mode: str | None = None


class _AuthProvider(msgspec.Struct):
    name: str = ""


class UserEntry(msgspec.Struct, rename="kebab"):
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    token: str | None = None
    token_file: str | None = msgspec.field(default=None, name="tokenFile")
    username: str | None = None
    password: str | None = None
    impersonate: str | None = msgspec.field(default=None, name="as")
    as_uid: str | None = None
    as_groups: list[str] | None = None
    as_user_extra: dict[str, list[str]] | None = None
    auth_provider: _AuthProvider | None = None
    exec: ExecEntry | None = None


class ContextEntry(msgspec.Struct):
    cluster: str = ""
    user: str = ""
    namespace: str | None = None


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: ClusterEntry | None = None


class _NamedUser(msgspec.Struct):
    name: str
    user: UserEntry | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: ContextEntry | None = None


class KubeconfigFile(msgspec.Struct, rename="kebab"):
    current_context: str | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


def read_file(path: Path) -> KubeconfigFile:
    """The file as it stands; KubeconfigError naming file and place, never quoting it."""
    try:
        return msgspec.yaml.decode(path.read_bytes() or b"{}", type=KubeconfigFile | None) or KubeconfigFile()
    except OSError as error:
        raise KubeconfigError(f"cannot read {path}: {error.strerror}", "Check the file and its permissions.") from error
    except (ValueError, LookupError, AttributeError, RecursionError) as error:
        # Dates that are none, nonsense after a tag (`!!bool x`) and deep nesting fail in the parser's own way.
        # The parser quotes the line it stumbles over, which may hold a key: only the place is told.
        mark = getattr(error.__cause__, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark is not None else ""
        wrong = safe(str(error), 200) if isinstance(error, msgspec.ValidationError) else "it is not YAML"
        raise KubeconfigError(f"{path} is not a kubeconfig{place}: {wrong}", "Correct it.") from None
