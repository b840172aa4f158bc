"""Whom ops/alertmanager/alertmanager.yml tells of each alert, asked of amtool; and that it holds no secret."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.ops.rules import RULE_FILES, alerting

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "ops" / "alertmanager"
FILE = FOLDER / "alertmanager.yml"
needs_amtool = pytest.mark.needs("amtool")


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["amtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)


@needs_amtool
def test_amtool_accepts_the_file_and_its_template() -> None:
    run = amtool("check-config", FILE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 templates" in run.stdout


@needs_amtool
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=FillRateLow sev=SEV2 severity=critical treaty_id=A", "pagerduty"),
        ("alertname=RTTHigh sev=SEV2 severity=critical treaty_id=A", "pagerduty"),
        ("alertname=ProvenanceLow sev=SEV2 severity=critical treaty_id=A", "pagerduty"),
        ("alertname=PolicyDecisionSlow sev=SEV2 severity=critical treaty_id=A", "pagerduty"),
        ("alertname=CapacityLow sev=SEV3 severity=warning provider=akash", "slack"),
        ("alertname=ReputationDrop sev=SEV3 severity=warning provider=akash", "slack"),
        ("alertname=ErrorBudgetBurn sev=SEV2 severity=critical window=30m", "pagerduty"),
        ("alertname=ErrorBudgetBurn sev=SEV3 severity=warning window=12h", "slack"),
        ("alertname=ExporterDown sev=SEV2 severity=critical", "pagerduty"),
        ("alertname=SLOUnknown sev=SEV2 severity=critical slo=rtt", "pagerduty"),
        ("alertname=AlertCannotFire sev=SEV4 severity=info", "slack"),
        ("alertname=Leak sev=SEV1", "pagerduty"),
        ("alertname=Other severity=critical", "pagerduty"),
        ("alertname=Other severity=page", "pagerduty"),
        ("alertname=Other severity=warning", "slack"),
        ("alertname=Other sev=SEV3 severity=critical", "slack"),  # sev wins
        ("alertname=Unheard", "slack"),
        ("alertname=AlertTest sev=SEV1 severity=critical drill=true", "drill"),
        ("alertname=AlertTest severity=critical drill=true", "drill"),
        ("alertname=AlertTest drill=true", "drill"),
    ],
)
def test_route(labels: str, receiver: str) -> None:
    run = amtool("config", "routes", "test", f"--config.file={FILE}", *labels.split())
    assert (run.returncode, run.stdout.strip()) == (0, receiver), run.stderr


@needs_amtool
@pytest.mark.parametrize(
    "rules", sorted((CHECKOUT / "ops" / "prometheus" / "rules").glob("*.yml")), ids=lambda path: path.stem
)
def test_every_alert_of_ours_pages_at_sev1_and_sev2_and_is_written_otherwise(rules: Path) -> None:
    groups = yaml.safe_load(rules.read_text())["groups"]
    alerts = {
        (rule["alert"], rule["labels"]["sev"], rule["labels"]["severity"])
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
    for name, sev, severity in alerts:
        run = amtool(
            "config",
            "routes",
            "test",
            f"--config.file={FILE}",
            f"alertname={name}",
            f"sev={sev}",
            f"severity={severity}",
        )
        assert run.stdout.strip() == ("pagerduty" if sev in ("SEV1", "SEV2") else "slack"), (name, sev)


def test_inhibition_names_alerts_that_exist() -> None:
    rules = yaml.safe_load(FILE.read_text())["inhibit_rules"]
    matchers = [matcher for rule in rules for side in ("source", "target") for matcher in rule[f"{side}_matchers"]]
    named = {name for found in re.findall(r'alertname=~?"(.+)"', "\n".join(matchers)) for name in found.split("|")}
    assert named
    assert named <= {rule["alert"] for file in RULE_FILES for rule in alerting(file)}


def test_no_secret_stands_in_the_file() -> None:
    text = "".join(file.read_text() for file in FOLDER.iterdir())
    config = yaml.safe_load(FILE.read_text())
    assert not re.search(r"hooks\.slack\.com|[0-9a-f]{32}|\b(service_key|routing_key|api_url):", text)
    integrations = [one for each in config["receivers"] for name in each if name != "name" for one in each[name]]
    paths = [value for one in integrations for name, value in one.items() if name.endswith("_file")]
    assert sorted(paths) == [
        "/etc/alertmanager/secrets/pagerduty-routing-key",
        "/etc/alertmanager/secrets/slack-webhook-url",
    ]
    assert not (FOLDER / "secrets").exists()


def test_the_receiver_of_synthetic_alerts_has_no_integration() -> None:
    receivers = {each["name"]: each for each in yaml.safe_load(FILE.read_text())["receivers"]}
    assert receivers["drill"] == {"name": "drill"}
