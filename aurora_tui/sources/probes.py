"""Probes: a page looked at directly, so that "Prometheus sees nothing" and "nothing is there" can be told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from aurora_tui.kube.decoding import read_json
from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import Probe, ProbeKind
from aurora_tui.situation.observation import ProbeObserved
from aurora_tui.situation.probe import ProbeStatus
from aurora_tui.sources.http import fetch, require_success
from aurora_tui.sources.one_client import OneClient
from aurora_tui.sources.polling import poll
from aurora_tui.sources.source import Tell
from aurora_tui.text import safe

if TYPE_CHECKING:
    import httpx

_WELL = frozenset({"ok", "up", "healthy", "pass", "passing", "ready", "serving"})
_LONGEST_PAGE = 4_000_000
# https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format: name, labels, value, time. What
# follows a value in OpenMetrics (an exemplar) is a comment here.
_SAMPLE = re.compile(rb"[A-Za-z_:][\w:]*(?:\s*\{.*\}\s*|\s+)[-+.\dA-Za-z]+(\s+[-+.\d]+)?\s*(#.*)?")
_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class ProbeSource:
    """One page, read every `interval`. An answer that says "not well" is an answer; silence is a failure.

    Its name cannot be that of another source, whatever the mission calls the probe.
    """

    def __init__(self, probe: Probe, settings: Settings) -> None:
        self.name = f"probe {probe.id}"
        self._probe = probe
        self._clock = settings.clock
        self._client = OneClient(self._probe.url, self._probe.auth)
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
            hedge=True,
            unwell=lambda told: isinstance(told, ProbeObserved) and not told.probe.ok,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _look(self) -> ProbeObserved:
        client = await self._client.get()
        began = self._clock.monotonic()
        page = await fetch(client, self._probe.url, _LONGEST_PAGE)
        judge = judge_health if self._probe.kind is ProbeKind.HEALTH else judge_exposition
        ok, detail = judge(page, self._probe.url)
        latency = self._clock.real_seconds(self._clock.monotonic() - began)
        now = self._clock.now()
        status = ProbeStatus(
            id=self._probe.id, title=self._probe.title, ok=ok, detail=detail, latency=latency, checked_at=now
        )
        return ProbeObserved(source=self.name, at=now, latency=latency, probe=status)


def judge_health(page: httpx.Response, url: str) -> tuple[bool, str]:
    """Whether a health page says "well", and its word. A 2xx without a word counts as well.

    Not so a page whose word cannot be read: what was cut off may have said anything.
    """
    word = _status_word(page.content)
    # A health page says "unwell" with 503 and a JSON body; anything else did not come from it.
    if page.status_code == 503 and word:
        return False, f"503 {word}"
    require_success(page, url)
    if word is None:
        web_page = page.content.lstrip()[:1] == b"<"
        return False, "answers a web page, not a health status" if web_page else "answers something unreadable"
    return (word.lower() in _WELL, word) if word else (True, f"{page.status_code}")


def judge_exposition(page: httpx.Response, url: str) -> tuple[bool, str]:
    """Whether a page carries Prometheus text, and how many samples."""
    require_success(page, url)
    *whole, rest = page.content.split(b"\n")
    lines = [line for line in whole if line.strip() and not line.startswith(b"#")]
    if not all(map(_SAMPLE.fullmatch, lines)) or not (lines or _SAMPLE.fullmatch(rest)):
        return False, "answers no Prometheus text"
    if rest:
        # The format wants the last line to end as well: what is cut off in its last number still reads as one.
        return False, "answers Prometheus text that is cut off"
    return True, f"{len(lines)} samples"


def probe_sources(settings: Settings) -> list[ProbeSource]:
    """The probes of the environment."""
    return [ProbeSource(probe, settings) for probe in settings.environment.probe]


def _status_word(body: bytes) -> str | None:
    """The page's own word; "" when it has none, as `OK` or an empty page; None when it cannot be read."""
    try:
        page = read_json(_JSON, body)
    except msgspec.DecodeError:
        # What is no JSON and never was, is a plain page: one line of text, or nothing.
        text = body.decode("utf-8", "replace").strip()
        return "" if not text or (text.isprintable() and "\ufffd" not in text and text[0] not in '{}["<') else None
    word = page.get("status") if isinstance(page, dict) else None
    return safe(word, 60) if isinstance(word, str) else ""
