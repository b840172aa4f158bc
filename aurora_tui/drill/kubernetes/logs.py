"""What a simulated container writes: a start line, a heartbeat now and then, its last words."""

from __future__ import annotations

from dataclasses import dataclass, field

HEARTBEAT_SECONDS = 15.0
KEPT_LINES = 2000

Line = tuple[float, str]


@dataclass(slots=True)
class Run:
    """The log of one run of a container. Heartbeats are not stored: they follow from the times."""

    started: float
    ended: float | None = None
    said: list[Line] = field(default_factory=list)

    def say(self, moment: float, text: str) -> None:
        """Add a line."""
        self.said.append((moment, text))
        del self.said[:-KEPT_LINES]

    def lines(self, until: float, since: float = 0.0) -> list[Line]:
        """Lines up to `until` (exclusive of what comes after the end), from `since` on, oldest first."""
        until = until if self.ended is None else min(until, self.ended)
        first = max(1, int((max(since, until - KEPT_LINES * HEARTBEAT_SECONDS) - self.started) // HEARTBEAT_SECONDS))
        last = int((until - self.started) // HEARTBEAT_SECONDS)
        beats = [
            (self.started + n * HEARTBEAT_SECONDS, f'level=info msg="alive" uptime={int(n * HEARTBEAT_SECONDS)}s')
            for n in range(first, last + 1)
        ]
        every = beats + [line for line in self.said if line[0] <= until or self.ended is not None]
        return sorted((line for line in every if line[0] >= since), key=lambda line: line[0])


@dataclass(slots=True)
class ContainerLog:
    """The log of a container: this run's and the one's before."""

    current: Run | None = None
    previous: Run | None = None

    def start(self, moment: float, image: str) -> None:
        """A new run begins."""
        self.previous, self.current = self.current, Run(moment)
        self.current.say(moment, f'level=info msg="starting" image="{image}"')

    def end(self, moment: float, words: tuple[str, ...]) -> None:
        """The run ends, after its last words."""
        if self.current is not None:
            for word in words:
                self.current.say(moment, word)
            self.current.ended = moment
