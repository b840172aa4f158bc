"""Executors that die by SIGKILL at a chosen moment, each a process of its own, made in an instant.

Run as a program, it loads the product once and then forks an executor for every line on its standard input: nothing
of an executor that was killed lives on in the next one, and none pays for its imports. It has no threads and no event
loop, so that a fork of it is whole.

The moments have names: one before and one after every append to the ledger, and every request that is to change
something in the cluster. The product knows nothing of it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aurora_tui.actions import operations
from aurora_tui.actions.executor import execute
from aurora_tui.errors import AuroraError
from aurora_tui.kube.connection import Connection
from aurora_tui.kube.official import client_module
from aurora_tui.ledger.log import Log
from aurora_tui.settings import load

_CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT = 60.0  # seconds for one executor


class Ended(NamedTuple):
    """How an executor ended: the moments it lived through, whether it was killed at the last of them, what it said."""

    moments: tuple[str, ...]
    killed: bool
    output: str


class Executors:
    """One program that makes executors, one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def execute(self, profile: Path, run: str, die_at: str = "") -> Ended:
        """Carry `run` out; SIGKILL at the moment `die_at`, if it comes ("": never)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"profile": str(profile), "run": run, "die_at": die_at}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(LIMIT):
            told = await self._process.stdout.readline()
        assert told, "the program that makes executors has died"
        found = json.loads(told)
        return Ended(tuple(found["moments"]), found["killed"], found["output"])


@asynccontextmanager
async def executors(count: int) -> AsyncIterator[list[Executors]]:
    """So many of them, which work side by side."""
    command = (sys.executable, "-m", "tests.actions.killed")
    processes = [
        await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_CHECKOUT, limit=2**20
        )
        for _ in range(count)
    ]
    try:
        yield [Executors(process) for process in processes]
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
            await process.communicate()  # to its pipes' end too: after `wait` they may still be open


class _Moments:
    """Notes, and kills. A moment that comes again has a number: `before PUT … #2`."""

    def __init__(self, die_at: str, report: int) -> None:
        self._die_at = die_at
        self._report = report
        self.seen: Counter[str] = Counter()
        self.names: list[str] = []

    def here(self, moment: str) -> None:
        self.seen[moment] += 1
        self.names.append(moment if self.seen[moment] == 1 else f"{moment} #{self.seen[moment]}")
        if self.names[-1] == self._die_at:
            self.tell(killed=True)
            os.kill(os.getpid(), signal.SIGKILL)

    def tell(self, killed: bool) -> None:
        """What is to be known of this process after its end."""
        os.write(self._report, json.dumps({"moments": self.names, "killed": killed}).encode())

    def watch(self) -> None:
        """From now on this process dies at its moment."""
        append, request = Log.append, Connection.request

        async def counted_append(log: Log, action: str, data: Any, **options: Any) -> Any:
            name = f"{action} {data.get('step', '')}".strip()
            self.here(f"before {name}")
            entry = await append(log, action, data, **options)
            self.here(f"after {name}")
            return entry

        async def counted_request(connection: Connection, method: str, path: str, *rest: Any, **options: Any) -> Any:
            if method == "GET":
                return await request(connection, method, path, *rest, **options)
            name = f"{method} {path.rpartition('/namespaces/')[2]}"
            self.here(f"before {name}")
            answer = await request(connection, method, path, *rest, **options)
            self.here(f"after {name}")
            return answer

        Log.append = counted_append  # type: ignore[method-assign,assignment]
        Connection.request = counted_request  # type: ignore[method-assign,assignment]


def _forked(asked: dict[str, Any]) -> dict[str, Any]:
    """What became of one executor."""
    told, report = os.pipe()
    log, output = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(output, 2)
        _executor(asked, report)
    os.close(report)
    os.close(output)
    with os.fdopen(told, "rb") as pipe:
        answer = pipe.read()
    with os.fdopen(log, "rb") as pipe:
        printed = pipe.read()
    os.waitpid(child, 0)
    found = json.loads(answer) if answer else {"moments": (), "killed": False}
    return found | {"output": printed.decode(errors="replace")}


def _load() -> None:
    """Everything that an executor imports when it first needs it."""
    for name in ("aiohttp", "httpx", "yaml", "aurora_tui.sources.probes", "aurora_tui.sources.prometheus"):
        importlib.import_module(name)
    for name in ("rest", "configuration"):
        client_module(name)
    for name in ("scale", "traffic", "undo", "wait"):
        importlib.import_module(f"{operations.__name__}.{name}")


def _executor(asked: dict[str, Any], report: int) -> None:
    try:
        moments = _Moments(asked["die_at"], report)
        moments.watch()
        try:
            asyncio.run(execute(load((Path(asked["profile"]),)), asked["run"]))
            moments.tell(killed=False)
        except AuroraError as error:
            print(error, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - told; and a fork must never go on as its parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def main() -> None:
    """Lines in, lines out."""
    _load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_forked(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
