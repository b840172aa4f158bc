"""A drill's world run alone beside a test, and what its ready line told."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.terminal import AURORA


@contextmanager
def served(*options: str, limit: float = 90.0) -> Iterator[dict[str, Any]]:
    """`aurora-tui drill --serve` with these options: yields its ready line, ends it afterwards."""
    with served_by((*AURORA, "drill", "--serve", *options), limit) as ready:
        yield ready


@contextmanager
def served_by(command: Sequence[str], limit: float = 90.0) -> Iterator[dict[str, Any]]:
    """A command that serves a world and says so in a line of JSON: yields that line, ends it afterwards."""
    world = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=os.environ)
    assert world.stdout is not None
    try:
        began = time.monotonic()
        ready, _, _ = select.select([world.stdout], [], [], limit)
        line = world.stdout.readline() if ready else b""
        assert line, f"the drill said nothing within {limit} s (exit code {world.poll()})"
        yield {**json.loads(line), "seconds": time.monotonic() - began, "process": world.pid}
    finally:
        world.send_signal(signal.SIGTERM)
        try:
            world.wait(10)
        except subprocess.TimeoutExpired:
            world.kill()
            world.wait()
        world.stdout.close()


def control(world: dict[str, Any], event: dict[str, Any]) -> None:
    """Make something happen in the world, in the words of a scenario."""
    request = urllib.request.Request(
        f"{world['urls']['control']}/control/events", json.dumps(event).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status < 300
