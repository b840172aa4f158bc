"""The war room: starts the sources, folds what they observe into a Situation, and tells whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from aurora_tui.errors import AuroraError
from aurora_tui.ledger_source import LedgerSource
from aurora_tui.settings import Settings
from aurora_tui.situation import begin
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.observation import (
    ClusterObserved,
    JournalObserved,
    MetricsObserved,
    Observation,
    SourceFailed,
)
from aurora_tui.situation.picture import Frame, Picture, assess, clock_moved, observe, start_of_judgement
from aurora_tui.situation.situation import Situation
from aurora_tui.sources.alerts import alert_sources
from aurora_tui.sources.cluster import ClusterSource
from aurora_tui.sources.metrics import MetricsSource
from aurora_tui.sources.probes import probe_sources
from aurora_tui.sources.server_time import ServerTime
from aurora_tui.sources.source import Source
from aurora_tui.text import safe

SHORTEST_BETWEEN = 0.2  # real seconds between two Situations, but for those of sources that keep it themselves
LONGEST_BETWEEN = 1.0  # real seconds: staleness must show even when nothing comes in


class Warroom:
    """All sources of one environment and the picture folded from them. It implements the console's `Feed`."""

    def __init__(self, settings: Settings) -> None:
        self._clock = settings.clock
        mission = settings.mission
        self._frame = Frame(
            mission=mission,
            environment_name=settings.environment_name,
            environment=settings.environment,
            treaty=mission.mission.treaty,
            read_only=settings.read_only,
        )
        self._metrics = MetricsSource(settings) if settings.environment.prometheus else None
        self._cluster = ClusterSource(settings) if settings.environment.cluster else None
        self._ledger = LedgerSource(settings.ledger, settings.clock)
        sources: list[Source | None] = [
            self._metrics,
            self._cluster,
            *alert_sources(settings),
            *probe_sources(settings),
            self._ledger,
        ]
        self._sources: list[Source] = [source for source in sources if source is not None]
        self._time = ServerTime(settings.clock)
        if self._cluster is not None:
            self._cluster.now = self._time.now
        began = self._time.now()
        lights = [msgspec.structs.replace(source.light, since=began) for source in self._sources]
        self._picture = Picture(lights=(*lights, *_unwatched({light.name for light in lights})))
        self._start: tuple[float | None, dict[str, tuple[float, ...]]] | None = None
        self._changed = asyncio.Event()
        self._paced = asyncio.Event()  # changed by a source that keeps SHORTEST_BETWEEN itself
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources, for `doctor`."""
        return tuple(self._sources)

    def situation(self) -> Situation:
        """What everything means now."""
        self._set_clock(None)
        return assess(self._picture, self._frame, self._time.now())

    async def authenticate(self) -> None:
        """Get credentials that a plugin must print, before the screen opens. AuroraError when it does not."""
        if self._cluster is not None:
            await self._cluster.authenticate()

    async def run(self, tell: Callable[[Situation], None]) -> None:
        """Start the sources and tell a Situation when something changed (some five times a second) and every second.

        What the cluster and the metrics tell goes on at once: they keep a pace, and must not wait for a second one.
        """
        self._tasks = [
            asyncio.create_task(self._watch(source), name=f"source {source.name}") for source in self._sources
        ]
        try:
            while True:
                self._changed.clear()
                self._paced.clear()
                tell(self.situation())
                if not await _within(SHORTEST_BETWEEN, self._paced):
                    await _within(LONGEST_BETWEEN - SHORTEST_BETWEEN, self._changed)
        finally:
            await self.close()

    async def pod_log(self, namespace: str, pod: str, container: str | None, lines: int) -> str:
        """The last `lines` of a container's log; AuroraError when it cannot be read."""
        if self._cluster is None:
            raise AuroraError("No cluster is watched", "Name one in the environment's [cluster] table.")
        return await self._cluster.pod_log(namespace, pod, container, lines)

    def hurry(self) -> None:
        """Look at the ledger at once."""
        self._ledger.hurry()

    async def close(self) -> None:
        """Stop every source and release what it holds."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # One that fails to close must not keep the others open.
        closed = await asyncio.gather(*(source.close() for source in self._sources), return_exceptions=True)
        for failure in closed:
            if isinstance(failure, BaseException):
                raise failure

    async def _watch(self, source: Source) -> None:
        """Run one source; if it ends, which it never should, its light goes out instead of staying green."""
        try:
            await source.run(self._observed)
        except Exception as error:  # noqa: BLE001 - one source's fault must not take the others with it
            why = f"{source.light.title} stopped: {type(error).__name__} {safe(str(error), 200)}"
        else:
            why = f"{source.light.title} stopped without a reason"
        self._observed(SourceFailed(source=source.name, at=self._clock.now(), error=f"{why}. Restart the console."))

    def _observed(self, observation: Observation) -> None:
        self._set_clock(observation.skew if isinstance(observation, MetricsObserved) else None)
        # Sources tell their own clock's time; everything is judged on the server's.
        at = self._time.when(observation.at)
        before = self._picture
        self._picture = observe(self._picture, msgspec.structs.replace(observation, at=at), self._frame.mission)
        if isinstance(observation, JournalObserved) and self._metrics is not None:
            now = self._time.now()
            run = begin.running(self._picture.journal, now)
            start = (run.started_at if run else None, begin.resets(self._picture.journal, now))
            if start != self._start:
                self._start = start
                self._metrics.set_start(start_of_judgement(self._picture, self._frame, now), start[1])
        if _is_news(before, self._picture):
            self._changed.set()
            if isinstance(observation, ClusterObserved | MetricsObserved):
                self._paced.set()

    def _set_clock(self, skew: float | None) -> None:
        """Follow the server's clock. What we know is as old after it as before: its age was not told by that clock."""
        moved = self._time.learn(skew)
        if moved:
            self._picture = clock_moved(self._picture, moved)


def _is_news(before: Picture, after: Picture) -> bool:
    """Whether a source told more than that all is as it was: that alone waits for the next second.

    `reports` is left out: what they say is in the tracks that are made from them.
    """
    if any(_words(one) != _words(other) for one, other in zip(before.lights, after.lights, strict=True)):
        return True
    names = set(Picture.__struct_fields__) - {"lights", "reports"}
    pairs = ((getattr(before, name), getattr(after, name)) for name in names)
    return any(one is not other and one != other for one, other in pairs)


def _words(light: SourceLight) -> tuple[object, ...]:
    """What a light says beside how young its last answer is."""
    skew = None if light.skew is None else round(light.skew)
    return light.observed_at is None, light.error, light.failing_since, light.notes, skew, light.version


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for `event`, so long at most; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _unwatched(watched: set[str]) -> list[SourceLight]:
    """Lights for what this environment does not configure: said, rather than left out."""
    kinds = {"metrics": "metrics", "cluster": "cluster", "am": "alerts"}
    return [
        SourceLight(name=name, title=title, interval=1.0, watched=False)
        for name, title in kinds.items()
        if name not in watched
    ]
