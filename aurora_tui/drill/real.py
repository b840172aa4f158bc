"""`--real-prometheus`: the real Prometheus and Alertmanager on the drill's exporters, in place of the embedded ones."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path

import aiohttp

from aurora_tui.clock import Clock
from aurora_tui.drill.alertmanager import shipped
from aurora_tui.drill.backfill import write_openmetrics
from aurora_tui.drill.history import History
from aurora_tui.drill.loopback import HOST, Server, require_free
from aurora_tui.drill.monitoring import rules_folder, targets
from aurora_tui.drill.series import Generation
from aurora_tui.errors import AuroraError, UsageError

_READY_LIMIT = 20.0
_END_LIMIT = 5.0
_PROGRAMS = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),  # Debian's name first
}
_PACKAGES = {"prometheus": "prometheus", "promtool": "prometheus", "alertmanager": "prometheus-alertmanager"}


class RealMonitoring:
    """Both servers as child processes on loopback, with their data in `directory`. They die with this process."""

    def __init__(
        self, exporters: Mapping[str, Server], generation: Generation, port: int, directory: Path, speed: float
    ) -> None:
        """port: of Prometheus; 0 is any free one. UsageError: a program is missing, a port taken, or speed is not 1."""
        if speed != 1.0:
            raise UsageError(
                f"--real-prometheus cannot run at --speed {speed:g}: a real server keeps real time",
                "Leave out one of the two.",
            )
        self._programs = {name: _program(name) for name in _PROGRAMS}
        if port:
            require_free(port, "Prometheus")
        self._held = {"prometheus": _held(port), "alertmanager": _held(0)}
        self._ports = {name: int(held.getsockname()[1]) for name, held in self._held.items()}
        self._targets = targets(exporters)
        self._generation = generation
        self._directory = directory
        self._text = directory / "history.om"
        self._children: list[asyncio.subprocess.Process] = []

    @property
    def urls(self) -> Mapping[str, str]:
        return {name: f"http://{HOST}:{port}" for name, port in self._ports.items()}

    def load(self, history: History, instances: Mapping[str, str]) -> None:
        """Write the history as OpenMetrics text; `start` makes blocks of it."""
        write_openmetrics(self._text, history, self._generation, instances)

    async def start(self, clock: Clock) -> list[Awaitable[None]]:
        data = self._directory / "prometheus"
        await self._backfill(data)
        self._write_configuration()
        prometheus, alertmanager = self._ports["prometheus"], self._ports["alertmanager"]
        await asyncio.gather(
            self._serve(
                "prometheus",
                f"--config.file={self._directory / 'prometheus.json'}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=30d",
                f"--web.listen-address={HOST}:{prometheus}",
                "--log.level=warn",
            ),
            self._serve(
                "alertmanager",
                f"--config.file={self._directory / 'alertmanager.yml'}",
                f"--storage.path={self._directory / 'alertmanager'}",
                f"--web.listen-address={HOST}:{alertmanager}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ),
        )
        return [self._watch(child) for child in self._children]

    async def _backfill(self, data: Path) -> None:
        """Blocks from the history's text."""
        command = ("tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=72h")
        child = await asyncio.create_subprocess_exec(
            *_dying_with_us(self._programs["promtool"]),
            *command,
            str(self._text),
            str(data),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await child.communicate()
        if child.returncode:
            raise AuroraError("promtool cannot make blocks of the history", said.decode(errors="replace")[-2000:])
        self._text.unlink()

    def _write_configuration(self) -> None:
        document = {
            "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
            "rule_files": [str(rules_folder() / "*.yml")],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"{HOST}:{self._ports['alertmanager']}"]}]}]
            },
            "scrape_configs": [
                {
                    "job_name": target.job,
                    "honor_labels": target.honor_labels,
                    "static_configs": [
                        {"targets": [target.own_labels()["instance"]], "labels": dict(target.labels)},
                    ],
                }
                for target in self._targets
            ],
        }
        (self._directory / "prometheus.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
        (self._directory / "alertmanager.yml").write_text(shipped().text, encoding="utf-8")

    async def _serve(self, name: str, *flags: str) -> None:
        """Start a server and wait until it is ready. AuroraError with its last words when it does not get so far."""
        log = self._directory / f"{name}.log"
        with log.open("wb") as output:
            child = await asyncio.create_subprocess_exec(
                *_dying_with_us(self._programs[name]), *flags, stdout=output, stderr=output
            )
        self._children.append(child)
        url = f"{self.urls[name]}/-/ready"
        try:
            async with asyncio.timeout(_READY_LIMIT), aiohttp.ClientSession() as session:
                while child.returncode is None and not await _answers(session, url):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise _did_not_start(name, log) from error
        if child.returncode is not None:
            raise _did_not_start(name, log)

    async def _watch(self, child: asyncio.subprocess.Process) -> None:
        """A server that ends by itself ends the world."""
        code = await child.wait()
        raise AuroraError(f"A server of the drill ended by itself, with code {code}", f"See {self._directory}.")

    async def close(self) -> None:
        """End both servers, wait until they are gone, and give up their ports."""
        running = [child for child in self._children if child.returncode is None]
        for child in running:
            child.terminate()
        for child in running:
            try:
                async with asyncio.timeout(_END_LIMIT):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()
        for held in self._held.values():
            held.close()


def _held(port: int) -> socket.socket:
    """A socket that keeps `port` (0: any free one) for a server to come.

    It is bound but does not listen, so the server may bind the port too: both set SO_REUSEADDR, as Go's servers do
    (socket(7)). The kernel gives such a port to no one else who asks for any.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((HOST, port))
    return held


def _program(name: str) -> str:
    found = next((path for each in _PROGRAMS[name] if (path := shutil.which(each))), None)
    if found is None:
        raise UsageError(
            f"--real-prometheus needs the program {name}, which is not on PATH",
            f"Install it (Debian: apt install {_PACKAGES[name]}), or leave the flag out.",
        )
    return found


def _dying_with_us(program: str) -> Sequence[str]:
    """The program so that the kernel ends it when this process is killed (util-linux' setpriv, where there is one)."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--", program) if setpriv else (program,)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def _did_not_start(name: str, log: Path) -> AuroraError:
    return AuroraError(f"{name} did not start", log.read_text(encoding="utf-8", errors="replace")[-2000:])
