"""The console on a large world: filled, stalls, memory, keys and pod events under churn, kubectl on the same server."""

from __future__ import annotations

import base64
import functools
import http.client
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.bench import heartbeat
from tests.bench.large_world import ALERTS, PODS
from tests.bench.stopwatch import Stopwatch
from tests.bench.table import Row, p95, spread
from tests.drills import served_by
from tests.terminal import AURORA

CHURN = 500  # changes of pods a second
_WORLD = (sys.executable, "-m", "tests.bench.large_world")
_LIMIT = 30.0
_NAMESPACE = "aurora-production"
_CANARY = "aurora-bridge"
_QUIETS_DOWN = 4.0  # seconds


@dataclass
class Measured:
    """What was measured. Times are seconds, memory MB of 2**20 bytes."""

    filled: list[float] = field(default_factory=list)  # after the first paint
    counted: list[float] = field(default_factory=list)  # from the start to every pod
    start_stalls: list[float] = field(default_factory=list)  # the longest of each run
    start_busy: list[float] = field(default_factory=list)  # the most of one that its own thread ran
    churn_stalls: list[float] = field(default_factory=list)
    churn_busy: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    cpu: float = 0.0
    quiet_cpu: float = 0.0
    bytes: float = 0.0
    kubectl_listed: list[float] = field(default_factory=list)
    kubectl_memory: list[float] = field(default_factory=list)


def filled(text: str) -> bool:
    """Whether every panel shows what it is for: SLOs, all pods, timers, all alerts, a verdict."""
    wanted = ("Fill rate", "RTT", "Provenance", "Policy", _CANARY, "Ledger backup", "SEV2", "pods")
    words = (" GO", "WATCH", "ROLL BACK", "▌GO")
    return (
        all(word in text for word in wanted)
        and any(word in text for word in words)
        and not any(word in text.lower() for word in ("waiting", "reading its history", "— %"))
        and "BLIND" not in text
        and counted(text)
    )


def counted(text: str) -> bool:
    """Whether the screen says that there are as many pods as there are."""
    found = re.search(r"WORKLOADS .*? ([\d,]+) pods", text)
    return found is not None and int(found[1].replace(",", "")) >= PODS


class Api:
    """The world's Kubernetes API and control endpoint, as somebody else would use them."""

    def __init__(self, world: dict[str, Any]) -> None:
        self._world = world
        config = yaml.safe_load(Path(world["kubeconfig"]).read_text())
        authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
        self._tls = ssl.create_default_context(cadata=authority.decode())
        # A kubelet's work, which no operator may do.
        self._token = next(user["user"]["token"] for user in config["users"] if user["name"] == "drill-admin")
        server = urllib.parse.urlsplit(world["urls"]["kubernetes"])
        self._server = http.client.HTTPSConnection(server.hostname or "", server.port, timeout=10, context=self._tls)
        self._pods = f"/api/v1/namespaces/{_NAMESPACE}/pods"

    def churn(self, rate: float) -> None:
        """Let pods change so often a second from now on."""
        body = json.dumps({"do": "churn", "rate": rate}).encode()
        where = f"{self._world['urls']['control']}/control/events"
        urllib.request.urlopen(urllib.request.Request(where, body), timeout=10).close()

    def marker(self) -> dict[str, Any]:
        """A pod of the canary, which churn leaves alone."""
        return dict(self._ask("GET", f"{self._pods}?labelSelector=app%3D{_CANARY}")["items"][0])

    def crash(self, pod: dict[str, Any], restarts: int) -> None:
        """Have the pod reported as crash-looping after so many restarts: one request."""
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
        status = pod["status"]["containerStatuses"][0]
        told = {**status, "ready": False, "restartCount": restarts, "state": waiting}
        path = f"{self._pods}/{pod['metadata']['name']}/status"
        self._ask("PATCH", path, {"status": {"containerStatuses": [told]}})

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/merge-patch+json"}
        self._server.request(method, path, None if body is None else json.dumps(body).encode(), headers)
        answer = self._server.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        return json.loads(text)


def keys(terminal: Stopwatch) -> Iterator[Callable[[], float]]:
    """A person at work: each call presses a key and gives the seconds to the paint that shows it."""

    def key(char: str, seen: Callable[[str], bool]) -> Callable[[], float]:
        return lambda: terminal.since_key(char, seen)

    terminal.send("4")
    terminal.until(lambda text: "┏ 4 ALERTS" in text, _LIMIT, "the alerts focused")
    for step in "jjjjkk":
        yield functools.partial(terminal.since_cursor, step, terminal.size[0] * 3 // 5 + 2)
    yield key("3", lambda text: "┏ 3 WORKLOADS" in text)
    for every in (False, True):
        if every:
            yield key("x", lambda text: "every pod is listed" in text)
        typed = ""
        for char in "/crowd-2":
            typed += char
            yield key(char, lambda text, typed=typed: f"{typed}▏" in text)  # type: ignore[misc]
        yield key("\r", lambda text: "/crowd-2▏" not in text)
        terminal.send("\x1b[B")
        terminal.drain()
        yield key("\r", lambda text: "Esc closes" in text)
        # Escape waits half a second for the rest of a sequence that a slow line may have split: timed by nobody.
        terminal.since_key("\x1b", lambda text: "Esc closes" not in text)
        terminal.since_key("\x1b", lambda text: "/crowd-2" not in text)
        yield key("2", lambda text: "┏ 2 CHECK" in text)
        yield key("3", lambda text: "┏ 3 WORKLOADS" in text)
    yield key("x", lambda text: "only pods that are not" in text)


def watch_console(world: dict[str, Any], api: Api, found: Measured, seconds: float, rounds: int) -> None:
    """One run of the console: its start, `seconds` of churn with nobody at the keys, then keys and pod events."""
    with tempfile.TemporaryDirectory() as folder:
        beats = Path(folder) / "beats"
        beats.touch()
        command = (sys.executable, "-m", "tests.bench.heartbeat", str(beats), "--config", world["profile"])
        began = time.monotonic()
        with Stopwatch(command) as terminal:
            terminal.until(filled, _LIMIT, "a filled screen")
            terminal.quiet_bytes(_QUIETS_DOWN)
            started = time.monotonic()
            cpu = terminal.cpu_seconds()
            terminal.quiet_bytes(seconds)
            found.quiet_cpu = (terminal.cpu_seconds() - cpu) / seconds
            api.churn(CHURN)
            terminal.quiet_bytes(_QUIETS_DOWN)
            cpu = terminal.cpu_seconds()
            found.bytes = terminal.quiet_bytes(seconds) / seconds
            found.cpu = (terminal.cpu_seconds() - cpu) / seconds
            for _ in range(rounds):
                found.keys += [press() for press in keys(terminal)]
            found.events += list(pod_events(terminal, api, 8 * rounds))
            ended = time.monotonic()
            found.memory.append(terminal.peak_memory())
            api.churn(0)
        stalls = heartbeat.read(beats)
        at_start = [one for one in stalls if began <= one.at < started]
        in_churn = [one for one in stalls if started <= one.at < ended]
        found.start_stalls.append(max((one.late for one in at_start), default=0.0))
        found.start_busy.append(max((one.busy for one in at_start), default=0.0))
        found.churn_stalls.append(max((one.late for one in in_churn), default=0.0))
        found.churn_busy.append(max((one.busy for one in in_churn), default=0.0))


def pod_events(terminal: Stopwatch, api: Api, count: int) -> Iterator[float]:
    """Seconds from a pod's status being sent to the server to its text on the screen."""
    pod = api.marker()
    terminal.send("3\x1b[H")
    terminal.until(lambda text: f"{_CANARY} " in text, _LIMIT, "the canary in view")
    for number in range(count):
        restarts = 1000 + int(time.monotonic() * 10) % 8000 + number
        sender = threading.Thread(target=api.crash, args=(pod, restarts))
        yield terminal.since(sender.start, lambda text: f"{restarts} restarts" in text)  # noqa: B023 - called at once
        sender.join()


def time_to_fill(world: dict[str, Any], found: Measured) -> None:
    """The console from its start to every pod counted on screen, and from its first paint to a filled one."""
    with Stopwatch((*AURORA, "--config", world["profile"])) as terminal:
        painted = terminal.until_painted()
        found.counted.append(terminal.until(counted, _LIMIT, "every pod counted"))
        found.filled.append(terminal.until(filled, _LIMIT, "a filled screen") - painted)
        terminal.quiet_bytes(_QUIETS_DOWN)


def kubectl(world: dict[str, Any], found: Measured) -> None:
    """`kubectl get pods -w` on the same server: from its start to the line of the last pod, and its memory then."""
    command = ("kubectl", "--kubeconfig", world["kubeconfig"], "-n", _NAMESPACE, "get", "pods", "-w")
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=os.environ) as process:
        assert process.stdout is not None
        for _ in range(PODS + 1):  # and the names of the columns
            process.stdout.readline()
        found.kubectl_listed.append(time.monotonic() - began)
        with open(f"/proc/{process.pid}/status") as status:
            found.kubectl_memory.append(
                next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
            )
        process.kill()


def measure(runs: int, seconds: float, rounds: int) -> Measured:
    """Everything, on one world."""
    found = Measured()
    with served_by(_WORLD, limit=120.0) as world:
        api = Api(world)
        for _ in range(runs):
            time_to_fill(world, found)
            kubectl(world, found)
        for _ in range(runs):
            watch_console(world, api, found, seconds, rounds)
    return found


def rows(runs: int, seconds: float = 10.0, rounds: int = 1) -> list[Row]:
    """The table of the large world."""
    one = measure(runs, seconds, rounds)
    fill, stall, churn = statistics.median(one.filled), max(one.start_stalls), max(one.churn_stalls)
    key, event, memory = p95(one.keys), p95(one.events), max(one.memory)
    ms = "{:.0f} ms"

    def many(figures: list[float]) -> str:
        return f"p95 {p95(figures) * 1000:.0f} ms, median {statistics.median(figures) * 1000:.0f} ms ({len(figures)})"

    def stalls(late: list[float], busy: list[float]) -> str:
        return f"{spread([1000 * each for each in late], ms)}; its own work {max(busy) * 1000:.0f} ms"

    return [
        Row("panels filled after first paint", spread(one.filled, "{:.2f} s"), "≤ 1.0 s", fill <= 1.0),
        Row("longest event-loop stall, start", stalls(one.start_stalls, one.start_busy), "≤ 50 ms", stall <= 0.05),
        Row(
            f"longest event-loop stall, {CHURN} pod events/s",
            stalls(one.churn_stalls, one.churn_busy),
            "≤ 50 ms",
            churn <= 0.05,
        ),
        Row("memory of the console, peak", f"{memory:.0f} MB", "≤ 120 MB", memory <= 120),
        Row(f"key → paint, {CHURN} pod events/s", many(one.keys), "p95 ≤ 60 ms", key <= 0.06),
        Row("pod event → painted", many(one.events), "p95 ≤ 300 ms", event <= 0.3),
        Row("processor, quiet", f"{one.quiet_cpu:.1%} of a core", "none", True),
        Row(f"processor, {CHURN} pod events/s", f"{one.cpu:.0%} of a core", "none", True),
        Row(f"terminal, {CHURN} pod events/s", f"{one.bytes / 1024:.1f} KB/s", "none", True),
        Row("every pod counted on screen after start", spread(one.counted, "{:.2f} s"), "beside kubectl", True),
        Row("every pod listed by kubectl get pods -w", spread(one.kubectl_listed, "{:.2f} s"), "the peer", True),
        Row("memory of kubectl get pods -w, peak", f"{max(one.kubectl_memory):.0f} MB", "the peer", True),
    ]


TITLE = f"{PODS:,} pods, {ALERTS:,} alerts"
