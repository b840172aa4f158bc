"""Answers of a known size, and a thread that waits for one can be freed.

A time limit of `requests` is one for each read: a byte every few seconds, of the head or of the body, keeps it waiting
without end. So whoever asks keeps the time, and cuts.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from aurora_tui.sources.unpacking import Body

MOST_BYTES = 16_000_000  # a chunk of 2,500 points is 75 KB a series
_PIECE = 1 << 16


class BoundedAdapter(HTTPAdapter):
    """Reads every body itself, whole, within MOST_BYTES. It never tries a second time."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[HTTPConnection] = weakref.WeakSet()
        self._knowing = threading.Lock()  # a set must not grow while another thread goes through it
        super().__init__(max_retries=Retry(0))

    def cut(self) -> None:
        """End what is under way, from another thread: whoever waits for an answer gets an error at once."""
        with self._knowing:
            connections = list(self._connections)
        for connection in connections:
            if isinstance(connection.sock, socket.socket):
                with contextlib.suppress(OSError):  # it is closed already
                    # Not SSLSocket's own: that takes the TLS state away from the thread that reads.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As `HTTPAdapter.init_poolmanager`, with connections that `cut` knows."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes()

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """As `HTTPAdapter.proxy_manager_for`, with connections that `cut` knows."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pool_classes()
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """As `HTTPAdapter.send`; HttpFailure for a body that is too large."""
        response = super().send(request, *args, **{**kwargs, "stream": True})
        raw = response.raw
        try:
            response.raw = BytesIO(_whole(raw, request))
            raw.release_conn()
        except BaseException:
            raw.close()
            raise
        return response

    def _pool_classes(self) -> dict[str, type[HTTPConnectionPool]]:
        def know(connection: HTTPConnection) -> None:
            with self._knowing:
                self._connections.add(connection)

        class Plain(HTTPConnection):
            def connect(self) -> None:
                know(self)
                super().connect()

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                know(self)
                super().connect()

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        return {"http": PlainPool, "https": SecurePool}


def _whole(raw: Any, request: requests.PreparedRequest) -> bytes:
    body = Body(raw.headers.get("content-encoding"), MOST_BYTES, request.url or "")
    try:
        # `read1` gives what has come; `read` would wait for a whole piece of it.
        while piece := raw.read1(_PIECE, decode_content=False):
            body.feed(piece)
    except HTTPError as error:
        raise requests.ConnectionError(error, request=request) from error
    return body.whole()
