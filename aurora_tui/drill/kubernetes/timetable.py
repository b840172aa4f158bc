"""What is due when: one alarm a key, in world time."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Timetable(Generic[T]):
    """Alarms by key; a key has one, the last set."""

    def __init__(self) -> None:
        self._when: dict[T, float] = {}
        self._heap: list[tuple[float, int, T]] = []
        self._order = count()

    def at(self, when: float, key: T) -> None:
        """Ring for `key` at `when`, and not at the time set before."""
        if self._when.get(key) == when:
            return
        self._when[key] = when
        heapq.heappush(self._heap, (when, next(self._order), key))

    def cancel(self, key: T) -> None:
        """No alarm for `key`."""
        self._when.pop(key, None)

    def next(self) -> float | None:
        """When the next alarm rings."""
        while self._heap and self._when.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> list[T]:
        """The keys whose alarm has rung by `now`, in order; their alarms are off."""
        rung: list[T] = []
        while (when := self.next()) is not None and when <= now:
            key = heapq.heappop(self._heap)[2]
            del self._when[key]
            rung.append(key)
        return rung
