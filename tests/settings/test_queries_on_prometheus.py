"""The bundled queries, evaluated by Prometheus itself over series whose distribution is known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aurora_tui.settings.queries import queries
from aurora_tui.situation.query import substitute
from tests.settings.places import loaded

MISSION = loaded().mission
TREATY = "AURORA-AKASH-001"
AT = 20 * 60  # seconds after the first sample

# Observations a scrape, by upper bound of their bucket: cumulative, ten in all.
FILL = {"0.75": 0, "0.8": 1, "0.85": 3, "1": 10, "+Inf": 10}
RTT = {"300": 5, "350": 9, "400": 10, "+Inf": 10}
POLICY = {"20": 5, "25": 9, "50": 10, "+Inf": 10}

EXPECTED = {
    ("slo", "fill", "p05"): {"value": 0.775, "newest": AT, "good_ratio": 0.9},
    ("slo", "fill", "avg gauge"): {"value": 0.83, "newest": AT},
    ("slo", "rtt", "p95"): {"value": 375, "newest": AT, "good_ratio": 0.9},
    ("slo", "rtt", "avg gauge"): {"value": 310, "newest": AT},
    ("slo", "provenance", "min gauge"): {"value": 0.91, "newest": AT},
    ("slo", "policy", "p99"): {"value": 47.5, "newest": AT, "good_ratio": 0.9},
    ("criterion", "fill-low", "mean 2m"): {"value": 0.84, "newest": AT},
    ("criterion", "fill-low", "avg gauge"): {"value": 0.83, "newest": AT},
    ("criterion", "rtt-high", "p95 2m"): {"value": 375, "newest": AT},
    ("criterion", "rtt-high", "avg gauge"): {"value": 310, "newest": AT},
    ("criterion", "provenance-low", "min gauge"): {"value": 0.91, "newest": AT},
    ("criterion", "policy-slow", "p99 2m"): {"value": 47.5, "newest": AT},
}


def histogram(name: str, buckets: dict[str, int], total: float, bound: str) -> Iterator[tuple[str, str]]:
    """Two instances of one treaty. `bound` formats a bucket's bound, as either generation of Prometheus writes it."""
    for instance in "ab":
        labels = f'treaty_id="{TREATY}", instance="{instance}"'
        for edge, count in buckets.items():
            written = edge + bound if edge.isdigit() else edge
            yield f'{name}_bucket{{{labels}, le="{written}"}}', f"0+{count}x80"
        yield f"{name}_count{{{labels}}}", f"0+{buckets['+Inf']}x80"
        yield f"{name}_sum{{{labels}}}", f"0+{total}x80"


def series(bound: str) -> Iterator[tuple[str, str]]:
    yield from histogram("treaty_fill_rate", FILL, 8.4, bound)
    yield from histogram("treaty_rtt_ms", RTT, 3000, bound)
    yield from histogram("policy_decision_ms", POLICY, 200, bound)
    for name, first, second in (
        ("treaty_fill_rate", 0.81, 0.85),
        ("treaty_rtt_ms", 300, 320),
        ("treaty_provenance_coverage", 0.91, 0.99),
    ):
        yield f'{name}{{treaty_id="{TREATY}", instance="a"}}', f"{first}x80"
        yield f'{name}{{treaty_id="{TREATY}", instance="b"}}', f"{second}x80"
        yield f'{name}{{treaty_id="AURORA-OTHER"}}', "77x80"


def expectations() -> Iterator[dict[str, Any]]:
    tables: dict[str, Any] = {"slo": MISSION.slo, "criterion": MISSION.criterion}
    for place, query in queries(MISSION):
        if place[2] != "reading":
            continue
        owner = tables[str(place[0])][place[1]]
        expected = EXPECTED[str(place[0]), owner.id, owner.reading[place[3]].statistic][str(place[4])]
        filled = substitute(query, treaty=TREATY, scrape_interval=15, window=600)
        yield {
            "expr": f"round({filled}, 0.001)",
            "eval_time": f"{AT}s",
            "exp_samples": [{"labels": f'{{treaty_id="{TREATY}"}}', "value": expected}],
        }


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("bound", ["", ".0"], ids=["le as Prometheus 2 writes it", "le as Prometheus 3 writes it"])
def test_every_query_reads_the_treatys_own_value(bound: str, tmp_path: Path) -> None:
    tests = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series(bound)],
        "promql_expr_test": list(expectations()),
    }
    file = tmp_path / "tests.yaml"
    file.write_text(json.dumps({"tests": [tests]}))
    run = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
