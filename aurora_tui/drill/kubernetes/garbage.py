"""What goes when its owner goes: dependents of deleted objects, and everything in a deleted namespace."""

from __future__ import annotations

from collections.abc import Iterable

from aurora_tui.clock import parse_iso
from aurora_tui.drill.kubernetes.adoption import released
from aurora_tui.drill.kubernetes.controller import Tools
from aurora_tui.drill.kubernetes.kinds import KINDS, NAMESPACE, POD, Kind
from aurora_tui.drill.kubernetes.registry import FOREGROUND, ORPHAN, DeleteOptions
from aurora_tui.drill.kubernetes.store import Change, Entry, Key, Object

_CLUSTER = ""
_OBSERVED_SECONDS = 5.0
"""A real namespace controller waits so long before it empties a namespace, for others to see that it is to go."""


class GarbageCollector:
    """Deletes dependents of owners that are gone; carries out Foreground and Orphan deletion. Keys are owner uids."""

    kinds = frozenset(KINDS)

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._dependents: dict[str, dict[tuple[Kind, Key], None]] = {}
        self._waiting: dict[str, tuple[Kind, Key]] = {}
        self._gone: set[str] = set()

    def concerns(self, change: Change) -> Iterable[Key]:
        """Keys are ("", owner uid)."""
        meta = change.after.thing["metadata"]
        place = (change.kind, change.key)
        for owner in meta.get("ownerReferences", ()):
            dependents = self._dependents.setdefault(owner["uid"], {})
            if change.gone:
                dependents.pop(place, None)
                if owner["uid"] in self._waiting:
                    yield _CLUSTER, owner["uid"]
            else:
                dependents[place] = None
        uid = meta["uid"]
        if change.gone:
            self._waiting.pop(uid, None)
            if self._dependents.get(uid):
                self._gone.add(uid)
                yield _CLUSTER, uid
        elif {FOREGROUND, ORPHAN} & set(meta.get("finalizers", ())):
            self._waiting[uid] = place
            yield _CLUSTER, uid

    def sync(self, key: Key) -> None:
        """Bring the deletion of the owner with this uid further."""
        uid = key[1]
        dependents = [
            entry
            for kind, (namespace, name) in list(self._dependents.get(uid, ()))
            if (entry := self._tools.store.get(kind, namespace, name)) is not None
        ]
        if uid in self._gone:
            self._gone.discard(uid)
            self._dependents.pop(uid, None)
            for entry in dependents:
                self._delete(entry, "Background")
            return
        if uid not in self._waiting:
            return
        kind, (namespace, name) = self._waiting[uid]
        owner = self._tools.store.get(kind, namespace, name)
        if owner is None:
            return
        finalizers = owner.thing["metadata"].get("finalizers", ())
        if ORPHAN in finalizers:
            for entry in dependents:
                self._tools.registry.write(entry.kind, entry, released(entry, uid))
            self._dependents.pop(uid, None)
            self._unhold(owner, ORPHAN)
        elif FOREGROUND in finalizers:
            if not dependents:
                self._unhold(owner, FOREGROUND)
            for entry in dependents:
                self._delete(entry, "Background" if entry.kind is POD else "Foreground")

    def _delete(self, entry: Entry, propagation: str) -> None:
        if "deletionTimestamp" not in entry.thing["metadata"]:
            self._tools.registry.delete(entry, DeleteOptions(propagation=propagation))

    def _unhold(self, owner: Entry, finalizer: str) -> None:
        thing: Object = owner.copy()
        thing["metadata"]["finalizers"] = [f for f in thing["metadata"]["finalizers"] if f != finalizer]
        self._tools.registry.update(owner.kind, owner, thing)


class NamespaceController:
    """Empties a namespace that is being deleted, then lets it go."""

    kinds = frozenset(KINDS)

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def concerns(self, change: Change) -> Iterable[Key]:
        """A namespace that dies, and every object that goes in one."""
        if change.kind is NAMESPACE:
            if not change.gone and "deletionTimestamp" in change.after.thing["metadata"]:
                yield change.key
        elif change.gone and change.key[0]:
            home = self._tools.store.get(NAMESPACE, _CLUSTER, change.key[0])
            if home is not None and "deletionTimestamp" in home.thing["metadata"]:
                yield _CLUSTER, change.key[0]

    def sync(self, key: Key) -> None:
        """Delete what is left in the namespace; when nothing is, the namespace."""
        home = self._tools.store.get(NAMESPACE, *key)
        if home is None or "deletionTimestamp" not in home.thing["metadata"]:
            return
        begins = parse_iso(home.thing["metadata"]["deletionTimestamp"]) + _OBSERVED_SECONDS
        if self._tools.now() < begins:
            self._tools.alarm(self, key, begins)
            return
        left = [entry for kind in KINDS if kind.namespaced for entry in self._tools.store.entries(kind, key[1])]
        for entry in left:
            meta = entry.thing["metadata"]
            alive = self._tools.store.get(entry.kind, key[1], meta["name"])
            if alive is not None and "deletionTimestamp" not in alive.thing["metadata"]:
                self._tools.registry.delete(alive, DeleteOptions())
        home = self._tools.store.get(NAMESPACE, *key)
        if not left and home is not None and not home.thing["metadata"].get("finalizers"):
            self._tools.store.remove(home)
