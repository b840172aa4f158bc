"""How every source speaks HTTP: who we are (credentials), whom we trust (TLS), through what (proxy).

Secrets are read when a request is made, from the environment or a file, so a rotated token is picked up;
they are in no `repr` and no error. Nothing else of the environment is trusted: no .netrc, and a proxy only
for a host that is not on loopback.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import os
import ssl
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.kube.decoding import read_json
from aurora_tui.kube.proxy import environment_proxy
from aurora_tui.situation.mission import Credentials
from aurora_tui.sources.failure import HttpFailure, describe_body, describe_shape, describe_status
from aurora_tui.sources.unpacking import ACCEPTED, Body
from aurora_tui.sources.wish import retry_after

if TYPE_CHECKING:
    import httpx
    import requests

_LOADING = threading.Lock()
T = TypeVar("T")

NO_CREDENTIALS = Credentials()
CONNECT_SECONDS = 2.0
READ_SECONDS = 8.0
_SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class SecretError(AuroraError):
    """A secret, certificate or CA named in the settings cannot be read."""


class Authorization:
    """The headers that credentials give, made anew for each request.

    It is a requests auth callable; `httpx_client` wraps it for httpx.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __repr__(self) -> str:
        return "Authorization(…)"

    def headers(self) -> dict[str, str]:
        """Header names and values; SecretError when a secret cannot be read."""
        auth = self._credentials
        headers = dict(auth.headers)
        for name, variable in auth.headers_env.items():
            headers[name] = _from_environment(variable)
        if auth.username is not None:
            password = _secret(auth.password_env, auth.password_file) or ""
            pair = base64.b64encode(f"{auth.username}:{password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {pair}"
        token = _secret(auth.bearer_env, auth.bearer_file)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self.headers())
        return request


def httpx_client(
    url: str, credentials: Credentials = NO_CREDENTIALS, *, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS
) -> httpx.AsyncClient:
    """A client for the server at `url`; time limits in real seconds. SecretError when a certificate is unreadable.

    It has no base URL: give it whole ones (`join`). It follows no redirects: a login page is not an answer.
    """
    _load_httpx()
    import httpx

    authorization = Authorization(credentials)

    class EachRequest(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers.update(authorization.headers())
            yield request

    return httpx.AsyncClient(
        auth=EachRequest(),
        verify=tls_context(credentials) if urlsplit(url).scheme == "https" else False,
        timeout=httpx.Timeout(read, connect=connect, pool=connect),
        proxy=proxy_for(url),
        trust_env=False,
        follow_redirects=False,
        headers={"Accept-Encoding": ACCEPTED},
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=2),
    )


async def open_client(url: str, credentials: Credentials = NO_CREDENTIALS) -> httpx.AsyncClient:
    """`httpx_client` for a running event loop: httpx is loaded in a thread: the screen need not wait for it."""
    await asyncio.to_thread(_load_all)
    return httpx_client(url, credentials)


def _load_all() -> None:
    """httpx and what it would load at its first client and its first connection."""
    _load_httpx()
    for name in ("httpcore", "anyio._backends._asyncio"):
        importlib.import_module(name)


def _load_httpx() -> None:
    """Load httpx without its command line, which comes wherever click and rich are installed: 2.4 MB and 24 ms."""
    modules: dict[str, Any] = sys.modules
    with _LOADING:
        left_out = modules.setdefault("httpx._main", None) is None  # None: importing it is an ImportError it expects
        try:
            importlib.import_module("httpx")
        finally:
            if left_out:
                del modules["httpx._main"]


def requests_session(url: str, credentials: Credentials = NO_CREDENTIALS) -> requests.Session:
    """The same for `requests`, one a thread: it is not safe to share."""
    import requests

    session = requests.Session()
    session.trust_env = False
    session.headers["Accept-Encoding"] = ACCEPTED
    session.auth = Authorization(credentials)
    if urlsplit(url).scheme == "https":
        tls_context(credentials)  # says in words what is wrong with a file, which requests does not
        session.verify = ca_bundle(credentials)
        if credentials.client_certificate is not None:
            certificate = _expand(credentials.client_certificate)
            session.cert = (certificate, _expand(credentials.client_key)) if credentials.client_key else certificate
    proxy = proxy_for(url)
    if proxy is not None:
        session.proxies = {"http": proxy, "https": proxy}
    return session


def proxy_for(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY ask for; never one for loopback."""
    return environment_proxy(url, os.environ, also="all_proxy")


def ca_bundle(credentials: Credentials) -> str:
    """The file of authorities trusted: the configured one, SSL_CERT_FILE, the system's, else certifi's."""
    if credentials.ca is not None:
        return _expand(credentials.ca)
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    if named:
        return named
    if os.path.isfile(_SYSTEM_BUNDLE):
        return _SYSTEM_BUNDLE
    import certifi

    return certifi.where()


def tls_context(credentials: Credentials) -> ssl.SSLContext:
    """A verifying TLS context with our client certificate. SecretError naming the file that is wrong."""
    bundle = ca_bundle(credentials)
    try:
        context = ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise SecretError(
            f"the CA file {bundle} cannot be used: {_reason(error)}", "Point `ca` at a PEM file of certificates."
        ) from error
    if credentials.client_certificate is not None:
        certificate = _expand(credentials.client_certificate)
        key = None if credentials.client_key is None else _expand(credentials.client_key)
        try:
            # A key with a pass phrase would ask for it on the terminal: refuse it instead.
            context.load_cert_chain(certificate, key, password=_no_pass_phrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            files = certificate if key is None else f"{certificate} with key {key}"
            raise SecretError(
                f"the client certificate {files} cannot be used: {_reason(error)}",
                "Give a PEM certificate and its matching key without a pass phrase.",
            ) from error
    return context


def join(url: str, path: str) -> str:
    """`path` under `url`, whatever slashes either has: `//api` would be a 404."""
    return f"{url.rstrip('/')}/{path.lstrip('/')}"


async def fetch(client: httpx.AsyncClient, url: str, most: int) -> httpx.Response:
    """The whole answer, of `most` bytes as sent and as unpacked; HttpFailure when it is larger."""
    import httpx

    async with client.stream("GET", url) as response:
        body = Body(response.headers.get("content-encoding"), most, url)
        async for piece in response.aiter_raw():
            body.feed(piece)
        headers = [(name, value) for name, value in response.headers.items() if not name.startswith("content-")]
        return httpx.Response(response.status_code, headers=headers, content=body.whole(), request=response.request)


def answer(response: httpx.Response, shape: type[T]) -> T:
    """The JSON body of a good answer as `shape`; HttpFailure in words when it is anything else."""
    url = str(response.request.url)
    require_success(response)
    try:
        return read_json(msgspec.json.Decoder(shape), response.content)
    except msgspec.ValidationError as error:
        raise HttpFailure(*describe_shape(url, str(error))) from error
    except msgspec.DecodeError as error:
        raise HttpFailure(*describe_body(response.content, url, str(error))) from error


def require_success(response: httpx.Response | requests.Response, url: str | None = None) -> None:
    """HttpFailure in words unless the status is 2xx. url: what to call the server by, instead of the whole address."""
    status = response.status_code
    if 200 <= status < 300:
        return
    where = url or str(response.request.url)
    wish = retry_after(response.headers.get("retry-after"), response.headers.get("date"))
    words = describe_status(status, where, response.content, wish)
    raise HttpFailure(*words, status=status, retry_after=wish)


def _secret(variable: str | None, file: str | None) -> str | None:
    if variable is not None:
        return _from_environment(variable)
    if file is None:
        return None
    path = Path(_expand(file))
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"the secret file {path} cannot be read: {_reason(error)}", "Make it readable.") from error
    return _fit_for_a_header(secret, f"the secret file {path}")


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    return _fit_for_a_header(value, f"the environment variable {variable}")


def _fit_for_a_header(secret: str, where: str) -> str:
    if not secret:
        raise SecretError(f"{where} is empty or not set", "Put the secret there and start again.")
    if not secret.isprintable():
        raise SecretError(f"{where} holds line breaks or control characters", "It must be one line.")
    return secret


def _expand(path: str) -> str:
    return os.path.expanduser(path)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _no_pass_phrase() -> str:
    raise ValueError("the key has a pass phrase")
