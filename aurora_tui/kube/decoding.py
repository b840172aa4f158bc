"""Reading JSON that someone else wrote: one failure for everything that can be wrong with it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def read_json(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """What `decoder` reads; msgspec.DecodeError for whatever it cannot.

    msgspec itself lets through two more, and neither is one: text in another encoding (a proxy's page in Latin-1),
    and nesting deeper than Python's stack.
    """
    try:
        return decoder.decode(body)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError("it is not UTF-8") from error
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
