"""What a plan says that a person would type, typed."""

from __future__ import annotations

import asyncio
import os
import shlex

from tests.actions.worlds import World

PATIENCE = 60.0  # seconds that a kubectl may take on a busy machine


async def typed(command: str, here: World) -> str:
    """What it prints. AssertionError with what it complains of when it fails."""
    environment = {"HOME": str(here.folder), "KUBECONFIG": str(here.kubeconfig), "PATH": os.environ["PATH"]}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), env=environment, stdout=pipe, stderr=pipe, stdin=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(PATIENCE):
        out, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return out.decode()
