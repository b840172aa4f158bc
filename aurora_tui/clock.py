"""The one way to do time: Unix seconds as float, in UTC; a drill's clock may run faster than the wall's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """World time = world_origin + (real now − real_origin) × speed. The plain clock is the wall clock.

    Every process of a drill holds the same three numbers and so tells the same time.
    """

    real_origin: float = 0.0
    world_origin: float = 0.0
    speed: float = 1.0

    def now(self) -> float:
        """World time, Unix seconds."""
        return self.world_origin + (time.time() - self.real_origin) * self.speed

    def real_seconds(self, seconds: float) -> float:
        """How long `seconds` of world time take on the wall."""
        return seconds / self.speed

    def monotonic(self) -> float:
        """World seconds from a clock that never jumps; only differences mean anything."""
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of world time."""
        await asyncio.sleep(max(0.0, self.real_seconds(seconds)))


WALL = Clock()


def iso(moment: float) -> str:
    """`moment` as 2026-01-03T14:02:11Z (RFC 3339, UTC, whole seconds)."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_micro(moment: float) -> str:
    """`moment` as RFC 3339 with six decimals, as Kubernetes' MicroTime and the ledger write it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_iso(text: str) -> float:
    """Unix seconds of an RFC 3339 time; ValueError when it has no zone or is not one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write for example 2026-01-03T14:02:11Z")
    return moment.timestamp()
