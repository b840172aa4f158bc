"""Silences: created, replaced and expired as Alertmanager 0.25 does (silence/silence.go)."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from aurora_tui.drill.alertmanager import moments
from aurora_tui.drill.alertmanager.matchers import Matcher, all_accept
from aurora_tui.drill.alertmanager.postable_silence import PostedSilence, check
from aurora_tui.drill.alertmanager.refusal import Refusal

_KEPT = 120 * 3600.0  # expired silences are forgotten after --data.retention
_ANY = ("", "")  # in place of a label: any alert may be covered
_ORDER = {"active": 0, "pending": 1, "expired": 2}


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that all matchers accept are quiet from `starts_at` to `ends_at` (Unix seconds)."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    updated_at: float
    created_by: str
    comment: str

    def state(self, now: float) -> str:
        return "pending" if now < self.starts_at else "active" if now < self.ends_at else "expired"

    def body(self, now: float) -> dict[str, object]:
        return {
            "id": self.id,
            "status": {"state": self.state(now)},
            "updatedAt": moments.write(self.updated_at),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": moments.write(self.ends_at),
            "matchers": [matcher.body() for matcher in self.matchers],
            "startsAt": moments.write(self.starts_at),
        }


class Silences:
    """All silences. now: world time, Unix seconds. seed: their ids follow from it.

    version: another number after every change, for who remembers what they cover.
    """

    def __init__(self, now: Callable[[], float], seed: int = 0) -> None:
        self.now = now
        self.version = 0
        self._random = Random(f"silences {seed}")
        self._by_id: dict[str, Silence] = {}
        self._by_label: dict[tuple[str, str], list[Silence]] = {}
        self._indexed_at = -1

    def get(self, id: str) -> Silence | None:
        self._forget()
        return self._by_id.get(id)

    def listed(self, filters: tuple[Matcher, ...] = ()) -> list[Silence]:
        """Those that carry every filter as a matcher, in the real server's order: active, pending, expired."""
        now = self.now()
        self._forget()

        def order(silence: Silence) -> tuple[int, float]:
            state = silence.state(now)
            by_end = {"active": silence.ends_at, "pending": silence.starts_at, "expired": -silence.ends_at}
            return _ORDER[state], by_end[state]

        wanted = set(filters)
        return sorted((each for each in self._by_id.values() if wanted <= set(each.matchers)), key=order)

    def covering(self, labels: Mapping[str, str]) -> tuple[Silence, ...]:
        """The silences, active or still to come, that cover these labels; ordered by id."""
        if self._indexed_at != self.version:
            self._index()
        candidates = [each for label in (_ANY, *labels.items()) for each in self._by_label.get(label, ())]
        found = (each for each in candidates if all_accept(each.matchers, labels))
        return tuple(sorted(found, key=lambda each: each.id))

    def _index(self) -> None:
        """Find silences by a label that they ask for, so that an alert is not held against all of them."""
        now = self.now()
        self._by_label = {}
        for silence in self._by_id.values():
            if silence.ends_at > now:
                self._by_label.setdefault(_asked(silence), []).append(silence)
        self._indexed_at = self.version

    def post(self, posted: PostedSilence) -> str:
        """Create or replace a silence; its id. Refusal as the real server's (silence.go, Set)."""
        now = self.now()
        previous = self._by_id.get(posted.id) if posted.id else None
        if posted.id and previous is None:
            raise Refusal(404, "silence not found")
        if previous is not None:
            if _can_update(previous, posted, now):
                self._keep(_made(posted, posted.id, posted.starts_at, now))
                return posted.id
            if previous.state(now) != "expired":
                self.expire(previous.id)  # even when the new one is refused after all
        new = _made(
            posted,
            str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            max(now, posted.starts_at),
            now,
        )
        self._keep(new)
        return new.id

    def expire(self, id: str) -> None:
        """End a silence now. Refusal (500) when there is none; expiring twice is no error."""
        now = self.now()
        silence = self.get(id)
        if silence is None:
            raise Refusal(500, "silence not found")
        if silence.state(now) != "expired":
            starts_at = min(silence.starts_at, now)
            self._keep(replace(silence, starts_at=starts_at, ends_at=now, updated_at=now))

    def _keep(self, silence: Silence) -> None:
        self._by_id[silence.id] = silence
        self.version += 1

    def _forget(self) -> None:
        now = self.now()
        for old in [each.id for each in self._by_id.values() if each.ends_at + _KEPT < now]:
            del self._by_id[old]


def _asked(silence: Silence) -> tuple[str, str]:
    """A label, with its value, without which an alert is not covered."""
    plain = ((each.name, each.value) for each in silence.matchers if each.is_equal and not each.is_regex and each.value)
    return next(plain, _ANY)


def _made(posted: PostedSilence, id: str, starts_at: float, now: float) -> Silence:
    """The silence that was posted. Refusal (400) when it is invalid."""
    matchers = check(posted.matchers)
    return Silence(id, matchers, starts_at, posted.ends_at, now, posted.created_by, posted.comment)


def _can_update(previous: Silence, posted: PostedSilence, now: float) -> bool:
    """Whether `posted` may take the place of `previous` under its id (silence.go, canUpdate)."""
    state = previous.state(now)
    carried = tuple((each.name, each.value, each.is_regex, each.is_equal) for each in previous.matchers)
    if carried != posted.matchers or state == "expired":
        return False
    if state == "active":
        return math.floor(posted.starts_at) == math.floor(previous.starts_at) and posted.ends_at >= now
    return posted.starts_at >= now
