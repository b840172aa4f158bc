"""Reports merged into alerts: one row each, no source dropped; lost is not resolved; flapping is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aurora_tui.situation.alert import AlertRow, AlertState, AlertTrack, SourceAlert, rows
from aurora_tui.situation.merge import LOOK_BACK, SIGHT_SETTLES, merge
from tests.situation.missions import NOW, SEVERITIES, alert, reports

DOWN = {"aurora 10.0.0.1:9109": NOW}


def states(tracks: Sequence[AlertTrack]) -> list[str]:
    return [track.state.value for track in tracks]


def one_row(*alerts: SourceAlert) -> AlertRow:
    [row] = rows(merge(reports(*alerts), (), NOW, blind={}), SEVERITIES)
    return row


class Story:
    """Looks one after the other; the tracks of the last one."""

    def __init__(self) -> None:
        self.tracks: tuple[AlertTrack, ...] = ()

    def look(self, at: float, *alerts: SourceAlert, blind: Mapping[str, float] | None = None) -> list[str]:
        self.tracks = merge(reports(*alerts), self.tracks, NOW + at, blind=blind or {})
        return states(self.tracks)


# One alert, many reports.


def test_external_labels_that_only_alertmanager_sees_do_not_make_two_rows() -> None:
    row = one_row(alert("prom", treaty_id="A"), alert("am", treaty_id="A", cluster="eu", replica="1"))
    assert row.sources == ("prom", "am")
    assert row.labels == {"alertname": "RTTHigh", "treaty_id": "A", "cluster": "eu", "replica": "1"}


def test_three_sources_are_one_row() -> None:
    row = one_row(alert("prom"), alert("am", cluster="eu"), alert("grafana", grafana_folder="Aurora", cluster="eu"))
    assert row.sources == ("prom", "grafana", "am")


def test_alerts_about_different_things_stay_apart() -> None:
    tracks = merge(reports(alert(provider="akash"), alert(provider="golem")), (), NOW, blind={})
    assert len(tracks) == 2


def test_one_source_never_speaks_twice_in_a_row() -> None:
    wide, narrow = alert("prom", provider="akash"), alert("prom")
    tracks = merge(reports(wide, narrow, alert("am", provider="akash", cluster="eu")), (), NOW, blind={})
    assert sorted(len(track.reports) for track in tracks) == [1, 2]


def test_each_report_joins_the_nearest_of_those_that_contain_it() -> None:
    tracks = merge(
        reports(
            alert("am", provider="akash", cluster="eu"),
            alert("am", cluster="eu"),
            alert("prom", provider="akash"),
            alert("prom"),
        ),
        (),
        NOW,
        blind={},
    )
    joined = [[sorted(report.labels) for report in track.reports] for track in tracks]
    assert joined == [
        [["alertname", "cluster", "provider"], ["alertname", "provider"]],
        [["alertname", "cluster"], ["alertname"]],
    ]


def test_an_alert_without_a_name_is_merged_with_nothing_but_itself() -> None:
    nameless = SourceAlert(source="am", state=AlertState.FIRING, labels={})
    assert len(merge(reports(nameless, alert("prom", provider="akash")), (), NOW, blind={})) == 2


def test_since_is_when_it_fired_not_since_when_it_was_pending() -> None:
    row = one_row(alert("prom", at=NOW - 900), alert("am", at=NOW - 300))
    assert (row.since, row.pending_since) == (NOW - 300, NOW - 900)


def test_a_silence_or_inhibition_that_alertmanager_knows_stands_over_firing() -> None:
    assert one_row(alert("prom"), alert("am", AlertState.SILENCED)).state is AlertState.SILENCED
    assert one_row(alert("prom"), alert("am", AlertState.INHIBITED)).state is AlertState.INHIBITED


class Counted(str):
    """A label's value that counts how often it is compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_a_thousand_alerts_cost_a_few_comparisons_each() -> None:
    def storm() -> dict[str, list[SourceAlert]]:
        return reports(
            *(alert("am", pod=Counted(f"p{number}"), cluster=Counted("eu")) for number in range(1000)),
            *(alert("prom", pod=Counted(f"p{number}")) for number in range(1000)),
        )

    tracks = merge(storm(), (), NOW, blind={})
    again = merge(storm(), tracks, NOW + 15, blind={})
    assert len(tracks) == len(again) == 1000
    assert Counted.comparisons < 20_000  # pair by pair it would be a million


# One alert, many looks.


def test_an_alert_goes_on_from_look_to_look_whatever_labels_another_source_adds() -> None:
    story = Story()
    story.look(0, alert("prom"))
    story.look(15, alert("prom"), alert("am", cluster="eu"))
    story.look(30, alert("am", cluster="eu"))
    assert states(story.tracks) == ["firing"]
    assert len(story.tracks[0].transitions) == 1


def test_a_narrow_alert_does_not_take_the_past_of_a_wide_one() -> None:
    story = Story()
    story.look(0, alert(), alert(provider="akash"))
    assert sorted(story.look(15, alert(provider="akash"))) == ["firing", "resolved"]
    assert [track.labels.get("provider") for track in story.tracks] == ["akash", None]


def test_what_is_no_longer_reported_is_resolved_shown_for_ten_minutes_and_then_gone() -> None:
    story = Story()
    story.look(0, alert())
    assert story.look(15) == ["resolved"]
    assert story.look(600) == ["resolved"]
    assert story.look(620) == []


def test_an_alert_that_was_only_pending_leaves_without_a_word() -> None:
    story = Story()
    story.look(0, alert("prom", AlertState.PENDING))
    assert story.look(15) == []


def test_what_vanishes_while_its_target_is_down_is_lost_not_resolved() -> None:
    story = Story()
    story.look(0, alert())
    assert story.look(15, blind=DOWN) == ["lost"]
    assert story.look(9000, blind=DOWN) == ["lost"]


def test_a_lost_alert_is_resolved_only_once_a_rule_had_time_to_see_again() -> None:
    story = Story()
    story.look(0, alert())
    story.look(15, blind=DOWN)
    assert story.look(30) == ["lost"]
    assert story.look(30 + SIGHT_SETTLES - 1) == ["lost"]
    assert story.look(30 + SIGHT_SETTLES) == ["resolved"]
    assert story.tracks[0].lost_at is None


def test_a_lost_alert_that_comes_back_fires_on_and_has_not_flapped() -> None:
    story = Story()
    story.look(0, alert())
    story.look(15, blind=DOWN)
    assert story.look(30, alert()) == ["firing"]
    assert len(story.tracks[0].transitions) == 1


def test_another_target_that_goes_down_keeps_no_alert_lost() -> None:
    story = Story()
    story.look(0, alert())
    story.look(15, blind=DOWN)
    other = {"node 10.0.0.9:9100": NOW + 20}
    story.look(30, blind=other)
    assert story.look(30 + SIGHT_SETTLES, blind=other) == ["resolved"]


def test_a_target_that_has_been_down_for_long_does_not_make_alerts_lost() -> None:
    story = Story()
    story.look(0, alert(), blind={"node gone:9100": NOW - LOOK_BACK})
    assert story.look(15, blind={"node gone:9100": NOW - LOOK_BACK}) == ["resolved"]


def test_an_alert_that_names_its_instance_is_not_lost_to_another_one() -> None:
    story = Story()
    story.look(0, alert(instance="10.0.0.2:9109"))
    assert story.look(15, blind=DOWN) == ["resolved"]
    story.look(30, alert(instance="10.0.0.1:9109"))
    assert "lost" in story.look(45, blind=DOWN)


def test_a_lost_alert_that_had_never_fired_is_not_called_resolved() -> None:
    story = Story()
    story.look(0, alert("prom", AlertState.PENDING))
    assert story.look(15, blind=DOWN) == ["lost"]
    story.look(30)
    assert story.look(30 + SIGHT_SETTLES) == []


def flapping(story: Story) -> bool:
    return rows(story.tracks, SEVERITIES)[0].flapping


def test_firing_and_ceasing_twice_in_half_an_hour_is_flapping() -> None:
    story = Story()
    for start in (0.0, 300.0):
        story.look(start, alert(at=NOW + start))
        assert not flapping(story)
        story.look(start + 150)
    assert flapping(story)


def test_waiting_to_fire_does_not_count_as_flapping() -> None:
    story = Story()
    for start in (0.0, 300.0):
        story.look(start, alert("prom", AlertState.PENDING, at=NOW + start))
        story.look(start + 60, alert("prom", at=NOW + start))
        assert not flapping(story)
        story.look(start + 120)


def test_flapping_is_forgotten_half_an_hour_later() -> None:
    story = Story()
    for start in (0.0, 300.0):
        story.look(start, alert(at=NOW + start))
        story.look(start + 150)
    story.look(500, alert(at=NOW + 500))
    assert flapping(story)
    story.look(2400, alert(at=NOW + 500))
    assert not flapping(story)


def test_an_alert_that_fired_long_before_we_looked_did_not_just_begin() -> None:
    story = Story()
    story.look(0, alert(at=NOW - 7200))
    assert story.tracks[0].transitions == ()


def test_what_a_dead_source_last_said_yields_to_a_live_one() -> None:
    told = reports(alert("am", AlertState.SILENCED), alert("prom", AlertState.FIRING))
    [silenced] = merge(told, (), NOW, blind={})
    assert silenced.state is AlertState.SILENCED
    [firing] = merge(told, (silenced,), NOW, blind={}, dark={"am"})
    assert (firing.state, len(firing.reports)) == (AlertState.FIRING, 2)


def test_what_only_a_dead_source_knows_stays_as_it_last_said() -> None:
    [track] = merge(reports(alert("am", AlertState.SILENCED)), (), NOW, blind={}, dark={"am"})
    assert track.state is AlertState.SILENCED
