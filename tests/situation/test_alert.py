"""What one alert's labels mean: fingerprint, severity, subject; and the order of the rows."""

from __future__ import annotations

import pytest

from aurora_tui.situation.alert import AlertState, fingerprint, rows, severity
from aurora_tui.situation.merge import merge
from aurora_tui.situation.mission import Severity, SeverityRules
from tests.situation.missions import NOW, SEVERITIES, alert, reports


def test_the_fingerprint_of_no_labels_is_the_offset_of_fnv_1a() -> None:
    assert fingerprint({}) == "cbf29ce484222325"


def test_the_fingerprint_does_not_depend_on_the_order_of_labels() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "12"}) != fingerprint({"a1": "2"})


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"sev": "SEV1", "severity": "warning"}, (Severity.SEV1, True)),
        ({"severity": "SEV1"}, (Severity.SEV1, True)),
        ({"severity": "sev1"}, (Severity.SEV1, True)),
        ({"severity": "critical"}, (Severity.SEV2, True)),
        ({"severity": "Critical"}, (Severity.SEV2, True)),
        ({"severity": "dire"}, (Severity.UNKNOWN, False)),
        ({"severity": "unknown"}, (Severity.UNKNOWN, False)),
        ({"severity": ""}, (Severity.UNKNOWN, False)),
        ({}, (Severity.UNKNOWN, False)),
    ],
)
def test_the_first_severity_label_that_is_set_decides(labels: dict[str, str], expected: tuple[Severity, bool]) -> None:
    assert severity(labels, SEVERITIES) == expected


def test_only_a_label_that_says_so_makes_an_alert_a_sev1() -> None:
    assert severity({"severity": "page"}, SeverityRules(values={"critical": Severity.SEV2}))[0] is Severity.UNKNOWN


def test_rows_come_by_state_then_severity_then_age() -> None:
    tracks = merge(
        reports(
            alert(alertname="Silenced", sev="SEV1", state=AlertState.SILENCED),
            alert(alertname="Young", sev="SEV2", at=NOW - 60),
            alert(alertname="Old", sev="SEV2", at=NOW - 600),
            alert(alertname="Grave", sev="SEV1", at=NOW - 10),
            alert("prom", AlertState.PENDING, alertname="Soon", sev="SEV1"),
            alert(alertname="Unknown", at=NOW - 900),
            alert(alertname="Small", sev="SEV4", at=NOW - 9000),
        ),
        (),
        NOW,
        blind={},
    )
    names = [row.name for row in rows(tracks, SEVERITIES)]
    assert names == ["Grave", "Old", "Young", "Unknown", "Small", "Soon", "Silenced"]


def test_a_row_says_what_it_is_about_and_who_knows_it() -> None:
    mine = alert("prom", provider="akash")
    [row] = rows(merge(reports(mine, alert("am", provider="akash", cluster="eu")), (), NOW, blind={}), SEVERITIES)
    assert (row.subject, row.sources, row.name) == ("provider akash", ("prom", "am"), "RTTHigh")
    assert row.severity_known is False
