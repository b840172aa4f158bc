"""Faults of a stream of JSON lines, as a Kubernetes watch is one. Other requests are forwarded.

Derive from `Lines` and say what becomes of each line:

```python
class Gone(Lines):
    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        yield b'{"type":"ERROR","object":{"kind":"Status","code":410,...}}'
        raise Cut(reset=False)
```
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.faults.http1 import Request, Response, without
from tests.faults.proxy import Cut, Exchange, Fault


class Lines(Fault):
    """The true stream, line by line through `line`; `opening` may answer before the server behind is asked."""

    def concerns(self, request: Request) -> bool:
        return request.watches

    async def opening(self, exchange: Exchange) -> bool:
        """Whether the request was answered already; it may also change `exchange.request`."""
        return False

    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        """What is sent for one line of the stream, without its end: nothing, itself, or more."""
        yield line

    async def answer(self, exchange: Exchange) -> None:
        if await self.opening(exchange):
            return
        response = await exchange.forward()
        if response.status != 200 or response.pieces is None:
            await exchange.send(response)
            return
        headers = without(response.headers, "content-length", "transfer-encoding")
        await exchange.send(Response(200, headers, self._changed(response.pieces)))

    async def _changed(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                async for sent in self.line(line):
                    yield sent + b"\n"
        if rest:
            yield rest


@dataclass(frozen=True)
class WatchAnswers(Lines):
    """A watch is answered by these lines, then ends in order; nothing behind is asked. `()`: it closes at once."""

    lines: tuple[bytes, ...] = ()
    status: int = 200

    async def opening(self, exchange: Exchange) -> bool:
        body = b"".join(line + b"\n" for line in self.lines)
        await exchange.reply(self.status, body, "application/json")
        return True


@dataclass(frozen=True)
class WatchError(Lines):
    """A Status as the only event inside a good answer: 410 Expired, or 500 of a storage that cannot WatchList."""

    code: int = 410
    reason: str = "Expired"
    message: str = "too old resource version: 1 (2)"

    @property
    def name(self) -> str:
        return f"watch ends in {self.code}"

    async def opening(self, exchange: Exchange) -> bool:
        made = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        await exchange.reply(200, json.dumps({"type": "ERROR", "object": made}).encode() + b"\n", "application/json")
        return True


class WithoutBookmarks(Lines):
    """Bookmarks never come."""

    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        if b'"BOOKMARK"' not in line:
            yield line


class SilentWatch(Lines):
    """The head of a watch, and no event ever."""

    async def opening(self, exchange: Exchange) -> bool:
        exchange.writer.write(Response(200, [("Content-Type", "application/json")]).head())
        await exchange.for_ever()
        return True


@dataclass(frozen=True)
class CutAfter(Lines):
    """A reset in the middle of a line, after so many whole ones."""

    lines: int = 1

    async def answer(self, exchange: Exchange) -> None:
        left = self.lines
        response = await exchange.forward()
        if response.status != 200 or response.pieces is None:
            await exchange.send(response)
            return

        async def some(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            nonlocal left
            async for line in self._changed(pieces):
                if left <= 0:
                    yield line[: len(line) // 2]
                    await asyncio.sleep(0.05)
                    raise Cut
                left -= 1
                yield line

        headers = without(response.headers, "content-length", "transfer-encoding")
        await exchange.send(Response(200, headers, some(response.pieces)))
