"""Merging: which reports speak of one alert, and what became of an alert that is no longer reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from aurora_tui.situation.alert import (
    FLAPPING_TRANSITIONS,
    FLAPPING_WINDOW,
    RESOLVED_SHOWN_FOR,
    AlertState,
    AlertTrack,
    SourceAlert,
)


def merge(
    reports: Mapping[str, Sequence[SourceAlert]],
    previous: Sequence[AlertTrack],
    now: float,
    *,
    blind: bool,
) -> tuple[AlertTrack, ...]:
    """The tracks after the newest list of every source.

    Two reports are one alert when they have the same name and one's labels contain the other's: Prometheus' own
    alerts lack the external labels that Alertmanager sees, Grafana adds some of its own. An alert that vanished
    is RESOLVED, but LOST when `blind`: whoever raised it could not see then.
    """
    groups = _group([alert for source in reports.values() for alert in source])
    before = _Index(previous)
    tracks: list[AlertTrack] = []
    continued: set[int] = set()
    for group in groups:
        old = before.find(group[0].labels)
        if old is not None:
            continued.add(id(old))
        tracks.append(_seen(group, old, now))
    tracks.extend(gone for old in previous if id(old) not in continued and (gone := _gone(old, now, blind)) is not None)
    return tuple(tracks)


class _Index:
    """Finds the track whose labels contain, or are contained in, some labels: by set of label names, then hash."""

    def __init__(self, tracks: Sequence[AlertTrack]) -> None:
        self._by_names: dict[frozenset[str], list[AlertTrack]] = {}
        for track in tracks:
            self._by_names.setdefault(frozenset(track.labels), []).append(track)
        self._restricted: dict[tuple[frozenset[str], frozenset[str]], dict[frozenset[tuple[str, str]], AlertTrack]] = {}

    def find(self, labels: Mapping[str, str]) -> AlertTrack | None:
        names = frozenset(labels)
        for theirs, tracks in self._by_names.items():
            common = names & theirs
            if common not in (names, theirs) or "alertname" not in common:
                continue
            index = self._restricted.get((theirs, common))
            if index is None:
                index = {_restrict(track.labels, common): track for track in tracks}
                self._restricted[theirs, common] = index
            found = index.get(_restrict(labels, common))
            if found is not None:
                return found
        return None


def _restrict(labels: Mapping[str, str], names: frozenset[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, labels[name]) for name in names)


def _group(alerts: Sequence[SourceAlert]) -> list[list[SourceAlert]]:
    """Reports that speak of one alert, together; the one with most labels first."""
    ordered = sorted(alerts, key=lambda alert: -len(alert.labels))
    groups: list[list[SourceAlert]] = []
    by_shape: dict[frozenset[str], dict[frozenset[tuple[str, str]], int]] = {}
    shapes_seen: dict[frozenset[str], set[frozenset[str]]] = {}
    for alert in ordered:
        names = frozenset(alert.labels)
        key = _restrict(alert.labels, names)
        place: int | None = None
        for wider in shapes_seen:
            if not names <= wider:
                continue
            if names not in shapes_seen[wider]:
                # First alert of this shape: index every group of the wider shape by these names.
                shapes_seen[wider].add(names)
                index = by_shape.setdefault(names, {})
                for position, group in enumerate(groups):
                    if frozenset(group[0].labels) == wider:
                        index.setdefault(_restrict(group[0].labels, names), position)
            place = by_shape.get(names, {}).get(key)
            if place is not None and groups[place][0].source != alert.source:
                break
            place = None
        if place is None:
            place = len(groups)
            groups.append([])
            shapes_seen.setdefault(names, {names})
            by_shape.setdefault(names, {})[key] = place
        groups[place].append(alert)
    return groups


def _merged_state(group: Sequence[SourceAlert]) -> AlertState:
    states = {alert.state for alert in group}
    # Only Alertmanager knows of silences and inhibition: its word stands over "firing".
    for state in (AlertState.SILENCED, AlertState.INHIBITED, AlertState.FIRING):
        if state in states:
            return state
    return AlertState.PENDING


def _seen(group: Sequence[SourceAlert], old: AlertTrack | None, now: float) -> AlertTrack:
    state = _merged_state(group)
    fired = [alert.fired_at for alert in group if alert.fired_at is not None]
    pending = [alert.pending_since for alert in group if alert.pending_since is not None]
    transitions = _recent(old.transitions if old else (), now)
    if old is None or old.gone_at is not None or (state is AlertState.PENDING) != (old.state is AlertState.PENDING):
        transitions = (*transitions, now)
    since = min(fired) if fired and state is not AlertState.PENDING else min(pending, default=None)
    return AlertTrack(labels=group[0].labels, reports=tuple(group), state=state, since=since, transitions=transitions)


def _gone(old: AlertTrack, now: float, blind: bool) -> AlertTrack | None:
    """What becomes of an alert that no source reports any more; None when it need not be shown any longer."""
    if old.gone_at is None:
        transitions = (*_recent(old.transitions, now), now)
        if old.state is AlertState.PENDING and not blind:
            return None if len(transitions) < FLAPPING_TRANSITIONS else _resolved(old, now, transitions)
        if blind:
            return msgspec.structs.replace(
                old, state=AlertState.LOST, gone_at=now, lost_at=now, transitions=transitions
            )
        return _resolved(old, now, transitions)
    if old.state is AlertState.LOST:
        return old if blind else _resolved(old, now, old.transitions)
    return old if now - old.gone_at < RESOLVED_SHOWN_FOR else None


def _resolved(old: AlertTrack, now: float, transitions: tuple[float, ...]) -> AlertTrack:
    return msgspec.structs.replace(old, state=AlertState.RESOLVED, gone_at=now, transitions=transitions)


def _recent(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    return tuple(time for time in times if now - time <= FLAPPING_WINDOW)
