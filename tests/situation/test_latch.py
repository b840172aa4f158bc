"""Any SEV1 that fires trips, and stays tripped until an operator resets it."""

from __future__ import annotations

import pytest

from aurora_tui.situation.alert import AlertState, AlertTrack, FiringSpan, SourceAlert
from aurora_tui.situation.criterion import CriterionState, CriterionStatus
from aurora_tui.situation.firing import FiringHistory
from aurora_tui.situation.latch import remember, severity_status
from aurora_tui.situation.merge import merge
from tests.situation.missions import ANY_SEV1, NOW, SEVERITIES, alert, mission, reports

START = NOW - 3600


def tracks(*alerts: SourceAlert) -> tuple[AlertTrack, ...]:
    return merge(reports(*alerts), (), NOW, blind={})


READ = FiringHistory(since=START - 3600, to=NOW - 30)
LONGEST = 90.0


def judged(
    *firings: FiringSpan, start: float = START, seen: bool = True, history: FiringHistory = READ
) -> CriterionStatus:
    return severity_status(
        ANY_SEV1,
        firings,
        SEVERITIES,
        start=start,
        sources_seen=seen,
        history=history,
        why_unknown=history.why_unknown(start, NOW, LONGEST),
    )


def live(*alerts: SourceAlert) -> tuple[FiringSpan, ...]:
    return remember((), tracks(*alerts), mission(), NOW)


def span(start: float, end: float, **labels: str) -> FiringSpan:
    return FiringSpan(labels={"alertname": "CanaryDown", "sev": "SEV1", **labels}, start=start, end=end)


def test_nothing_fired_is_ok() -> None:
    assert judged().state is CriterionState.OK


def test_nothing_fired_is_not_known_when_no_source_answers() -> None:
    status = judged(seen=False)
    assert (status.state, status.detail) == (CriterionState.NO_DATA, "no alert source answers")


@pytest.mark.parametrize(
    ("history", "detail", "since"),
    [
        (FiringHistory(), "the alerts' history is being read", None),
        (FiringHistory(error="503"), "alert history: 503", None),
        (FiringHistory(since=START + 600, to=NOW - 30), "the alerts' history is being read", None),
        (FiringHistory(since=START, to=NOW - 91), "alert history: read up to 91 s ago only", NOW - 91),
        (FiringHistory(since=START, to=NOW - 91, error="503"), "alert history: 503", NOW - 91),
        (FiringHistory(since=START, to=NOW + 6), "alert history: read into the future, a clock went back", NOW + 6),
    ],
)
def test_nothing_fired_is_not_known_where_the_history_is_not_read(
    history: FiringHistory, detail: str, since: float | None
) -> None:
    status = judged(history=history)
    assert (status.state, status.detail, status.since) == (CriterionState.NO_DATA, detail, since)


def test_one_look_at_the_history_that_failed_is_bridged() -> None:
    status = judged(history=FiringHistory(since=START, to=NOW - 90, error="503"))
    assert (status.state, status.source_error) == (CriterionState.OK, "503")


def test_a_trip_stands_though_the_history_is_not_read() -> None:
    one = live(alert(alertname="CanaryDown", sev="SEV1", at=NOW - 90))
    assert judged(*one, history=FiringHistory(error="503")).state is CriterionState.TRIPPED


def test_a_live_sev1_trips_at_the_time_it_fired() -> None:
    status = judged(*live(alert(alertname="CanaryDown", sev="SEV1", at=NOW - 90)))
    assert (status.state, status.tripped_at, status.detail) == (CriterionState.TRIPPED, NOW - 90, "CanaryDown fired")


def test_the_time_it_fired_counts_not_the_time_it_was_pending() -> None:
    both = live(alert("prom", sev="SEV1", at=NOW - 900), alert("am", sev="SEV1", at=NOW - 60))
    assert judged(*both).tripped_at == NOW - 60


def test_a_sev1_of_the_history_trips_though_nobody_was_watching() -> None:
    status = judged(span(NOW - 1800, NOW - 1700))
    assert (status.state, status.tripped_at) == (CriterionState.TRIPPED, NOW - 1800)


def test_what_ended_before_the_phase_does_not_trip() -> None:
    assert judged(span(START - 600, START - 1)).state is CriterionState.OK


def test_what_was_firing_when_the_phase_began_trips_at_its_beginning() -> None:
    assert judged(span(START - 600, START + 60)).tripped_at == START


def test_a_reset_clears_what_was_before_it_and_not_what_fires_on() -> None:
    reset = NOW - 100
    assert judged(span(NOW - 1800, reset - 1), start=reset).state is CriterionState.OK
    assert judged(span(NOW - 1800, reset + 15), start=reset).tripped_at == reset


def test_a_lower_severity_does_not_trip() -> None:
    assert judged(*live(alert(severity="critical")), span(NOW - 60, NOW, sev="SEV2")).state is CriterionState.OK


def test_a_synthetic_alert_does_not_trip() -> None:
    assert judged(*live(alert(sev="SEV1", drill="true")), span(NOW - 60, NOW, drill="true")).state is CriterionState.OK


def test_a_pending_one_does_not_trip() -> None:
    assert judged(*live(alert("prom", AlertState.PENDING, sev="SEV1"))).state is CriterionState.OK


def test_a_silenced_one_trips_for_it_fired() -> None:
    assert judged(*live(alert(state=AlertState.SILENCED, sev="SEV1"))).state is CriterionState.TRIPPED


def test_the_latch_holds_when_the_alert_has_long_gone_from_every_list() -> None:
    firings = live(alert(sev="SEV1", at=NOW - 60))
    for later in (15, 30, 9000):
        firings = remember(firings, (), mission(), NOW + later)
    assert judged(*firings).tripped_at == NOW - 60


def test_watching_on_does_not_make_the_memory_grow() -> None:
    one = tracks(alert(sev="SEV1", at=NOW - 60))
    firings = remember((), one, mission(), NOW)
    for later in range(15, 600, 15):
        firings = remember(firings, one, mission(), NOW + later)
    assert [(found.start, found.end) for found in firings] == [(NOW - 60, NOW + 585)]
