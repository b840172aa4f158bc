"""What a server holds of one resource, as far as we heard: objects by uid, and which of them changed.

Events come in order, once each; but a load balancer, a cache or a replayed watch may tell them twice or late. So an
event counts only when it is newer than what is held. Versions are compared as whole numbers, as Kubernetes 1.35
promises and etcd has always counted (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions);
where a server has other versions, only "the same again" is known.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from aurora_tui.kube.objects import Object

T = TypeVar("T", bound=Object)

MOST_DELETED = 10_000  # remembered, so that a late word does not bring them back


class Store(Generic[T]):
    """Objects by uid. Every change returns the uids that really changed."""

    def __init__(self) -> None:
        self._objects: dict[str, T] = {}
        self._deleted: OrderedDict[str, int] = OrderedDict()
        self._listed = -1  # the version of the list: whatever is older is in it
        self._newest = -1  # the newest version ever told

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[T]:
        return iter(self._objects.values())

    def get(self, uid: str) -> T | None:
        """The object, if it is there."""
        return self._objects.get(uid)

    def replace(self, objects: Iterable[T], version: str = "") -> frozenset[str]:
        """All there is, from a list of `version`; what was not in it is gone.

        A list that lies behind what was told is a restored server's: it may use a version again for something else.
        """
        before, self._objects = self._objects, {item.metadata.uid: item for item in objects}
        self._deleted.clear()
        number = _number(version)
        self._listed = -1 if number is None else number
        restored, self._newest = -1 < self._listed < self._newest, self._listed
        if restored:
            return frozenset(self._objects.keys() | before.keys())
        changed = {uid for uid, item in self._objects.items() if _version(before.get(uid)) != _version(item)}
        return frozenset(changed | (before.keys() - self._objects.keys()))

    def put(self, item: T) -> frozenset[str]:
        """ADDED or MODIFIED. What is told again or late changes nothing."""
        uid = item.metadata.uid
        held = self._objects.get(uid)
        number = _number(item.metadata.resource_version)
        if number is None:
            if _version(held) == _version(item):
                return frozenset()
        elif number <= max(self._listed, self._deleted.get(uid, -1), _held(held)):
            return frozenset()
        self._newest = max(self._newest, -1 if number is None else number)
        self._objects[uid] = item
        return frozenset({uid})

    def remove(self, item: T) -> frozenset[str]:
        """DELETED, perhaps of something we never heard of. It may come back (a selector let go of it): newer then."""
        uid = item.metadata.uid
        number = _number(item.metadata.resource_version)
        if number is not None:
            if number < _held(self._objects.get(uid)):
                return frozenset()
            self._newest = max(self._newest, number)
            self._deleted[uid] = max(number, self._deleted.get(uid, -1))
            while len(self._deleted) > MOST_DELETED:
                self._deleted.popitem(last=False)
        return frozenset({uid}) if self._objects.pop(uid, None) is not None else frozenset()


def _held(item: Object | None) -> int:
    number = None if item is None else _number(item.metadata.resource_version)
    return -1 if number is None else number


def _version(item: Object | None) -> str | None:
    return None if item is None else item.metadata.resource_version


def _number(version: str) -> int | None:
    return int(version) if version.isascii() and version.isdigit() else None
