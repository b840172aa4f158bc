"""Silences in an Alertmanager: looked at, made, ended. Every failure in words, and in time.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from aurora_tui.actions.operation import Impossible
from aurora_tui.clock import iso_micro, parse_iso
from aurora_tui.kube.errors import Unreachable
from aurora_tui.situation.mission import HttpSource
from aurora_tui.sources.failure import HttpFailure, describe_failure, is_failure_of_the_other_side
from aurora_tui.sources.http import answer, fetch, join, open_client, require_success

if TYPE_CHECKING:
    import httpx

WHOLE_SECONDS = 10.0  # real; for one question, whatever drips
_MOST_BYTES = 16_000_000
_FINAL = range(400, 500)  # refused, and so it will be the next time; but these two
_PASSING = (408, 429)


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label."""

    name: str
    value: str
    isRegex: bool = False
    isEqual: bool | None = True


class _State(msgspec.Struct, frozen=True):
    state: str = ""


class Silence(msgspec.Struct, frozen=True):
    """A silence as the API tells it. Times are RFC 3339."""

    id: str
    matchers: tuple[Matcher, ...]
    startsAt: str
    endsAt: str
    createdBy: str = ""
    comment: str = ""
    status: _State = _State()

    @property
    def over(self) -> bool:
        """Whether it has ended: by itself, or because somebody expired it."""
        return self.status.state == "expired"

    @property
    def ends(self) -> float:
        """Unix seconds."""
        return parse_iso(self.endsAt)

    def asks(self, labels: Mapping[str, str]) -> bool:
        """Whether it silences alerts that carry exactly these labels, whatever else they carry."""
        wanted = {Matcher(name=name, value=value) for name, value in labels.items()}
        return {msgspec.structs.replace(one, isEqual=one.isEqual is not False) for one in self.matchers} == wanted


class _Made(msgspec.Struct):
    silenceID: str


async def silences(where: HttpSource) -> Sequence[Silence]:
    """All that it knows, those that are over for some days too. Unreachable, Impossible."""
    async with _asked(where) as client:
        found = answer(await fetch(client, join(where.url, "/api/v2/silences"), _MOST_BYTES), list[Silence])
    return found


async def make_silence(
    where: HttpSource, labels: Mapping[str, str], start: float, end: float, author: str, comment: str
) -> str:
    """Its id. Times are Unix seconds. Unreachable: it may have been made all the same; Impossible: refused."""
    body: dict[str, Any] = {
        "matchers": [
            {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in sorted(labels.items())
        ],
        "startsAt": iso_micro(start),
        "endsAt": iso_micro(end),
        "createdBy": author,
        "comment": comment,
    }
    async with _asked(where) as client:
        made = answer(await client.post(join(where.url, "/api/v2/silences"), json=body), _Made)
    return made.silenceID


async def end_silence(where: HttpSource, id: str) -> None:
    """Expire it now; nothing happens when it is over already. Unreachable, Impossible."""
    async with _asked(where) as client:
        require_success(await client.delete(join(where.url, f"/api/v2/silence/{id}")))


@asynccontextmanager
async def _asked(where: HttpSource) -> AsyncIterator[httpx.AsyncClient]:
    """A client for one question, whose failures become ours: Unreachable when it may pass, else Impossible."""
    try:
        async with asyncio.timeout(WHOLE_SECONDS), await open_client(where.url, where.auth) as client:
            yield client
    except Exception as error:
        if not is_failure_of_the_other_side(error):
            raise
        words = f"the Alertmanager cannot be asked: {describe_failure(error, where.url)}"
        if isinstance(error, HttpFailure) and error.status in _FINAL and error.status not in _PASSING:
            raise Impossible(words, "") from error
        raise Unreachable(words, "") from error
