"""The embedded rules behave as `promtool test rules` says they must: the same samples, rules and moments.

What the embedded engine does is written down as promtool's expectation; promtool then runs the real engine and
complains about every difference.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
from pathlib import Path

import pytest

from aurora_tui.drill.prometheus import Rule, RuleEngine, RuleGroup, Storage
from aurora_tui.drill.prometheus.rules import FIRING

STEP = 15.0
ROUNDS = 160

RULES = (
    Rule("avg by (treaty_id) (rtt)", record="aurora:rtt:mean"),
    Rule(
        "aurora:rtt:mean > 400",
        alert="RTTHigh",
        hold=60.0,
        labels={"severity": "critical", "team": "{{ $labels.treaty_id }}-desk"},
        annotations={"summary": 'RTT {{ $value | printf "%.1f" }} ms on {{ $labels.treaty_id }}'},
    ),
    Rule("rtt > 450", alert="RTTVeryHigh", annotations={"value": "{{ $value }}"}),
    Rule('absent(rtt{treaty_id="C"})', alert="RTTAbsent", hold=30.0),
    Rule("changes(rtt[2m]) > 6", alert="RTTRestless", labels={"severity": "warning"}),
)


def samples(seed: int) -> dict[str, list[float | None]]:
    """A level by treaty that wanders around the thresholds, with gaps; None: no sample in that round."""
    rng = random.Random(seed)
    out: dict[str, list[float | None]] = {}
    for treaty in "ABC":
        level, column = 380.0, []
        for _ in range(ROUNDS):
            level = min(480.0, max(340.0, level + rng.choice((-30.0, -10.0, 0.0, 0.0, 10.0, 30.0))))
            column.append(None if rng.random() < 0.1 else level)
        if treaty == "C":
            column[60:100] = [None] * 40
        out[treaty] = column
    return out


async def outcome(columns: dict[str, list[float | None]]) -> list[dict[str, list[dict[str, object]]]]:
    """By round: the firing alerts of each alerting rule, as promtool writes its expectations."""
    storage = Storage()
    engine = RuleEngine(storage, [RuleGroup("slo", RULES)], STEP, lambda: 0.0, asyncio.sleep)
    rounds = []
    for index in range(ROUNDS):
        for treaty, column in columns.items():
            value = column[index]
            if value is not None:
                storage.append({"__name__": "rtt", "treaty_id": treaty}, index * STEP, value)
        await engine.evaluate(index * STEP)
        firing: dict[str, list[dict[str, object]]] = {}
        for state in engine.states[0]:
            if state.rule.alert:
                firing[state.rule.alert] = [
                    {
                        "exp_labels": {name: value for name, value in alert.labels if name != "alertname"},
                        "exp_annotations": dict(alert.annotations),
                    }
                    for alert in state.open_alerts()
                    if alert.state == FIRING
                ]
        rounds.append(firing)
    storage.close()
    return rounds


def rule_file() -> dict[str, object]:
    rules: list[dict[str, object]] = []
    for rule in RULES:
        if rule.record:
            rules.append({"record": rule.record, "expr": rule.expr})
            continue
        rules.append(
            {
                "alert": rule.alert,
                "expr": rule.expr,
                "for": f"{rule.hold:.0f}s",
                "labels": dict(rule.labels),
                "annotations": dict(rule.annotations),
            }
        )
    return {"groups": [{"name": "slo", "interval": f"{STEP:.0f}s", "rules": rules}]}


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("seed", range(3))
async def test_alerts_fire_when_promtool_says_so(tmp_path: Path, seed: int) -> None:
    columns = samples(seed)
    rounds = await outcome(columns)
    assert sum(bool(alerts) for firing in rounds for alerts in firing.values()) > 20
    series = [
        {
            "series": f'rtt{{treaty_id="{treaty}"}}',
            "values": " ".join("_" if value is None else repr(value) for value in column),
        }
        for treaty, column in columns.items()
    ]
    expected = [
        {"eval_time": f"{index * STEP:.0f}s", "alertname": name, "exp_alerts": alerts}
        for index, firing in enumerate(rounds)
        for name, alerts in firing.items()
    ]
    (tmp_path / "rules.json").write_text(json.dumps(rule_file()))  # JSON is YAML
    (tmp_path / "test.json").write_text(
        json.dumps(
            {
                "rule_files": ["rules.json"],
                "evaluation_interval": f"{STEP:.0f}s",
                "tests": [{"interval": f"{STEP:.0f}s", "input_series": series, "alert_rule_test": expected}],
            }
        )
    )
    command = ["promtool", "test", "rules", "test.json"]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[:3000]
