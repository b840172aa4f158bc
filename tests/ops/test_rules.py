"""ops/prometheus: promtool accepts it and its tests pass; every number in it is the plan's and the mission file's."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from aurora_tui.drill.loopback import Server
from aurora_tui.drill.monitoring import targets
from aurora_tui.drill.series import AURORA_JOB, SIMULATOR_JOB
from aurora_tui.drill.simulator import TICK
from aurora_tui.situation.duration import Duration
from tests.ops.rules import PROMETHEUS, RULE_FILES, TEST_FILES, alerting, named, promtool_test, rules

MISSION = tomllib.loads((PROMETHEUS.parent / "aurora.toml").read_text())
CONFIGURATION = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
SLOS = {slo["id"]: slo for slo in MISSION["slo"]}
CRITERIA = [criterion for criterion in MISSION["criterion"] if "value" in criterion]
EVERY_ALERT = [rule for file in RULE_FILES for rule in alerting(file)]
BURNS = {
    (rule["labels"]["slo"], rule["record"].rpartition(":")[2]): rule["expr"]
    for rule in rules(PROMETHEUS / "rules" / "budget.yml")
    if "record" in rule
}
WINDOWS = ("5m", "10m", "30m", "1h", "2h", "12h", "24h")
CRITICAL = {"FillRateLow": "fill", "RTTHigh": "rtt", "ProvenanceLow": "provenance", "PolicyDecisionSlow": "policy"}
MIRRORS = {
    "fill-low": "RollbackFillRate",
    "rtt-high": "RollbackRTT",
    "provenance-low": "RollbackProvenance",
    "policy-slow": "RollbackPolicy",
}


def comparison(expr: str) -> tuple[str, float]:
    """The operator and number that an alert's expression ends with."""
    found = re.search(r"([<>]) ([0-9.]+)$", expr.strip())
    assert found is not None, expr
    return found[1], float(found[2])


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", *(f"rules/{file.name}" for file in RULE_FILES))],
    ids=["config", "rules"],
)
def test_promtool_accepts_it(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(("promtool", *arguments), cwd=PROMETHEUS, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    verdict = promtool_test(file)
    assert verdict.passed, verdict.output


def test_every_alert_is_tested_firing() -> None:
    tested = {
        (case["alertname"], *(label for alert in case["exp_alerts"] for label in alert["exp_labels"].items()))
        for file in TEST_FILES
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case.get("exp_alerts")
    }
    for rule in EVERY_ALERT:
        wanted = {rule["alert"], *rule["labels"].items()}
        assert any(wanted <= set(each) for each in tested), f"{rule['alert']} {rule['labels']}"


@pytest.mark.parametrize("alert", [alert["name"] for alert in MISSION["alert"]])
def test_the_plans_alerts_wait_as_long_and_weigh_as_much_as_the_mission_says(alert: str) -> None:
    said, rule = next(each for each in MISSION["alert"] if each["name"] == alert), named(alert)
    assert rule["labels"]["sev"] == said["severity"]
    assert rule["labels"]["severity"] == {"PagerDuty": "critical", "Slack": "warning"}[said["route"]]
    assert rule.get("for") == said.get("hold")


@pytest.mark.parametrize(("alert", "slo"), CRITICAL.items())
def test_a_critical_alert_has_its_objectives_threshold(alert: str, slo: str) -> None:
    operator = "<" if SLOS[slo]["direction"] == "at_least" else ">"
    assert comparison(named(alert)["expr"]) == (operator, SLOS[slo]["threshold"])


@pytest.mark.parametrize(("alert", "limit"), [("CapacityLow", ("<", 0.20)), ("ReputationDrop", (">", 10.0))])
def test_the_warnings_have_the_plans_thresholds(alert: str, limit: tuple[str, float]) -> None:
    assert comparison(named(alert)["expr"]) == limit


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion["id"])
def test_each_rollback_criterion_is_mirrored_and_is_no_sev1(criterion: dict[str, Any]) -> None:
    rule = named(MIRRORS[criterion["id"]])
    assert comparison(rule["expr"]) == (criterion["op"], criterion["value"])
    assert rule["for"] == criterion["hold"]
    assert rule["labels"]["criterion"] == criterion["id"]
    assert rule["labels"]["sev"] == "SEV2"


def test_every_alert_tells_the_next_step() -> None:
    for rule in EVERY_ALERT:
        assert set(rule["annotations"]) == {"summary", "runbook"}, rule["alert"]
        assert len(rule["annotations"]["runbook"].split()) > 5, rule["alert"]


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion["id"])
def test_a_rollback_page_carries_the_missions_runbook_and_its_workloads(criterion: dict[str, Any]) -> None:
    runbook = named(MIRRORS[criterion["id"]])["annotations"]["runbook"]
    assert runbook.startswith(f"{criterion['then']}. ")
    assert f"deployment/{MISSION['workloads']['canary']}," in runbook
    assert f"deployment/{MISSION['workloads']['stable']} " in runbook
    assert runbook.endswith(f"aurora-tui criterion reset {criterion['id']}")
    assert not any(environment in runbook for environment in MISSION["environments"])  # staging has these rules too


def test_whatever_is_about_one_treaty_names_it() -> None:
    """A page is read before any screen is: what it says must not leave open which treaty it speaks of."""
    nameless = {"ExporterDown", "ExporterAbsent", "SimulatorDown", "ScrapesLost", "NoTreatySeen"}
    for rule in EVERY_ALERT:
        summary = rule["annotations"]["summary"]
        of_provider, absent = "$labels.provider" in summary, rule["expr"].startswith("absent(")
        assert "$labels.treaty_id" in summary or of_provider or absent or rule["alert"] in nameless, summary


def test_only_a_person_calls_something_sev1() -> None:
    """A SEV1 alert is a criterion of its own: no rule may trip it beside the one that it mirrors."""
    assert {rule["labels"]["sev"] for rule in EVERY_ALERT} == {"SEV2", "SEV3", "SEV4"}
    kinds = {(rule["labels"]["sev"], rule["labels"]["severity"]) for rule in EVERY_ALERT}
    assert kinds == {("SEV2", "critical"), ("SEV3", "warning"), ("SEV4", "info")}


def test_no_quantile_is_taken_of_a_counters_whole_life() -> None:
    for file in RULE_FILES:
        for rule in rules(file):
            quantiles = re.findall(r"histogram_quantile\([^,]*,(.*)", rule["expr"])
            assert all("rate(" in argument for argument in quantiles), rule["expr"]


def test_every_objective_has_a_burn_rate_for_every_window() -> None:
    assert set(BURNS) == {(slo, window) for slo in SLOS for window in WINDOWS}


@pytest.mark.parametrize(("slo", "window"), BURNS)
def test_a_burn_rate_is_of_its_own_window_objective_and_budget(slo: str, window: str) -> None:
    expr, objective = BURNS[slo, window], SLOS[slo]
    assert set(re.findall(r"\[(\d+[mh])(?::\d+[sm])?\]", expr)) == {window}
    assert float(expr.strip().rpartition("/ ")[2]) == pytest.approx(1 - objective["budget"])
    threshold = objective["threshold"]
    limits = {float(limit) for limit in re.findall(r"bool ([0-9.]+)", expr)}
    bounds = {bound for bound in re.findall(r'le=~"([^"]*)"', expr)}
    assert limits <= {threshold}
    assert all(re.fullmatch(bound, f"{threshold:g}") for bound in bounds)
    assert limits | bounds


def test_budget_alerts_are_those_of_a_72_hour_window() -> None:
    found = {
        rule["labels"]["window"]: (
            re.findall(r"slo_burn:(\w+) > ([0-9.]+)", rule["expr"]),
            rule["labels"]["severity"],
            rule["for"],
        )
        for rule in EVERY_ALERT
        if rule["alert"] == "ErrorBudgetBurn"
    }
    assert found == {
        "30m": ([("30m", "7.2"), ("5m", "7.2")], "critical", "3m"),
        "2h": ([("2h", "3.6"), ("10m", "3.6")], "critical", "6m"),
        "12h": ([("12h", "1.5"), ("1h", "1.5")], "warning", "15m"),
        "24h": ([("24h", "1.2"), ("2h", "1.2")], "warning", "30m"),
    }
    assert MISSION["mission"]["window"] == "72h"


def test_prometheus_scrapes_as_often_as_the_mission_and_the_drill() -> None:
    assert CONFIGURATION["global"]["scrape_interval"] == MISSION["mission"]["scrape_interval"]
    assert CONFIGURATION["global"]["evaluation_interval"] == MISSION["mission"]["scrape_interval"]
    assert Duration.parse(CONFIGURATION["global"]["scrape_interval"]) == TICK


async def test_the_drill_scrapes_what_production_scrapes() -> None:
    exporters = {job: Server(job) for job in (AURORA_JOB, SIMULATOR_JOB)}
    try:
        drill = [(each.job, each.honor_labels, dict(each.labels)) for each in targets(exporters)]
    finally:
        for server in exporters.values():
            await server.stop()
    jobs = CONFIGURATION["scrape_configs"]
    assert drill == [(job["job_name"], job["honor_labels"], job["static_configs"][0]["labels"]) for job in jobs]
    assert [job["static_configs"][0]["targets"] for job in jobs] == [["localhost:9109"], ["localhost:9110"]]


def test_no_secret_stands_in_the_configuration() -> None:
    text = (PROMETHEUS / "prometheus.yml").read_text()
    assert not re.search(r"\b(password|credentials|bearer_token|api_key)\s*:", text)
