"""Faults that only a Kubernetes API can have, or what stands before one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.faults.faults import Body
from tests.faults.http1 import Response, without
from tests.faults.proxy import Exchange, Fault
from tests.faults.streams import Lines
from tests.kube.api_server import status_body


def api_status(code: int, reason: str, message: str, **headers: str) -> Body:
    """A refusal as kube-apiserver words it."""
    body = json.dumps(status_body(code, reason, message)).encode()
    return Body(f"{code} {reason}", body, code, headers=tuple(headers.items()))


def too_large_version() -> Body:
    """The list's answer to a resourceVersion that this server has not reached."""
    made = status_body(504, "Timeout", "Too large resource version: 9999, current: 110")
    made["details"] = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
    return Body("504 too large version", json.dumps(made).encode(), 504)


@dataclass(frozen=True)
class ClockOff(Fault):
    """The API server's clock is wrong: what it says of now, and what it dates."""

    seconds: float
    drops = True

    async def answer(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=self.seconds), usegmt=True)
        answer.headers = [*without(answer.headers, "date"), ("Date", date)]
        await exchange.send(answer)


@dataclass
class Shuffled(Lines):
    """Every event twice, and each pair of neighbours the wrong way round."""

    held: dict[int, bytes] = field(default_factory=dict)

    async def answer(self, exchange: Exchange) -> None:
        twin = Shuffled()  # what is held back belongs to one watch
        await Lines.answer(twin, exchange)

    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        if not self.held:
            self.held[0] = line
            return
        first = self.held.pop(0)
        for one in (line, first, line, first):
            yield one


class WithoutDeletions(Lines):
    """DELETED gets lost."""

    async def line(self, line: bytes) -> AsyncIterator[bytes]:
        if b'"DELETED"' not in line:
            yield line


class EndlessLine(Lines):
    """An event that never ends, as fast as it is read, at some 20 MB/s."""

    async def opening(self, exchange: Exchange) -> bool:
        exchange.reusable = False
        await exchange.send(Response(200, [("Content-Type", "application/json")], self._pieces()))
        return True

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield b'{"type":"ADDED","object":{"metadata":{"name":"'
        while True:
            yield b"x" * (1 << 16)
            await asyncio.sleep(0.003)
