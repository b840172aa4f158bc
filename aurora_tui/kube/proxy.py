"""Which proxy the environment asks for, as Go's clients (and so kubectl) read it.

Chosen here, so that the HTTP client need not trust the rest of the environment (a default entry in ~/.netrc
would take the place of the cluster's credentials).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def environment_proxy(server: str, environ: Mapping[str, str], *, also: str | None = None) -> str | None:
    """The proxy that HTTPS_PROXY or HTTP_PROXY and NO_PROXY choose for `server`; never one for loopback.

    `also` names one more variable to go by (`all_proxy`, which Go does not know).
    https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
    """
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()
    names = (f"{parts.scheme}_proxy", *((also,) if also else ()))
    proxy = next((found for name in names if (found := environ.get(name) or environ.get(name.upper()))), None)
    if not proxy or _is_loopback(host):
        return None
    skipped = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    port = parts.port or _PORTS.get(parts.scheme)
    if any(_covers(entry.strip().lower(), host, port) for entry in skipped.split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether one entry of NO_PROXY (`*`, a name, .suffix, address, CIDR; with or without port) covers `host`."""
    if entry == "*":
        return True
    if not entry:
        return False
    name, separator, wanted = entry.rpartition(":")
    if not separator or not wanted.isdigit() or (":" in name and not name.endswith("]")):
        name, wanted = entry, ""  # no port, or a bare IPv6 address
    if wanted and wanted != str(port):
        return False
    name = name.removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        pass  # not an address on one of the two sides: compare names
    name = name.removeprefix("*")
    return bool(name) and (host == name or host.endswith(name if name.startswith(".") else f".{name}"))
