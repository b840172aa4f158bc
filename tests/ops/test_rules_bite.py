"""The tests of the rules notice what is wrong: each alert's limit, wait and weight, changed a little, fails them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from aurora_tui.situation.duration import Duration
from tests.ops.rules import Copy, RuleData

TESTS = {
    "objectives.yml": ("fill", "rtt", "provenance", "policy", "providers"),
    "presence.yml": ("presence",),
    "budget.yml": ("budget",),
}
_LIMIT = re.compile(r"(?<=[<>] )[0-9.]+")

pytestmark = pytest.mark.needs("promtool")


def limit(factor: float) -> Callable[[RuleData], bool]:
    def change(rule: RuleData) -> bool:
        expr = _LIMIT.sub(lambda found: f"{float(found[0]) * factor:.6g}", rule["expr"])
        changed = bool(expr != rule["expr"])
        rule["expr"] = expr
        return changed

    return change


def wait(rounds: int) -> Callable[[RuleData], bool]:
    """Rounds of the rule's group: a wait that is shorter or longer by less makes no difference."""

    def change(rule: RuleData) -> bool:
        if "for" not in rule:
            return False
        seconds = 60 if rule["alert"] == "ErrorBudgetBurn" else 15
        rule["for"] = f"{Duration.parse(rule['for']) + rounds * seconds:.0f}s"
        return True

    return change


CHANGES = {
    "limit 2 % lower": limit(0.98),
    "limit 2 % higher": limit(1.02),
    "waits a round longer": wait(1),
    "waits a round less": wait(-1),
}


QUICK = {("objectives.yml", "limit"), ("presence.yml", "waits"), ("budget.yml", "limit"), ("budget.yml", "waits")}


@pytest.mark.parametrize(
    ("file", "change"),
    [
        pytest.param(file, change, marks=() if (file, change.partition(" ")[0]) in QUICK else pytest.mark.slow)
        for file in TESTS
        for change in CHANGES
    ],
)
def test_a_changed_alert_is_noticed(tmp_path: Path, file: str, change: str) -> None:
    copy = Copy(tmp_path)
    changed = copy.change_alerts(file, CHANGES[change])
    assert changed
    verdict = copy.test(*TESTS[file])
    unnoticed = [(rule["alert"], rule["labels"]) for rule in changed if not verdict.notices(rule)]
    assert not unnoticed, verdict.output


@pytest.mark.slow
@pytest.mark.parametrize("file", TESTS)
def test_a_changed_severity_is_noticed(tmp_path: Path, file: str) -> None:
    def louder(rule: RuleData) -> bool:
        rule["labels"]["sev"] = "SEV1"
        return True

    copy = Copy(tmp_path)
    changed = copy.change_alerts(file, louder)
    verdict = copy.test(*TESTS[file])
    assert all(verdict.notices(rule) for rule in changed), verdict.output


PARTS = [
    # The plan's own mistakes.
    ("objectives.yml", "histogram_quantile(0.05, sum by", "histogram_quantile(0.95, sum by", "fill"),
    ("objectives.yml", "(rate(treaty_fill_rate_bucket[5m]))", "(treaty_fill_rate_bucket)", "fill"),
    ("objectives.yml", "(rate(treaty_rtt_ms_bucket[2m]))", "(treaty_rtt_ms_bucket)", "rtt"),
    # Generations of exporters.
    ("objectives.yml", 'aurora:treaty_fill_rate:gauge{treaty_id!="SIM-AGG"}', "nothing_there", "fill"),
    ("objectives.yml", 'aurora:treaty_rtt_ms:gauge{treaty_id!="SIM-AGG"}', "nothing_there", "rtt"),
    ("objectives.yml", 'aurora:treaty_fill_rate:p05_5m{treaty_id!="SIM-AGG"}', "nothing_there", "fill"),
    ("objectives.yml", 'aurora:treaty_rtt_ms:p95_5m{treaty_id!="SIM-AGG"}', "nothing_there", "rtt"),
    ("objectives.yml", 'treaty_id!="SIM-AGG"', 'treaty_id!="OTHER"', "fill"),
    ("objectives.yml", 'treaty_id!="SIM-AGG"', 'treaty_id!="OTHER"', "policy"),
    ("objectives.yml", 'unless on (treaty_id) treaty_fill_rate{instance!=""}', "", "fill"),
    # What is missing, late, lost or not a number.
    ("objectives.yml", "and on (treaty_id) (time() - timestamp(treaty_fill_rate_count) <= 45)", "", "fill"),
    ("objectives.yml", "(rate(treaty_fill_rate_count[2m])) >= 0", "(rate(treaty_fill_rate_count[2m]))", "fill"),
    ("objectives.yml", "last_over_time(treaty_provenance_coverage[45s])", "treaty_provenance_coverage", "provenance"),
    ("objectives.yml", "min by (treaty_id) (last", "max by (treaty_id) (last", "provenance"),
    ("objectives.yml", "last_over_time(provider_capacity_ratio[45s])", "provider_capacity_ratio", "providers"),
    ("objectives.yml", "provider_reputation[1h]", "provider_reputation[2h]", "providers"),
    ("presence.yml", 'unless on () (max(up{job="aurora-metrics"}) == 0)', "", "presence"),
    ("presence.yml", "and on (treaty_id) last_over_time(treaty_fill_rate_count[45s])", "", "presence"),
    ("presence.yml", "and on (treaty_id) last_over_time(treaty_rtt_ms_count[45s])", "", "presence"),
    ("presence.yml", "or aurora:treaty_fill_rate:gauge", "", "presence"),
    ("presence.yml", "or aurora:treaty_rtt_ms:gauge", "", "presence"),
    ("presence.yml", 'and up{job="aurora-metrics"} == 1', "", "presence"),
    ("presence.yml", 'treaty_requests_total{treaty_id!="SIM-AGG"}', "treaty_requests_total", "presence"),
    ("budget.yml", "[.]80?", "[.]75?", "budget"),
    ("budget.yml", "350([.]0)?", "400([.]0)?", "budget"),
    ("budget.yml", "and aurora:slo_burn:5m > 7.2", "", "budget"),
    ("budget.yml", " > 0)", ")", "budget"),
    ("budget.yml", ">= bool 0.95", "> bool 0.95", "budget"),
    ("budget.yml", "[45s])) <= bool 350", "[10m])) <= bool 350", "budget"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "part", "instead", "test"), PARTS, ids=lambda value: str(value)[:40])
def test_a_changed_part_is_noticed(tmp_path: Path, file: str, part: str, instead: str, test: str) -> None:
    copy = Copy(tmp_path)
    copy.replace(file, part, instead)
    assert not copy.test(test).passed
