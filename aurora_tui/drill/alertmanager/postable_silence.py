"""The body of POST /api/v2/silences, checked in the real server's order and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aurora_tui.drill.alertmanager.go_json import check as check_types
from aurora_tui.drill.alertmanager.go_json import expected, mistyped, quoted
from aurora_tui.drill.alertmanager.matchers import LABEL_NAME, Matcher
from aurora_tui.drill.alertmanager.re2 import BadPattern, unanchored
from aurora_tui.drill.alertmanager.refusal import Refusal, required

_STRUCT = 'struct { ID string "json:\\"id,omitempty\\"" }'
_OWN = {"id": "string"}
_SILENCE = {
    "comment": "string",
    "createdBy": "string",
    "endsAt": "time",
    "matchers": "models.Matchers",
    "startsAt": "time",
}
_MATCHER = {"isEqual": "bool", "isRegex": "bool", "name": "string", "value": "string"}
RawMatcher = tuple[str, str, bool, bool]
"""Name, value, isRegex, isEqual."""


@dataclass(frozen=True, slots=True)
class PostedSilence:
    """A body that has everything; its matchers are not checked yet. Times are Unix seconds."""

    id: str
    matchers: tuple[RawMatcher, ...]
    starts_at: float
    ends_at: float
    created_by: str
    comment: str


def read(body: object, now: float) -> PostedSilence:
    """The silence in a decoded body. Refusal 400 or 422."""
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise expected(body, "silence", _STRUCT)
    check_types(body, _OWN, "silence", "")
    times = check_types(body, _SILENCE, "silence", "Silence")
    for each in body.get("matchers") or ():
        if each is not None and not isinstance(each, dict):
            raise mistyped(each, "silence", "Silence.matchers", "models.Matcher")
        check_types(each or {}, _MATCHER, "silence", "Matcher.matchers")
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if body.get(name) is None:
            raise required(name)
    if not body["matchers"]:
        raise Refusal(422, "matchers in body should have at least 1 items", 612)
    matchers = tuple(_matcher(place, each or {}) for place, each in enumerate(body["matchers"]))
    starts_at, ends_at = times["startsAt"], times["endsAt"]
    if starts_at is None or ends_at is None:
        raise Refusal(400, "silence invalid: invalid zero start timestamp")
    if ends_at <= starts_at:
        raise Refusal(400, "Failed to create silence: start time must be before end time")
    if ends_at < now:
        raise Refusal(400, "Failed to create silence: end time can't be in the past")
    return PostedSilence(
        str(body.get("id") or ""), matchers, starts_at, ends_at, str(body["createdBy"]), str(body["comment"])
    )


def _matcher(place: int, body: Mapping[str, object]) -> RawMatcher:
    for name in ("isRegex", "name", "value"):
        if body.get(name) is None:
            raise required(f"matchers.{place}.{name}")
    return str(body["name"]), str(body["value"]), bool(body["isRegex"]), body.get("isEqual") is not False


def check(raw: tuple[RawMatcher, ...]) -> tuple[Matcher, ...]:
    """The matchers. Refusal (400) when one is invalid, or all accept a missing label (silence.go, validateSilence)."""
    matchers: list[Matcher] = []
    for place, (name, value, is_regex, is_equal) in enumerate(raw):
        where = f"silence invalid: invalid label matcher {place}"
        if not LABEL_NAME.match(name):
            raise Refusal(400, f"{where}: invalid label name {quoted(name)}")
        try:
            if is_regex:
                unanchored(value)
            matchers.append(Matcher(name, value, is_regex, is_equal))
        except BadPattern as error:
            raise Refusal(400, f"{where}: invalid regular expression {quoted(value)}: {error}") from error
    if all(_matches_empty(matcher) for matcher in matchers):
        raise Refusal(400, "silence invalid: at least one matcher must not match the empty string")
    return tuple(matchers)


def _matches_empty(matcher: Matcher) -> bool:
    """As the real server asks it: a negative matcher counts as one that does not, and patterns are not anchored."""
    if not matcher.is_equal:
        return False
    return unanchored(matcher.value).search("") is not None if matcher.is_regex else matcher.value == ""
