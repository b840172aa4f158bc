"""Who controls what: workloads adopt objects that nobody controls and their selector selects, and let others go."""

from __future__ import annotations

from typing import Any

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.registry import owned_by, owner_of
from aurora_tui.drill.kubernetes.selectors import labels_match
from aurora_tui.drill.kubernetes.store import Change, Entry, Key

Object = dict[str, Any]


class Orphans:
    """The objects of one kind that no workload controls, by namespace."""

    def __init__(self) -> None:
        self._homes: dict[str, dict[Key, Entry]] = {}

    def note(self, change: Change) -> bool:
        """Keep the books; whether the object is (now) an orphan that may be adopted."""
        meta = change.after.thing["metadata"]
        orphan = not change.gone and "deletionTimestamp" not in meta and owner_of(change.after.thing) is None
        if orphan:
            self._homes.setdefault(change.key[0], {})[change.key] = change.after
        elif change.key[0] in self._homes:
            self._homes[change.key[0]].pop(change.key, None)
        return orphan

    def selected(self, namespace: str, selector: Object) -> list[Entry]:
        """The namespace's orphans that the selector selects."""
        home = self._homes.get(namespace)
        if not home:
            return []
        return [one for one in home.values() if labels_match(selector, one.thing["metadata"].get("labels") or {})]


def adopted(entry: Entry, kind: Kind, owner: Object) -> Object:
    """The object, controlled by `owner` (of `kind`)."""
    meta = entry.thing["metadata"]
    owners = [*meta.get("ownerReferences", ()), *owned_by(kind, owner)]
    return entry.but(metadata={**meta, "ownerReferences": owners})


def released(entry: Entry, uid: str) -> Object:
    """The object without the owner of that uid."""
    meta = dict(entry.thing["metadata"])
    owners = [owner for owner in meta["ownerReferences"] if owner["uid"] != uid]
    if owners:
        meta["ownerReferences"] = owners
    else:
        del meta["ownerReferences"]
    return entry.but(metadata=meta)
