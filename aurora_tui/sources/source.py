"""What every source is: a task of its own that tells observations until it is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.observation import Observation

Tell = Callable[[Observation], None]


class Source(Protocol):
    """A source of observations.

    `name` is what its observations carry; `light` is how it looks before its first answer.
    """

    @property
    def name(self) -> str:
        """The name its observations carry."""
        ...

    @property
    def light(self) -> SourceLight:
        """Title, interval and the rest, before the first answer."""
        ...

    async def run(self, tell: Tell) -> None:
        """Look again and again, telling each answer and each failure. Ends only by cancellation."""
        ...

    async def close(self) -> None:
        """Release connections and threads."""
        ...
