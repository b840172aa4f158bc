"""The simulated network: the same for the same seed, calm when nothing disturbs it, and what each disturbance does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from operator import sub
from random import Random

import pytest

from aurora_tui.drill.history import History, episodes, history
from aurora_tui.drill.series import INDEX, Generation
from aurora_tui.drill.simulator import CALM, HISTOGRAMS, TICK, Effects, State, initial, tick

NOW = 1_767_448_800.0
INSTANCES = {"aurora-metrics": "127.0.0.1:9109", "simulator-metrics": "127.0.0.1:9110"}
DAY = 86400.0


@cache
def past(end: float = NOW, seed: int = 7) -> History:
    return history(end, seed)


def ticks(count: int, effects: Callable[[int], Effects] = lambda _: CALM, seed: int = 1) -> list[State]:
    state, random, states = initial(NOW), Random(seed), []
    for number in range(count):
        state = tick(state, effects(number), random)
        states.append(state)
    return states


def share_at_or_below(found: History, kind: str, bound: float, side: str = "treaty") -> float:
    """Of all the history's observations of `kind`."""
    columns = found.columns[side]
    return columns[INDEX[kind, bound]][-1] / columns[INDEX[kind, math.inf]][-1]


def quantile(share: float, kind: str, buckets: Sequence[float]) -> float:
    """As histogram_quantile reads it, by straight lines within buckets."""
    bounds, lower, below = HISTOGRAMS[kind], 0.0, 0.0
    for bound, count in zip(bounds, buckets, strict=True):
        if count >= share * buckets[-1]:
            return lower + (bound - lower) * (share * buckets[-1] - below) / (count - below)
        lower, below = bound, count
    raise AssertionError("no bucket holds it")


def quantiles(found: History, share: float, kind: str, minutes: int = 5, every: int = 20) -> list[float]:
    """The quantile over the last `minutes` before each `every`-th tick."""
    columns = [found.columns["treaty"][INDEX[kind, bound]] for bound in HISTOGRAMS[kind]]
    width = minutes * 4
    rows = list(zip(*columns, strict=True))
    return [
        quantile(share, kind, list(map(sub, rows[place], rows[place - width])))
        for place in range(width, len(rows), every)
    ]


def added(states: Sequence[State], kind: str) -> list[float]:
    """The buckets of `kind` that the treaty's ticks came to."""
    return [sum(state.treaty.added[INDEX[kind, bound]] for state in states) for bound in HISTOGRAMS[kind]]


def test_the_same_seed_gives_the_same_history() -> None:
    again = history(NOW, 7)
    assert [column.tobytes() for column in again.columns["treaty"]] == [
        column.tobytes() for column in past().columns["treaty"]
    ]
    assert again.last == past().last


def test_another_seed_gives_another_history() -> None:
    assert past(NOW, 42).last.treaty != past().last.treaty


def test_history_is_72_hours_of_whole_ticks_up_to_the_end() -> None:
    times = past(NOW + 7.3).times
    assert len(times) == 17_280
    assert times[-1] == NOW
    assert {later - earlier for earlier, later in pairwise(times)} == {TICK}


def test_counters_never_fall_and_buckets_hold_each_other() -> None:
    found = past()
    for side in ("treaty", "market"):
        for column in found.columns[side]:
            assert all(later >= earlier for earlier, later in pairwise(column))
        for kind, bounds in HISTOGRAMS.items():
            last = [found.columns[side][INDEX[kind, bound]][-1] for bound in bounds]
            assert last == sorted(last)


@pytest.mark.parametrize(("seed", "hour"), [(1, 0), (7, 0), (42, 0), (7, 11)])
def test_calm_meets_every_objective_over_72_hours(seed: int, hour: int) -> None:
    found = past(NOW + hour * 3600, seed)
    for side in ("treaty", "market"):
        assert 1 - share_at_or_below(found, "fill", 0.8, side) > 0.97
        assert share_at_or_below(found, "rtt", 350, side) > 0.97
        assert share_at_or_below(found, "policy", 25, side) > 0.995
    covered = [state.treaty.provenance >= 0.95 for state in found.states]
    assert sum(covered) / len(covered) > 0.98


def test_budgets_are_partly_spent() -> None:
    assert share_at_or_below(past(), "rtt", 350) < 0.998
    assert 1 - share_at_or_below(past(), "fill", 0.8) < 0.9999


def test_the_last_hours_are_calm() -> None:
    assert max(each.end for each in episodes(NOW, 7)) < NOW - 6 * 3600
    last = past().states[-6 * 240 :]
    assert 300 < quantile(0.95, "rtt", added(last, "rtt")) < 345
    assert quantile(0.05, "fill", added(last, "fill")) > 0.82
    assert quantile(0.99, "policy", added(last, "policy")) < 24


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_nothing_of_the_past_trips_a_criterion_or_an_alert(seed: int) -> None:
    found = past(NOW, seed)
    for value in quantiles(found, 0.95, "rtt", minutes=2):
        assert value < 400
    fill_low = [state.treaty.fill < 0.75 for state in found.states]
    assert not any(fill_low)
    assert min(min(state.free) for state in found.states if all(state.effects.up)) > 0.20


def test_the_load_follows_the_day() -> None:
    requests = [state.treaty.added[INDEX["requests", None]] for state in past().states]
    hourly = [sum(requests[place : place + 240]) / 240 for place in range(0, 24 * 240, 240)]
    assert max(hourly) / min(hourly) > 1.2


def test_latency_surge_climbs_over_400_within_about_a_minute() -> None:
    slow = replace(CALM, bridge_latency=1.55)
    states = ticks(60, lambda number: slow if number >= 40 else CALM)
    assert quantile(0.95, "rtt", added(states[32:40], "rtt")) < 350
    assert quantile(0.95, "rtt", added(states[36:44], "rtt")) > 400  # [2m], a minute after it began
    assert quantile(0.95, "rtt", added(states[52:60], "rtt")) > 450


def test_a_disturbance_goes_as_it_came() -> None:
    slow = replace(CALM, bridge_latency=1.55)
    states = ticks(60, lambda number: slow if number < 30 else CALM)
    assert quantile(0.95, "rtt", added(states[40:60], "rtt")) < 345


def test_an_outage_of_the_treatys_provider_sends_its_requests_elsewhere() -> None:
    down = CALM.with_provider("akash", up=False)
    calm, out = ticks(40)[-1], ticks(40, lambda number: down if number >= 20 else CALM)[-1]
    assert out.free[0] == 0.0
    assert sum(out.free[1:]) < sum(calm.free[1:])
    assert out.reputation[0] < calm.reputation[0]
    assert out.treaty.added[INDEX["routed", None]] > 0.8 * calm.treaty.added[INDEX["routed", None]]


def test_when_every_provider_is_out_all_is_dropped_and_nothing_filled() -> None:
    nothing = replace(CALM, up=(False,) * 5)
    state = ticks(20, lambda _: nothing)[-1].treaty
    assert state.added[INDEX["dropped", None]] == pytest.approx(state.added[INDEX["requests", None]])
    assert state.fill == pytest.approx(0, abs=1e-9)


def test_a_price_beyond_every_budget_sends_requests_elsewhere() -> None:
    dear = CALM.with_provider("vast", price=10.0)
    assert ticks(40)[-1].free[4] < 0.9
    assert ticks(40, lambda _: dear)[-1].free[4] == pytest.approx(1.0)


def test_more_demand_than_capacity_drops_requests_and_lowers_the_fill_rate() -> None:
    state = ticks(40, lambda _: replace(CALM, demand=4.0))[-1]
    assert state.market.added[INDEX["dropped", None]] > 0.1 * state.market.added[INDEX["requests", None]]
    assert state.market.fill < 0.80


def test_every_series_of_the_history_has_a_value_for_every_moment() -> None:
    for generation in Generation:
        seen = set()
        for labels, values in past().series(generation, INSTANCES):
            assert len(values) == len(past().times)
            seen.add(tuple(sorted(labels.items())))
        assert len(seen) == len(list(past().series(generation, INSTANCES)))
