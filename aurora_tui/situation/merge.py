"""Merging: which reports speak of one alert, and what became of an alert that is no longer reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Generic, TypeVar

import msgspec

from aurora_tui.situation.alert import (
    FLAPPING_TRANSITIONS,
    FLAPPING_WINDOW,
    RESOLVED_SHOWN_FOR,
    AlertState,
    AlertTrack,
    SourceAlert,
)

# After sight returns, a rule must be evaluated once more before silence means that nothing is wrong.
SIGHT_SETTLES = 120.0
# An alert that went on firing so long without a target does not stand on it: rules look back no further.
LOOK_BACK = 1800.0

T = TypeVar("T")


def merge(
    reports: Mapping[str, Sequence[SourceAlert]],
    previous: Sequence[AlertTrack],
    now: float,
    *,
    blind: Mapping[str, float],
    dark: Set[str] = frozenset(),
) -> tuple[AlertTrack, ...]:
    """The tracks after the newest list of every source.

    Two reports are one alert when they have the same name and one's labels contain the other's: Prometheus' own
    alerts lack the external labels that Alertmanager sees, Grafana adds some of its own. An alert that vanished
    is RESOLVED, but LOST when something it stands on could not be seen then: `blind` names what cannot (targets as
    `job instance`) and since when. It stays LOST as long as that goes on, and a little longer.

    `dark` are sources whose list is old: what they last said of an alert yields to what a live one says of it.
    """
    groups = _group([alert for source in reports.values() for alert in source])
    before: _ByLabels[AlertTrack] = _ByLabels()
    for track in previous:
        before.add(track.labels, track)
    continued: set[int] = set()
    tracks: list[AlertTrack] = []
    for group in groups:
        labels = group[0].labels
        kin = [*before.wider(labels), *before.narrower(labels)]
        old = next((track for track in kin if id(track) not in continued), None)
        if old is not None:
            continued.add(id(old))
        tracks.append(_seen(group, old, now, dark))
    tracks.extend(gone for old in previous if id(old) not in continued and (gone := _gone(old, now, blind)) is not None)
    return tuple(tracks)


def is_settled(tracks: Sequence[AlertTrack], now: float) -> bool:
    """Whether `merge` would leave these tracks as they are if every source said once more what it said last.

    So it is while all are reported still, and none counts as flapping by what is too long ago by now.
    """
    return all(
        track.gone_at is None
        and (len(track.transitions) < FLAPPING_TRANSITIONS or now - track.transitions[0] <= FLAPPING_WINDOW)
        for track in tracks
    )


class _ByLabels(Generic[T]):
    """Things found by labels that contain, or are contained in, theirs: by label names first, then by hash.

    Nothing is compared pair by pair: a lookup costs one hash for each set of label names there is.
    """

    def __init__(self) -> None:
        self._shapes: dict[frozenset[str], list[tuple[Mapping[str, str], T]]] = {}
        self._restricted: dict[tuple[frozenset[str], frozenset[str]], dict[frozenset[tuple[str, str]], list[T]]] = {}

    def add(self, labels: Mapping[str, str], thing: T) -> None:
        shape = frozenset(labels)
        self._shapes.setdefault(shape, []).append((labels, thing))
        for (theirs, names), index in self._restricted.items():
            if theirs == shape:
                index.setdefault(_restrict(labels, names), []).append(thing)

    def wider(self, labels: Mapping[str, str]) -> list[T]:
        """Those whose labels contain `labels`, the nearest first."""
        names = frozenset(labels)
        shapes = sorted((shape for shape in self._shapes if names <= shape), key=len)
        return [thing for shape in shapes if _may_meet(names, shape) for thing in self._find(shape, names, labels)]

    def narrower(self, labels: Mapping[str, str]) -> list[T]:
        """Those whose labels are some of `labels`, the nearest first."""
        names = frozenset(labels)
        shapes = sorted((shape for shape in self._shapes if shape < names), key=len, reverse=True)
        return [thing for shape in shapes if _may_meet(names, shape) for thing in self._find(shape, shape, labels)]

    def _find(self, shape: frozenset[str], common: frozenset[str], labels: Mapping[str, str]) -> list[T]:
        index = self._restricted.get((shape, common))
        if index is None:
            index = self._restricted[shape, common] = {}
            for theirs, thing in self._shapes[shape]:
                index.setdefault(_restrict(theirs, common), []).append(thing)
        return index.get(_restrict(labels, common), [])


def _may_meet(names: frozenset[str], shape: frozenset[str]) -> bool:
    """Without a name of its own an alert is only ever itself: no labels are contained in everything."""
    return names == shape or ("alertname" in names and "alertname" in shape)


def _restrict(labels: Mapping[str, str], names: frozenset[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, labels[name]) for name in names)


def _group(alerts: Sequence[SourceAlert]) -> list[list[SourceAlert]]:
    """Reports that speak of one alert, together; the one with most labels first. A source speaks once in each."""
    groups: _ByLabels[list[SourceAlert]] = _ByLabels()
    found: list[list[SourceAlert]] = []
    for alert in sorted(alerts, key=lambda alert: -len(alert.labels)):
        kin = groups.wider(alert.labels)
        group = next((group for group in kin if all(other.source != alert.source for other in group)), None)
        if group is not None:
            group.append(alert)
            continue
        group = [alert]
        found.append(group)
        groups.add(alert.labels, group)
    return found


def _merged_state(group: Sequence[SourceAlert]) -> AlertState:
    states = {alert.state for alert in group}
    # Only Alertmanager knows of silences and inhibition: its word stands over "firing".
    for state in (AlertState.SILENCED, AlertState.INHIBITED, AlertState.FIRING):
        if state in states:
            return state
    return AlertState.PENDING


def _seen(group: Sequence[SourceAlert], old: AlertTrack | None, now: float, dark: Set[str]) -> AlertTrack:
    # A dead Alertmanager's last "silenced" must not hide what a live Prometheus says.
    state = _merged_state([alert for alert in group if alert.source not in dark] or group)
    fired = [alert.fired_at for alert in group if alert.fired_at is not None]
    pending = [alert.pending_since for alert in group if alert.pending_since is not None]
    since = min(fired) if fired and state is not AlertState.PENDING else min(pending, default=None)
    transitions = old.transitions if old else ()
    # Flapping is firing and ceasing to: neither waiting to fire nor a source's own absence counts.
    began = state is not AlertState.PENDING and (old is None or old.state in (AlertState.PENDING, AlertState.RESOLVED))
    ceased = state is AlertState.PENDING and old is not None and old.gone_at is None and _fires(old.state)
    if began and old is None:
        transitions = (now if since is None else since,)
    elif began or ceased:
        transitions = (*transitions, now)
    return AlertTrack(
        labels=group[0].labels,
        reports=tuple(group),
        state=state,
        since=since,
        transitions=_recent(transitions, now),
    )


def _gone(old: AlertTrack, now: float, blind: Mapping[str, float]) -> AlertTrack | None:
    """What becomes of an alert that no source reports any more; None when it need not be shown any longer."""
    if old.state is AlertState.LOST:
        if any(cause in blind for cause in old.lost_to):
            return msgspec.structs.replace(old, sight_back_at=None)
        if old.sight_back_at is None:
            return msgspec.structs.replace(old, sight_back_at=now)
        if now - old.sight_back_at < SIGHT_SETTLES:
            return old
        fired = any(report.state is not AlertState.PENDING for report in old.reports)
        return _resolved(old, now, _recent(old.transitions, now)) if fired else None
    if old.gone_at is not None:
        return old if now - old.gone_at < RESOLVED_SHOWN_FOR else None
    lost_to = tuple(
        cause for cause, since in blind.items() if now - since <= LOOK_BACK and _concerns(cause, old.labels)
    )
    if lost_to:
        return msgspec.structs.replace(old, state=AlertState.LOST, gone_at=now, lost_at=now, lost_to=lost_to)
    transitions = _recent((*old.transitions, now) if _fires(old.state) else old.transitions, now)
    if old.state is AlertState.PENDING and len(transitions) < FLAPPING_TRANSITIONS:
        return None
    return _resolved(old, now, transitions)


def _concerns(cause: str, labels: Mapping[str, str]) -> bool:
    """Whether an alert with these labels may stand on `cause`: one that names its instance stands on that alone."""
    instance = labels.get("instance")
    return instance is None or " " not in cause or cause.endswith(f" {instance}")


def _fires(state: AlertState) -> bool:
    return state in (AlertState.FIRING, AlertState.SILENCED, AlertState.INHIBITED)


def _resolved(old: AlertTrack, now: float, transitions: tuple[float, ...]) -> AlertTrack:
    return msgspec.structs.replace(
        old,
        state=AlertState.RESOLVED,
        gone_at=now,
        lost_at=None,
        lost_to=(),
        sight_back_at=None,
        transitions=transitions,
    )


def _recent(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    return tuple(time for time in times if now - time <= FLAPPING_WINDOW)
