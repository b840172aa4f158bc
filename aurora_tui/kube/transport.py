"""The official package's aio transport, loaded off the event loop and made fit for a console.

Only `kubernetes.aio.client.rest` and `.configuration` are wanted. The packages they stand in import every part of
the client in their `__init__` (pydantic, oauth, the informers): 0.12 to 0.18 s and 14 MB against 6 ms and 0.6 MB
(37.0.2, 2 cores, aiohttp loaded before). So those `__init__` are passed by while the two modules are loaded.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import socket
import ssl
import sys
import tempfile
import threading
import types
from pathlib import Path
from typing import Any

from aurora_tui.kube.access import Access
from aurora_tui.kube.credentials import ClientCertificate
from aurora_tui.kube.errors import KubeconfigError

CONNECT_SECONDS = 5.0
_PASSED_BY = ("kubernetes", "kubernetes.aio", "kubernetes.aio.utils")
_LOADING = threading.Lock()
# A peer that vanished without a word (NAT, a killed VM) is noticed by TCP itself in about 25 s, long before a
# quiet watch would: 10 s idle, then three probes 5 s apart; unacknowledged data is given 20 s.
_SOCKET_OPTIONS = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 20_000))


async def open_transport(access: Access, certificate: ClientCertificate | None) -> Any:
    """A `RESTClientObject` for `access`. Importing and reading CAs happen in a thread: the screen lives on."""
    return await asyncio.to_thread(_make, access, certificate)


def _make(access: Access, certificate: ClientCertificate | None) -> Any:
    configuration = _client_module("configuration").Configuration(host=access.server)
    configuration.verify_ssl = access.verify
    # Go does not check what VERIFY_X509_STRICT does, and many clusters' own CAs would fail it.
    configuration.disable_strict_ssl_verification = True
    configuration.tls_server_name = access.tls_server_name
    configuration.proxy = access.proxy
    configuration.retries = None
    configuration.client_session_kwargs = {"trust_env": False}
    with tempfile.TemporaryDirectory(prefix="aurora-tui-") as folder:
        # The transport reads files; keys that came as data stand in a private one for this moment only.
        if certificate is not None:
            configuration.cert_file = _file(certificate.certificate_file, certificate.certificate_data, folder, "crt")
            configuration.key_file = _file(certificate.key_file, certificate.key_data, folder, "key")
        configuration.ssl_ca_cert = str(access.ca_file) if access.ca_file else None
        configuration.ca_cert_data = access.ca_data
        try:
            return _transport_class()(configuration)
        except (OSError, ssl.SSLError) as error:
            raise KubeconfigError(
                f"the CA or client certificate of context {access.context!r} cannot be used: {error.strerror or error}",
                "Check the files that the kubeconfig names, or sign in again.",
            ) from error


def _file(path: Path | None, data: bytes | None, folder: str, ending: str) -> str | None:
    if data is None:
        return str(path) if path else None
    written = Path(folder) / f"client.{ending}"
    written.touch(mode=0o600)
    written.write_bytes(data)
    return str(written)


def _transport_class() -> Any:
    rest = _client_module("rest")
    aiohttp = importlib.import_module("aiohttp")

    class Transport(rest.RESTClientObject):  # type: ignore[misc, name-defined]
        """As the package's own, with sockets that notice a vanished peer."""

        def _create_connector(self) -> Any:
            return aiohttp.TCPConnector(limit=self.maxsize, ssl=self.ssl_context, socket_factory=_keepalive_socket)

    return Transport


@functools.cache
def _client_module(name: str) -> Any:
    """`kubernetes.aio.client.NAME`, without running the `__init__` of the packages around it.

    Empty packages stand in for them meanwhile. Afterwards nothing of it is left among the loaded modules, so that
    a later `import kubernetes` is the real one.
    """
    with _LOADING:
        if "kubernetes" in sys.modules:
            return importlib.import_module(f"kubernetes.aio.client.{name}")
        found = importlib.util.find_spec("kubernetes")
        if found is None or found.submodule_search_locations is None:
            raise ModuleNotFoundError("the kubernetes package is not installed")
        try:
            for package in _PASSED_BY:
                stand_in = sys.modules[package] = types.ModuleType(package)
                inside = package.split(".")[1:]
                stand_in.__path__ = [str(Path(place, *inside)) for place in found.submodule_search_locations]
            return importlib.import_module(f"kubernetes.aio.client.{name}")
        finally:
            for loaded in [each for each in sys.modules if each.partition(".")[0] == "kubernetes"]:
                del sys.modules[loaded]


def _keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SOCKET_OPTIONS:
        if hasattr(socket, name):  # not every system has each of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made
