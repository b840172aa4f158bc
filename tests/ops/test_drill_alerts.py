"""What production's rules make of the drill's world: all is well, the canary gets slow, its exporter ends.

The simulated network, scraped every 15 s of its own time into the embedded Prometheus: no clock, no wires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import pytest

from aurora_tui.drill.history import History, history
from aurora_tui.drill.monitoring import rules_folder
from aurora_tui.drill.network import Network
from aurora_tui.drill.prometheus import STALE, RuleEngine, Storage, query
from aurora_tui.drill.prometheus.rule_file import read_rules
from aurora_tui.drill.prometheus.rules import FIRING
from aurora_tui.drill.series import (
    AURORA_JOB,
    PROVIDER_METRICS,
    SIDES,
    Generation,
    counters,
    gauges,
    provider_labels,
    provider_values,
    side_of,
    target_labels,
)
from aurora_tui.drill.simulator import CALM, TICK, Effects

NOW = 1_767_448_800.0
INSTANCES = {AURORA_JOB: "127.0.0.1:9109", "simulator-metrics": "127.0.0.1:9110"}
NOT_MEASURED = ("AlertCannotFire", "PolicyDecisionSlow")


@cache
def _past() -> History:
    return history(NOW, seed=7)


class Watch:
    """72 h of history, and what comes after it, tick by tick. `effects` may be changed between two ticks."""

    def __init__(self, generation: Generation) -> None:
        past = _past()
        self.effects: Effects = CALM
        self.answering = True
        self.now = float(past.times[-1])
        self.storage = Storage()
        self.seen: dict[tuple[str, str], float] = {}
        self._generation = generation
        self._network = Network(past, lambda _: self.effects)
        self._engine = RuleEngine(self.storage, read_rules(rules_folder()), TICK, lambda: self.now, asyncio.sleep)
        for labels, values in past.series(generation, INSTANCES):
            self.storage.extend(labels, past.times, values)

    async def minutes(self, count: float) -> None:
        """Let time pass. `seen`: when each alert first fired, by name and what tells it from others of its name."""
        for _ in range(round(count * 60 / TICK)):
            self.now += TICK
            self._scrape()
            await self._engine.evaluate(self.now)
            for name in self.firing():
                self.seen.setdefault(name, self.now)

    def _scrape(self) -> None:
        view = self._network.look(self.now)
        for job, treaty, side in SIDES:
            answers = self.answering or job != AURORA_JOB
            added = target_labels(job, INSTANCES[job])
            samples = [
                ({**added, **labels}, view.totals[side][place]) for labels, place in counters(self._generation, treaty)
            ]
            samples += [
                ({**added, **labels}, float(getattr(side_of(view.state, side), field)))
                for labels, field in gauges(self._generation, treaty)
            ]
            if side == "market":
                for name, _, field in PROVIDER_METRICS:
                    values = provider_values(view.state, field)
                    pairs = zip(provider_labels(name), values, strict=True)
                    samples += [({**added, **labels}, value) for labels, value in pairs]
            for labels, value in samples:
                self.storage.append(labels, self.now, value if answers else STALE)
            self.storage.append({"__name__": "up", **added}, self.now, float(answers))

    def firing(self) -> set[tuple[str, str]]:
        found = set()
        for alert in self._engine.alerts():
            labels = dict(alert.labels)
            told_apart = labels.get("rule") or labels.get("window") or labels.get("slo") or labels.get("provider", "")
            if alert.state == FIRING:
                found.add((labels["alertname"], told_apart))
        return found

    def pending(self) -> set[str]:
        return {dict(alert.labels)["alertname"] for alert in self._engine.alerts() if alert.state != FIRING}

    def ask(self, text: str) -> Sequence[float]:
        return [points[0][1] for _, points in query.instant(self.storage, text, self.now).series]

    def close(self) -> None:
        self.storage.close()


@pytest.fixture(params=list(Generation), ids=lambda generation: generation.value)
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    made = Watch(request.param)
    yield made
    made.close()


async def test_when_all_is_well_nothing_fires_and_nothing_waits_to(watch: Watch) -> None:
    await watch.minutes(30)
    unmeasured = {NOT_MEASURED} if watch.ask("absent(policy_decision_ms_count)") else set()
    assert set(watch.seen) == unmeasured
    assert watch.pending() == set()


async def test_what_the_plans_commands_ask_for_is_there(watch: Watch) -> None:
    await watch.minutes(3)
    (fill,) = watch.ask('treaty_fill_rate{treaty_id="AURORA-AKASH-001"}')
    assert 0.85 < fill < 1.0


async def test_a_slow_canary_pages_after_fifteen_minutes_and_its_pages_end_when_it_is_well(watch: Watch) -> None:
    watch.effects = replace(CALM, bridge_latency=1.75)
    began = watch.now
    await watch.minutes(10)
    assert watch.firing() - {NOT_MEASURED} == set()
    await watch.minutes(10)
    assert {("RTTHigh", "rtt"), ("RollbackRTT", "rtt"), ("ErrorBudgetBurn", "30m")} <= watch.firing()
    for alert in ("RTTHigh", "RollbackRTT"):
        assert 15 <= (watch.seen[alert, "rtt"] - began) / 60 <= 19
    (since,) = watch.ask('ALERTS_FOR_STATE{alertname="RTTHigh"}')
    assert watch.seen["RTTHigh", "rtt"] - since == 15 * 60
    assert watch.ask('ALERTS{alertname="RTTHigh", alertstate="firing"}') == [1.0]
    watch.effects = CALM
    await watch.minutes(10)
    assert {name for name, _ in watch.firing()} <= {"ErrorBudgetBurn", "AlertCannotFire"}


async def test_a_dead_exporter_is_told_while_its_alerts_vanish(watch: Watch) -> None:
    watch.effects = replace(CALM, bridge_latency=1.75)
    await watch.minutes(18)
    assert ("RTTHigh", "rtt") in watch.firing()
    watch.answering = False
    stopped = watch.now
    await watch.minutes(6)
    assert watch.seen["ExporterDown", ""] == stopped + TICK + 60
    assert ("ExporterDown", "") in watch.firing()
    assert {name for name, _ in watch.firing()} & {"RTTHigh", "SLOUnknown"} == set()  # one voice for all of it
    assert watch.ask('treaty_fill_rate{treaty_id="AURORA-AKASH-001"}') == []


async def test_a_lost_provider_is_told_of_its_capacity_and_then_of_its_reputation(watch: Watch) -> None:
    watch.effects = CALM.with_provider("flux", up=False)
    await watch.minutes(1)
    assert ("CapacityLow", "flux") in watch.firing()
    await watch.minutes(9)
    assert ("ReputationDrop", "flux") in watch.firing()
