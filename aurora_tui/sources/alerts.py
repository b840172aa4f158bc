"""Alerts as Prometheus, Alertmanager and Grafana tell them, each a source of its own.

Alertmanager's `startsAt` is when an alert fired, Prometheus' `activeAt` since when it has been pending.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from aurora_tui.clock import parse_iso
from aurora_tui.settings import Settings
from aurora_tui.situation.alert import AlertState, SourceAlert
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import HttpSource
from aurora_tui.situation.observation import AlertsObserved
from aurora_tui.sources.http import answer, fetch, join
from aurora_tui.sources.one_client import OneClient
from aurora_tui.sources.polling import poll
from aurora_tui.sources.source import Tell

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

LOOK_SECONDS = 10.0  # real; a body that drips is cut there
MOST_BYTES = 16_000_000  # a thousand alerts are some 1.5 MB

Reader = Callable[["httpx.AsyncClient", str, bool], Awaitable[tuple[Sequence[SourceAlert], str | None]]]


class _PrometheusAlert(msgspec.Struct):
    labels: dict[str, str]
    state: str
    annotations: dict[str, str] = {}
    activeAt: str | None = None
    value: str | None = None


class _AlertList(msgspec.Struct):
    alerts: list[_PrometheusAlert] | None  # null is how a server in Go may write an empty list


class _PrometheusAnswer(msgspec.Struct):
    """GET /api/v1/alerts (https://prometheus.io/docs/prometheus/latest/querying/api/#alerts); Grafana's is alike."""

    status: Literal["success"]
    data: _AlertList


class _Status(msgspec.Struct):
    state: str
    silencedBy: list[str] = []
    inhibitedBy: list[str] = []
    mutedBy: list[str] = []  # names of time intervals, since Alertmanager 0.28


class _AlertmanagerAlert(msgspec.Struct):
    """GET /api/v2/alerts (Alertmanager's api/v2/openapi.yaml, gettableAlert)."""

    labels: dict[str, str]
    status: _Status
    startsAt: str
    annotations: dict[str, str] = {}
    fingerprint: str | None = None
    generatorURL: str | None = None


class _Version(msgspec.Struct):
    version: str = ""


class _AlertmanagerStatus(msgspec.Struct):
    versionInfo: _Version = msgspec.field(default_factory=_Version)


class AlertSource:
    """One place that knows alerts, asked every `interval`.

    `read` asks it and gives its alerts, and at the first look its version where it tells one.
    """

    def __init__(self, name: str, title: str, where: HttpSource, settings: Settings, read: Reader) -> None:
        self.name = name
        self._where = where
        self._clock = settings.clock
        self._read = read
        self._client = OneClient(self._where.url, self._where.auth)
        self._version: str | None = None
        self.light = SourceLight(name=name, title=title, interval=float(where.interval))

    async def run(self, tell: Tell) -> None:
        """Ask and tell until cancelled."""
        await poll(
            self._look,
            source=self.name,
            interval=float(self._where.interval),
            clock=self._clock,
            tell=tell,
            time_limit=LOOK_SECONDS,
            url=self._where.url,
            hedge=True,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _look(self) -> AlertsObserved:
        client = await self._client.get()
        began = self._clock.monotonic()
        alerts, version = await self._read(client, self._where.url, self._version is None)
        self._version = self._version or version
        return AlertsObserved(
            source=self.name,
            at=self._clock.now(),
            latency=self._clock.real_seconds(self._clock.monotonic() - began),
            version=self._version,
            alerts=tuple(alerts),
        )


async def read_prometheus(client: httpx.AsyncClient, url: str, first: bool) -> tuple[Sequence[SourceAlert], str | None]:
    """Prometheus' own pending and firing alerts. They lack external labels."""
    body = await _json(client, join(url, "/api/v1/alerts"), _PrometheusAnswer)
    return [
        SourceAlert(
            source="prom",
            labels=alert.labels,
            annotations=alert.annotations,
            state=AlertState.PENDING if alert.state == "pending" else AlertState.FIRING,
            pending_since=_moment(alert.activeAt),
            value=alert.value,
        )
        for alert in body.data.alerts or ()
        if alert.state in ("pending", "firing")
    ], None


async def read_grafana(client: httpx.AsyncClient, url: str, first: bool) -> tuple[Sequence[SourceAlert], str | None]:
    """Grafana-managed alerts. "NoData" and "Error" count as firing: Grafana cannot see then."""
    body = await _json(client, join(url, "/api/prometheus/grafana/api/v1/alerts"), _PrometheusAnswer)
    found = []
    for alert in body.data.alerts or ():
        state = alert.state.lower()
        if state.startswith(("normal", "inactive")):
            continue
        found.append(
            SourceAlert(
                source="grafana",
                labels={name: value for name, value in alert.labels.items() if not name.startswith("__")},
                annotations={name: value for name, value in alert.annotations.items() if not name.startswith("__")},
                state=AlertState.PENDING if state.startswith("pending") else AlertState.FIRING,
                pending_since=_moment(alert.activeAt),
                value=alert.value,
            )
        )
    return found, None


async def read_alertmanager(
    client: httpx.AsyncClient, url: str, first: bool
) -> tuple[Sequence[SourceAlert], str | None]:
    """Alertmanager's alerts with their silences and inhibitions; filtered here, as 0.25 ignores `active=false`."""
    version = None
    if first:
        status = await _json(client, join(url, "/api/v2/status"), _AlertmanagerStatus)
        version = status.versionInfo.version or None
    body = await _json(client, join(url, "/api/v2/alerts"), list[_AlertmanagerAlert])
    return [
        SourceAlert(
            source="am",
            labels=alert.labels,
            annotations=alert.annotations,
            state=_alertmanager_state(alert.status),
            fired_at=_moment(alert.startsAt),
            silenced_by=(*alert.status.silencedBy, *alert.status.mutedBy),
            inhibited_by=tuple(alert.status.inhibitedBy),
            fingerprint=alert.fingerprint,
            generator_url=alert.generatorURL,
        )
        for alert in body
    ], version


def alert_sources(settings: Settings) -> list[AlertSource]:
    """The alert sources of the environment: Prometheus' own, Alertmanager's and Grafana's, where configured."""
    place = settings.environment
    wanted: list[tuple[str, str, HttpSource | None, Reader]] = [
        ("am", "alerts", place.alertmanager, read_alertmanager),
        ("prom", "prom alerts", place.prometheus, read_prometheus),
        ("grafana", "grafana", place.grafana, read_grafana),
    ]
    return [AlertSource(name, title, where, settings, read) for name, title, where, read in wanted if where is not None]


async def _json(client: httpx.AsyncClient, url: str, shape: type[T]) -> T:
    return answer(await fetch(client, url, MOST_BYTES), shape)


def _alertmanager_state(status: _Status) -> AlertState:
    if status.silencedBy or status.mutedBy:
        return AlertState.SILENCED
    if status.inhibitedBy:
        return AlertState.INHIBITED
    return AlertState.FIRING


def _moment(text: str | None) -> float | None:
    """Unix seconds; None for absent, zero (Go's year 1) or unreadable times."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return parse_iso(text)
    except ValueError:
        return None
