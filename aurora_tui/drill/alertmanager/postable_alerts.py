"""The body of POST /api/v2/alerts, checked in the real server's order and words (api/v2/api.go, types/types.go)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aurora_tui.drill.alertmanager.alert import Alert
from aurora_tui.drill.alertmanager.fingerprint import fingerprint
from aurora_tui.drill.alertmanager.go_json import check, expected, quoted
from aurora_tui.drill.alertmanager.matchers import LABEL_NAME
from aurora_tui.drill.alertmanager.refusal import Refusal, required

_URI = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:|/)[^\x00-\x20\x7f]*\Z")

_STRUCT = (
    'struct { Annotations models.LabelSet "json:\\"annotations,omitempty\\""; '
    'EndsAt strfmt.DateTime "json:\\"endsAt,omitempty\\""; StartsAt strfmt.DateTime "json:\\"startsAt,omitempty\\"" }'
)
_OWN = {"annotations": "models.LabelSet", "endsAt": "time", "startsAt": "time"}
_ALERT = {"generatorURL": "string", "labels": "models.LabelSet"}


def read(body: object, now: float, resolve_timeout: float) -> tuple[list[Alert], list[str]]:
    """The valid alerts of a decoded body, and what is wrong with the others. Refusal when it is no list of alerts."""
    if body is None:
        return [], []
    if not isinstance(body, list):
        raise expected(body, "alerts", "models.PostableAlerts")
    posted: list[tuple[Mapping[str, Any], dict[str, float | None]]] = []
    for each in body:
        if each is not None and not isinstance(each, dict):
            raise expected(each, "alerts", _STRUCT)
        times = check(each or {}, _OWN, "alerts", "")
        check(each or {}, _ALERT, "alerts", "Alert")
        posted.append((each or {}, times))
    for place, (each, _) in enumerate(posted):
        if each.get("labels") is None:
            raise required(f"{place}.labels")
        _check_url(place, each.get("generatorURL"))
    good: list[Alert] = []
    problems: list[str] = []
    for each, times in posted:
        alert = _read(each, times.get("startsAt"), times.get("endsAt"), now, resolve_timeout)
        if isinstance(alert, str):
            problems.append(alert)
        else:
            good.append(alert)
    return good, problems


def _read(
    body: Mapping[str, object], starts_at: float | None, ends_at: float | None, now: float, resolve_timeout: float
) -> Alert | str:
    """A posted alert, or why it is invalid."""
    labels, annotations = _texts(body.get("labels")), _texts(body.get("annotations"))
    timed = ends_at is None
    if starts_at is None:
        starts_at = now if ends_at is None else ends_at
    if ends_at is None:
        ends_at = now + resolve_timeout
    labels = {name: value for name, value in labels.items() if value}
    if ends_at < starts_at:
        return "start time must be before end time"
    for kind, names in (("label set", labels), ("annotations", annotations)):
        if kind == "annotations" and not labels:
            return "at least one label pair required"
        for name in names:
            if not LABEL_NAME.match(name):
                return f'invalid {kind}: invalid name "{name}"'
    url = str(body.get("generatorURL") or "")
    return Alert(labels, annotations, starts_at, ends_at, now, url, timed, fingerprint(labels))


def _texts(value: object) -> dict[str, str]:
    return {name: each or "" for name, each in value.items()} if isinstance(value, dict) else {}


def _check_url(place: int, url: object) -> None:
    """Refusal (422) for what net/url's ParseRequestURI does not take."""
    if isinstance(url, str) and url and not _URI.match(url):
        raise Refusal(422, f"{place}.generatorURL in body must be of type uri: {quoted(url)}", 601)
