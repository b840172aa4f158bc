"""What a server holds of one resource, as far as we heard: objects by uid, and which of them changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from aurora_tui.kube.objects import Object

T = TypeVar("T", bound=Object)


class Store(Generic[T]):
    """Objects by uid. Every change returns the uids that really changed: versions are compared, not trusted."""

    def __init__(self) -> None:
        self._objects: dict[str, T] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[T]:
        return iter(self._objects.values())

    def get(self, uid: str) -> T | None:
        """The object, if it is there."""
        return self._objects.get(uid)

    def replace(self, objects: Iterable[T]) -> frozenset[str]:
        """All there is, from a list; what was not in it is gone."""
        before, self._objects = self._objects, {item.metadata.uid: item for item in objects}
        changed = {uid for uid, item in self._objects.items() if _version(before.get(uid)) != _version(item)}
        return frozenset(changed | (before.keys() - self._objects.keys()))

    def put(self, item: T) -> frozenset[str]:
        """ADDED or MODIFIED. Telling the same version twice changes nothing."""
        uid = item.metadata.uid
        if _version(self._objects.get(uid)) == _version(item):
            return frozenset()
        self._objects[uid] = item
        return frozenset({uid})

    def remove(self, item: T) -> frozenset[str]:
        """DELETED, perhaps of something we never heard of."""
        uid = item.metadata.uid
        return frozenset({uid}) if self._objects.pop(uid, None) is not None else frozenset()


def _version(item: Object | None) -> str | None:
    return None if item is None else item.metadata.resource_version
