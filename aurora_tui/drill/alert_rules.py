"""The plan's six alerts as rules, for both exporter generations, and where Alertmanager sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aurora_tui.drill.alertmanager.config import AlertmanagerConfig, Inhibition, Route
from aurora_tui.drill.alertmanager.matchers import Matcher
from aurora_tui.drill.prometheus import Rule, RuleGroup
from aurora_tui.drill.series import Generation

_MINUTE = 60.0
_TREATY = 'job="aurora-metrics"'


def _quantile(share: str, metric: str) -> str:
    return f"histogram_quantile({share}, sum by (treaty_id, le) (rate({metric}_bucket{{{_TREATY}}}[5m])))"


def _critical(alert: str, expr: str, minutes: float, summary: str) -> Rule:
    labels = {"sev": "SEV2", "severity": "critical"}
    return Rule(expr, alert, hold=minutes * _MINUTE, labels=labels, annotations={"summary": summary})


def _warning(alert: str, expr: str, summary: str) -> Rule:
    return Rule(expr, alert, labels={"sev": "SEV3", "severity": "warning"}, annotations={"summary": summary})


def rules(generation: Generation) -> RuleGroup:
    """The alerts that this generation's metrics can raise: the gauges know nothing of policy decisions."""
    if generation is Generation.HISTOGRAMS:
        fill, rtt = _quantile("0.05", "treaty_fill_rate"), _quantile("0.95", "treaty_rtt_ms")
    else:
        fill, rtt = f"treaty_fill_rate{{{_TREATY}}}", f"treaty_rtt_ms{{{_TREATY}}}"
    found = [
        _critical("FillRateLow", f"{fill} < 0.80", 15, "Fill rate {{ $value }} of {{ $labels.treaty_id }}, under 0.80"),
        _critical("RTTHigh", f"{rtt} > 350", 15, "Round trips of {{ $value }} ms on {{ $labels.treaty_id }}, over 350"),
        _critical(
            "ProvenanceLow",
            f"treaty_provenance_coverage{{{_TREATY}}} < 0.95",
            5,
            "Provenance coverage {{ $value }} of {{ $labels.treaty_id }}, under 0.95",
        ),
        _warning(
            "CapacityLow", "provider_capacity_ratio < 0.20", "Free capacity {{ $value }} at {{ $labels.provider }}"
        ),
        _warning(
            "ReputationDrop",
            "max_over_time(provider_reputation[1h]) - provider_reputation > 10",
            "Reputation of {{ $labels.provider }} fell by {{ $value }} points in an hour",
        ),
    ]
    if generation is Generation.HISTOGRAMS:
        policy = f"{_quantile('0.99', 'policy_decision_ms')} > 25"
        found.insert(3, _critical("PolicyDecisionSlow", policy, 5, "Policy decisions take {{ $value }} ms, over 25"))
    return RuleGroup("aurora", tuple(found), file="aurora.yml")


def rules_file(groups: Sequence[RuleGroup]) -> str:
    """The same as a rule file for a real Prometheus (JSON, which is YAML)."""
    return json.dumps(
        {
            "groups": [
                {
                    "name": group.name,
                    "rules": [
                        {
                            "alert": rule.alert,
                            "expr": rule.expr,
                            "for": f"{rule.hold:.0f}s",
                            "labels": dict(rule.labels),
                            "annotations": dict(rule.annotations),
                        }
                        for rule in group.rules
                    ],
                }
                for group in groups
            ]
        },
        indent=1,
    )


ROUTING = AlertmanagerConfig(
    receiver="slack",
    routes=(Route("pagerduty", (Matcher("sev", "SEV1|SEV2", is_regex=True),)),),
    inhibitions=(
        Inhibition((Matcher("alertname", "ProviderDown"),), (Matcher("alertname", "CapacityLow"),), ("provider",)),
    ),
)
"""Critical alerts page, warnings go to the channel, as the plan says; in a drill neither leaves the machine."""
