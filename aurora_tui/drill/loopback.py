"""Servers on 127.0.0.1 and nowhere else, which can stop and listen again on the same port; and a guard for clients."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web

from aurora_tui.errors import AuroraError, UsageError

HOST = "127.0.0.1"


class LeavesThisMachine(AuroraError):
    """A drill was about to speak with another machine."""


def check_loopback(url: str) -> str:
    """`url`, when it leads to this machine; LeavesThisMachine otherwise."""
    host = urlsplit(url).hostname or ""
    if host not in {HOST, "localhost", "::1"}:
        raise LeavesThisMachine(f"A drill does not speak with {host or url}", "It stays on 127.0.0.1.")
    return url


def free_port() -> int:
    """A port that is free now, for a program that binds it itself."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, what: str) -> None:
    """UsageError when something listens on `port` already."""
    _bind(port, what).close()


class Server:
    """One application on loopback."""

    def __init__(self, name: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Bind at once, so that the address is known; port 0 is any free one. UsageError when it is taken."""
        self.name = name
        self._tls = tls
        self._socket: socket.socket | None = _bind(port, name)
        self.port = int(self._socket.getsockname()[1])
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        """host:port"""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.address}"

    @property
    def listening(self) -> bool:
        return self._runner is not None

    async def start(self, make_app: Callable[[], web.Application]) -> None:
        """Listen; nothing happens when it does already. make_app: called each time, since an application lives once."""
        if self._runner is not None:
            return
        bound, self._socket = self._socket or _bind(self.port, self.name), None
        # Watches stay open for ever: closing must not wait for them.
        runner = web.AppRunner(make_app(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.SockSite(runner, bound, ssl_context=self._tls, backlog=128).start()
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and close every connection; the port is kept in mind."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def _bind(port: int, what: str) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        if port:
            bound.listen()  # binding alone succeeds beside another bound socket with SO_REUSEADDR
    except OSError as error:
        bound.close()
        if error.errno != errno.EADDRINUSE:
            raise AuroraError(f"Cannot listen on {HOST}:{port} for the {what}: {error.strerror}", "") from error
        raise UsageError(
            f"Port {port}, for the {what}, is taken", "End what listens there, or leave out --fixed-ports."
        ) from error
    return bound
