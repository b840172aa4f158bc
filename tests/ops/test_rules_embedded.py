"""The embedded Prometheus does with production's rules what promtool's own tests of them say.

The same files, ops/prometheus/tests, are run by promtool in test_rules.py; here the engine of drills runs them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from aurora_tui.drill.prometheus import STALE, RuleEngine, RuleGroup, Storage
from aurora_tui.drill.prometheus.rule_file import read_rule_file
from aurora_tui.drill.prometheus.rules import FIRING
from aurora_tui.situation.duration import Duration
from tests.ops.rules import TEST_FILES

_REPEATED = re.compile(r"(.+?)([+-][0-9.]+)x([0-9]+)")
Alert = tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]


def values(text: str) -> Iterator[float | None]:
    """promtool's notation of samples: `1+2x3` is 1 3 5 7, `_` none, `_x3` three times none, `stale` the marker."""
    for part in text.split():
        if part.startswith("_"):
            yield from [None] * int(part[2:] or 1)
        elif part == "stale":
            yield STALE
        elif (found := _REPEATED.fullmatch(part)) is not None:
            start, step, times = float(found[1]), float(found[2]), int(found[3])
            yield from (start + step * place for place in range(times + 1))
        else:
            yield float(part)


def labels(series: str) -> dict[str, str]:
    selector = promql.parse(series)
    assert isinstance(selector, promql.VectorSelector)
    assert selector.name is not None
    return {"__name__": selector.name, **{each.name: each.value for each in selector.matchers.matchers}}


async def firing(test: dict[str, Any], groups: list[RuleGroup], interval: float) -> dict[tuple[float, str], set[Alert]]:
    """By moment and name, at each moment that the test asks about: the alerts that fire."""
    asked = {(Duration.parse(case["eval_time"]) + 0.0, case["alertname"]) for case in test["alert_rule_test"]}
    columns = [(labels(each["series"]), list(values(each["values"]))) for each in test["input_series"]]
    step = Duration.parse(test["interval"])
    storage = Storage()
    engine = RuleEngine(storage, groups, interval, lambda: 0.0, asyncio.sleep)
    found: dict[tuple[float, str], set[Alert]] = {}
    loaded = 0
    for at in (interval * index for index in range(round(max(at for at, _ in asked) / interval) + 1)):
        while loaded * step <= at:
            for series, column in columns:
                value = column[loaded] if loaded < len(column) else None
                if value is not None:
                    storage.append(series, loaded * step, value)
            loaded += 1
        await engine.evaluate(at)
        for moment, name in asked:
            if moment == at:
                alerts = [alert for alert in engine.alerts() if dict(alert.labels)["alertname"] == name]
                found[moment, name] = {
                    (
                        frozenset(pair for pair in alert.labels if pair[0] != "alertname"),
                        frozenset(alert.annotations.items()),
                    )
                    for alert in alerts
                    if alert.state == FIRING
                }
    unwell = {state.error for states in engine.states for state in states if state.health != "ok"}
    storage.close()
    assert not unwell
    return found


def expected(case: dict[str, Any]) -> set[Alert]:
    return {
        (frozenset(each["exp_labels"].items()), frozenset(each["exp_annotations"].items()))
        for each in case.get("exp_alerts", ())
    }


def read(file: Path) -> tuple[dict[str, Any], list[RuleGroup]]:
    """A file of tests, and the groups of the rule files that it names."""
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    folder = file.parent
    return document, [group for name in document["rule_files"] for group in read_rule_file(folder / name)]


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
async def test_the_embedded_rules_do_what_promtool_expects(file: Path) -> None:
    document, groups = read(file)
    compared = 0
    for test in document["tests"]:
        found = await firing(test, groups, Duration.parse(document["evaluation_interval"]))
        for case in test["alert_rule_test"]:
            moment = Duration.parse(case["eval_time"]) + 0.0
            assert found[moment, case["alertname"]] == expected(case), (test["name"], case["alertname"], moment)
            compared += 1
    assert compared
