"""A ReplicaSet's pods, counted as they change: what a sync needs to know without looking at each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aurora_tui.drill.kubernetes.store import Key
from aurora_tui.drill.kubernetes.victims import ready_since

Object = dict[str, Any]
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Member:
    """What counting needs to know of one version of a pod."""

    thing: Object
    labels: Labels
    active: bool
    leaving: bool
    ready_since: float | None


def member(thing: Object, before: Member | None) -> Member:
    """`before`: the same pod as it was, to share what is the same."""
    meta = thing["metadata"]
    labels = meta.get("labels")
    if before is not None and before.thing["metadata"].get("labels") is labels:
        frozen = before.labels
    else:
        frozen = frozenset((labels or {}).items())
    over = thing["status"]["phase"] in ("Succeeded", "Failed")
    leaving = "deletionTimestamp" in meta
    active = not over and not leaving
    return Member(thing, frozen, active, leaving and not over, ready_since(thing) if active else None)


class Crew:
    """The pods that one ReplicaSet controls."""

    __slots__ = ("_labels", "active", "leaving", "members", "ready")

    def __init__(self) -> None:
        self.members: dict[Key, Member] = {}
        self.active = self.leaving = self.ready = 0
        self._labels: Counter[Labels] = Counter()

    def put(self, key: Key, thing: Object) -> None:
        """The pod is so now."""
        before = self.members.get(key)
        now = self.members[key] = member(thing, before)
        if before is not None:
            self._count(before, -1)
        self._count(now, 1)

    def drop(self, key: Key) -> None:
        """The pod is gone, or another's."""
        before = self.members.pop(key, None)
        if before is not None:
            self._count(before, -1)

    def _count(self, one: Member, by: int) -> None:
        self.leaving += by * one.leaving
        if one.active:
            self.active += by
            self.ready += by * (one.ready_since is not None)
            self._labels[one.labels] += by
            if not self._labels[one.labels]:
                del self._labels[one.labels]

    def labelled(self, labels: dict[str, str]) -> int:
        """Active pods that carry all these labels."""
        wanted = labels.items()
        return sum(count for has, count in self._labels.items() if wanted <= has)

    def label_sets(self) -> Iterable[dict[str, str]]:
        """The different labels that active pods carry."""
        return [dict(labels) for labels in self._labels]

    def active_pods(self) -> list[Object]:
        """Those that count: neither over nor leaving."""
        return [one.thing for one in self.members.values() if one.active]

    def ready_moments(self) -> list[float]:
        """When each Ready pod became it, Unix seconds."""
        return [one.ready_since for one in self.members.values() if one.ready_since is not None]
