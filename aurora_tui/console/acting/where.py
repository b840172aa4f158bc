"""What a page of acting needs to know of the console around it, without knowing the console."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurora_tui.actions.plan import Cluster
from aurora_tui.console.ink import Line, fit, span
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.text import safe

if TYPE_CHECKING:
    from aurora_tui.situation.situation import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """`now` is world time, `monotonic` real seconds that never jump, `lost` why nothing is to be believed any more."""

    settings: Settings
    situation: Callable[[], Situation | None]
    now: Callable[[], float | None]
    lost: Callable[[], str | None]
    monotonic: Callable[[], float]
    redraw: Callable[[], None]
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def read_only(self) -> bool:
        """Whether this console may only look."""
        return self.settings.read_only

    @property
    def word(self) -> str:
        """What is typed to confirm: the environment's word, else its namespace, else its name."""
        environment = self.settings.environment
        namespace = environment.cluster.namespace if environment.cluster else None
        return environment.confirm_word or namespace or self.settings.environment_name

    def place(self, cells: int, cluster: Cluster | None) -> Line:
        """Environment, in its colour, with cluster and namespace: the line that keeps from hitting the wrong one."""
        situation = self.situation()
        watched = self.settings.environment.cluster
        context = cluster.context if cluster else (situation.cluster if situation else None) or "cluster not known"
        namespace = (situation.namespace if situation else None) or (watched.namespace if watched else None)
        parts = [
            span(f" {self.settings.environment_name.upper()} ", "environment reverse bold"),
            span(f"  {context} / {namespace or 'no namespace'}", "environment bold"),
        ]
        if self.settings.environment.drill and self.settings.environment_name != "drill":
            parts.insert(0, span(" DRILL ", "warn reverse bold"))
        if cluster is not None:
            parts.append(span(f"  {cluster.server}", "dim"))
            parts.append(span(f"  as {cluster.user}" if cluster.user else "", "dim"))
        return fit(parts, cells)


def words_of(error: BaseException) -> str:
    """An error in words; ours speak for themselves, others are named."""
    words = str(error) if isinstance(error, AuroraError) else f"{type(error).__name__}: {error}"
    return safe(words, limit=600)
