"""Bodies of a known most: what a server sends, and what it unpacks to, is counted before it is kept.

A gzip stream can hold a thousand times its size, so it is unpacked in pieces and given up at the limit.
"""

from __future__ import annotations

import zlib

from aurora_tui.sources.failure import HttpFailure
from aurora_tui.text import redact_url, safe

ACCEPTED = "gzip"  # what we say we can unpack (Accept-Encoding)
_GZIP = 16 + zlib.MAX_WBITS


class Body:
    """A body of at most `most` bytes, fed as it comes. `encoding` is the answer's Content-Encoding, if it has one."""

    def __init__(self, encoding: str | None, most: int, url: str) -> None:
        """HttpFailure for an encoding that was not asked for."""
        self._most = most
        self._where = redact_url(url)
        self._pieces: list[bytes] = []
        self._size = 0
        named = (encoding or "identity").strip().lower()
        if named not in ("identity", "gzip", "x-gzip", ""):
            raise HttpFailure(
                f"{self._where} answered packed as {safe(named, 40)}, which was not asked for",
                "A proxy on the way changes answers: check the address.",
            )
        self._unpacker = zlib.decompressobj(_GZIP) if named.endswith("gzip") else None

    def feed(self, piece: bytes) -> None:
        """Take in what came. HttpFailure when it is too much, or cannot be unpacked."""
        if self._unpacker is not None:
            try:
                piece = self._unpacker.decompress(piece, self._most - self._size + 1)
            except zlib.error as error:
                raise self._broken(str(error)) from error
        self._size += len(piece)
        if self._size > self._most:
            raise HttpFailure(
                f"{self._where} answered more than {_size(self._most)}",
                "That is no answer to what was asked: check the address, and the query for too many series.",
            )
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """All of it. HttpFailure when a packed one ends too early."""
        if self._unpacker is not None and not self._unpacker.eof and self._size:
            raise self._broken("it ends too early")
        return b"".join(self._pieces)

    def _broken(self, why: str) -> HttpFailure:
        return HttpFailure(
            f"{self._where} answered broken gzip: {safe(why, 80)}", "Something on the way cuts or changes answers."
        )


def _size(count: int) -> str:
    return f"{count / 1_000_000:g} MB"
