"""Alerting and recording rules, evaluated at aligned moments of world time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aurora_tui.drill.prometheus.storage import Storage


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule (`alert`) or a recording rule (`record`), exactly one of the names set.

    `hold` is the rule file's `for`, in seconds. Annotations and labels may use {{ $value }} and {{ $labels.x }}.
    """

    expr: str
    alert: str = ""
    record: str = ""
    hold: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated one after the other. `interval` in seconds; 0 means the engine's."""

    name: str
    rules: Sequence[Rule]
    interval: float = 0.0
    file: str = "drill.yml"


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """A firing or just resolved alert, to post to an Alertmanager. Times are Unix seconds; `ends_at` None: firing."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    generator_url: str = ""

    def body(self) -> dict[str, object]:
        """One element of POST /api/v2/alerts."""
        raise NotImplementedError


class RuleEngine:
    """`await run()` evaluates until cancelled; `await evaluate(at)` does one round.

    `notify` is awaited after each round with what changed or still fires; its failures never stop the rules.
    """

    def __init__(
        self,
        storage: Storage,
        groups: Sequence[RuleGroup],
        interval: float,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        notify: Callable[[Sequence[AlertNotice]], Awaitable[None]] | None = None,
    ) -> None:
        self.storage = storage
        self.groups = tuple(groups)
        self.interval = interval
        self.now = now
        self.sleep = sleep
        self.notify = notify

    async def run(self) -> None:
        raise NotImplementedError

    async def evaluate(self, at: float) -> None:
        raise NotImplementedError
