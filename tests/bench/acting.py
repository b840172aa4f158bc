"""Acting: from the key to a full plan, from Approve to the first write and to verified; `kubectl rollout undo` beside.

The real console in a terminal and the executor that it starts, on a served drill at its own pace.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import re
import shutil
import sqlite3
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aurora_tui.actions.record import RunRecord
from aurora_tui.clock import Clock
from aurora_tui.drill.manifests import CANARY, NAMESPACE
from aurora_tui.ledger.log import Log
from tests.bench.stopwatch import Stopwatch
from tests.bench.table import Row, spread
from tests.drills import served
from tests.terminal import AURORA

TITLE = "acting: the drill's rollback, 3 replicas"
_LIMIT = 60.0
_QUIETS_DOWN = 3.0  # seconds after a start
_JOURNALLED = 20  # steps a run of the bench
_PLANNED = re.compile(r"\[ Approve \]\W+type drill")  # it says "planning…" there until the plan stands


@dataclass
class Measured:
    """What was measured, seconds."""

    planned: list[float] = field(default_factory=list)  # from R to a full plan, Approve in reach
    written: list[float] = field(default_factory=list)  # from Approve to the first change seen at the API
    verified: list[float] = field(default_factory=list)  # from Approve to VERIFIED on the screen
    journalled: list[float] = field(default_factory=list)  # of one step: that it begins, that it is done
    kubectl_written: list[float] = field(default_factory=list)
    kubectl_done: list[float] = field(default_factory=list)


class FirstWrite:
    """A watch on the canary: when its spec was first seen to be another one. Use as a context."""

    def __init__(self, world: dict[str, Any]) -> None:
        config = yaml.safe_load(Path(world["kubeconfig"]).read_text())
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
        token = next(user["user"]["token"] for user in config["users"] if user["name"] == "drill-admin")
        server = urllib.parse.urlsplit(world["urls"]["kubernetes"])
        tls = ssl.create_default_context(cadata=authority.decode())
        self._server = http.client.HTTPSConnection(server.hostname or "", server.port, timeout=_LIMIT, context=tls)
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments?watch=true&fieldSelector=metadata.name%3D{CANARY}"
        self._server.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        self._events = self._server.getresponse()
        self._before = self._generation()  # a watch without a version begins with what there is
        self._thread = threading.Thread(target=self._watch)
        self.at: float | None = None

    def __enter__(self) -> FirstWrite:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(_LIMIT)
        self._events.close()
        self._server.close()

    def _generation(self) -> int:
        return int(json.loads(self._events.readline())["object"]["metadata"]["generation"])

    def _watch(self) -> None:
        while self._generation() == self._before:
            pass
        self.at = time.monotonic()


def ready(text: str) -> bool:
    """Whether the console stands: the canary listed, a verdict, nothing waited for."""
    return CANARY in text and re.search(r" (GO|WATCH|ROLL BACK) ", text) is not None and "waiting" not in text.lower()


def planned(text: str) -> bool:
    """Whether the dialog shows a full plan: its first step, what was checked, and a form that only wants its words."""
    return f"1 Return {CANARY} to" in text and "CHECKED" in text and _PLANNED.search(text) is not None


def console(world: dict[str, Any], found: Measured) -> None:
    """A person who rolls back: R, the reason, the word, Approve; and looks on until it is verified."""
    with Stopwatch((*AURORA, "--config", world["profile"]), columns=140, rows=50) as terminal:
        terminal.until(ready, _LIMIT, "a console that stands")
        terminal.quiet_bytes(_QUIETS_DOWN)
        found.planned.append(terminal.since_key("R", planned, _LIMIT))
        for keys, shown in (("\tbench", "▏bench"), ("\tdrill", "▏drill"), ("\t", "Enter on Approve does it")):
            terminal.send(keys)
            terminal.until(lambda text, shown=shown: shown in text, _LIMIT, shown)  # type: ignore[misc]
        with FirstWrite(world) as first:
            began = time.monotonic()
            found.verified.append(terminal.since_key("\r", lambda text: "✔ VERIFIED" in text, _LIMIT))
        assert first.at is not None, "nothing was written"
        found.written.append(first.at - began)


def kubectl(world: dict[str, Any], found: Measured) -> None:
    """`kubectl rollout undo`, then `kubectl rollout status`: the canary's pods change again, as many of them."""

    def rollout(*words: str) -> None:
        command = ("kubectl", "--kubeconfig", world["kubeconfig"], "-n", NAMESPACE, "rollout", *words)
        subprocess.run(command, check=True, capture_output=True, timeout=_LIMIT, env=os.environ)

    with FirstWrite(world) as first:
        began = time.monotonic()
        rollout("undo", f"deployment/{CANARY}")
        rollout("status", f"deployment/{CANARY}", f"--timeout={_LIMIT:.0f}s")
        found.kubectl_done.append(time.monotonic() - began)
    assert first.at is not None, "nothing was written"
    found.kubectl_written.append(first.at - began)


async def journal(world: dict[str, Any], found: Measured) -> None:
    """What an executor does for the journal at a step, on a copy of that ledger: heed it, append, do it again."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ledger.sqlite"
        with sqlite3.connect(world["ledger"]) as source, sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        async with Log(copy, Clock(), create=False) as log:
            run = next(entry.data["run"] for entry in await log.entries() if entry.action == "run.approved")
            record = RunRecord(log, run, "bench@bench")
            await record.run()
            for _ in range(_JOURNALLED):
                began = time.monotonic()
                await record.run()
                await record.begun(1)
                await record.run()
                await record.done(1, "so it is", already=False)
                found.journalled.append(time.monotonic() - began)


def measure(runs: int) -> Measured:
    """Everything, each run on a world of its own."""
    found = Measured()
    for _ in range(runs):
        with served() as world:
            console(world, found)
            if shutil.which("kubectl") is not None:
                kubectl(world, found)
            asyncio.run(journal(world, found))
    return found


def rows(runs: int) -> list[Row]:
    """The table of acting."""
    one = measure(runs)

    def row(what: str, figures: list[float], limit: str, form: Callable[[list[float]], str]) -> Row:
        number, unit = limit.removeprefix("≤ ").split()
        most = float(number) / (1000 if unit == "ms" else 1)
        return Row(what, form(figures), limit, statistics.median(figures) <= most)

    def peer(what: str, figures: list[float], form: Callable[[list[float]], str]) -> Row:
        return Row(what, form(figures) if figures else "no kubectl here", "the peer", True)

    return [
        row("key R → full plan, Approve in reach", one.planned, "≤ 700 ms", _in_ms),
        row("Approve → first write seen at the API", one.written, "≤ 900 ms", _in_ms),
        row("Approve → verified on screen, 8 steps", one.verified, "≤ 10 s", _in_s),
        row("journalling, a step", one.journalled, "≤ 15 ms", _in_ms),
        peer("kubectl rollout undo → first write", one.kubectl_written, _in_ms),
        peer("kubectl rollout undo, then rollout status", one.kubectl_done, _in_s),
    ]


def _in_ms(figures: list[float]) -> str:
    return spread([1000 * each for each in figures], "{:.0f} ms")


def _in_s(figures: list[float]) -> str:
    return spread(figures, "{:.1f} s")
