"""ops/grafana: the files have the shape that Grafana's provisioning and dashboards ask for, and the plan's numbers.

No Grafana runs here. The shapes are those of its documentation: administration/provisioning, alerting/set-up/
provision-alerting-resources/file-provisioning and dashboards/build-dashboards/view-dashboard-json-model.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from aurora_tui.situation.duration import Duration
from tests.ops.rules import named

OPS = Path(__file__).resolve().parents[2] / "ops"
GRAFANA = OPS / "grafana"
MISSION = tomllib.loads((OPS / "aurora.toml").read_text())
SLOS = {slo["id"]: slo for slo in MISSION["slo"]}
SOURCES = yaml.safe_load((GRAFANA / "provisioning/datasources/aurora.yaml").read_text())
PROVIDERS = yaml.safe_load((GRAFANA / "provisioning/dashboards/aurora.yaml").read_text())
ALERTING = yaml.safe_load((GRAFANA / "provisioning/alerting/aurora.yaml").read_text())
DASHBOARDS = [json.loads(file.read_text()) for file in sorted((GRAFANA / "dashboards").glob("*.json"))]
(KPI,) = DASHBOARDS
RULES = [rule for group in ALERTING["groups"] for rule in group["rules"]]
CRITICAL = ("FillRateLow", "RTTHigh", "ProvenanceLow", "PolicyDecisionSlow")
UIDS = {source["uid"]: source["type"] for source in SOURCES["datasources"]}
TITLES = {"fill": "Fill rate", "rtt": "RTT", "provenance": "Provenance", "policy": "Policy latency"}


def panels(title: str | None = None) -> list[dict[str, Any]]:
    found = [panel for panel in KPI["panels"] if panel["type"] != "row"]
    return found if title is None else [panel for panel in found if panel["title"] == title]


def expressions() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in RULES:
        for query in rule["data"]:
            if "expr" in query["model"]:
                yield rule["title"], query["model"]["expr"]


def rule_of(title: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (rule for rule in RULES if rule["title"] == title)
    return found


@pytest.mark.parametrize("document", [SOURCES, PROVIDERS, ALERTING], ids=["datasources", "dashboards", "alerting"])
def test_provisioning_files_are_of_version_1(document: dict[str, Any]) -> None:
    assert document["apiVersion"] == 1


def test_every_datasource_is_named_typed_and_found_by_its_uid() -> None:
    for source in SOURCES["datasources"]:
        assert {"name", "uid", "type", "access", "url"} <= source.keys()
    assert UIDS == {"aurora-prometheus": "prometheus", "aurora-alertmanager": "alertmanager"}
    assert UIDS[SOURCES["datasources"][0]["jsonData"]["alertmanagerUid"]] == "alertmanager"


def test_no_secret_and_no_address_of_somebody_stands_in_a_datasource() -> None:
    for source in SOURCES["datasources"]:
        assert re.fullmatch(r"\$\{[A-Z]+_URL\}", source["url"])
        assert not source.keys() & {"secureJsonData", "password", "basicAuthPassword", "user"}
    said = re.findall(r"httpHeaderValue\d: *(.*)", (GRAFANA / "provisioning/datasources/aurora.yaml").read_text())
    assert all(value.startswith("$__file{") for value in said)


def test_the_dashboard_provider_reads_files() -> None:
    (provider,) = PROVIDERS["providers"]
    assert (provider["type"], provider["folder"]) == ("file", "Aurora")
    assert Path(provider["options"]["path"]).is_absolute()
    assert provider["allowUiUpdates"] is False


# ── The dashboard ──


def test_the_dashboard_says_what_grafana_needs_to_know() -> None:
    needed = {"uid", "title", "schemaVersion", "version", "refresh", "time", "timezone", "panels", "templating"}
    assert needed <= KPI.keys()
    assert "id" not in KPI  # Grafana's own, of one installation
    assert "dashboard" not in KPI  # the wrapper of POST /api/dashboards/db; a file is the dashboard itself
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", KPI["uid"])


def test_every_panel_has_an_id_of_its_own_and_a_place_of_its_own() -> None:
    counts = Counter(panel["id"] for panel in KPI["panels"])
    assert set(counts.values()) == {1}
    assert min(counts) > 0
    for panel in KPI["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations([panel["gridPos"] for panel in KPI["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_every_panel_asks_a_datasource_that_is_provisioned() -> None:
    for panel in panels():
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        if panel["type"] == "alertlist":
            continue
        assert panel["targets"], panel["title"]
        assert panel["description"], panel["title"]
        for asked in [panel["datasource"], *(target["datasource"] for target in panel["targets"])]:
            assert UIDS[asked["uid"]] == asked["type"]
    for variable in KPI["templating"]["list"]:
        assert UIDS[variable["datasource"]["uid"]] == variable["datasource"]["type"]


def test_only_variables_that_exist_are_used() -> None:
    known = {variable["name"] for variable in KPI["templating"]["list"]}
    for title, expr in expressions():
        assert set(re.findall(r"\$\{?(\w+)", expr)) <= known, title


@pytest.mark.parametrize(("title", "expr"), list(expressions()))
def test_every_expression_is_promql(title: str, expr: str) -> None:
    assert promql.parse(expr.replace("$treaty", ".*")), title


def test_no_quantile_is_taken_of_a_counters_whole_life() -> None:
    for title, expr in expressions():
        quantiles = re.findall(r"histogram_quantile\([^,]*,(.*)", expr)
        assert all("rate(" in argument for argument in quantiles), title


def test_what_is_not_there_is_shown_as_not_known() -> None:
    for panel in panels():
        if panel["type"] != "alertlist":
            assert panel["fieldConfig"]["defaults"]["noValue"] == "not known"
        if panel["type"] == "timeseries":
            assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False  # a gap is a gap


@pytest.mark.parametrize("slo", SLOS)
def test_an_objectives_colours_are_the_plans(slo: str) -> None:
    good, warn = SLOS[slo]["colours"]["good"], SLOS[slo]["colours"]["warn"]
    if SLOS[slo]["direction"] == "at_least":
        expected = [("red", None), ("yellow", warn), ("green", good)]
    else:
        expected = [("green", None), ("yellow", good), ("red", warn)]
    found = [*panels(TITLES[slo]), *panels(f"{TITLES[slo]}, over time")]
    assert len(found) == 2
    for panel in found:
        thresholds = panel["fieldConfig"]["defaults"]["thresholds"]
        assert thresholds["mode"] == "absolute"
        assert [(step["color"], step["value"]) for step in thresholds["steps"]] == expected
        assert panel["fieldConfig"]["defaults"]["unit"] == ("ms" if SLOS[slo].get("unit") == "ms" else "none")


def test_the_dashboard_shows_budgets_burn_canary_alerts_and_the_age_of_data() -> None:
    rows = [panel["title"] for panel in KPI["panels"] if panel["type"] == "row"]
    assert rows == [
        "Objectives",
        "Error budgets of 72 h",
        "Canary and stable",
        "Alerts",
        "Is it true? Age and completeness of the data",
        "Providers",
    ]
    (left,) = panels("Budget left")
    assert len(left["targets"]) == len(SLOS)
    for target, slo in zip(left["targets"], SLOS.values(), strict=True):
        assert "72h" in target["expr"]
        assert float(target["expr"].rpartition("/ ")[2]) == pytest.approx(1 - slo["budget"])
    (burn,) = panels("Burn rate")
    limits = [step["value"] for step in burn["fieldConfig"]["defaults"]["thresholds"]["steps"]]
    assert limits == [None, 1.2, 3.6, 7.2]
    assert [panel["type"] for panel in panels("Alerts now")] == ["alertlist"]


# ── Alert rules ──


def test_a_group_can_be_evaluated_by_grafanas_scheduler() -> None:
    for group in ALERTING["groups"]:
        assert {"orgId", "name", "folder", "interval", "rules"} == group.keys()
        assert Duration.parse(group["interval"]) % 10 == 0  # its base interval


def test_every_rule_has_what_file_provisioning_asks_for() -> None:
    needed = {"uid", "title", "condition", "data", "for", "noDataState", "execErrState", "labels", "annotations"}
    assert len({rule["uid"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert needed <= rule.keys()
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])
        assert rule["noDataState"] in {"Alerting", "NoData", "OK"}
        assert rule["execErrState"] in {"Alerting", "Error", "OK"}
        assert rule["isPaused"] is False
        assert all(isinstance(value, str) for value in [*rule["labels"].values(), *rule["annotations"].values()])
        assert not re.search(r"\$", json.dumps([rule["labels"], rule["annotations"]]))  # would be read as a variable


def test_a_rule_tells_the_same_next_step_as_the_one_of_prometheus() -> None:
    for rule in RULES:
        assert rule["annotations"]["runbook"] == named(rule["title"])["annotations"]["runbook"]


def test_a_rule_asks_then_reduces_then_compares() -> None:
    for rule in RULES:
        ask, reduce, compare = rule["data"]
        assert [query["refId"] for query in rule["data"]] == ["A", "B", "C"]
        assert all(query["model"]["refId"] == query["refId"] for query in rule["data"])
        assert rule["condition"] == compare["refId"]
        assert UIDS[ask["datasourceUid"]] == "prometheus"
        assert ask["relativeTimeRange"]["from"] > ask["relativeTimeRange"]["to"] == 0
        assert (reduce["datasourceUid"], compare["datasourceUid"]) == ("__expr__", "__expr__")
        assert (reduce["model"]["type"], reduce["model"]["expression"]) == ("reduce", "A")
        assert (compare["model"]["type"], compare["model"]["expression"]) == ("threshold", "B")


def test_a_rule_leads_to_a_panel() -> None:
    shown = {panel["id"]: panel for panel in panels()}
    for rule in RULES:
        assert rule["annotations"]["__dashboardUid__"] == KPI["uid"]
        assert int(rule["annotations"]["__panelId__"]) in shown


@pytest.mark.parametrize("alert", CRITICAL)
def test_without_data_a_critical_rule_alerts(alert: str) -> None:
    assert (rule_of(alert)["noDataState"], rule_of(alert)["execErrState"]) == ("Alerting", "Alerting")


@pytest.mark.parametrize("alert", [alert["name"] for alert in MISSION["alert"]])
def test_grafana_compares_the_same_values_with_the_same_limits_as_prometheus(alert: str) -> None:
    ours, theirs = rule_of(alert), named(alert)
    (condition,) = ours["data"][2]["model"]["conditions"]
    operator = {"lt": "<", "gt": ">"}[condition["evaluator"]["type"]]
    (limit,) = condition["evaluator"]["params"]
    compared = f"({ours['data'][0]['model']['expr']}) {operator} {limit}"
    assert plain(compared) == plain(theirs["expr"])
    assert Duration.parse(ours["for"]) == Duration.parse(theirs.get("for", "0s"))
    assert ours["labels"] == {**theirs["labels"], "origin": "grafana"}


def plain(expr: str) -> str:
    """An expression as the parser writes it, without white space and parentheses: they only group here."""
    return re.sub(r"[()\s]", "", promql.parse(expr).prettify())
