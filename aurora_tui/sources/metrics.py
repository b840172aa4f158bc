"""Prometheus as a source: SLO values, criteria folded over their history, alerts' history, targets that are down.

One look asks for the present first (panels fill at once), then for what of the past is not known yet. Its
number of queries does not grow with the number of treaties. Everything is counted on the server's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from typing import NamedTuple

from aurora_tui.clock import iso
from aurora_tui.errors import UsageError
from aurora_tui.settings import Settings
from aurora_tui.situation.freshness import SourceLight
from aurora_tui.situation.mission import HttpSource
from aurora_tui.situation.observation import MetricsObserved
from aurora_tui.situation.slo import HOUR
from aurora_tui.sources.failure import HttpFailure, ServerGone
from aurora_tui.sources.firing import FiringFollower
from aurora_tui.sources.following import CriterionFollower, SloFollower
from aurora_tui.sources.hedge import hedged
from aurora_tui.sources.polling import poll
from aurora_tui.sources.prometheus import Prometheus
from aurora_tui.sources.record import record_begins
from aurora_tui.sources.round import Round
from aurora_tui.sources.source import Tell
from aurora_tui.text import safe

NAME = "metrics"
LOOK_BACK_EVERY = 60.0  # world seconds between two looks at shares, history and the query as written
CHECK_BUCKETS_EVERY = 3600.0
_GREEN_MARGIN = 3600.0  # so that the last of the green hours is counted before the first is forgotten
SKEW_WORTH_A_WARNING = 5.0
WARNINGS_LAST = 2 * LOOK_BACK_EVERY
_LOOK_SECONDS = 60.0  # real; each request has its own, much shorter limit
_CATCH_UP_SECONDS = 15.0  # real; a long history goes on in the next look, so that the present stays fresh


class _TimeSaid(NamedTuple):
    """What the server said its time was, between two of ours; latency is real seconds."""

    time: float
    began: float
    ended: float
    latency: float


class MetricsSource:
    """The source `metrics`. `requests` counts what it asked since it was made."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """UsageError when the environment has no Prometheus."""
        if settings.environment.prometheus is None:
            raise UsageError(
                f"environment {settings.environment_name} names no Prometheus", "Set `prometheus.url` or --prometheus."
            )
        self._source: HttpSource = settings.environment.prometheus
        self._clock = settings.clock
        self._identity = settings.mission.mission
        self._grid = float(self._identity.scrape_interval)
        self._window = float(self._identity.window)
        self._mission = settings.mission
        self._follow_anew()
        self._prometheus = Prometheus(self._source.url, self._source.auth)
        self._wake = asyncio.Event()
        self._start: tuple[float, dict[str, tuple[float, ...]]] | None = None
        self._begins: float | None = None
        self._version: str | None = None
        self._server_now: float | None = None
        self._skew: float | None = None
        self._latency: float | None = None
        self._targets_down: tuple[str, ...] = ()
        self._up_error: str | None = None
        self._told_at = self._clock.monotonic()

    def _follow_anew(self) -> None:
        """Know nothing yet."""
        self._slos = [SloFollower(objective) for objective in self._mission.slo]
        self._criteria = [CriterionFollower(item) for item in self._mission.criterion if item.severity is None]
        self._firing = FiringFollower()
        self._begun: tuple[float, dict[str, tuple[float, ...]]] | None = None  # the start that the folds have
        self._looked_back_at: float | None = None
        self._buckets_at: float | None = None
        self._behind = True  # what is known comes piece by piece, not once a look

    @property
    def light(self) -> SourceLight:
        """How it looks before its first answer."""
        return SourceLight(name=self.name, title="metrics", interval=float(self._source.interval))

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._prometheus.requests

    def set_start(self, t0: float, resets: dict[str, tuple[float, ...]]) -> None:
        """Fold from `t0` (server time), each criterion from its last operator reset after it; looks at once.

        Until it is called, the fold begins one window before the first look; in both cases not before the
        server's own record.
        """
        self._start = (t0, resets)
        self._looked_back_at = None  # green hours may need more history than was read
        self._behind = True
        self._wake.set()

    async def run(self, tell: Tell) -> None:
        """Look every interval and tell, until cancelled."""
        await poll(
            lambda: self._look(tell),
            source=self.name,
            interval=float(self._source.interval),
            clock=self._clock,
            tell=tell,
            time_limit=_LOOK_SECONDS,
            url=self._source.url,
            wake=self._wake,
        )

    async def close(self) -> None:
        """Let go of the threads."""
        self._prometheus.close()

    async def _look(self, tell: Tell) -> MetricsObserved:
        """One look; HttpFailure or ServerGone when the server itself cannot be asked."""
        round = Round(
            self._prometheus,
            label=self._identity.treaty_label,
            treaty=self._identity.treaty,
            scrape_interval=self._grid,
        )
        try:
            # First and alone: a server that is not well is asked one question a look.
            server_now = await self._ask_time()
            if self._server_now is not None and server_now < self._server_now - self._grid:
                # Its clock went back, or it is another server. What was folded lies in the future: nothing would be
                # judged until that is past.
                self._follow_anew()
            self._server_now = server_now
            if self._version is None:
                self._version = await self._ask_version()
            await _all([*(slo.look(round, server_now) for slo in self._slos), self._ask_targets(round)])
            self._tell_if_waited_for(tell)
            looks_back = _due(self._looked_back_at, server_now, LOOK_BACK_EVERY)
            waited_for: list[Awaitable[None]] = [self._fold(round, server_now)]
            if looks_back:
                waited_for += [*self._ask_shares(round, server_now), *self._ask_history(round, server_now, True)]
            await _all(waited_for)
            self._tell_if_waited_for(tell)
            if looks_back:
                self._looked_back_at = server_now
                await _all(self._ask_history(round, server_now, False))
            self._behind = False
            return self._observed()
        except (HttpFailure, ServerGone):
            self._version = None  # what comes back may be another server
            raise
        finally:
            round.cancel()

    def _tell_if_waited_for(self, tell: Tell) -> None:
        """Tell what is known half way through a look: when it is the first, or so slow that values would age."""
        waited = self._clock.monotonic() - self._told_at
        if self._behind or waited > 1.5 * float(self._source.interval):
            tell(self._observed())

    async def _fold(self, round: Round, server_now: float) -> None:
        await self._begin(round, server_now)
        until = time.monotonic() + _CATCH_UP_SECONDS
        jobs: list[Awaitable[None]] = [item.follow(round, server_now, until) for item in self._criteria]
        jobs.append(self._firing.follow(round, server_now, until))
        await _all(jobs)
        if _due(self._buckets_at, server_now, CHECK_BUCKETS_EVERY):
            self._buckets_at = server_now
            await _all(item.check_buckets(round) for item in self._criteria)

    async def _begin(self, round: Round, server_now: float) -> None:
        """Start the folds anew when the start or the resets changed: where the server's record begins, at most."""
        if self._start is None:
            self._start = (server_now - self._window, {})
        start = self._start
        if self._begun == start:
            return
        t0, resets = start
        self._firing.restart(t0)
        readings = [reading for item in self._criteria for reading in item.criterion.reading]
        begins = await record_begins(round, [reading.newest for reading in readings], t0, server_now)
        if begins is None:
            for item in self._criteria:
                item.wait("Prometheus holds no sample of it, nor of any target. Check its scrape configuration.")
            return
        for item in self._criteria:
            item.restart(begins, self._grid, resets.get(item.criterion.id, ()))
        self._begun, self._begins = start, begins

    def _ask_shares(self, round: Round, server_now: float) -> Iterable[Awaitable[None]]:
        return (slo.look_at_shares(round, server_now, self._window) for slo in self._slos)

    def _ask_history(self, round: Round, server_now: float, for_shares: bool) -> Iterable[Awaitable[None]]:
        """The history of the objectives whose share is counted from it, which rows wait for; or of the others."""
        memory = self._memory(server_now)
        chosen = [slo for slo in self._slos if slo.share_is_of_history is for_shares]
        return (slo.look_back(round, server_now, self._window, memory) for slo in chosen)

    def _memory(self, server_now: float) -> float:
        """Seconds of history: the window, or what of the green hours may lie in the running phase."""
        elapsed = 0.0 if self._start is None else server_now - self._start[0]
        return max(self._window, min(elapsed, self._identity.green_hours * HOUR + _GREEN_MARGIN))

    async def _ask_version(self) -> str | None:
        try:
            version = await self._prometheus.version()
        except HttpFailure as error:
            if error.status in (401, 403) or error.status is None:
                raise
            return ""  # some servers of this API have no such page: nothing to warn of
        return "" if version is None else safe(version, 40)

    async def _ask_time(self) -> float:
        """The server's time; sets skew and latency. The one question without which nothing else is asked."""
        said = await hedged(self._time_said)
        self._latency = said.latency
        unsure = (said.ended - said.began) / 2
        skew = said.time - (said.began + unsure)
        # What lies within the measurement's own error is no news: a displayed clock must not tremble.
        if abs(skew - (self._skew or 0.0)) > unsure:
            self._skew = skew
        elif self._skew is None:
            self._skew = 0.0
        return said.time

    async def _time_said(self) -> _TimeSaid:
        began, real = self._clock.now(), time.perf_counter()
        said = await self._prometheus.time()
        return _TimeSaid(said, began, self._clock.now(), time.perf_counter() - real)

    async def _ask_targets(self, round: Round) -> None:
        try:
            down = await round.vector("up == 0")
        except HttpFailure as error:
            self._up_error = str(error)
            return
        self._up_error = None
        names = {f"{labels.get('job', '?')} {labels.get('instance', '')}".strip() for labels, _ in down}
        self._targets_down = tuple(sorted(safe(name, 120) for name in names))

    def _observed(self) -> MetricsObserved:
        self._told_at = self._clock.monotonic()
        return MetricsObserved(
            source=self.name,
            at=self._clock.now(),
            latency=self._latency,
            version=self._version or None,
            skew=self._skew,
            notes=tuple(self._notes()),
            slos=tuple(slo.observed() for slo in self._slos),
            criteria=tuple(item.observed() for item in self._criteria),
            firing_history=self._firing.observed(),
            firing_known_from=self._firing.known_from,
            firing_known_to=self._firing.known_to,
            firing_error=self._firing.error,
            targets_down=self._targets_down,
        )

    def _notes(self) -> Iterable[str]:
        if self._skew is not None and abs(self._skew) > SKEW_WORTH_A_WARNING:
            side = "behind" if self._skew > 0 else "ahead of"
            yield f"this machine's clock is {abs(self._skew):.0f} s {side} the server's: check NTP on both"
        if self._begun is not None and self._begins is not None and self._begins > self._begun[0] + self._grid:
            yield f"the server's record begins at {iso(self._begins)}: nothing before it is judged"
        if self._up_error is not None:
            yield f"targets: {self._up_error}"
        if self._firing.error is not None:
            yield f"alert history: {self._firing.error}"
        for warning in self._prometheus.warned(self._clock.real_seconds(WARNINGS_LAST)):
            yield f"Prometheus warns: {safe(warning, 160)}"
        for slo in self._slos:
            yield from slo.notes


def _due(last: float | None, now: float, every: float) -> bool:
    return last is None or now - last >= every or now < last


async def _all(jobs: Iterable[Awaitable[None]]) -> None:
    """Wait for all; the first unexpected fault cancels the others and is raised."""

    async def run(job: Awaitable[None]) -> None:
        await job

    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(run(job))
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from faults
