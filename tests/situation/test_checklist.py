"""The checklist: ticked by people, or judged where it can be judged; never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from aurora_tui.situation.alert import AlertState, FiringSpan, SourceAlert, rows
from aurora_tui.situation.checklist import checklist
from aurora_tui.situation.checkpoint import ChecklistRow, Ground
from aurora_tui.situation.journal import Journal
from aurora_tui.situation.merge import merge
from aurora_tui.situation.mission import Direction
from aurora_tui.situation.slo import Level, SloState, SloStatus
from tests.situation.missions import (
    DAY,
    HOUR,
    NOW,
    SEVERITIES,
    alert,
    ended,
    item,
    journal,
    mission,
    objective,
    phase,
    report_at,
    reports,
    started,
    ticked,
)

T0 = NOW - 3 * DAY  # the canary is 72 h old


def slo(id: str = "rtt", **changes: Any) -> SloStatus:
    values: dict[str, Any] = {
        "id": id,
        "title": id.upper(),
        "unit": "ms",
        "digits": 0,
        "direction": Direction.AT_MOST,
        "threshold": 350.0,
        "statistic": "p95",
        "query": id,
        "state": SloState.MEETS,
        "level": Level.GOOD,
        "value": 280.0,
        "compliance": 0.981,
        "completeness": 1.0,
    }
    return SloStatus(**{**values, **changes})


def judged(
    check: str | None,
    *,
    entries: Journal | None = None,
    slos: tuple[SloStatus, ...] = (slo(),),
    alerts: tuple[SourceAlert, ...] = (),
    length: str = "72h",
    now: float = NOW,
    **more: Any,
) -> ChecklistRow:
    plan = mission(
        phase("canary", length, checklist=(item("x", check),), checkpoint=(report_at("h72", "72h"),)),
        slo=tuple(objective(status.id) for status in slos),
    )
    values: dict[str, Any] = {"firing_history": (), "green_since": None, "alerts_known": True, **more}
    ground = Ground(
        mission=plan,
        journal=entries or journal(started(T0)),
        slos=slos,
        alerts=rows(merge(reports(*alerts), (), now, blind={}), SEVERITIES),
        now=now,
        **values,
    )
    [row] = checklist(ground)
    return row


def test_without_a_phase_there_is_no_checklist() -> None:
    plan = mission(phase(checklist=(item("x"),)))
    ground = Ground(mission=plan, journal=Journal(), slos=(), alerts=(), firing_history=(), green_since=None, now=NOW)
    assert checklist(ground) == ()


def test_a_manual_item_is_open_until_it_is_ticked() -> None:
    assert judged(None).done is False
    row = judged(None, entries=journal(started(T0), ticked(NOW, "canary/x", "a link")))
    assert (row.done, row.by, row.at, row.why, row.automatic) == (True, "eva@bastion", NOW, "a link", False)


def test_a_repeated_phase_starts_with_an_empty_checklist() -> None:
    entries = journal(started(T0), ticked(T0 + 1, "canary/x"), ended(T0 + 2), started(T0 + 3))
    assert judged(None, entries=entries).done is False


# slo and slos


def test_an_slo_met_over_the_window_is_done() -> None:
    row = judged("slo:rtt")
    assert (row.done, row.why, row.automatic) == (True, "RTT 98.1% good of 95% needed", True)


def test_an_slo_missed_over_the_window_is_open() -> None:
    assert judged("slo:rtt", slos=(slo(compliance=0.949),)).done is False


def test_what_was_good_before_the_phase_proves_nothing_of_it() -> None:
    row = judged("slo:rtt", entries=journal(started(NOW - HOUR)))
    assert (row.done, row.why) == (False, "RTT: 1.0 of 72 h seen in this phase")


def test_a_phase_shorter_than_the_window_is_judged_on_the_window() -> None:
    assert judged("slo:rtt", entries=journal(started(NOW - HOUR)), length="24h").done is True


@pytest.mark.parametrize(
    "changes",
    [{"compliance": None}, {"completeness": 0.98}, {"completeness": None}, {"state": SloState.UNKNOWN}],
)
def test_an_slo_whose_data_is_missing_is_not_known(changes: dict[str, Any]) -> None:
    assert judged("slo:rtt", slos=(slo(**changes),)).done is None


def test_all_slos_together_are_as_bad_as_the_worst() -> None:
    good, unknown, bad = slo("a"), slo("b", compliance=None), slo("c", compliance=0.5)
    assert judged("slos", slos=(good,)).done is True
    assert judged("slos", slos=(good, unknown)).done is None
    assert judged("slos", slos=(good, unknown, bad)).done is False


# green_hours


def test_green_hours_are_done_when_there_are_enough() -> None:
    assert judged("green_hours:48", green_since=NOW - 48 * HOUR).done is True
    row = judged("green_hours:48", green_since=NOW - 47 * HOUR)
    assert (row.done, row.why) == (False, "47.0 of 48 h green")


def test_green_hours_are_not_known_while_an_slo_is_not() -> None:
    assert judged("green_hours:48").done is None


# no_incidents


def test_no_alert_fired_is_done_only_when_the_sources_answer() -> None:
    assert judged("no_incidents:SEV2").done is True
    assert judged("no_incidents:SEV2", alerts_known=False).done is None


def test_an_alert_that_fires_is_an_incident_whether_the_sources_answer_or_not() -> None:
    for known in (True, False):
        row = judged("no_incidents:SEV2", alerts=(alert(severity="critical"),), alerts_known=known)
        assert (row.done, row.why) == (False, "fired: RTTHigh")


@pytest.mark.parametrize(
    "harmless",
    [
        alert(severity="warning"),
        alert("prom", AlertState.PENDING, severity="critical"),
        alert(severity="critical", drill="true"),
    ],
)
def test_smaller_pending_and_synthetic_alerts_are_no_incident(harmless: SourceAlert) -> None:
    assert judged("no_incidents:SEV2", alerts=(harmless,)).done is True


@pytest.mark.parametrize(
    ("start", "end", "labels", "done"),
    [
        (T0 + HOUR, T0 + 2 * HOUR, {}, False),
        (T0 - HOUR, T0 + HOUR, {}, False),
        (T0 - 2 * HOUR, T0 - HOUR, {}, True),
        (T0 + HOUR, T0 + 2 * HOUR, {"drill": "true"}, True),
        (T0 + HOUR, T0 + 2 * HOUR, {"severity": "warning"}, True),
    ],
)
def test_what_the_history_saw_firing_in_the_phase_is_an_incident(
    start: float, end: float, labels: dict[str, str], done: bool
) -> None:
    span = FiringSpan(labels={"alertname": "RTTHigh", "severity": "critical", **labels}, start=start, end=end)
    assert judged("no_incidents:SEV2", firing_history=(span,)).done is done


# phase_done, checkpoint, daily


def test_a_phase_is_done_when_its_last_run_was_completed() -> None:
    soaked = (started(T0 - 9 * DAY, "soak"), ended(T0 - DAY, "soak"))
    assert judged("phase_done:soak", entries=journal(*soaked, started(T0))).done is True
    assert judged("phase_done:soak").done is False
    again = (*soaked, started(T0 - 5, "soak"), ended(T0 - 4, "soak", "abandoned"))
    assert judged("phase_done:soak", entries=journal(*again, started(T0))).done is False


def test_a_checkpoint_counts_when_it_is_done_in_this_run() -> None:
    assert judged("checkpoint:h72").done is False
    assert judged("checkpoint:h72", entries=journal(started(T0), ticked(NOW, "canary/h72"))).done is True
    assert judged("checkpoint:h72", entries=journal(ticked(T0 - 1, "canary/h72"), started(T0))).done is False


def test_daily_rounds_are_counted_in_days() -> None:
    entries = journal(
        ticked(T0 - 1, "daily/morning/2025-12-30"),
        started(T0),
        ticked(NOW, "daily/morning/2026-01-01"),
        ticked(NOW, "daily/morning/2026-01-01"),
        ticked(NOW, "daily/morning/2026-01-02"),
        ticked(NOW, "daily/night/2026-01-02"),
    )
    row = judged("daily:morning:3", entries=entries)
    assert (row.done, row.why) == (False, "2 of 3 days")
    assert judged("daily:morning:2", entries=entries).done is True
