"""Silences: created, replaced and expired as Alertmanager 0.25 does (silence/silence.go)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from aurora_tui.drill.alertmanager import moments
from aurora_tui.drill.alertmanager.matchers import LABEL_NAME, Matcher, all_accept, regular_expression
from aurora_tui.drill.alertmanager.refusal import Refusal, malformed, required

_KEPT = 120 * 3600.0  # expired silences are forgotten after --data.retention
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
    """All silences. now: world time, Unix seconds. seed: their ids follow from it."""

    def __init__(self, now: Callable[[], float], seed: int = 0) -> None:
        self.now = now
        self._random = Random(f"silences {seed}")
        self._by_id: dict[str, Silence] = {}

    def get(self, id: str) -> Silence | None:
        return self._by_id.get(id)

    def listed(self, filters: tuple[Matcher, ...] = ()) -> list[Silence]:
        """Those that carry every filter as a matcher, in the real server's order: active, pending, expired."""
        now = self.now()
        for old in [each.id for each in self._by_id.values() if each.ends_at + _KEPT < now]:
            del self._by_id[old]

        def order(silence: Silence) -> tuple[int, float]:
            state = silence.state(now)
            by_end = {"active": silence.ends_at, "pending": silence.starts_at, "expired": -silence.ends_at}
            return _ORDER[state], by_end[state]

        wanted = set(filters)
        return sorted((each for each in self._by_id.values() if wanted <= set(each.matchers)), key=order)

    def silencing(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of the active silences that cover these labels."""
        now = self.now()
        active = (each for each in self._by_id.values() if each.state(now) == "active")
        return sorted(each.id for each in active if all_accept(each.matchers, labels))

    def post(self, body: object) -> str:
        """Create or replace a silence from POST /api/v2/silences; its id. Refusal as the real server's."""
        now = self.now()
        wanted = _read(body, now)
        previous = self._by_id.get(wanted.id) if wanted.id else None
        if wanted.id and previous is None:
            raise Refusal(404, "silence not found")
        if previous is not None:
            if _can_update(previous, wanted, now):
                self._by_id[previous.id] = wanted
                return wanted.id
            if previous.state(now) != "expired":
                self.expire(previous.id)
        new = replace(
            wanted,
            id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            starts_at=max(now, wanted.starts_at),
        )
        self._by_id[new.id] = new
        return new.id

    def expire(self, id: str) -> None:
        """End a silence now. Refusal (500) when there is none; expiring twice is no error."""
        now = self.now()
        silence = self._by_id.get(id)
        if silence is None:
            raise Refusal(500, "silence not found")
        if silence.state(now) != "expired":
            starts_at = min(silence.starts_at, now)
            self._by_id[id] = replace(silence, starts_at=starts_at, ends_at=now, updated_at=now)


def _can_update(previous: Silence, wanted: Silence, now: float) -> bool:
    """Whether `wanted` may take the place of `previous` under its id (silence.go, canUpdate)."""
    state = previous.state(now)
    if previous.matchers != wanted.matchers or state == "expired":
        return False
    if state == "active":
        return wanted.starts_at == previous.starts_at and wanted.ends_at >= now
    return wanted.starts_at >= now


def _read(body: object, now: float) -> Silence:
    """A posted silence, checked in the real server's order."""
    if not isinstance(body, dict):
        raise malformed("silence", "json: cannot unmarshal into Go value of type models.PostableSilence")
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if body.get(name) is None:
            raise required(name)
    if not body["matchers"]:
        raise Refusal(422, "matchers in body should have at least 1 items", 612)
    matchers: list[Matcher] = []
    for place, each in enumerate(body["matchers"]):
        for name in ("isRegex", "name", "value"):
            if not isinstance(each, dict) or each.get(name) is None:
                raise required(f"matchers.{place}.{name}")
        matchers.append(
            Matcher(str(each["name"]), str(each["value"]), bool(each["isRegex"]), each.get("isEqual") is not False)
        )
    starts_at, ends_at = moments.read(body["startsAt"], "silence"), moments.read(body["endsAt"], "silence")
    if starts_at is None or ends_at is None:
        raise Refusal(400, "silence invalid: invalid zero start timestamp")
    if ends_at <= starts_at:
        raise Refusal(400, "Failed to create silence: start time must be before end time")
    if ends_at < now:
        raise Refusal(400, "Failed to create silence: end time can't be in the past")
    _check(matchers)
    id = str(body.get("id") or "")
    return Silence(id, tuple(matchers), starts_at, ends_at, now, str(body["createdBy"]), str(body["comment"]))


def _check(matchers: list[Matcher]) -> None:
    for place, matcher in enumerate(matchers):
        where = f"silence invalid: invalid label matcher {place}"
        if not LABEL_NAME.match(matcher.name):
            raise Refusal(400, f'{where}: invalid label name "{matcher.name}"')
        if matcher.is_regex:
            try:
                regular_expression(matcher.value, anchor=False)
            except Refusal as refusal:
                raise Refusal(
                    400, f'{where}: invalid regular expression "{matcher.value}": {refusal.message}'
                ) from refusal
    if all(_matches_empty(matcher) for matcher in matchers):
        raise Refusal(400, "silence invalid: at least one matcher must not match the empty string")


def _matches_empty(matcher: Matcher) -> bool:
    """As the real server asks it: a negative matcher counts as one that does not, and patterns are not anchored."""
    if not matcher.is_equal:
        return False
    return re.search(matcher.value, "") is not None if matcher.is_regex else matcher.value == ""
