"""The 72 hours before a drill begins: calm but for a few short disturbances that used some of the error budgets."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import floor
from random import Random

from aurora_tui.drill.series import (
    PROVIDER_METRICS,
    SIDES,
    WHOLE,
    Generation,
    counters,
    gauges,
    provider_labels,
    provider_values,
    side_of,
    target_labels,
)
from aurora_tui.drill.simulator import CALM, TICK, Effects, State, initial, tick

LENGTH = 72 * 3600.0
_COARSE = 4
"""Ticks that one simulated state stands for in the older part: a minute, which no [2m] rate can tell apart."""
_FINE = 2 * 3600.0
_CALM_END = 6 * 3600.0
"""World seconds without any disturbance before the drill begins."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A disturbance of the past: `effects` from `start` to `end`, Unix seconds."""

    start: float
    end: float
    effects: Effects


def episodes(end: float, seed: int) -> tuple[Episode, ...]:
    """What happened in the 72 h to `end`: each kind in its own stretch, too short or mild to trip a criterion."""
    random = Random(f"episodes {seed}")
    kinds: tuple[tuple[Effects, float], ...] = (
        (replace(CALM, bridge_latency=1.17), 540.0),
        (CALM.with_provider("flux", up=False), 480.0),
        (replace(CALM, fill=0.90), 360.0),
        (replace(CALM, bridge_latency=1.24), 300.0),
        (replace(CALM, provenance=0.943), 240.0),
        (CALM.with_provider("akash", price=1.12), 3600.0),
        (replace(CALM, policy=1.35), 180.0),
        (replace(CALM, demand=1.12), 1800.0),
    )
    stretch = (LENGTH - _CALM_END) / len(kinds)
    order = random.sample(kinds, len(kinds))
    found: list[Episode] = []
    for place, (effects, length) in enumerate(order):
        start = end - LENGTH + place * stretch + random.random() * (stretch - length - 900.0)
        found.append(Episode(start, start + length * (0.7 + 0.3 * random.random()), effects))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class History:
    """Times (Unix seconds, every 15 s), the network's state at each, and where it all left off.

    `totals` are the counters of both sides ("treaty", "market") at the last time; `random` goes on from there.
    """

    times: array[float]
    states: Sequence[State]
    totals: Mapping[str, tuple[float, ...]]
    columns: Mapping[str, Sequence[array[float]]]
    random: Random

    @property
    def last(self) -> State:
        return self.states[-1]

    def series(
        self, generation: Generation, instances: Mapping[str, str]
    ) -> Iterator[tuple[dict[str, str], array[float]]]:
        """Every series as scrapes of `instances` (job → host:port) would have stored it, with its column of values."""
        for job, treaty, side in SIDES:
            added = target_labels(job, instances[job])
            for labels, place in counters(generation, treaty):
                yield {**added, **labels}, self.columns[side][place]
            for labels, field in gauges(generation, treaty):
                yield {**added, **labels}, array("d", [getattr(side_of(state, side), field) for state in self.states])
            yield {"__name__": "up", **added}, array("d", [1.0]) * len(self.times)
            if side == "market":
                for name, _, gauge in PROVIDER_METRICS:
                    values = zip(*(provider_values(state, gauge) for state in self.states), strict=True)
                    for labels, column in zip(provider_labels(name), values, strict=True):
                        yield {**added, **labels}, array("d", column)


def history(end: float, seed: int) -> History:
    """The 72 h to `end` (Unix seconds, rounded down to whole ticks), the same for the same seed and end."""
    end = floor(end / TICK) * TICK
    random = Random(f"network {seed}")
    state = initial(end - LENGTH)
    past = list(episodes(end, seed))
    states: list[State] = []
    while state.time < end:
        while past and past[0].end <= state.time:
            del past[0]
        effects = past[0].effects if past and past[0].start <= state.time else CALM
        ticks = 1 if state.time >= end - _FINE else _COARSE
        state = tick(state, effects, random, TICK * ticks)
        states += [state] * ticks
    times = array("d", [end - LENGTH + TICK * place for place in range(1, len(states) + 1)])
    columns: dict[str, list[array[float]]] = {}
    totals: dict[str, tuple[float, ...]] = {}
    for _, _, side in SIDES:
        rows = zip(*(side_of(each, side).added for each in states), strict=True)
        columns[side] = []
        last: list[float] = []
        for place, row in enumerate(rows):
            running = list(accumulate(row))
            last.append(running[-1])
            columns[side].append(array("d", map(floor, running)) if WHOLE[place] else array("d", running))
        totals[side] = tuple(last)
    return History(times, states, totals, columns, random)
