"""The treaty network in small: each tick routes the market's requests and says how well that went.

Pure: `tick(state, effects, random)` gives the next state; the same seed gives the same world. A tick is 15 s of world
time. What a tick adds to counters is in `State.treaty` and `State.market`, laid out as `TOTALS` names it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import repeat
from operator import add, mul
from random import Random
from typing import NamedTuple, TypeVar

from aurora_tui.drill.distribution import (
    FILL_BOUNDS,
    POLICY_BOUNDS,
    RTT_BOUNDS,
    Shares,
    fill_shares,
    policy_shares,
    rtt_shares,
)
from aurora_tui.drill.market import BATCHES, NAMES, PROVIDERS, route

TICK = 15.0
"""World seconds."""

_Value = TypeVar("_Value")
Totals = tuple[float, ...]
COUNTERS = ("requests", "routed", "dropped", "gpu_hours")
HISTOGRAMS = {"fill": FILL_BOUNDS, "rtt": RTT_BOUNDS, "policy": POLICY_BOUNDS}
TOTALS: tuple[tuple[str, float | None], ...] = (
    *((name, None) for name in COUNTERS),
    *((name, bound) for name, bounds in HISTOGRAMS.items() for bound in (*bounds, None)),
)
"""What each number of a `Totals` is: (counter, None), (histogram, bound), or (histogram, None) for its sum."""

_CALM_FILL, _CALM_PROVENANCE, _CALM_POLICY = 0.925, 0.972, 8.2
_RESERVE = 0.28  # the share of its capacity that a provider sells only to requests that found no other place
_LOSS = 0.0003  # the share of requests that are dropped on the best of days
_SETTLE = 0.5  # of what is left to a disturbance's full strength, reached each tick: 75 % in 30 s, 94 % in a minute
_ROUTES_HOLD = 8  # ticks between two looks at the market
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Effects:
    """What disturbs the network now. Factors are 1 when nothing does; tuples go by provider, as `market.NAMES`.

    bridge_latency, policy and fill act on the treaty alone, as its bridge does; provenance is the treaty's coverage.
    """

    bridge_latency: float = 1.0
    policy: float = 1.0
    fill: float = 1.0
    provenance: float = _CALM_PROVENANCE
    demand: float = 1.0
    latency: tuple[float, ...] = (1.0,) * len(PROVIDERS)
    price: tuple[float, ...] = (1.0,) * len(PROVIDERS)
    up: tuple[bool, ...] = (True,) * len(PROVIDERS)

    def with_provider(
        self, name: str, *, latency: float | None = None, price: float | None = None, up: bool | None = None
    ) -> Effects:
        """The same but for one provider; ValueError when there is none of that name."""
        index = NAMES.index(name)
        return replace(
            self,
            latency=_put(self.latency, index, latency),
            price=_put(self.price, index, price),
            up=_put(self.up, index, up),
        )


def _put(values: tuple[_Value, ...], index: int, value: _Value | None) -> tuple[_Value, ...]:
    return values if value is None else (*values[:index], value, *values[index + 1 :])


CALM = Effects()


class Strength(NamedTuple):
    """How far the treaty's disturbances have settled in."""

    bridge_latency: float = 1.0
    policy: float = 1.0
    fill: float = 1.0
    provenance: float = _CALM_PROVENANCE
    demand: float = 1.0


class Side(NamedTuple):
    """One side of the market in one tick: what it adds to the totals, and its gauges."""

    added: Totals
    fill: float
    rtt: float
    provenance: float


class State(NamedTuple):
    """The network at `time` (Unix seconds). free: unsold share of each provider's capacity; reputation: points."""

    time: float
    ticks: int
    treaty: Side
    market: Side
    strength: Strength
    drift: tuple[float, ...]
    free: tuple[float, ...]
    price: tuple[float, ...]
    reputation: tuple[float, ...]
    routes: tuple[tuple[int, ...], ...]
    effects: Effects


_NOTHING = Side((0.0,) * len(TOTALS), _CALM_FILL, 250.0, _CALM_PROVENANCE)
_CAPACITY = tuple(provider.capacity for provider in PROVIDERS)
_SOLD_FREELY = tuple(provider.capacity * (1.0 - _RESERVE) for provider in PROVIDERS)
_BASE_PRICE = tuple(provider.price for provider in PROVIDERS)
_BASE_LATENCY = tuple(provider.latency for provider in PROVIDERS)
_BASE_REPUTATION = tuple(provider.reputation for provider in PROVIDERS)
_ALL = tuple(range(len(PROVIDERS)))
_DRIFTS = len(PROVIDERS) + 4  # each provider's latency, then fill, demand, policy and provenance


def initial(time: float) -> State:
    """The network before its first tick."""
    return State(
        time=time,
        ticks=0,
        treaty=_NOTHING,
        market=_NOTHING,
        strength=Strength(),
        drift=(0.0,) * _DRIFTS,
        free=(1.0,) * len(PROVIDERS),
        price=_BASE_PRICE,
        reputation=_BASE_REPUTATION,
        routes=(),
        effects=CALM,
    )


def tick(state: State, effects: Effects, random: Random, seconds: float = TICK) -> State:
    """The network `seconds` of world time later, under `effects`. Takes a fixed number of draws from `random`.

    What it adds is a tick's worth whatever `seconds` is: a history takes one state for several ticks.
    """
    draw = random.random
    time = state.time + seconds
    wave = math.sin((time % _DAY) / _DAY * math.tau - 2.2)  # busiest in the afternoon, UTC
    drift = tuple([old * 0.96 + draw() - 0.5 for old in state.drift])
    strength = _settle(state.strength, effects)
    price = tuple(map(mul, effects.price, _BASE_PRICE))
    latency = [
        base * factor * (1.0 + 0.022 * wave + 0.007 * noise)
        for base, factor, noise in zip(_BASE_LATENCY, effects.latency, drift, strict=False)
    ]
    routes = state.routes
    if state.ticks % _ROUTES_HOLD == 0 or effects is not state.effects:
        routes = route(price, latency, state.reputation, effects.up)
    demand = strength.demand * (1.0 + 0.20 * wave + 0.015 * drift[-3])
    placed, others, free = _place(routes, demand, effects.up)
    policy = _CALM_POLICY * (1.0 + 0.06 * wave + 0.012 * drift[-2])
    provenance = strength.provenance + 0.0015 * drift[-1]
    fill = _CALM_FILL - 0.006 * wave + 0.004 * drift[-4]
    slowed = [each * strength.bridge_latency for each in latency]
    treaty = _side(placed, slowed, policy * strength.policy, fill * strength.fill, provenance)
    rest = _side(others, latency, policy, fill, _CALM_PROVENANCE - 0.004)
    return State(
        time=time,
        ticks=state.ticks + 1,
        treaty=treaty,
        market=_together(treaty, rest),
        strength=strength,
        drift=drift,
        free=free,
        price=price,
        reputation=_reputation(state.reputation, effects.up),
        routes=routes,
        effects=effects,
    )


def _settle(strength: Strength, effects: Effects) -> Strength:
    """Disturbances come and go over about a minute, not at once."""
    target = (effects.bridge_latency, effects.policy, effects.fill, effects.provenance, effects.demand)
    if strength == target:
        return strength
    return Strength._make(
        now + (goal - now) * _SETTLE if abs(goal - now) > 0.001 else goal
        for now, goal in zip(strength, target, strict=True)
    )


class _Placed:
    """Where one side's requests of a tick went."""

    __slots__ = ("by_provider", "dropped", "gpu_hours", "pressed", "requests")

    def __init__(self) -> None:
        self.by_provider = [0.0] * len(PROVIDERS)
        self.requests = 0.0
        self.pressed = 0.0  # requests that had to be served from a provider's reserve
        self.dropped = 0.0
        self.gpu_hours = 0.0


def _place(
    routes: tuple[tuple[int, ...], ...], demand: float, up: tuple[bool, ...]
) -> tuple[_Placed, _Placed, tuple[float, ...]]:
    """Send every batch along its route: first into what providers sell freely, then into their reserves."""
    room = list(_SOLD_FREELY)
    treaty, others = _Placed(), _Placed()
    homeless: list[tuple[_Placed, tuple[int, ...], float, float]] = []
    for batch, order in zip(BATCHES, routes, strict=True):
        side = treaty if batch.of_treaty else others
        left = batch.requests * demand
        side.requests += left
        lost = left * _LOSS
        side.dropped += lost
        left = _fill_up(side, order, room, left - lost, batch.workload.gpu_hours)
        if left > 0.0:
            homeless.append((side, order, left, batch.workload.gpu_hours))
    if homeless:
        room = [free + capacity * _RESERVE for free, capacity in zip(room, _CAPACITY, strict=True)]
        for side, order, left, gpu_hours in homeless:
            dropped = _fill_up(side, order, room, left, gpu_hours)
            side.pressed += left - dropped
            side.dropped += dropped
        free = tuple([space / capacity for space, capacity in zip(room, _CAPACITY, strict=True)])
    else:
        free = tuple([space / capacity + _RESERVE for space, capacity in zip(room, _CAPACITY, strict=True)])
    if not all(up):
        free = tuple([space if works else 0.0 for space, works in zip(free, up, strict=True)])
    return treaty, others, free


def _fill_up(side: _Placed, order: tuple[int, ...], room: list[float], left: float, gpu_hours: float) -> float:
    """Place `left` requests where there is room; what finds none is returned."""
    for index in order:
        space = room[index]
        if space <= 0.0:
            continue
        taken = left if left <= space else space
        room[index] = space - taken
        side.by_provider[index] += taken
        side.gpu_hours += taken * gpu_hours
        left -= taken
        if left <= 0.0:
            return 0.0
    return left


def _side(placed: _Placed, latency: list[float], policy: float, fill: float, provenance: float) -> Side:
    """The tick's numbers of one side of the market, from where its requests went."""
    requests, dropped = placed.requests, placed.dropped
    routed = requests - dropped
    fill *= 1.0 - 0.30 * placed.pressed / requests
    rtt: list[float] = [0.0] * (len(RTT_BOUNDS) + 1)
    for index in _ALL:
        share = placed.by_provider[index]
        if share:
            rtt = list(map(add, rtt, map(mul, repeat(share), rtt_shares(latency[index]))))
    fills: Shares = tuple(map(mul, repeat(routed), fill_shares(fill)))
    if dropped:  # a dropped request is filled to 0: in every bucket, adding nothing to the sum
        fills = (*map(add, repeat(dropped), fills[:-1]), fills[-1])
    added = (
        requests,
        routed,
        dropped,
        placed.gpu_hours,
        *fills,
        *rtt,
        *map(mul, repeat(requests), policy_shares(policy)),
    )
    return Side(added, fills[-1] / requests, rtt[-1] / routed if routed else 0.0, min(1.0, provenance))


def _together(one: Side, other: Side) -> Side:
    """Two sides as one."""
    added = tuple(map(add, one.added, other.added))
    requests, routed = added[0], added[1]
    share = one.added[0] / requests
    return Side(
        added,
        one.fill * share + other.fill * (1.0 - share),
        (one.rtt * one.added[1] + other.rtt * other.added[1]) / routed if routed else 0.0,
        one.provenance * share + other.provenance * (1.0 - share),
    )


def _reputation(points: tuple[float, ...], up: tuple[bool, ...]) -> tuple[float, ...]:
    """An outage costs 0.4 points a tick; otherwise reputation comes back slowly."""
    if points is _BASE_REPUTATION and all(up):
        return points
    return tuple(
        [
            max(0.0, now - 0.4) if not works else min(base, now + (base - now) * 0.01 + 0.002)
            for now, base, works in zip(points, _BASE_REPUTATION, up, strict=True)
        ]
    )
