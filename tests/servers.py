"""Real servers on loopback for tests: started on a free port, in a directory of their own, ended by the test."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

READY_SECONDS = 60.0


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of loopback that refuses connections and that nobody else is given, until a server of ours listens on it.

    The socket that holds it is bound but does not listen, so a server may bind it too: both set SO_REUSEADDR, as Go's
    servers do (socket(7)). The kernel gives such a port to no one who asks for any.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with reserved_port() as port:
        return port


@dataclass
class RunningServer:
    """A server's process. It can be stopped and started again on the same port and data."""

    command: Sequence[str]
    url: str
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says it is ready; AssertionError with its log when it does not."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*self.command, stdout=log, stderr=log)
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(READY_SECONDS):
            while True:
                assert self.process.returncode is None, f"it ended at once:\n{self.log.read_text()}"
                try:
                    if (await client.get(f"{self.url}/-/ready")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """End it and wait for that."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(10):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


def prometheus_command(folder: Path, config: str, port: int, flags: Sequence[str] = ()) -> list[str]:
    """The command line of a Prometheus with `config` (YAML text) and its data under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "prometheus.yml"
    file.write_text(config)
    return [
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=40d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--log.level=warn",
        *flags,
    ]


@asynccontextmanager
async def real_prometheus(
    folder: Path, config: str = "global: {scrape_interval: 15s}\n", blocks: str | None = None, flags: Sequence[str] = ()
) -> AsyncIterator[RunningServer]:
    """A running Prometheus with `config`; `blocks` is OpenMetrics text (with times) that it holds as history."""
    if blocks is not None:
        await asyncio.to_thread(backfill, folder, blocks)
    with reserved_port() as port:
        command = prometheus_command(folder, config, port, flags)
        server = RunningServer(command, f"http://127.0.0.1:{port}", folder / "prometheus.log")
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


def backfill(folder: Path, openmetrics: str) -> None:
    """Make blocks under `folder`/data from OpenMetrics text; `# EOF` is added."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "history.om"
    file.write_text(openmetrics + "# EOF\n")
    made = subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=72h", file, folder / "data"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    file.unlink()


def openmetrics(name: str, labels: str, samples: Iterable[tuple[float, float]], kind: str = "gauge") -> str:
    """One series as OpenMetrics text. `labels` as they stand between the braces: `treaty_id="A"`."""
    family = name.removesuffix("_total") if kind == "counter" else name
    return f"# TYPE {family} {kind}\n" + "".join(
        f"{name}{{{labels}}} {value!r} {moment}\n" for moment, value in samples
    )
