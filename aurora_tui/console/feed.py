"""What the console needs from the rest of the house: Situations as they come, and a pod's log when asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aurora_tui.situation.situation import Situation


class Feed(Protocol):
    """Where Situations come from: the war room in the product, made-up ones in tests."""

    async def run(self, tell: Callable[[Situation], None]) -> None:
        """Tell each new Situation, some five times a second at most and at least once. Ends by cancellation."""
        ...

    async def pod_log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        """The last `lines` of a container's log; AuroraError when it cannot be read."""
        ...

    def hurry(self) -> None:
        """An entry was just made in the ledger: look at it at once."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...
