"""A real Alertmanager and the embedded one with the same configuration, told and asked the same things over HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from aurora_tui.drill.alertmanager import AlertmanagerConfig, Alerts, Silences, alertmanager_app, read
from aurora_tui.drill.loopback import Server
from tests.servers_alertmanager import real_alertmanager

CONFIG = """
global: {resolve_timeout: 5m}
route:
  receiver: slack
  group_by: [alertname, treaty_id]
  group_wait: 0s
  routes:
  - {receiver: drill, matchers: ['drill="true"'], group_by: ['...']}
  - {receiver: archive, matchers: ['sev!=""', 'sev=~"SEV[12]"'], continue: true, group_by: [sev]}
  - receiver: pagerduty
    matchers: ['sev=~"SEV1|SEV2"']
    routes:
    - {matchers: ['sev="SEV1"'], group_wait: 0s, repeat_interval: 1h30m}
  - {receiver: nobody, matchers: ['severity!~"critical|warning|"'], group_by: []}
inhibit_rules:
- {source_matchers: ['sev="SEV1"'], target_matchers: ['sev=~"SEV[23]"'], equal: [treaty_id]}
- {source_matchers: ['alertname="Down"'], target_matchers: ['alertname=~"Down|Absent"'], equal: [job, instance]}
receivers: [{name: slack}, {name: pagerduty}, {name: drill}, {name: archive}, {name: nobody}]
"""
_PATIENCE = 20.0  # the real server routes and inhibits a moment after it has answered
_APART = 30.0  # seconds by which "now" may differ between the two
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
_METHODS = re.compile(r"(?<=but \[)[A-Z,]+")
_REFERENCE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    kind: str
    text: str

    def body(self, ids: Mapping[str, str]) -> Any:
        """Its JSON with silences' ids as $1, $2 …, and a fixed order where the real server has none."""
        text = re.sub(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda id: ids.get(id[0], id[0]), self.text)
        text = _METHODS.sub(lambda found: ",".join(sorted(found[0].split(","))), text)  # in a new order each time
        try:
            return _settled(json.loads(text))
        except ValueError:
            return text


@dataclass
class Pair:
    """The two servers, and how many answers were compared."""

    real: httpx.Client
    ours: httpx.Client
    compared: int = 0
    ids: dict[str, list[str]] = field(default_factory=lambda: {"real": [], "ours": []})

    def same(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Fails unless both answer the same: status, content type and JSON, but for times close to now.

        body: JSON, or the very text; $1 in it, and in the path, is the id of the first silence. Returns our answer.
        """
        self.compared += 1
        real, ours = self._ask("real", method, path, body, options), self._ask("ours", method, path, body, options)
        end = time.monotonic() + _PATIENCE
        while not self._alike(real, ours):
            if method != "GET" or time.monotonic() > end:
                pytest.fail(f"{method} {path} {body}\nreal: {_shown(real)}\nours: {_shown(ours)}")
            time.sleep(0.01)
            real, ours = self._ask("real", method, path, body, options), self._ask("ours", method, path, body, options)
        return ours

    def _ask(self, whose: str, method: str, path: str, body: Any, options: Mapping[str, Any]) -> Answer:
        ids = self.ids[whose]

        def filled(text: str) -> str:
            return _REFERENCE.sub(lambda found: ids[int(found[1]) - 1], text)

        headers = dict(options.get("headers", {}))
        content = None
        if body is not None:
            content = filled(body if isinstance(body, str) else json.dumps(body)).encode()
            headers.setdefault("Content-Type", "application/json")
        client: httpx.Client = getattr(self, whose)
        got = client.request(method, filled(path), content=content, headers=headers, params=options.get("params"))
        if method == "POST" and got.status_code == 200 and '"silenceID"' in got.text:
            ids.append(got.json()["silenceID"])
        # An answer without a body has no type in the real server, and octet-stream in aiohttp's.
        return Answer(got.status_code, got.headers.get("content-type", "") if got.content else "", got.text)

    def _alike(self, real: Answer, ours: Answer) -> bool:
        if (real.status, real.kind) != (ours.status, ours.kind):
            return False
        names = [{id: f"${place}" for place, id in enumerate(self.ids[whose], 1)} for whose in ("real", "ours")]
        return _same(real.body(names[0]), ours.body(names[1]))


def _same(real: Any, ours: Any, key: str = "") -> bool:
    if isinstance(real, dict) and isinstance(ours, dict):
        return real.keys() == ours.keys() and all(_same(real[name], ours[name], name) for name in real)
    if isinstance(real, list) and isinstance(ours, list):
        if len(real) != len(ours):
            return False
        # Of several that inhibit an alert the real server names any.
        return key == "inhibitedBy" or all(_same(left, right) for left, right in zip(real, ours, strict=True))
    if isinstance(real, str) and isinstance(ours, str) and _MOMENT.match(real) and _MOMENT.match(ours):
        return abs(_seconds(real) - _seconds(ours)) < _APART and (
            real == ours or abs(_seconds(real) - time.time()) < 900
        )
    return bool(real == ours)


def _settled(body: Any, key: str = "") -> Any:
    """With a fixed order among what the real server counts as equal, or leaves to chance."""
    if isinstance(body, dict):
        return {name: _settled(value, name) for name, value in body.items()}
    if not isinstance(body, list):
        return body
    settled = [_settled(each) for each in body]
    if key == "silencedBy":
        return sorted(settled)
    if settled and isinstance(settled[0], dict):
        runs = itertools.groupby(settled, key=_rank)
        return [each for _, run in runs for each in sorted(run, key=json.dumps)]
    return settled


def _rank(element: dict[str, Any]) -> str:
    """Elements of lists with the same rank may come in any order."""
    if "matchers" in element:  # a silence
        state = element["status"]["state"]
        return state + element["startsAt" if state == "pending" else "endsAt"][:-5]
    if "alerts" in element:
        return json.dumps([element["labels"], element["receiver"]])
    return json.dumps(element)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _shown(answer: Answer) -> str:
    return f"{answer.status} {answer.kind} {answer.text[:3000]}"


@asynccontextmanager
async def embedded(config: AlertmanagerConfig, now: Callable[[], float] = time.time) -> AsyncIterator[str]:
    """The URL of an embedded server."""
    server = Server("Alertmanager")
    alerts = Alerts(config, Silences(now), now)
    await server.start(lambda: alertmanager_app(alerts, now))
    try:
        yield server.url
    finally:
        await server.stop()


@dataclass
class _Serving:
    """Both servers in a thread with an event loop of its own, so that tests can ask them one after the other."""

    folder: Path
    config: str
    urls: list[str] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        async with real_alertmanager(self.folder, self.config) as real, embedded(read(self.config)) as ours:
            self.urls += [real.url, ours]
            self.started.set()
            await self.finish.wait()

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self.serve())
        finally:
            self.started.set()


@contextmanager
def serving_pair(folder: Path, config: str = CONFIG) -> Iterator[Pair]:
    """Both, with `config`."""
    loop, serving = asyncio.new_event_loop(), _Serving(folder, config)
    thread = threading.Thread(target=serving.run, args=(loop,))
    thread.start()
    try:
        assert serving.started.wait(60)
        assert serving.urls, "a server did not start"
        with (
            httpx.Client(base_url=serving.urls[0], trust_env=False, timeout=60) as real,
            httpx.Client(base_url=serving.urls[1], trust_env=False, timeout=60) as ours,
        ):
            yield Pair(real, ours)
    finally:
        loop.call_soon_threadsafe(serving.finish.set)
        thread.join(60)
        loop.close()
