"""Rules: recorded series, the way of an alert from pending to resolved, and who is told when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from aurora_tui.drill.prometheus import AlertNotice, Rule, RuleEngine, RuleGroup, Storage, query
from aurora_tui.drill.prometheus.errors import BadQuery
from aurora_tui.drill.prometheus.template import expand

AT = 1_700_000_010.0
RTT_HIGH = Rule(
    "rtt > 400",
    alert="RTTHigh",
    hold=30.0,
    labels={"severity": "critical"},
    annotations={"summary": "RTT {{ $value }} ms on {{ $labels.treaty_id }}"},
)


class Desk:
    """Rules over a gauge `rtt{treaty_id="A"}`, and the notices they sent."""

    def __init__(self, *rules: Rule) -> None:
        self.storage = Storage()
        self.sent: list[AlertNotice] = []
        self.refuse = False
        self.engine = RuleEngine(self.storage, [RuleGroup("slo", rules)], 15.0, lambda: AT, asyncio.sleep, self.notify)

    async def notify(self, notices: Sequence[AlertNotice]) -> None:
        if self.refuse:
            raise ConnectionRefusedError("nothing listens")
        self.sent += notices

    async def round(self, step: int, rtt: float | None) -> None:
        at = AT + step * 15
        if rtt is not None:
            self.storage.append({"__name__": "rtt", "treaty_id": "A"}, at, rtt)
        await self.engine.evaluate(at)

    def states(self, step: int) -> list[str]:
        return [
            dict(labels)["alertstate"] for labels, _ in query.instant(self.storage, "ALERTS", AT + step * 15).series
        ]


async def test_an_alert_is_pending_fires_after_its_hold_and_resolves() -> None:
    desk = Desk(RTT_HIGH)
    seen = []
    for step, rtt in enumerate((300.0, 412.0, 412.0, 412.0, 300.0)):
        await desk.round(step, rtt)
        seen.append(desk.states(step))
    assert seen == [[], ["pending"], ["pending"], ["firing"], []]
    assert [(notice.starts_at, notice.ends_at) for notice in desk.sent] == [(AT + 45, None), (AT + 45, AT + 60)]


async def test_a_good_sample_restarts_the_hold() -> None:
    desk = Desk(RTT_HIGH)
    for step, rtt in enumerate((412.0, 412.0, 300.0, 412.0, 412.0)):
        await desk.round(step, rtt)
    assert desk.states(4) == ["pending"]
    assert desk.sent == []


async def test_an_alert_says_since_when_and_how_high() -> None:
    desk = Desk(RTT_HIGH)
    await desk.round(0, 412.5)
    (alert,) = desk.engine.alerts()
    assert dict(alert.labels) == {"alertname": "RTTHigh", "severity": "critical", "treaty_id": "A"}
    assert alert.annotations["summary"] == "RTT 412.5 ms on A"
    (since,) = query.instant(desk.storage, "ALERTS_FOR_STATE", AT).series
    assert since[1][0][1] == AT


async def test_a_firing_alert_is_sent_again_each_minute() -> None:
    desk = Desk(Rule("rtt > 400", alert="RTTHigh"))
    for step in range(11):
        await desk.round(step, 412.0)
    assert len(desk.sent) == 3
    assert desk.sent[0].body()["endsAt"] > desk.sent[0].body()["startsAt"]  # type: ignore[operator]


async def test_notices_wait_while_nobody_listens() -> None:
    desk = Desk(Rule("rtt > 400", alert="RTTHigh"))
    desk.refuse = True
    await desk.round(0, 412.0)
    desk.refuse = False
    await desk.round(1, 412.0)
    assert len(desk.sent) == 1


async def test_a_recording_rule_writes_its_series_and_ends_it() -> None:
    desk = Desk(Rule("avg by (treaty_id) (rtt)", record="aurora:rtt:mean", labels={"kind": "mean"}))
    await desk.round(0, 300.0)
    (row,) = query.instant(desk.storage, "aurora:rtt:mean", AT).series
    assert dict(row[0]) == {"__name__": "aurora:rtt:mean", "kind": "mean", "treaty_id": "A"}
    await desk.round(40, None)  # rtt is older than the lookback by now
    assert query.instant(desk.storage, "aurora:rtt:mean", AT + 600).series == []


async def test_a_rule_may_use_what_an_earlier_one_recorded() -> None:
    desk = Desk(Rule("rtt * 2", record="double"), Rule("double > 700", alert="High"))
    await desk.round(0, 400.0)
    assert desk.states(0) == ["firing"]


async def test_a_failing_rule_is_unwell_and_the_others_run() -> None:
    desk = Desk(Rule('label_replace(rtt, "1", "", "", "")', record="broken"), Rule("rtt", record="copy"))
    await desk.round(0, 400.0)
    assert [state.health for state in desk.engine.states[0]] == ["err", "ok"]
    assert "label name" in desk.engine.states[0][0].error


def test_a_rule_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(BadQuery):
        Desk(Rule("rtt >", alert="RTTHigh"))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ $value }}", "412.5"),
        ("{{$labels.treaty_id}} of {{ $labels.nowhere }}", "A of "),
        ('{{ $value | printf "%.1f" }} ms', "412.5 ms"),
        ('{{ printf "%.0f" $value }}', "412"),
        ("{{ $value | humanize }}", "412.5"),
        ("{{ $value | humanizePercentage }}", "4.125e+04%"),
        ("{{ humanizeDuration $value }}", "6m 52s"),
        ("plain", "plain"),
    ],
)
def test_templates_fill_in_values_and_labels(template: str, text: str) -> None:
    assert expand(template, {"treaty_id": "A"}, 412.5) == text


def test_a_template_that_is_not_understood_says_so() -> None:
    assert expand("{{ range query }}", {}, 1.0).startswith("<error expanding template")
