"""A proxy that makes faults: before any HTTP server, and the fault is changed while it runs.

```python
async with fault_proxy(world.urls["prometheus"]) as proxy:
    ...                              # give proxy.url to the client
    await proxy.switch(Refused())    # faults are in tests/faults/faults.py and tests/faults/streams.py
    ...
    await proxy.switch(None)         # all is well again
    assert proxy.busiest(since=began) <= 2.0
```

It counts what it is asked (`requests`, with times) and what is open (`connections`). A connection that a fault has
spoiled stays spoiled when the fault ends, as one whose packets a firewall forgot: whoever waits on it waits in vain.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.faults.http1 import Request, Response, header, read_request, read_response, without

_NO_ANSWER = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Cut(Exception):
    """Raised by a fault in the middle of an answer: the connection ends there, with a reset when `reset`."""

    def __init__(self, *, reset: bool = True) -> None:
        super().__init__("cut")
        self.reset = reset


class Fault:
    """What goes wrong. This one is none: it forwards.

    `listens`: whether the port is open at all. `greets`: whether a connection is spoken with (a TLS handshake, HTTP)
    or only accepted. `context`: another certificate than the proxy's own. `drops`: whether connections that are open
    when it begins are cut then.
    """

    listens = True
    greets = True
    drops = False
    context: ssl.SSLContext | None = None

    @property
    def name(self) -> str:
        """What it is called in a table of cases."""
        return type(self).__name__

    def concerns(self, request: Request) -> bool:
        """Whether this request meets the fault; others are forwarded."""
        return True

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request, through `exchange`."""
        await exchange.send(await exchange.forward())


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(self, proxy: FaultProxy, request: Request, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.writer = writer
        self.reusable = True  # whether the connection may carry another request
        self._proxy = proxy
        self._upstream: asyncio.StreamWriter | None = None

    async def forward(self, request: Request | None = None) -> Response:
        """What the server behind answers to `request` (when left out: to what was asked)."""
        asked = request or self.request
        reader, self._upstream = await self._proxy.connect()
        headers = without(asked.headers, "connection", "host", "transfer-encoding", "content-length")
        headers += [("Host", self._proxy.behind), ("Connection", "close")]
        if asked.body or asked.method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(asked.body))))
        lines = [f"{asked.method} {asked.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        self._upstream.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + asked.body)
        response = await read_response(reader, asked.method)
        response.headers = without(response.headers, "connection")
        return response

    async def send(self, response: Response) -> None:
        """The answer, piece by piece as it comes, in its own framing if it has a length, else chunked."""
        length = header(response.headers, "content-length")
        bare = response.pieces is None
        if not bare and length is None:
            response.headers = [*without(response.headers, "transfer-encoding"), ("Transfer-Encoding", "chunked")]
        self.writer.write(response.head())
        if response.pieces is not None:
            async for piece in response.pieces:
                self.writer.write(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
                await self.writer.drain()
            if length is None:
                self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def reply(self, status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str) -> None:
        """A whole answer of one's own; `_` in a header's name stands for `-`."""
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        framing = [] if status == 204 else [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        self.writer.write(Response(status, [*framing, *named]).head() + body)
        await self.writer.drain()

    async def for_ever(self) -> None:
        """Wait until the client goes, or the proxy closes."""
        self.reusable = False
        await asyncio.Event().wait()

    def end(self) -> None:
        """Let go of the server behind."""
        if self._upstream is not None:
            self._upstream.close()


class FaultProxy:
    """A proxy on loopback before the server at `upstream` (http or https); `fault_proxy` runs one."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        """tls: what it speaks to clients with; None for plain HTTP. It trusts whatever certificate `upstream` has."""
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        assert parts.port is not None
        self.behind = f"{parts.hostname}:{parts.port}"
        self._address = parts.hostname, parts.port
        self._upstream_tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._upstream_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._upstream_tls.check_hostname, self._upstream_tls.verify_mode = False, ssl.CERT_NONE
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._place: socket.socket | None = None  # bound, never listening: nobody takes the port while it is refused
        self.port = 0
        self.fault: Fault = Fault()
        self.requests: list[Request] = []
        self.accepted: list[float] = []  # when each connection came

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self._tasks)

    def busiest(self, *, since: float = 0.0, within: float = 5.0) -> float:
        """The most requests a second that came in any `within` seconds after `since` (monotonic).

        A connection on which no request came (refused TLS, say) counts as one.
        """
        times = [request.at for request in self.requests if request.at >= since]
        if self._silent:
            times += [at for at in self.accepted if at >= since]
        times.sort()
        most = max(
            (sum(1 for at in times[index:] if at < start + within) for index, start in enumerate(times)), default=0
        )
        return most / within

    async def start(self) -> None:
        self._place = _bound(0)
        self.port = self._place.getsockname()[1]
        await self._listen()

    async def switch(self, fault: Fault | None) -> None:
        """From now on this fault, or none."""
        before, self.fault = self.fault, fault or Fault()
        now = self.fault
        if now.drops:
            await self._drop()
        if (before.listens, before.greets, before.context) != (now.listens, now.greets, now.context):
            await self._stop_listening()
            if now.listens:
                await self._listen()

    async def close(self) -> None:
        """Cut everything."""
        await self._stop_listening()
        await self._drop()
        if self._place is not None:
            self._place.close()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server behind."""
        return await asyncio.open_connection(*self._address, ssl=self._upstream_tls, limit=1 << 24)

    @property
    def _silent(self) -> bool:
        return not self.fault.greets or self.fault.context is not None

    async def _listen(self) -> None:
        context = (self.fault.context or self._tls) if self.fault.greets and self._tls is not None else None
        made = _bound(self.port)
        self._server = await asyncio.start_server(self._accept, sock=made, ssl=context, limit=1 << 18)

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _drop(self) -> None:
        tasks = dict(self._tasks)
        for task, writer in tasks.items():
            _reset(writer)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted.append(time.monotonic())
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.fault.greets:
                await reader.read()  # until the client gives up
                return
            while (request := await read_request(reader)) is not None:
                self.requests.append(request)
                if not await self._answer(request, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            return  # the client went
        finally:
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may go on. The client's going ends an answer that would take for ever."""
        exchange = Exchange(self, request, writer)
        fault = self.fault if self.fault.concerns(request) else Fault()
        answering = asyncio.ensure_future(fault.answer(exchange))
        gone = asyncio.ensure_future(_gone(reader))
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                return False
            answering.result()
            return exchange.reusable
        except Cut as cut:
            if cut.reset:
                _reset(writer)
            return False
        except OSError:
            if not writer.is_closing():
                writer.write(_NO_ANSWER)
            return False
        finally:
            for task in (answering, gone):
                task.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)
            exchange.end()


def _bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made


async def _gone(reader: asyncio.StreamReader) -> None:
    """Until the client closes its side; a next request that comes early stays unread."""
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110 - a StreamReader tells nobody
        await asyncio.sleep(0.05)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side is told "connection reset", as when a process is killed."""
    raw = None
    with contextlib.suppress(AttributeError):  # of asyncio's own, for TLS that is closed already
        raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def fault_proxy(upstream: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultProxy]:
    """A running proxy before `upstream`, closed afterwards."""
    proxy = FaultProxy(upstream, tls)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
