"""Alerts in the groups that their routes make of them, in the real server's order (dispatch/dispatch.go, Groups)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cmp_to_key
from typing import Any

from aurora_tui.drill.alertmanager.alerts import Standing
from aurora_tui.drill.alertmanager.config import Route


def groups(alerts: Iterable[Standing], receiver: re.Pattern[str] | None) -> list[dict[str, Any]]:
    """The body of GET /api/v2/alerts/groups; receiver: leaves out routes to others."""
    members: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[Route, list[Standing]]] = {}
    receivers: dict[str, list[str]] = {}
    for standing in alerts:
        for route in standing.routes:
            if receiver is not None and not receiver.match(route.receiver):
                continue
            receivers.setdefault(standing.alert.fingerprint, []).append(route.receiver)
            key = (id(route), tuple(sorted(route.group(standing.alert.labels).items())))
            members.setdefault(key, (route, []))[1].append(standing)
    ordered = sorted(members.items(), key=lambda each: (_BY_LABELS(dict(each[0][1])), each[1][0].receiver))
    return [
        {
            "alerts": [
                standing.body(sorted(receivers[standing.alert.fingerprint]))
                for standing in sorted(found, key=lambda one: _place(one.alert.labels))
            ],
            "labels": dict(shared),
            "receiver": {"name": route.receiver},
        }
        for (_, shared), (route, found) in ordered
    ]


def _place(labels: Mapping[str, str]) -> tuple[Any, ...]:
    """By job, then by instance, those without one last; then as label sets (types.go, AlertSlice)."""
    job, instance = labels.get("job"), labels.get("instance")
    return (job is None, job or ""), (instance is None, instance or ""), _BY_LABELS(labels)


def _compare(left: Mapping[str, str], right: Mapping[str, str]) -> int:
    """prometheus/common, model/labelset.go, Before: shorter sets first, then by name and value."""
    if len(left) != len(right):
        return len(left) - len(right)
    for name in sorted({*left, *right}):
        ours, theirs = left.get(name), right.get(name)
        if ours is None or theirs is None:
            return -1 if ours is None else 1
        if ours != theirs:
            return -1 if ours < theirs else 1
    return 0


_BY_LABELS = cmp_to_key(_compare)
