"""Where the objects are kept: one revision counter, every object by kind and name, and the changes of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from aurora_tui.drill.kubernetes.kinds import KINDS, Kind

Object = dict[str, Any]
Key = tuple[str, str]
"""namespace ("" for cluster-wide kinds), name."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Entry:
    """One version of one object. Never changed: a write makes a new one. Its JSON is made once, when asked for."""

    __slots__ = ("_json", "kind", "thing")

    def __init__(self, kind: Kind, thing: Object) -> None:
        self.kind = kind
        self.thing = thing
        self._json: bytes | None = None

    @property
    def item(self) -> bytes:
        """JSON as in a list: without kind and apiVersion."""
        if self._json is None:
            self._json = _encode(self.thing)
        return self._json

    @property
    def json(self) -> bytes:
        """JSON as it stands alone."""
        head = b'{"kind":"%s","apiVersion":"%s",' % (self.kind.name.encode(), self.kind.api_version.encode())
        return head + self.item[1:]

    def copy(self) -> Object:
        """The object, free to be changed (through JSON: some ten times faster than deepcopy)."""
        copied: Object = _decode(self.item)
        return copied

    def but(self, **parts: Object) -> Object:
        """The object with these parts (metadata, spec, status) for its own; the rest is shared and not to change."""
        return {**self.thing, **parts}

    def forget_json(self) -> None:
        """It has been replaced: few will ask for its JSON again."""
        self._json = None


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what the object was before (None: it is new) and is after (`gone`: its last state)."""

    revision: int
    kind: Kind
    key: Key
    before: Entry | None
    after: Entry
    gone: bool = False

    @property
    def type(self) -> str:
        """ADDED, MODIFIED or DELETED."""
        return "DELETED" if self.gone else "ADDED" if self.before is None else "MODIFIED"


class _Shelf:
    """Objects of one kind in one namespace. Names are sorted when asked for, and then only the new ones."""

    __slots__ = ("_gone", "_late", "_names", "entries")

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._names: list[str] = []
        self._late: dict[str, None] = {}
        self._gone = False

    def put(self, name: str, entry: Entry) -> Entry | None:
        """Place the entry; the one before it under that name."""
        before = self.entries.get(name)
        self.entries[name] = entry
        if before is None:
            self._late[name] = None
        return before

    def pop(self, name: str) -> Entry:
        """Take the entry away."""
        if name in self._late:
            del self._late[name]
        else:
            self._gone = True
        return self.entries.pop(name)

    def names(self) -> list[str]:
        """In order."""
        if self._gone or self._late:
            kept, late = self.entries, self._late
            self._names = [name for name in self._names if name in kept and name not in late]
            self._names += late
            self._names.sort()  # a sorted run and a tail: little work
            self._late, self._gone = {}, False
        return self._names


def _key(namespace: str) -> str:
    """What a namespace's objects are sorted by: their keys are namespace/name, and `-` comes before `/`."""
    return f"{namespace}/"


class ObjectStore:
    """All objects of the cluster. `keep` changes are remembered, for watches and for lists of the recent past."""

    def __init__(self, keep: int = 10_000) -> None:
        self.revision = 1
        self.compacted = 0
        """Up to this revision nothing is remembered."""
        self._keep = keep
        self._shelves: dict[Kind, dict[str, _Shelf]] = {kind: {} for kind in KINDS}
        self._changes: deque[Change] = deque()
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` after every write, in order."""
        self._listeners.append(listener)

    def ignore(self, listener: Callable[[Change], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def get(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        """The object, or None."""
        shelf = self._shelves[kind].get(namespace)
        return shelf.entries.get(name) if shelf is not None else None

    def entries(self, kind: Kind, namespace: str | None = None) -> list[Entry]:
        """Objects of a kind by namespace and name, in etcd's order of keys; None: of all namespaces."""
        shelves = self._shelves[kind]
        if namespace is not None:
            shelf = shelves.get(namespace)
            return [shelf.entries[name] for name in shelf.names()] if shelf is not None else []
        ordered = sorted(shelves, key=_key)
        return [shelves[each].entries[name] for each in ordered for name in shelves[each].names()]

    def at(self, kind: Kind, namespace: str | None, revision: int) -> list[Entry]:
        """Objects of a kind as they were at `revision` (above `compacted`): the changes since, undone."""
        undone: dict[Key, Entry | None] = {}
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.kind is kind and (namespace is None or change.key[0] == namespace):
                undone[change.key] = change.before
        kept = {(e.thing["metadata"].get("namespace", ""), e.thing["metadata"]["name"]): e
                for e in self.entries(kind, namespace)}  # fmt: skip
        before = {key: entry for key, entry in (kept | undone).items() if entry is not None}
        return [before[key] for key in sorted(before, key=lambda key: (_key(key[0]), key[1]))]

    def since(self, kind: Kind, revision: int) -> list[Change]:
        """The kind's changes after `revision` (above `compacted`), oldest first."""
        found: list[Change] = []
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.kind is kind:
                found.append(change)
        return found[::-1]

    def put(self, kind: Kind, thing: Object) -> Entry:
        """Store `thing`, which is the store's from now on, under its name; it gets the next resourceVersion."""
        entry = self._stamp(kind, thing)
        meta = entry.thing["metadata"]
        namespace, name = meta.get("namespace", ""), meta["name"]
        shelves = self._shelves[kind]
        shelf = shelves.get(namespace)
        if shelf is None:
            shelf = shelves[namespace] = _Shelf()
        before = shelf.put(name, entry)
        if before is not None:
            before.forget_json()
        self._tell(Change(self.revision, kind, (namespace, name), before, entry))
        return entry

    def remove(self, entry: Entry) -> Entry:
        """Take the object away; its last state gets the next resourceVersion, as watches show it."""
        meta = entry.thing["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        before = self._shelves[entry.kind][key[0]].pop(key[1])
        last = self._stamp(entry.kind, entry.thing)
        self._tell(Change(self.revision, entry.kind, key, before, last, gone=True))
        return last

    def compact(self) -> None:
        """Forget all changes: a watch from before now gets 410, as after etcd's compaction."""
        self._changes.clear()
        self.compacted = self.revision

    def _stamp(self, kind: Kind, thing: Object) -> Entry:
        self.revision += 1
        return Entry(kind, {**thing, "metadata": {**thing["metadata"], "resourceVersion": str(self.revision)}})

    def _tell(self, change: Change) -> None:
        self._changes.append(change)
        if len(self._changes) > self._keep:
            self.compacted = self._changes.popleft().revision
        for listener in self._listeners:
            listener(change)
