"""Alerts posted to the world's Alertmanager over HTTP, as Prometheus posts its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import aiohttp

from aurora_tui.clock import iso_micro
from aurora_tui.drill.loopback import check_loopback
from aurora_tui.drill.prometheus import AlertNotice
from aurora_tui.drill.scenario import RaiseAlert

_LIMIT = aiohttp.ClientTimeout(total=5.0)


class AlertPost:
    """Posts to `url`, which must be on this machine. now: world time, Unix seconds."""

    def __init__(self, url: str, now: Callable[[], float]) -> None:
        self._url = check_loopback(url) + "/api/v2/alerts"
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def notify(self, notices: Sequence[AlertNotice]) -> None:
        """What the rules found. OSError when nothing answers: they post again."""
        await self._post([notice.body() for notice in notices])

    async def raise_alert(self, event: RaiseAlert) -> None:
        """A scenario's alert, as if a server outside the world had raised it."""
        now = self._now()
        body: dict[str, object] = {"labels": event.labels, "annotations": event.annotations, "startsAt": iso_micro(now)}
        if event.lasts is not None:
            body["endsAt"] = iso_micro(now + event.lasts)
        await self._post([body])

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: list[dict[str, object]]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_LIMIT)
        try:
            async with self._session.post(self._url, json=body) as response:
                if response.status != 200:
                    raise ConnectionError(f"{self._url} answered {response.status}: {await response.text()}")
        except aiohttp.ClientError as error:
            raise ConnectionError(f"{self._url}: {error}") from error
