"""HTTP/1.1 on asyncio streams, as much as a proxy needs: heads, and bodies as pieces whatever their framing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

_PIECE = 1 << 16
_LONGEST_HEAD = 1 << 18

Headers = list[tuple[str, str]]


@dataclass
class Request:
    """What a client asked. `at`: time.monotonic()."""

    method: str
    target: str
    headers: Headers
    body: bytes
    at: float

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Parameters of the URL and of a form in the body; the last of each name."""
        text = urlsplit(self.target).query
        if "form" in (header(self.headers, "content-type") or ""):
            text += "&" + self.body.decode("utf-8", "replace")
        return {name: values[-1] for name, values in parse_qs(text).items()}

    @property
    def watches(self) -> bool:
        """Whether it asks Kubernetes for a stream of JSON lines."""
        return self.query.get("watch") in ("1", "true")


@dataclass
class Response:
    """An answer whose body comes in pieces; `broken` says that the client must not use the connection again."""

    status: int
    headers: Headers = field(default_factory=list)
    pieces: AsyncIterator[bytes] | None = None
    reason: str | None = None

    async def body(self) -> bytes:
        """All of it; it can be read once."""
        return b"" if self.pieces is None else b"".join([piece async for piece in self.pieces])

    def head(self) -> bytes:
        reason = self.reason or (HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "?")
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{name}: {value}" for name, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def header(headers: Headers, name: str) -> str | None:
    """The first header of that name."""
    return next((value for known, value in headers if known.lower() == name.lower()), None)


def without(headers: Headers, *names: str) -> Headers:
    """The headers but for these; names in small letters."""
    return [(name, value) for name, value in headers if name.lower() not in names]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when it is closed before one begins."""
    head = await _read_head(reader)
    at = time.monotonic()  # only now: a connection may be kept for long before it is asked anything
    if head is None:
        return None
    first, headers = head
    method, target, _ = first.split(" ", 2)
    body = b"".join([piece async for piece in pieces_of(reader, headers, empty=True)])
    return Request(method, target, headers, body, at)


async def read_response(reader: asyncio.StreamReader, method: str) -> Response:
    """The answer; its pieces are to be read before the connection ends. ConnectionError when there is none."""
    head = await _read_head(reader)
    if head is None:
        raise ConnectionError("the server closed the connection without an answer")
    first, headers = head
    _, status, *reason = first.split(" ", 2)
    nothing = method == "HEAD" or status in ("204", "304")
    pieces = None if nothing else pieces_of(reader, headers, empty=False)
    return Response(int(status), headers, pieces, reason[0] if reason else "")


async def pieces_of(reader: asyncio.StreamReader, headers: Headers, *, empty: bool) -> AsyncIterator[bytes]:
    """A body's pieces without their framing; without any framing it is `empty` or goes on to the end."""
    length = header(headers, "content-length")
    if "chunked" in (header(headers, "transfer-encoding") or "").lower():
        while (size := int((await reader.readline()).split(b";")[0] or b"0", 16)) > 0:
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            pass
        return
    left = int(length) if length is not None else 0 if empty else -1
    while left != 0 and (piece := await reader.read(_PIECE if left < 0 else min(_PIECE, left))):
        yield piece
        left -= len(piece) if left > 0 else 0


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, Headers] | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = raw.decode("latin-1").split("\r\n")
    return first, [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest if line)]
