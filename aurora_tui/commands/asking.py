"""Asking a person at the terminal. What is read from a pipe is nobody's consent."""

from __future__ import annotations

import asyncio
import os
import sys

import click


def can_ask() -> bool:
    """Whether somebody sits there: both our input and where questions go are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


async def ask(question: str) -> str | None:
    """One typed line without the spaces around it; None at its end (ctrl+D).

    The event loop goes on meanwhile, so that ctrl+C ends the question at once.
    """
    click.echo(question, nl=False, err=True)
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    answer: asyncio.Future[bytes] = loop.create_future()
    typed = b""

    def read() -> None:
        nonlocal typed
        piece = os.read(number, 4096)
        typed += piece
        if (not piece or b"\n" in typed) and not answer.done():
            answer.set_result(typed)

    loop.add_reader(number, read)
    try:
        line = await answer
    finally:
        loop.remove_reader(number)
    if not line.endswith(b"\n"):
        click.echo(err=True)
        return None
    return line.split(b"\n")[0].decode("utf-8", "replace").strip()
