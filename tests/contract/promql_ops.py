"""Every query that ops asks: of the mission file, the rules and their tests, the dashboards and Grafana's alerts."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import promql_parser as promql
import yaml

from aurora_tui.situation.mission import Reading
from aurora_tui.sources.round import present

_OPS = Path(__file__).resolve().parents[2] / "ops"
_IN_MISSION = ("value", "newest", "good_ratio", "as_written", "events")
_FILLED_IN = {"treaty": ".*", "fresh": "45s", "window": "1h"}
_BY_GRAFANA = {
    "__rate_interval": "1m",
    "__interval": "1m",
    "__range": "1h",
    "__interval_ms": "60000",
    "__range_s": "3600",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]|\$(\w+)")


def mission_queries() -> list[str]:
    """Of the objectives and criteria, their placeholders filled in; and as the past is asked for."""
    mission = tomllib.loads((_OPS / "aurora.toml").read_text())
    tables = [mission["slo"], mission["criterion"]]
    readings = [reading for table in tables for entry in table for reading in entry.get("reading", ())]
    past = [present(msgspec.convert(reading, Reading), 45.0) for reading in readings]
    found = [*strings_at(tables, _IN_MISSION), *past]
    return list(dict.fromkeys(_filled(text, _FILLED_IN) for text in found))


def rule_queries() -> list[str]:
    """Of all rules, and of the tests that promtool runs on them."""
    return _of_files("prometheus", _FILLED_IN)


def grafana_queries() -> list[str]:
    """Of dashboards and file-provisioned alert rules; a variable that is not Grafana's own is filled in with ".*"."""
    return _of_files("grafana", _BY_GRAFANA)


def metrics_in(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The metrics that a query selects by name, and the labels that it fixes with `=`."""
    found: list[tuple[str, dict[str, str]]] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql.VectorSelector) and node.name:
            equal = [each for each in node.matchers.matchers if str(each.op) == "MatchOp.Equal" and each.value]
            found.append((node.name, {each.name: each.value for each in equal}))
        return True

    promql.walk(promql.parse(query), visit)
    yield from found


def _of_files(folder: str, values: dict[str, str]) -> list[str]:
    found: dict[str, None] = {}
    for path in sorted((_OPS / folder).rglob("*")):
        if path.suffix in (".yml", ".yaml"):
            trees: list[object] = list(yaml.safe_load_all(path.read_text()))
        elif path.suffix == ".json":
            trees = [json.loads(path.read_text())]
        else:
            continue
        found.update((_filled(text, values), None) for text in strings_at(trees, ("expr",)) if text.strip())
    return list(found)


def _filled(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2] or found[3], ".*"), text).strip()


def strings_at(value: object, keys: tuple[str, ...]) -> Iterator[str]:
    """The strings under these keys, however deep."""
    if isinstance(value, list):
        for inner in value:
            yield from strings_at(inner, keys)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                yield inner
            else:
                yield from strings_at(inner, keys)
