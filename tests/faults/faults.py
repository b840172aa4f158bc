"""Faults of the network, of a server and of what stands before it. Each is a value: give it to `FaultProxy.switch`.

`Only(fault, concerns)` limits any of them to some requests. Faults of watch streams are in tests/faults/streams.py,
those of what Prometheus says in tests/faults/answers.py.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tests.faults.http1 import Request, Response, header, without
from tests.faults.proxy import Cut, Exchange, Fault

LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>...</form></body></html>\n"
_BLOCK = b" " * (1 << 16)
_JSON = "application/json"


class Refused(Fault):
    """The process is gone: nothing listens, and what was open is reset."""

    listens = False
    drops = True


class Hang(Fault):
    """Connections are accepted, and nothing is ever said on them."""

    greets = False

    async def answer(self, exchange: Exchange) -> None:
        await exchange.for_ever()


class HangAfterHeaders(Fault):
    """A good head that promises 1,000 bytes, and not one of them."""

    async def answer(self, exchange: Exchange) -> None:
        exchange.writer.write(Response(200, [("Content-Type", _JSON), ("Content-Length", "1000")]).head())
        await exchange.for_ever()


@dataclass(frozen=True)
class SlowDrip(Fault):
    """The true answer, head and all, at so many bytes a second."""

    rate: float = 1.0

    async def answer(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = await answer.body()
        headers = without(answer.headers, "content-length", "transfer-encoding")
        answer.headers = [*headers, ("Content-Length", str(len(body)))]
        for byte in answer.head() + body:
            exchange.writer.write(bytes([byte]))
            await exchange.writer.drain()
            await asyncio.sleep(1.0 / self.rate)


class ResetAtOnce(Fault):
    """Every request is answered by a reset."""

    async def answer(self, exchange: Exchange) -> None:
        raise Cut


@dataclass(frozen=True)
class ResetInBody(Fault):
    """The first half of the true answer, then a reset; without `reset` the connection is closed in order."""

    reset: bool = True

    @property
    def name(self) -> str:
        return "reset in body" if self.reset else "closed in body"

    async def answer(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = await answer.body()
        headers = without(answer.headers, "content-length", "transfer-encoding")
        answer.headers = [*headers, ("Content-Length", str(len(body)))]
        exchange.writer.write(answer.head() + body[: len(body) // 2])
        await exchange.writer.drain()
        await asyncio.sleep(0.05)  # so that the half arrives: a reset discards what was not read
        raise Cut(reset=self.reset)


@dataclass(frozen=True)
class Body(Fault):
    """Every request is answered by this body. `Truncated`, below, depends on the true one."""

    called: str
    body: bytes
    status: int = 200
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.called

    async def answer(self, exchange: Exchange) -> None:
        await exchange.reply(self.status, self.body, self.content_type, **dict(self.headers))


class Truncated(Fault):
    """Half of the true JSON, with the length of the half: HTTP is well, JSON is not."""

    async def answer(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = await answer.body()
        await exchange.reply(answer.status, body[: len(body) // 2], _JSON)


class WrongType(Fault):
    """The true answer, called an image."""

    async def answer(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        answer.headers = [*without(answer.headers, "content-type"), ("Content-Type", "image/png")]
        await exchange.send(answer)


def status(code: int, message: str = "", **headers: str) -> Body:
    """An error as the server itself words it, in JSON; `_` in a header's name stands for `-`."""
    words = message or f"made by a test: {code}"
    body = f'{{"status":"error","errorType":"made","error":"{words}","message":"{words}"}}'.encode()
    kept = "".join(f" {name} {value}" for name, value in headers.items())
    return Body(f"{code}{kept}", body, code, headers=tuple(headers.items()))


GARBAGE = Body("garbage", b'}{"status":: "\xff\xfe]]\x00\x1b[2J')
LOGIN = Body("login page", LOGIN_PAGE, content_type="text/html")
EMPTY = Body("empty 200", b"")
NO_CONTENT = Body("204", b"", 204)
REDIRECT = Body("redirect", b"", 302, headers=(("Location", "/login?to=secret"),))
DEEP = Body("deep JSON", b'{"status":"success","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
OTHER_JSON = Body("other JSON", b'{"status":"success","data":{"resultType":"vector","result":[{"metric":7}]}}')
NULLS = Body("null", b"null")


@dataclass(frozen=True)
class Large(Fault):
    """A JSON answer of so many bytes, or without end (None): a list of numbers, as fast as it is read."""

    size: int | None

    @property
    def name(self) -> str:
        return "endless body" if self.size is None else f"{self.size // 1_000_000} MB body"

    async def answer(self, exchange: Exchange) -> None:
        exchange.reusable = self.size is not None
        headers = [("Content-Type", _JSON)]
        if self.size is not None:
            headers.append(("Content-Length", str(self.size)))
        await exchange.send(Response(200, headers, self._pieces()))

    async def _pieces(self) -> AsyncIterator[bytes]:
        block = b"1234567," * (1 << 13)
        left = self.size
        while left is None or left > 0:
            piece = block if left is None else block[:left]
            yield piece
            await asyncio.sleep(0)
            left = None if left is None else left - len(piece)


class GzipBomb(Fault):
    """A small answer that unpacks to 4 GB of spaces: each network packet holds a thousand times its size."""

    async def answer(self, exchange: Exchange) -> None:
        exchange.reusable = False
        await exchange.send(Response(200, [("Content-Type", _JSON), ("Content-Encoding", "gzip")], self._pieces()))

    async def _pieces(self) -> AsyncIterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        yield packer.compress(_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
        # After a full flush the same bytes unpack to the same again, wherever they stand.
        block = b"".join(packer.compress(_BLOCK) for _ in range(64)) + packer.flush(zlib.Z_FULL_FLUSH)
        for _ in range(1000):
            yield block
            await asyncio.sleep(0)


@dataclass(frozen=True)
class Certificate(Fault):
    """Another certificate from now on (tests/sources/certificates.py makes them); open connections are cut."""

    called: str
    context: ssl.SSLContext | None
    drops = True

    @property
    def name(self) -> str:
        return self.called


@dataclass(frozen=True)
class Only(Fault):
    """`fault` for the requests that `concerned` picks; the others are forwarded."""

    fault: Fault
    concerned: Callable[[Request], bool]

    @property
    def name(self) -> str:
        return self.fault.name

    def concerns(self, request: Request) -> bool:
        return self.concerned(request)

    async def answer(self, exchange: Exchange) -> None:
        await self.fault.answer(exchange)


def asked_gzip(request: Request) -> bool:
    """Whether the client said that it can unpack."""
    return "gzip" in (header(request.headers, "accept-encoding") or "")
