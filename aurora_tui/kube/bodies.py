"""Reading the body of an answer, whole or by lines, as far as it may go; what breaks off is told in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from aurora_tui.kube.access import Access
from aurora_tui.kube.errors import Silent, Unreadable
from aurora_tui.kube.unreachable import unreachable
from aurora_tui.text import redact_url

READ_SECONDS = 10.0  # without a byte
SILENT_SECONDS = 150.0  # bookmarks come about every 60 s
LARGEST_LINE = 8 * 2**20  # etcd holds objects up to 1.5 MB; JSON may triple that
FAILURE_SECONDS = 2.0  # for the body of a failure
LARGEST_FAILURE = 2**18  # more of a failure's body is not read


async def read_whole(response: Any, request: str, largest: int, access: Access) -> bytes:
    """All of it; Unreadable when it is larger than `largest` bytes, Unreachable when it breaks off."""
    import aiohttp

    received = bytearray()
    try:
        async for piece in response.content.iter_any():
            received += piece
            if len(received) > largest:
                raise _too_large(f"{request}: the answer", largest)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise unreachable(error, access, READ_SECONDS) from error
    return bytes(received)


async def read_beginning(response: Any) -> bytes:
    """What a failure says of itself; it stays that failure when its body breaks off, drips or never ends."""
    import aiohttp

    received = bytearray()
    # Whatever comes of the rest, the status is known, which is what counts.
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(FAILURE_SECONDS):
            async for piece in response.content.iter_any():
                received += piece
                if len(received) > LARGEST_FAILURE:
                    break
    return bytes(received[:LARGEST_FAILURE])


async def read_lines(response: Any, request: str, access: Access) -> AsyncGenerator[bytes, None]:
    """The lines as they come, without empty ones; Silent when none comes for too long."""
    import aiohttp

    rest = bytearray()
    try:
        async for piece in response.content.iter_any():
            if b"\n" not in piece:
                rest += piece
            else:
                *lines, after = bytes(rest + piece).split(b"\n")
                rest = bytearray(after)
                for line in lines:
                    if line.strip():
                        yield line
            if len(rest) > LARGEST_LINE:
                raise _too_large(f"{request}: an event", LARGEST_LINE)
    except TimeoutError as error:
        raise Silent(f"{request}: no word from {redact_url(access.server)}", "It is asked again.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise unreachable(error, access, SILENT_SECONDS) from error
    if rest.strip():
        yield bytes(rest)


def _too_large(what: str, largest: int) -> Unreadable:
    return Unreadable(f"{what} is larger than {largest / 2**20:g} MiB", "Is this a Kubernetes API?")
