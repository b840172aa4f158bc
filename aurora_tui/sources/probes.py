"""Probes: a page looked at directly, so that "Prometheus sees nothing" and "nothing is there" can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aurora_tui.kube.decoding import read_json
from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Probe, ProbeKind
from aurora_tui.situation.observation import ProbeObserved
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.sources.failure import HttpFailure, describe_status
from aurora_tui.sources.http import httpx_client
from aurora_tui.sources.polling import poll
from aurora_tui.sources.source import Tell
from aurora_tui.text import redact_url, safe

if TYPE_CHECKING:
    import httpx

_WELL = frozenset({"ok", "up", "healthy", "pass", "passing", "ready", "serving"})
_LONGEST_PAGE = 4 * 1024 * 1024
_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class ProbeSource:
    """One page, read every `interval`. An answer that says "not well" is an answer; silence is a failure.

    Its name cannot be that of another source, whatever the mission calls the probe.
    """

    def __init__(self, probe: Probe, settings: Settings) -> None:
        self.name = f"probe {probe.id}"
        self._probe = probe
        self._clock = settings.clock
        self._client: httpx.AsyncClient | None = None
        self.light = SourceLight(name=self.name, title=probe.title, interval=float(probe.interval))

    async def run(self, tell: Tell) -> None:
        """Look and tell until cancelled."""
        await poll(
            self._look,
            source=self.name,
            interval=float(self._probe.interval),
            clock=self._clock,
            tell=tell,
            url=self._probe.url,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _look(self) -> ProbeObserved:
        if self._client is None:
            self._client = httpx_client(self._probe.url, self._probe.auth)
        began = self._clock.monotonic()
        async with self._client.stream("GET", self._probe.url) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LONGEST_PAGE:
                    where = redact_url(self._probe.url)
                    raise HttpFailure(f"{where} answers more than 4 MiB", "Check that this is the right page.")
        judge = judge_health if self._probe.kind is ProbeKind.HEALTH else judge_exposition
        ok, detail = judge(response.status_code, bytes(body), self._probe.url)
        latency = self._clock.real_seconds(self._clock.monotonic() - began)
        now = self._clock.now()
        status = ProbeStatus(
            id=self._probe.id, title=self._probe.title, ok=ok, detail=detail, latency=latency, checked_at=now
        )
        return ProbeObserved(source=self.name, at=now, latency=latency, probe=status)


def judge_health(status: int, body: bytes, url: str) -> tuple[bool, str]:
    """Whether a health page says "well", and its word. A 2xx without a readable word counts as well."""
    word = _status_word(body)
    if not 200 <= status < 300:
        # A health page says "unwell" with 503 and a JSON body; anything else did not come from it.
        if status == 503 and word is not None:
            return False, f"503 {word}"
        raise HttpFailure(*describe_status(status, url, body), status=status)
    if word is None:
        return (False, "answers a web page, not a health status") if body.lstrip()[:1] == b"<" else (True, f"{status}")
    return word.lower() in _WELL, word


def judge_exposition(status: int, body: bytes, url: str) -> tuple[bool, str]:
    """Whether a page carries Prometheus text, and how many samples."""
    if not 200 <= status < 300:
        raise HttpFailure(*describe_status(status, url, body), status=status)
    samples = sum(1 for line in body.splitlines() if line and not line.startswith(b"#") and b" " in line)
    if body.lstrip()[:1] == b"<" or samples == 0:
        return False, "answers no Prometheus text"
    return True, f"{samples} samples"


def probe_sources(settings: Settings) -> list[ProbeSource]:
    """The probes of the environment."""
    return [ProbeSource(probe, settings) for probe in settings.environment.probe]


def _status_word(body: bytes) -> str | None:
    try:
        page = read_json(_JSON, body)
    except msgspec.DecodeError:
        return None
    word = page.get("status") if isinstance(page, dict) else None
    return safe(word, 60) if isinstance(word, str) else None
