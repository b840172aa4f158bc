"""Small questions to the API: are you well, which version are you, who am I, may I."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from aurora_tui.kube.connection import PROBE_SECONDS, ApiAnswer, Connection, decode
from aurora_tui.kube.errors import ApiError, Unreadable, said_in_words


class _Version(msgspec.Struct, rename="camel"):
    git_version: str = ""


class _UserInfo(msgspec.Struct):
    username: str = ""


class _ReviewStatus(msgspec.Struct, rename="camel"):
    user_info: _UserInfo | None = None
    allowed: bool = False
    reason: str | None = None


class _Review(msgspec.Struct):
    status: _ReviewStatus | None = None


class _NamespaceMetadata(msgspec.Struct):
    uid: str = ""


class _NamespaceStatus(msgspec.Struct):
    phase: str = ""


class _Namespace(msgspec.Struct):
    metadata: _NamespaceMetadata
    status: _NamespaceStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace that is there. `phase` is Active or Terminating; `uid` no other namespace of any cluster has."""

    phase: str
    uid: str


_VERSION = msgspec.json.Decoder(_Version)
_REVIEW = msgspec.json.Decoder(_Review)
_NAMESPACE = msgspec.json.Decoder(_Namespace)


_LARGEST_WORD = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """The answer to "may I": `reason` is the authorizer's, often empty."""

    allowed: bool
    reason: str = ""


async def ready(connection: Connection) -> ApiAnswer:
    """`/readyz`. ApiError when it is not ready, Unreadable when something else answers.

    https://kubernetes.io/docs/reference/using-api/health-checks/
    """
    answer = await connection.request("GET", "/readyz", whole_seconds=PROBE_SECONDS, largest=_LARGEST_WORD)
    if not answer.body.lstrip().startswith((b"ok", b"[+]")):
        said = said_in_words(answer.body) or "nothing at all"
        raise Unreadable(f"get /readyz: {said}", "A proxy or a login page stands before the API.")
    return answer


async def smallest_list(connection: Connection, namespace: str) -> ApiAnswer:
    """A sign of life where `/readyz` is kept from us. ApiError when even this is."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    return await connection.request("GET", path, {"limit": 1, "resourceVersion": 0}, whole_seconds=PROBE_SECONDS)


async def server_version(connection: Connection) -> str:
    """As in `v1.35.0`."""
    return (await connection.get_object("/version", _VERSION, whole_seconds=PROBE_SECONDS)).git_version


async def whoami(connection: Connection) -> str | None:
    """The user name the API knows us by; None where it does not tell (before Kubernetes 1.28)."""
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = await connection.request("POST", path, body=body, whole_seconds=PROBE_SECONDS)
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise
    status = decode(_REVIEW, answer.body, "create selfsubjectreviews").status
    return status.user_info.username if status and status.user_info else None


async def may(
    connection: Connection,
    verb: str,
    resource: str,
    *,
    namespace: str,
    group: str = "",
    subresource: str = "",
    name: str = "",
) -> Permission:
    """Whether we may. `name` matters: roles may be limited to names (`resourceNames`)."""
    asked = {
        "verb": verb,
        "resource": resource,
        "namespace": namespace,
        "group": group,
        "subresource": subresource,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    answer = await connection.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body)
    status = decode(_REVIEW, answer.body, "create selfsubjectaccessreviews").status
    return Permission(allowed=bool(status and status.allowed), reason=(status.reason if status else None) or "")


async def namespace(connection: Connection, name: str) -> Namespace | None:
    """The namespace; None when there is no such one. ApiError 403 when we may not look."""
    try:
        path = f"/api/v1/namespaces/{name}"
        found = await connection.get_object(path, _NAMESPACE, whole_seconds=PROBE_SECONDS)
    except ApiError as error:
        if error.status == 404 and error.reason == "NotFound":  # a proxy's own 404 is no word on namespaces
            return None
        raise
    return Namespace(phase=found.status.phase if found.status else "", uid=found.metadata.uid)
