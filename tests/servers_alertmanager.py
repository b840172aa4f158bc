"""A real Alertmanager on loopback for tests, and what a test tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.servers import RunningServer, reserved_port

PROGRAM = "prometheus-alertmanager"
CONFIG = """
route: {receiver: nobody, group_wait: 0s, group_interval: 1s}
receivers: [{name: nobody}]
inhibit_rules:
- source_matchers: [sev="SEV1"]
  target_matchers: [sev="SEV3"]
"""


@asynccontextmanager
async def real_alertmanager(folder: Path, config: str = CONFIG) -> AsyncIterator[RunningServer]:
    """A running Alertmanager without a cluster, with `config` (YAML text)."""
    with reserved_port() as port:
        command = [
            PROGRAM,
            f"--config.file={_written(folder, config)}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        server = RunningServer(command, f"http://127.0.0.1:{port}", folder / "alertmanager.log")
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


def _written(folder: Path, config: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alertmanager.yml"
    file.write_text(config)
    return file


async def post(server: RunningServer, path: str, body: Any) -> Any:
    """POST `body` as JSON under /api/v2; the answer's JSON, if it has any."""
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(f"{server.url}/api/v2/{path}", json=body)
    assert response.is_success, response.text
    return response.json() if response.content else None


async def fire(server: RunningServer, *alerts: dict[str, str], started: float | None = None) -> None:
    """Let alerts with these labels fire, since `started` (Unix seconds)."""
    since = {} if started is None else {"startsAt": moment(started)}
    await post(server, "alerts", [{"labels": labels, **since} for labels in alerts])


async def silence(server: RunningServer, start: float, end: float, **labels: str) -> str:
    """Silence what has these labels; the silence's id."""
    matchers: Sequence[dict[str, Any]] = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in labels.items()
    ]
    times = {"startsAt": moment(start), "endsAt": moment(end)}
    answer = await post(server, "silences", {"matchers": matchers, **times, "createdBy": "eva", "comment": "known"})
    return str(answer["silenceID"])


def moment(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
