"""The official package's aio transport, loaded off the event loop and made fit for a console."""

from __future__ import annotations

import asyncio
import importlib
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from aurora_tui.kube.access import Access
from aurora_tui.kube.credentials import ClientCertificate
from aurora_tui.kube.errors import KubeconfigError
from aurora_tui.kube.official import client_module
from aurora_tui.text import safe

CONNECT_SECONDS = 5.0
DNS_SECONDS = 2  # so long a name's address is remembered: a server that moves is found soon
# A peer that vanished without a word (NAT, a killed VM) is noticed by TCP itself in about 25 s, long before a
# quiet watch would: 10 s idle, then three probes 5 s apart; unacknowledged data is given 20 s.
_SOCKET_OPTIONS = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 20_000))


async def open_transport(access: Access, certificate: ClientCertificate | None) -> Any:
    """A `RESTClientObject` for `access`. Importing and reading CAs happen in a thread: the screen lives on."""
    return await asyncio.to_thread(_make, access, certificate)


def _make(access: Access, certificate: ClientCertificate | None) -> Any:
    configuration = client_module("configuration").Configuration(host=access.server)
    configuration.verify_ssl = access.verify
    # Go does not check what VERIFY_X509_STRICT does, and many clusters' own CAs would fail it.
    configuration.disable_strict_ssl_verification = True
    configuration.tls_server_name = access.tls_server_name
    configuration.proxy = access.proxy
    configuration.retries = None
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.ssl_ca_cert = str(access.ca_file) if access.ca_file else None
    configuration.ca_cert_data = access.ca_data
    try:
        transport = _transport_class()(configuration)
        if certificate is not None:
            _load_certificate(transport.ssl_context, certificate)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise KubeconfigError(
            f"the CA or client certificate of context {access.context!r} cannot be used: "
            f"{safe(getattr(error, 'strerror', None) or str(error), 200)}",
            "Check the files that the kubeconfig names, or sign in again.",
        ) from error
    return transport


def _load_certificate(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    """Not left to the transport: it would ask for a key's pass phrase on the terminal, which is the screen's."""
    with tempfile.TemporaryDirectory(prefix="aurora-tui-") as folder:
        # OpenSSL reads files; keys that came as data stand in a private one for this moment only.
        written = _file(certificate.certificate_file, certificate.certificate_data, folder, "crt")
        key = _file(certificate.key_file, certificate.key_data, folder, "key")
        if written is not None:
            context.load_cert_chain(written, key, password=_no_pass_phrase)


def _no_pass_phrase() -> str:
    raise ValueError("the key has a pass phrase, which cannot be asked for here")


def _file(path: Path | None, data: bytes | None, folder: str, ending: str) -> str | None:
    if data is None:
        return str(path) if path else None
    written = Path(folder) / f"client.{ending}"
    written.touch(mode=0o600)
    written.write_bytes(data)
    return str(written)


def _transport_class() -> Any:
    rest = client_module("rest")
    aiohttp = importlib.import_module("aiohttp")

    class Transport(rest.RESTClientObject):  # type: ignore[misc, name-defined]
        """As the package's own, with sockets that notice a vanished peer, and following no redirects."""

        def _create_connector(self) -> Any:
            return aiohttp.TCPConnector(
                # A watch holds a connection for minutes: a bound of the package's (100) would make the others wait.
                limit=0,
                ssl=self.ssl_context,
                socket_factory=_keepalive_socket,
                ttl_dns_cache=DNS_SECONDS,
            )

        def _create_pool_manager(self) -> Any:
            session = super()._create_pool_manager()
            # What breaks off is told and waited out here; aiohttp would ask a second time at once, unseen.
            session._retry_connection = False
            return _Unredirected(session)

        @property
        def closed(self) -> bool:
            """Whether `close` has ended a session: it opens no other."""
            return self.pool_manager is not None and self.pool_manager.closed

    return Transport


class _Unredirected:
    """A session as the transport uses it. An API redirects nobody: who does would be told who we are (Impersonate-*
    headers go along even to another host).
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._session.closed)

    async def request(self, **arguments: Any) -> Any:
        """The answer, even when it points elsewhere."""
        return await self._session.request(**arguments, allow_redirects=False)

    async def close(self) -> None:
        """Cut its connections."""
        await self._session.close()


def _keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SOCKET_OPTIONS:
        if hasattr(socket, name):  # not every system has each of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
