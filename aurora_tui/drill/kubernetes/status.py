"""How the API refuses: Status bodies with the codes, reasons and wording of a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aurora_tui.errors import AuroraError

if TYPE_CHECKING:
    from aurora_tui.drill.kubernetes.kinds import Kind

Cause = tuple[str, str, str]
"""reason, message, field of one mistake."""


class Refused(AuroraError):
    """A request the API server refuses. `code` is the HTTP status, `body` the Status object it answers with."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"the embedded Kubernetes API answered {code} {reason}: {message}", "")
        self.code = code
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": meta or {},
            "status": "Failure",
            "message": message,
            "reason": reason,
        }
        if details is not None:
            self.body["details"] = details
        self.body["code"] = code


def success(kind: Kind, name: str, uid: str) -> dict[str, Any]:
    """What a delete answers when the object is gone at once."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**_details(kind, name), "uid": uid},
    }


def _details(kind: Kind, name: str, kind_name: str | None = None) -> dict[str, Any]:
    details = {"name": name}
    if kind.group:
        details["group"] = kind.group
    details["kind"] = kind_name or kind.plural
    return details


def not_found(kind: Kind, name: str) -> Refused:
    """404: no such object."""
    return Refused(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def already_exists(kind: Kind, name: str) -> Refused:
    """409 of a create."""
    return Refused(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str | None = None) -> Refused:
    """409 of a write: a stale resourceVersion, or a precondition that does not hold."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refused(409, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str, causes: list[Cause]) -> Refused:
    """422: well-formed, but not a valid object."""
    said = [f"{field}: {message}" for _, message, field in causes]
    text = said[0] if len(said) == 1 else "[" + ", ".join(said) + "]"
    details = _details(kind, name, kind.name)
    details["causes"] = [{"reason": reason, "message": message, "field": field} for reason, message, field in causes]
    kind_text = f"{kind.name}.{kind.group}" if kind.group else kind.name
    return Refused(422, "Invalid", f'{kind_text} "{name}" is invalid: {text}', details)


def patch_rejected() -> Refused:
    """422 of a JSON patch that does not apply: the real server says no more than this."""
    return Refused(422, "Invalid", "the server rejected our request due to an error in our request", {})


def bad_request(message: str) -> Refused:
    """400."""
    return Refused(400, "BadRequest", message)


def unauthorized() -> Refused:
    """401: no bearer token, or one nobody knows."""
    return Refused(401, "Unauthorized", "Unauthorized")


def terminating(kind: Kind, name: str, namespace: str) -> Refused:
    """403 of a create in a namespace that is being deleted."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details = {**_details(kind, name), "causes": [cause]}
    return Refused(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {why}', details)


def method_not_allowed() -> Refused:
    """405: the resource is here, the verb is not."""
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def too_large(limit: int) -> Refused:
    """413. limit: the most bytes that a body may have."""
    return Refused(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}", {})


def unsupported_media(accepted: list[str] | None = None) -> Refused:
    """415: a body in a format that is not spoken here."""
    message = "415: Unsupported Media Type"
    if accepted:
        message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(
            accepted
        )
    return Refused(415, "UnsupportedMediaType", message, {})


def too_many_requests(why: str, retry: int = 0) -> Refused:
    """429 of an eviction that a disruption budget does not allow. retry: after how many seconds to try again."""
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if retry:
        details["retryAfterSeconds"] = retry
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return Refused(429, "TooManyRequests", message, details)


def expired(message: str, meta: dict[str, Any] | None = None) -> Refused:
    """410: the resourceVersion asked for is no longer kept."""
    return Refused(410, "Expired", message, None, meta)


def version_too_large(asked: int, current: int) -> Refused:
    """504: a resourceVersion from the future."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Refused(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
