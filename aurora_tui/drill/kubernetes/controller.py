"""What every controller is: something that a change concerns, and that then brings one object nearer to its spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from aurora_tui.drill.kubernetes.kinds import Kind
from aurora_tui.drill.kubernetes.registry import Registry
from aurora_tui.drill.kubernetes.store import Change, Key, ObjectStore

if TYPE_CHECKING:
    from aurora_tui.drill.kubernetes.events import EventRecorder


class Controller(Protocol):
    """One control loop, woken by changes and alarms, one key at a time."""

    kinds: frozenset[Kind]
    """Changes of objects of these kinds may concern it."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """The keys to sync after `change`."""
        ...

    def sync(self, key: Key) -> None:
        """Bring the object at `key` one step nearer to what it should be."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What controllers work with. `alarm(controller, key, when)` has `sync(key)` called at `when`; None: no more."""

    store: ObjectStore
    registry: Registry
    events: EventRecorder
    now: Callable[[], float]
    alarm: Callable[[Controller, Key, float | None], None]
    random: Random
