"""Events as controllers, scheduler and kubelets record them: repeated ones are counted, old ones forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aurora_tui.clock import iso_micro
from aurora_tui.drill.kubernetes.kinds import EVENT, NAMESPACE, Kind
from aurora_tui.drill.kubernetes.moments import moment, stamp
from aurora_tui.drill.kubernetes.registry import Registry

KEPT_SECONDS = 3600.0
"""An API server forgets events after an hour."""
_SIMILAR, _SIMILAR_SECONDS = 10, 600.0


class EventRecorder:
    """Writes Event objects about other objects. now: of the world, maybe in its past; present: the world's clock."""

    def __init__(self, registry: Registry, now: Callable[[], float], present: Callable[[], float]) -> None:
        self._registry = registry
        self._now = now
        self._present = present
        self._names: dict[tuple[str, ...], str] = {}
        self._recent: dict[tuple[str, str, str], tuple[float, ...]] = {}

    def record(
        self, kind: Kind, about: dict[str, Any], reason: str, message: str, component: str, *,
        type: str = "Normal", host: str = "", field: str = "",
    ) -> None:  # fmt: skip
        """Record `reason` and `message` about an object; the same again raises the count of the first."""
        meta, now = about["metadata"], self._now()
        if self._present() - now > KEPT_SECONDS:
            return  # history that would be forgotten again
        namespace = meta.get("namespace", "default")
        same: tuple[str, ...] = (meta["uid"], reason, message, type, field)
        if same not in self._names:
            same, message = self._combined(same, message)
        known = self._registry.store.get(EVENT, namespace, self._names.get(same, ""))
        if known is not None:
            event = {**known.thing, "count": known.thing.get("count", 1) + 1, "message": message}
            event["lastTimestamp"] = stamp(now)
            self._registry.write(EVENT, known, event)
            return
        involved = _reference(kind, about)
        if field:
            involved["fieldPath"] = field
        self._store(_event(meta["name"], namespace, involved, now, (reason, message, type, component, host)), same)

    def _combined(self, same: tuple[str, ...], message: str) -> tuple[tuple[str, ...], str]:
        """The eleventh kind of message for one reason within ten minutes: they become one event, as recorders do."""
        uid, reason, _, type_, field = same
        recent = self._recent.get((uid, reason, type_), ())
        now = self._now()
        many = len(recent) == _SIMILAR and now - recent[0] < _SIMILAR_SECONDS
        self._recent[uid, reason, type_] = (*recent, now)[-_SIMILAR:]
        if not many:
            return same, message
        return (uid, reason, "combined", type_, field), f"(combined from similar events): {message}"

    def _store(self, event: dict[str, Any], same: tuple[str, ...]) -> None:
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        while self._registry.store.get(EVENT, namespace, name) is not None:  # two in one nanosecond of world time
            stem, _, stamp = name.rpartition(".")
            name = f"{stem}.{int(stamp, 16) + 1:016x}"
        event["metadata"] |= {"name": name, "uid": self._registry.uid()}
        home = self._registry.store.get(NAMESPACE, "", namespace)
        if home is None or "deletionTimestamp" in home.thing["metadata"]:
            return  # the API server would refuse it; recorders shrug
        self._registry.store.put(EVENT, event)  # whole as it is: what a client's event lacks need not be looked for
        self._names[same] = name

    def forget_old(self) -> None:
        """Drop events last seen over an hour ago."""
        limit = self._now() - KEPT_SECONDS
        for entry in self._registry.store.entries(EVENT):
            event = entry.thing
            seen = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
            if moment(seen) < limit:
                self._registry.store.remove(entry)
        kept = {entry.thing["metadata"]["name"] for entry in self._registry.store.entries(EVENT)}
        self._names = {same: name for same, name in self._names.items() if name in kept}
        self._recent = {about: times for about, times in self._recent.items() if times[-1] >= limit}


def _reference(kind: Kind, about: dict[str, Any]) -> dict[str, Any]:
    meta = about["metadata"]
    reference = {"kind": kind.name, "namespace": meta.get("namespace"), "name": meta["name"], "uid": meta["uid"]}
    reference |= {"apiVersion": kind.api_version, "resourceVersion": meta["resourceVersion"]}
    return {key: value for key, value in reference.items() if value is not None}


def _event(
    name: str, namespace: str, involved: dict[str, Any], now: float, said: tuple[str, str, str, str, str]
) -> dict[str, Any]:
    """An Event as the API server would store it, but for its uid. said: reason, message, type, component, host."""
    reason, message, type_, component, host = said
    told_at = stamp(now)
    meta = {"name": f"{name}.{int(now * 1e9):016x}", "namespace": namespace, "uid": "", "resourceVersion": ""}
    event = {
        "metadata": {**meta, "creationTimestamp": told_at},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "count": 1,
        "type": type_,
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": "",
    }
    if component == "default-scheduler":
        told: dict[str, Any] = {"eventTime": iso_micro(now), "action": "Binding"}
        told["reportingInstance"] = "default-scheduler-0"
        del event["count"]
    else:
        told = {"source": {"component": component}, "firstTimestamp": told_at, "lastTimestamp": told_at}
        if host:
            told |= {"source": {"component": component, "host": host}, "reportingInstance": host}
    return {**event, **told}
