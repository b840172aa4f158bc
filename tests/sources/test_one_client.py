"""A source that looks twice at the same time opens one client, which its end closes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from aurora_tui.sources import one_client
from aurora_tui.sources.hedge import hedged
from aurora_tui.sources.one_client import OneClient


async def test_two_looks_share_one_client_however_long_it_takes_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[httpx.AsyncClient] = []
    may_open, looks = asyncio.Event(), 0

    async def open_slowly(*_: Any) -> httpx.AsyncClient:
        await may_open.wait()
        opened.append(httpx.AsyncClient())
        return opened[-1]

    async def look() -> httpx.AsyncClient:
        nonlocal looks
        looks += 1
        if looks > 2:
            may_open.set()
        return await client.get()

    monkeypatch.setattr(one_client, "open_client", open_slowly)
    client = OneClient("http://127.0.0.1")
    async with asyncio.timeout(20):
        assert await hedged(look, after=0.01) is await client.get()
    await client.close()
    assert [one.is_closed for one in opened] == [True]


async def test_an_opening_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [OSError("no file"), httpx.AsyncClient()]

    async def opening(*_: Any) -> Any:
        if isinstance(answer := answers.pop(0), OSError):
            raise answer
        return answer

    monkeypatch.setattr(one_client, "open_client", opening)
    client = OneClient("http://127.0.0.1")
    with pytest.raises(OSError, match="no file"):
        await client.get()
    assert not (await client.get()).is_closed
    await client.close()
