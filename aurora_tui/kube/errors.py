"""What can go wrong with a Kubernetes API, in words: each error names the request, the reason and the way out.

Status bodies: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import msgspec

from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.kube.decoding import read_json
from aurora_tui.text import redact_url, safe


class KubeconfigError(UsageError):
    """The kubeconfig cannot be used: unreadable, incomplete, or naming something that is not there."""


class CredentialError(AuroraError):
    """Who we are cannot be said: a token file is gone, an exec plugin failed. Never a reason to go anonymous."""


class Unreachable(AuroraError):
    """No answer from the API: refused, timed out, not trusted, cut off."""


class Silent(Unreachable):
    """A watch said nothing for longer than its bound: it may be dead, or there was nothing to say."""


class Unreadable(AuroraError):
    """An answer that is not what the API promises: HTML from a proxy, cut JSON, larger than the bound."""


class ApiError(AuroraError):
    """The API answered with a failure. `status` is the HTTP code, `reason` the Status reason.

    `retry_after` is seconds, when the server named them.
    """

    def __init__(
        self, what: str, remedy: str, *, status: int, reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(what, remedy)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    @property
    def expired(self) -> bool:
        """The resourceVersion or continue token is too old: list again from the start."""
        return self.status == 410 or self.reason in ("Expired", "Gone")

    @property
    def from_the_future(self) -> bool:
        """Our resourceVersion is larger than the server's: a restored or swapped cluster."""
        return self.reason == "ResourceVersionTooLarge" or (self.status == 504 and "Too large resource" in self.what)


class _Cause(msgspec.Struct):
    reason: str | None = None
    message: str | None = None


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: float | None = None
    causes: list[_Cause] | None = None


class Status(msgspec.Struct, rename="camel"):
    """A Status object: the body of every failure, and the object of an ERROR event."""

    kind: str | None = None
    status: str | None = None
    message: str | None = None
    reason: str | None = None
    code: int | None = None
    details: _Details | None = None


_LONGEST = 400  # characters of what the API says
_STATUS = msgspec.json.Decoder(Status)
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PATH = re.compile(
    r"^/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>.+))?$"
)


def describe_request(method: str, path: str) -> str:
    """A request in the API's own words: `list pods in aurora-production`, `get /readyz`."""
    parts = urlsplit(path)
    found = _PATH.match(parts.path)
    if not found:
        return f"{_VERBS.get(method, method.lower())} {safe(parts.path, 120)}"
    verb = _VERBS.get(method, method.lower())
    if verb == "get" and not found["name"]:
        verb = "watch" if "watch" in parse_qs(parts.query) else "list"
    resource = found["resource"] + (f"/{found['sub']}" if found["sub"] else "")
    resource += f".{found['group']}" if found["group"] else ""
    name = f" {found['name']}" if found["name"] else ""
    where = f" in {found['namespace']}" if found["namespace"] else ""
    return safe(f"{verb} {resource}{name}{where}", 200)


def failure_of(status: int, body: bytes, request: str, retry_after: str | None = None) -> ApiError:
    """The error for an answer of `status`; `request` is from `describe_request`."""
    try:
        told = read_json(_STATUS, body)
    except msgspec.DecodeError:
        told = Status()
    return status_error(told, request, status=status, body=body, retry_after=retry_after)


def redirected(status: int, request: str, location: str | None) -> ApiError:
    """The error for a redirect, which is never followed: a login page or a moved server, and our headers with it."""
    where = f" ({redact_url(location)})" if location else ""
    return ApiError(
        f"cannot {request}: {status}, asked to go elsewhere{safe(where, 200)}",
        "A proxy or login page stands before the API, or the server's address is not the API's own.",
        status=status,
    )


def status_error(
    told: Status, request: str, *, status: int = 0, body: bytes = b"", retry_after: str | None = None
) -> ApiError:
    """The error for a Status object, from a body or from an ERROR event."""
    code = status if status and status != 200 else (told.code or status)
    reason = told.reason or ""
    causes = (told.details.causes or []) if told.details else []
    if any(cause.reason == "ResourceVersionTooLarge" for cause in causes):
        reason = "ResourceVersionTooLarge"
    words = _both_ends(told.message or said_in_words(body), _LONGEST) or f"HTTP {code}"
    return ApiError(
        f"cannot {request}: {words}" + ("" if str(code) in words else f" ({code})"),
        _remedy(code, request),
        status=code,
        reason=reason,
        retry_after=_seconds(retry_after, told),
    )


def _both_ends(text: str, limit: int) -> str:
    """`text` made safe, without its middle when it is too long: some refusals quote an object before they say why."""
    if len(text) <= limit:
        return safe(text, limit)
    half = limit // 2
    return f"{safe(text[:half], half)} … {safe(text[-half:], half)}"


def said_in_words(body: bytes) -> str:
    """What a body that is no Status says, in a line: a page's title, or its first line."""
    text = body[:4096].decode("utf-8", "replace").strip()
    if text[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return "a web page instead of the API's answer" + (safe(f": {title[1].strip()}", 200) if title else "")
    return safe(text.splitlines()[0], 200) if text else ""


def _remedy(code: int, request: str) -> str:
    if code == 401:
        return "The credentials are not accepted or have expired: sign in again, or check the context's user."
    if code == 403:
        return f"Ask the cluster's owner for a role that may {request}."
    if code == 404:
        return "Check the context, the namespace and the name."
    if code == 410:
        return "The console lists again by itself."
    if code == 429:
        return "The API asks to slow down; the console waits and tries again."
    if code >= 500:
        return "The API server or a proxy before it is in trouble; the console tries again."
    return "Check the context and the API server's version."


def _seconds(header: str | None, told: Status) -> float | None:
    if header is not None and header.strip().isdigit():
        return float(header)
    return told.details.retry_after_seconds if told.details else None
