"""What went wrong with a request, in words: what, to what, and what to do about it. Never with a secret."""

from __future__ import annotations

import ast
import re
import socket
import ssl
from collections.abc import Iterator

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.kube.decoding import read_json
from aurora_tui.situation.duration import Duration
from aurora_tui.text import redact_url, safe

_CLIENT_LIBRARIES = frozenset({"httpx", "httpcore", "requests", "urllib3", "prometheus_api_client", "anyio"})
# How prometheus-api-client tells a status: with the body as Python writes bytes.
_JSON: msgspec.json.Decoder[object] = msgspec.json.Decoder()
_STATUS_IN_TEXT = re.compile(r"HTTP Status Code (\d{3}) \((b['\"].*)\)\s*$", re.DOTALL)


class HttpFailure(AuroraError):
    """A question that got no good answer. `status` None: a good status with a wrong body, or none at all (`silent`).

    `retry_after`: real seconds for which the server asks to be left alone.
    """

    def __init__(
        self,
        what: str,
        remedy: str,
        status: int | None = None,
        *,
        silent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, remedy)
        self.status = status
        self.silent = silent
        self.retry_after = retry_after


class ServerGone(AuroraError):
    """A server stopped answering in the middle of a round of questions: the others need not be asked."""


def is_failure_of_the_other_side(error: BaseException) -> bool:
    """Whether `error` is an ordinary failure of network, server or settings, rather than a fault of ours."""
    if isinstance(error, (AuroraError, OSError)):
        return True
    return type(error).__module__.partition(".")[0] in _CLIENT_LIBRARIES


def describe_failure(error: BaseException, url: str) -> str:
    """One line for any exception a request to `url` may raise: what failed and what to do."""
    if isinstance(error, AuroraError):
        return str(error)
    return "{}. {}".format(*explain(error, url))


def explain(error: BaseException, url: str) -> tuple[str, str]:
    """What failed, and the remedy, for any exception a request to `url` may raise."""
    if isinstance(error, AuroraError):
        return error.what, error.remedy
    where = redact_url(url) or "the server"
    status = _status_of(error)
    if status is not None:
        number, body = status
        return describe_status(number, url, body)
    for cause in _chain(error):
        described = _describe_cause(cause, where)
        if described is not None:
            return described
    if isinstance(error, ValueError):
        document = getattr(error, "doc", None)  # what a JSON decoder could not read
        if isinstance(document, str):
            return describe_body(document[:1024].encode("utf-8", "replace"), url, str(error))
        return f"{where} answered something unreadable: {safe(str(error), 160)}", "Check that this address is right."
    return f"{where} failed: {_without_addresses(error)}", "Try the same address with curl from this machine."


def describe_status(status: int, url: str, body: bytes = b"", wish: float | None = None) -> tuple[str, str]:
    """What an HTTP status other than 2xx means, and the remedy. wish: seconds that the server asks to wait."""
    where = redact_url(url)
    said = _message_in(body)
    what = f"{where} answered {status}" + (f": {said}" if said else "")
    if 300 <= status < 400:
        return what, "It redirects, as a login page does: give the address behind it, or credentials."
    remedies = {
        400: "The query or its parameters are wrong: see the query in the details.",
        401: "Give credentials, or renew them: `auth` of this source.",
        403: "These credentials may not read this: ask for the right, or give others.",
        404: "Check the address and its path: nothing answers there.",
        405: "Check the address: something else answers there.",
        422: "The server cannot carry out this query: see the query in the details.",
        429: "The server asks for fewer requests: raise `interval`.",
    }
    if wish is not None:
        what += f" (asks to wait {Duration(wish)})"
    if status in remedies:
        return what, remedies[status]
    if status >= 500:
        return what, "The server is in trouble itself: look at its log; we go on trying."
    return what, "See the server's documentation for this status."


def describe_body(body: bytes, url: str, reason: str) -> tuple[str, str]:
    """A good status with a body that is no JSON: most often a login page. reason: the decoder's."""
    where = redact_url(url)
    start = body[:512].lstrip().lower()
    if not start:
        return f"{where} answered an empty page", "Something on the way drops answers: ask the same address with curl."
    if start.startswith((b"<!doctype", b"<html")):
        return (
            f"{where} answered a web page, not JSON",
            "A login page or proxy stands before it: check address and auth.",
        )
    if start.startswith((b"{", b"[")):
        return (
            f"{where} answered broken JSON: {safe(reason, 120)}",
            "Something on the way cuts or changes answers: ask the same address with curl.",
        )
    return f"{where} answered something unreadable: {safe(reason, 160)}", "Check that this address is the right server."


def describe_shape(url: str, reason: str) -> tuple[str, str]:
    """JSON that is well formed, but no answer to what was asked."""
    what = f"{redact_url(url)} answered JSON of another kind: {safe(reason, 160)}"
    return what, "Check that this address is the right server."


def describe_silence(url: str) -> tuple[str, str]:
    """No answer, or no end of one, within the time that it is given."""
    return f"{redact_url(url)} gives no answer in time", "Check the network on the way, and the server's load."


def _describe_cause(cause: BaseException, where: str) -> tuple[str, str] | None:
    text = str(cause)
    name = type(cause).__name__
    if isinstance(cause, (ssl.SSLWantReadError, ssl.SSLWantWriteError)):
        return None  # a connection that waits, met while something else went wrong
    if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
        detail = getattr(cause, "verify_message", "") or "certificate verify failed"
        words = safe(detail.rstrip("."), 120)
        return f"the certificate of {where} is not trusted: {words}", _certificate_remedy(detail)
    if isinstance(cause, ssl.SSLError) or "SSLError" in name:
        return f"TLS with {where} failed: {safe(text, 160)}", "Check http or https, and the client certificate."
    if isinstance(cause, socket.gaierror) or "NameResolution" in name:
        return f"the name of {where} cannot be resolved", "Check the host name, DNS and VPN."
    if isinstance(cause, ConnectionRefusedError):
        return (
            f"{where} refuses the connection",
            "Is it running, and is this its port? Start it or correct the address.",
        )
    if isinstance(cause, TimeoutError) or "Timeout" in name:
        return describe_silence(where)
    if isinstance(cause, (ConnectionResetError, BrokenPipeError)) or name in {"RemoteProtocolError", "ProtocolError"}:
        return (
            f"{where} broke off the connection",
            "The server or a proxy restarts, or this is not HTTP; we go on trying.",
        )
    if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
        return f"{where} cannot be reached: {cause.strerror.lower()}", "Check the network, VPN and firewall."
    if name in {"InvalidURL", "InvalidSchema", "MissingSchema", "UnsupportedProtocol"}:
        return f"{where} is not an address that can be asked", "Write http:// or https://, host and port."
    return None


def _certificate_remedy(detail: str) -> str:
    """detail: OpenSSL's own words, or Python's for a name that does not match."""
    if "expired" in detail or "not yet valid" in detail:
        return "Have it renewed; then check the clocks of both machines."
    if "mismatch" in detail:
        return "Use the name that the certificate is made out for."
    return "Set `auth.ca` to its authority's file."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Innermost first: the operating system's word says more than the library's."""
    seen: list[BaseException] = []
    pending: list[BaseException] = [error]
    while pending:
        current = pending.pop()
        if any(current is other for other in seen):
            continue
        seen.append(current)
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        pending += [other for other in inner if isinstance(other, BaseException)]
    return reversed(seen)


def _status_of(error: BaseException) -> tuple[int, bytes] | None:
    response = getattr(error, "response", None)
    if response is not None and isinstance(getattr(response, "status_code", None), int):
        return response.status_code, response.content
    found = _STATUS_IN_TEXT.search(str(error))
    if found is None:
        return None
    try:
        body = ast.literal_eval(found[2])
    except (ValueError, SyntaxError):
        body = b""
    return int(found[1]), body if isinstance(body, bytes) else b""


def http_status(error: BaseException) -> int | None:
    """The HTTP status that `error` carries, if a server gave one."""
    if isinstance(error, HttpFailure):
        return error.status
    found = _status_of(error)
    return None if found is None else found[0]


def _message_in(body: bytes) -> str:
    """The server's own word for the error: JSON as Prometheus, Alertmanager and Kubernetes write it, or plain text."""
    try:
        said = read_json(_JSON, body)
    except msgspec.DecodeError:
        text = body[:4096].decode("utf-8", "replace")
        return "" if "<" in text else safe(text.strip(), 120)
    if isinstance(said, dict):
        said = said.get("error") or said.get("message")
    return safe(said, 200) if isinstance(said, str) else ""


def _without_addresses(error: BaseException) -> str:
    """The error's text; URLs in it lose user, password and query, where a secret may be."""
    text = re.sub(r"\w+://\S+", lambda found: redact_url(found[0]), str(error))
    return safe(f"{type(error).__name__}: {text}" if text else type(error).__name__, 200)
