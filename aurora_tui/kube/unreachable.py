"""What aiohttp says of an API that gives no answer, in words that help."""

from __future__ import annotations

import os
import ssl

from aurora_tui.kube.access import Access
from aurora_tui.kube.errors import Unreachable
from aurora_tui.kube.transport import CONNECT_SECONDS
from aurora_tui.text import redact_url, safe

# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_NOT_IN_TIME = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 64})


def unreachable(error: BaseException, access: Access, seconds: float) -> Unreachable:
    """A transport failure in words. Our own errors never pass here."""
    import aiohttp

    server = redact_url(access.server)
    if isinstance(error, ssl.SSLCertVerificationError | aiohttp.ClientConnectorCertificateError):
        return _untrusted(server, getattr(error, "certificate_error", error))
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return Unreachable(
            f"the proxy {redact_url(access.proxy or '')} does not let us through to {server}",
            "Check proxy-url, HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(f"{server}: its name is not known", "Check the server's name, VPN and DNS.")
    if isinstance(error, TimeoutError):
        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        limit = CONNECT_SECONDS if connecting else seconds
        return Unreachable(f"{server} gave no answer within {limit:g} s", "Check the network, VPN and firewall.")
    if isinstance(error, aiohttp.ClientConnectorError):
        why = _system_word(error.os_error)
        return Unreachable(f"cannot connect to {server}: {why}", "Check the network, VPN and the server's address.")
    if isinstance(error, aiohttp.ClientPayloadError):
        why = "the answer is cut short"
    elif isinstance(error, OSError):
        why = _system_word(error)
    else:
        why = safe(str(error), 160) or type(error).__name__
    return Unreachable(f"{server} broke off: {why}", "It is asked again.")


def _untrusted(server: str, error: BaseException) -> Unreachable:
    code = getattr(error, "verify_code", None)
    why = safe(getattr(error, "verify_message", None) or str(error), 200).rstrip(".")
    if code in _NOT_IN_TIME:
        remedy = "Renew the server's certificate, or set this machine's clock."
    elif code in _OTHER_NAME:
        remedy = "Check the server's address, or set tls-server-name in the kubeconfig."
    else:
        remedy = "Check certificate-authority-data, or the server's certificate."
    return Unreachable(f"{server} is not trusted: {why}", remedy)


def _system_word(error: OSError) -> str:
    """asyncio's own words are about a "connect call"; a number of OpenSSL's is none of the system's."""
    if error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return safe(error.strerror or str(error), 160) or type(error).__name__
