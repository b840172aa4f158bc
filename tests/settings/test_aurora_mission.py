"""The bundled mission holds the plan of Aurora GA: every number in it, and the first week's protocol."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from aurora_tui.settings import check_queries
from aurora_tui.settings.queries import queries as every_query
from aurora_tui.situation.mission import CheckpointKind, Comparison, Direction, ProbeKind, Severity
from aurora_tui.situation.query import substitute
from tests.settings.places import loaded

SETTINGS = loaded()
MISSION = SETTINGS.mission
HOUR, DAY = 3600, 86400
SLOS = {slo.id: slo for slo in MISSION.slo}
CRITERIA = {criterion.id: criterion for criterion in MISSION.criterion}
PHASES = {phase.id: phase for phase in MISSION.phase}


def test_the_release_is_the_plans() -> None:
    identity = MISSION.mission
    assert (identity.name, identity.release, identity.treaty) == ("Aurora GA", "v1.0.0", "AURORA-AKASH-001")
    assert identity.release_checksum == "acec72a81172797903efd5ef94efed837a3078e076d754104c9ad994854569a8"
    assert identity.merkle_root == "d5c64aee1039e6dd71f5818d456cce2e48e6590b6953c13623af6fa1070decea"
    assert (identity.window, identity.scrape_interval, identity.ledger_rpo) == (72 * HOUR, 15, 900)
    assert (identity.green_hours, identity.soak_days) == (168, 7)


@pytest.mark.parametrize(
    ("slo", "direction", "threshold", "budget", "good", "warn", "statistics"),
    [
        ("fill", Direction.AT_LEAST, 0.80, 0.95, 0.85, 0.80, ["p05", "avg gauge"]),
        ("rtt", Direction.AT_MOST, 350, 0.95, 300, 350, ["p95", "avg gauge"]),
        ("provenance", Direction.AT_LEAST, 0.95, 0.95, 0.95, 0.90, ["min gauge"]),
        ("policy", Direction.AT_MOST, 25, 0.99, 20, 25, ["p99"]),
    ],
)
def test_an_objective_is_the_plans(
    slo: str, direction: Direction, threshold: float, budget: float, good: float, warn: float, statistics: list[str]
) -> None:
    objective = SLOS[slo]
    assert (objective.direction, objective.threshold, objective.budget) == (direction, threshold, budget)
    assert (objective.colours.good, objective.colours.warn) == (good, warn)
    assert [reading.statistic for reading in objective.reading] == statistics


def test_there_are_four_objectives_with_the_plans_own_queries() -> None:
    assert {slo.id: slo.as_written for slo in MISSION.slo} == {
        "fill": "histogram_quantile(0.95, treaty_fill_rate_bucket)",
        "rtt": "histogram_quantile(0.95, treaty_rtt_ms_bucket)",
        "provenance": "treaty_provenance_coverage",
        "policy": "histogram_quantile(0.99, policy_decision_ms_bucket)",
    }


@pytest.mark.parametrize(
    ("criterion", "slo", "op", "value", "minutes", "statistics"),
    [
        ("fill-low", "fill", Comparison.LESS, 0.75, 15, ["mean 2m", "avg gauge"]),
        ("rtt-high", "rtt", Comparison.GREATER, 400, 15, ["p95 2m", "avg gauge"]),
        ("provenance-low", "provenance", Comparison.LESS, 0.90, 5, ["min gauge"]),
        ("policy-slow", "policy", Comparison.GREATER, 50, 5, ["p99 2m"]),
    ],
)
def test_a_rollback_criterion_is_the_plans(
    criterion: str, slo: str, op: Comparison, value: float, minutes: int, statistics: list[str]
) -> None:
    found = CRITERIA[criterion]
    assert (found.slo, found.op, found.value, found.hold) == (slo, op, value, minutes * 60)
    assert found.then == "rollback"
    assert [reading.statistic for reading in found.reading] == statistics
    assert all("[5m]" not in reading.value for reading in found.reading)


def test_any_sev1_alert_is_the_fifth_criterion() -> None:
    assert len(MISSION.criterion) == 5
    assert CRITERIA["any-sev1"].severity is Severity.SEV1
    assert CRITERIA["any-sev1"].then == "rollback"


def test_every_query_is_valid_and_asks_for_one_treaty_or_all() -> None:
    check_queries(SETTINGS)
    for owner in (*MISSION.slo, *MISSION.criterion):
        for reading in owner.reading:
            for query in filter(None, (reading.value, reading.newest, reading.good_ratio)):
                selectors = re.findall(r"[a-z_]+\{([^}]*)\}", query)
                assert selectors
                assert all('treaty_id=~"$treaty"' in selector for selector in selectors)
                assert "$" not in substitute(query, treaty=None, scrape_interval=15, window=72 * HOUR)


@pytest.mark.needs("promtool")
def test_prometheus_itself_accepts_every_query(tmp_path: Path) -> None:
    queries = [query for _, query in every_query(MISSION)]
    filled = [substitute(query, treaty="A.\"B'`\n\\", scrape_interval=15, window=72 * HOUR) for query in queries]
    rules = [{"record": f"q:{number}", "expr": query} for number, query in enumerate(filled)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "mission", "rules": rules}]}))  # YAML holds all of JSON
    run = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert f"{len(queries)} rules found" in run.stdout


@pytest.mark.parametrize(
    ("slo", "edges", "others"),
    [
        ("fill", ["0.8", "0.80"], ["0.85", "08"]),
        ("rtt", ["350", "350.0"], ["3500", "300"]),
        ("policy", ["25", "25.0"], ["250"]),
    ],
)
def test_the_bucket_of_an_objective_is_found_as_either_prometheus_writes_it(
    slo: str, edges: list[str], others: list[str]
) -> None:
    ratio = SLOS[slo].reading[0].good_ratio
    assert ratio is not None
    (pattern,) = re.findall(r'le=~"([^"]*)"', ratio)
    assert all(re.fullmatch(pattern, edge) for edge in edges)
    assert not any(re.fullmatch(pattern, edge) for edge in others)


def test_the_phases_follow_one_another() -> None:
    assert [(phase.id, phase.length, phase.next) for phase in MISSION.phase] == [
        ("perimeter", 48 * HOUR, "soak"),
        ("soak", 7 * DAY, "canary"),
        ("canary", 72 * HOUR, "rollout"),
        ("rollout", 24 * HOUR, "optimisation"),
        ("optimisation", 30 * DAY, None),
    ]


def test_the_canary_takes_a_tenth_of_the_traffic_and_reports_each_day() -> None:
    canary = PHASES["canary"]
    assert canary.traffic_percent == 10
    assert [(point.at, point.kind) for point in canary.checkpoint] == [
        (hours * HOUR, CheckpointKind.REPORT) for hours in (24, 48, 72)
    ]


def test_the_rollout_goes_in_three_steps() -> None:
    steps = [(point.at, point.traffic_percent, point.kind) for point in PHASES["rollout"].checkpoint]
    assert steps == [(hours * HOUR, share, CheckpointKind.STEP) for hours, share in ((0, 25), (6, 50), (12, 100))]


def test_the_optimisation_has_a_task_each_week() -> None:
    points = PHASES["optimisation"].checkpoint
    assert [point.at for point in points] == [week * 7 * DAY for week in (1, 2, 3, 4)]
    assert [
        word in point.title for point, word in zip(points, ("tracing", "pricing", "governance", "audit"), strict=True)
    ]


def test_the_checklists_are_automatic_where_they_can_be_judged() -> None:
    checks = {phase.id: {item.id: item.check for item in phase.checklist} for phase in MISSION.phase}
    assert (
        checks["soak"]
        | {
            "smoke-tests": "daily:morning:7",
            "green-hours": "green_hours:168",
            "no-incidents": "no_incidents:SEV2",
            "backups": "daily:morning:7",
            "report-filed": "checkpoint:h72-report",
            "pre-canary-soak": "green_hours:168",
        }
        == checks["soak"]
    )
    assert sum(item.startswith("pre-canary-") for item in checks["soak"]) == 5
    assert checks["canary"] == {
        "success-fill": "slo:fill",
        "success-rtt": "slo:rtt",
        "success-provenance": "slo:provenance",
        "success-policy": "slo:policy",
        "success-incidents": "no_incidents:SEV2",
        "success-report": "checkpoint:h72-report",
    }
    assert sum(item.startswith("checksum-") for item in checks["perimeter"]) == 5


def test_the_daily_protocol_has_four_rounds() -> None:
    assert [(daily.at, len(daily.tasks)) for daily in MISSION.daily] == [
        ("09:00", 3),
        ("12:00", 2),
        ("18:00", 2),
        ("23:59", 2),
    ]


def test_the_runbooks_have_their_keys() -> None:
    keys = {runbook.key: runbook.id for runbook in MISSION.runbook}
    assert keys == {"R": "rollback", "F": "failover", "H": "halt", "G": "advance", "U": "resume"}
    assert all(runbook.summary for runbook in MISSION.runbook)


def test_alerts_have_severities_and_routes() -> None:
    assert {alert.name: (alert.severity.value, alert.route, alert.hold) for alert in MISSION.alert} == {
        "FillRateLow": ("SEV2", "PagerDuty", 900),
        "RTTHigh": ("SEV2", "PagerDuty", 900),
        "ProvenanceLow": ("SEV2", "PagerDuty", 300),
        "PolicyDecisionSlow": ("SEV2", "PagerDuty", 300),
        "CapacityLow": ("SEV3", "Slack", None),
        "ReputationDrop": ("SEV3", "Slack", None),
    }


def test_the_label_sev_wins_and_words_have_severities() -> None:
    assert MISSION.severity.labels == ("sev", "severity")
    values = {word: severity.value for word, severity in MISSION.severity.values.items()}
    assert values == {
        **{f"SEV{number}": f"SEV{number}" for number in (1, 2, 3, 4)},
        **{"critical": "SEV2", "error": "SEV2", "warning": "SEV3", "info": "SEV4"},
    }


def test_the_success_metrics_are_all_there() -> None:
    groups = [kpi.group for kpi in MISSION.kpi]
    assert {group: groups.count(group) for group in groups} == {"technical": 6, "operational": 5, "business": 4}


def test_the_workloads_have_their_parts() -> None:
    workloads = MISSION.workloads
    assert (workloads.canary, workloads.stable) == ("aurora-bridge", "aurora-bridge-v0")
    assert (workloads.standby, workloads.route) == (("aurora-bridge-backup",), "aurora-bridge")


def test_production_is_the_default_and_asks_for_its_namespace() -> None:
    assert SETTINGS.environment_name == "production"
    production = SETTINGS.environment
    assert production.cluster is not None
    assert (production.colour, production.confirm_word) == ("error", "aurora-production")
    assert production.cluster.namespace == "aurora-production"
    assert list(MISSION.environments) == ["production", "staging", "local"]


def test_the_local_environment_is_the_first_weeks_observatory() -> None:
    local = MISSION.environments["local"]
    assert local.cluster is None
    assert local.prometheus is not None
    assert local.prometheus.url == "http://localhost:9090"
    assert [(probe.url, probe.kind) for probe in local.probe] == [
        ("http://localhost:9109/metrics", ProbeKind.EXPOSITION),
        ("http://localhost:9110/metrics", ProbeKind.EXPOSITION),
        ("http://localhost:8080/health", ProbeKind.HEALTH),
    ]


def test_endpoints_of_the_protocol_are_listed() -> None:
    urls = {endpoint.url for endpoint in MISSION.endpoint}
    assert urls >= {f"http://localhost:{port}" for port in (9090, 3000, 8080)}
    assert urls >= {f"http://localhost:{port}/metrics" for port in (9109, 9110)}
