"""The exporters' pages: both generations, continuing the history, readable by the reference parsers."""

from __future__ import annotations

import subprocess
from functools import cache
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aurora_tui.drill.exporter import Exporter
from aurora_tui.drill.history import History, history
from aurora_tui.drill.market import AGGREGATE, TREATY
from aurora_tui.drill.network import Network
from aurora_tui.drill.series import AURORA_JOB, SIMULATOR_JOB, Generation, target_labels
from aurora_tui.drill.simulator import CALM, TICK

NOW = 1_767_448_800.0
INSTANCES = {AURORA_JOB: "127.0.0.1:9109", SIMULATOR_JOB: "127.0.0.1:9110"}
Samples = dict[tuple[tuple[str, str], ...], float]


@cache
def past() -> History:
    return history(NOW, 7)


def page(network: Network, job: str, generation: Generation, now: float = NOW) -> str:
    registry = CollectorRegistry()
    registry.register(Exporter(job, generation, lambda: network.look(now)))
    return generate_latest(registry).decode()


def samples(text: str) -> Samples:
    return {
        tuple(sorted({"__name__": sample.name, **sample.labels}.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names(text: str) -> set[str]:
    return {dict(key)["__name__"] for key in samples(text)}


def calm_network() -> Network:
    return Network(past(), lambda _: CALM)


def test_first_generation_has_gauges_only_and_no_policy_metric() -> None:
    found = page(calm_network(), AURORA_JOB, Generation.GAUGES)
    assert names(found) == {
        "treaty_fill_rate",
        "treaty_rtt_ms",
        "treaty_provenance_coverage",
        "treaty_requests_total",
        "treaty_requests_routed",
        "treaty_dropped_requests",
        "gpu_hours_total",
    }
    assert "# TYPE treaty_dropped_requests gauge" in found


def test_second_generation_has_the_histograms_the_plans_queries_assume() -> None:
    found = names(page(calm_network(), AURORA_JOB, Generation.HISTOGRAMS))
    assert {"treaty_fill_rate_bucket", "treaty_rtt_ms_bucket", "policy_decision_ms_bucket"} <= found
    assert {"treaty_rtt_ms_sum", "treaty_rtt_ms_count", "treaty_provenance_coverage"} <= found
    assert not {"treaty_fill_rate", "treaty_rtt_ms"} & found


def test_buckets_have_every_threshold_of_the_plan() -> None:
    found = samples(page(calm_network(), AURORA_JOB, Generation.HISTOGRAMS))
    bounds: dict[str, set[float]] = {}
    for key in found:
        labels = dict(key)
        if "le" in labels:
            bounds.setdefault(labels["__name__"], set()).add(float(labels["le"]))
    assert {0.75, 0.80, 0.85} <= bounds["treaty_fill_rate_bucket"]
    assert {280, 300, 350, 400, 2000} <= bounds["treaty_rtt_ms_bucket"]
    assert {20, 25, 50, 100} <= bounds["policy_decision_ms_bucket"]


@pytest.mark.parametrize("generation", Generation)
def test_each_exporter_labels_its_treaty(generation: Generation) -> None:
    for job, treaty in ((AURORA_JOB, TREATY), (SIMULATOR_JOB, AGGREGATE)):
        treaties = {dict(key).get("treaty_id") for key in samples(page(calm_network(), job, generation))}
        assert treaties - {None} == {treaty}


def test_the_simulators_exporter_tells_of_every_provider() -> None:
    found = samples(page(calm_network(), SIMULATOR_JOB, Generation.HISTOGRAMS))
    free = {
        dict(key)["provider"]: value for key, value in found.items() if ("__name__", "provider_capacity_ratio") in key
    }
    assert len(free) == 5
    assert all(0 <= value <= 1 for value in free.values())


@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize("job", [AURORA_JOB, SIMULATOR_JOB])
def test_the_page_continues_the_histories_series(generation: Generation, job: str) -> None:
    added = target_labels(job, INSTANCES[job])
    live = {
        tuple(sorted({**added, **dict(key)}.items())): value
        for key, value in samples(page(calm_network(), job, generation)).items()
    }
    before = {
        tuple(sorted(labels.items())): values[-1]
        for labels, values in past().series(generation, INSTANCES)
        if labels["job"] == job and labels["__name__"] != "up"
    }
    assert live == pytest.approx(before)


def test_counters_grow_evenly_between_ticks_and_never_fall() -> None:
    network = calm_network()
    key = (("__name__", "treaty_requests_total"), ("treaty_id", TREATY))
    counts = [
        samples(page(network, AURORA_JOB, Generation.HISTOGRAMS, NOW + seconds))[key] for seconds in range(0, 61, 5)
    ]
    steps = [later - earlier for earlier, later in pairwise(counts)]
    assert min(steps) > 0
    assert max(steps) < 1.2 * min(steps)


def test_looking_late_makes_up_for_every_tick_between() -> None:
    often, seldom = calm_network(), calm_network()
    for seconds in range(0, 601, 15):
        often.look(NOW + seconds)
    assert often.look(NOW + 600).totals == seldom.look(NOW + 600).totals
    assert seldom.state.time == NOW + 600
    assert TICK == 15.0


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("generation", Generation)
@pytest.mark.parametrize("job", [AURORA_JOB, SIMULATOR_JOB])
def test_promtool_reads_the_page(generation: Generation, job: str) -> None:
    text = page(calm_network(), job, generation)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    # 3: it reads the page but would choose other names; the field's exporters have these.
    assert checked.returncode in (0, 3), checked.stderr
    complaints = [line for line in checked.stderr.splitlines() if "_hours" not in line and "_ms" not in line]
    assert complaints == []
