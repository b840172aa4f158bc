"""The four panels as pure functions: what each state looks like, and that nothing unknown looks well."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora_tui.console.ink import Row, plain, width
from aurora_tui.console.panels import alerts, checkpoints, slo, workloads
from aurora_tui.settings import Overrides, load
from aurora_tui.situation.alert import AlertState
from aurora_tui.situation.checkpoint import Timer, TimerState
from aurora_tui.situation.criterion import CriterionState
from aurora_tui.situation.mission import Severity
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.slo import Level, SloState
from aurora_tui.situation.workload import Rollout
from tests.console import situations as made_up
from tests.console.situations import NOW

SLO_WIDTH, SIDE_WIDTH = 68, 44  # content of the left and right panels at 120 columns


def drawn(rows: list[Row]) -> list[str]:
    return [plain(row.draw()).rstrip() for row in rows]


def inks(row: Row) -> set[str]:
    return {word for part in row.draw() for word in part.ink.split()}


# SLOs ---------------------------------------------------------------------------------------------------------------


def test_an_slo_row_names_statistic_value_objective_state_compliance_and_budget() -> None:
    rows = drawn(slo.rows(made_up.go(), NOW, SLO_WIDTH))
    assert rows[0] == "✔ Fill rate  p05 0.83 ≥ 0.80 meets ▂▄▇▇██▇▅ 72h 98.1 % budget 71 %"
    assert rows[1].startswith("✔ RTT        p95  287 ≤ 350  meets")


def test_a_missed_objective_is_told_by_glyph_word_and_colour() -> None:
    row = slo.rows(made_up.watch(), NOW, SLO_WIDTH)[1]
    assert plain(row.draw()).startswith("✗ RTT")
    assert "misses" in plain(row.draw())
    assert "bad" in inks(row)


def test_an_unknown_slo_shows_a_dash_no_data_and_why_and_no_former_figure() -> None:
    text = drawn(slo.rows(made_up.blind(), NOW, SLO_WIDTH))[0]
    assert text == "? Fill rate  — ≥ 0.80 no data: no scrape newer than 45 s"


def test_an_unknown_slo_is_never_inked_good() -> None:
    for row in slo.rows(made_up.blind(), NOW, SLO_WIDTH):
        assert "good" not in inks(row)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_value_that_is_no_number_is_a_dash(value: float | None) -> None:
    one = msgspec.structs.replace(made_up.slos()[0], value=value, state=SloState.UNKNOWN, level=Level.UNKNOWN)
    situation = msgspec.structs.replace(made_up.go(), slos=(one,))
    assert " — " in drawn(slo.rows(situation, NOW, SLO_WIDTH))[0]


def test_a_clear_criterion_takes_no_row() -> None:
    assert len(slo.rows(made_up.go(), NOW, SLO_WIDTH)) == 4


def test_a_breaching_criterion_counts_draws_its_progress_and_says_when_it_trips() -> None:
    rows = drawn(slo.rows(made_up.breaching(), NOW, SLO_WIDTH))
    assert rows[2] == "  ⚠ over 400 for 06:41 of 15:00 ━━━━━━━━╺━━━━━━━━━━━  trips 14:10"


def test_a_breaching_criterion_counts_on_by_itself() -> None:
    rows = drawn(slo.rows(made_up.breaching(), NOW + 61, SLO_WIDTH))
    assert "for 07:42 of 15:00" in rows[2]


def test_a_criterion_without_data_may_trip_and_is_not_called_a_breach() -> None:
    rows = drawn(slo.rows(made_up.blind(), NOW, SLO_WIDTH))
    assert rows[2].startswith("  ? no data for 03:10 of 15:00")
    assert rows[2].endswith("may trip 14:14")


def test_a_tripped_criterion_says_when_why_and_what_to_do() -> None:
    rows = drawn(slo.rows(made_up.rolled(), NOW, SLO_WIDTH))
    assert rows[2] == "  ✗ TRIPPED 14:01Z: over 400 for 15:00 → rollback"


def test_a_trip_without_data_is_called_unverified() -> None:
    item = msgspec.structs.replace(
        made_up.criteria()[0], state=CriterionState.TRIPPED_UNVERIFIED, tripped_at=NOW - 60, detail="no data for 15m"
    )
    situation = msgspec.structs.replace(made_up.go(), criteria=(item,))
    assert "? tripped, unverified 14:01Z: no data for 15m" in drawn(slo.rows(situation, NOW, SLO_WIDTH))[2]


def test_a_criterion_of_no_slo_stands_last_with_its_title() -> None:
    item = msgspec.structs.replace(
        made_up.criteria()[1], state=CriterionState.TRIPPED, tripped_at=NOW, detail="SEV1 BridgeDown"
    )
    situation = msgspec.structs.replace(made_up.go(), criteria=(item,))
    assert drawn(slo.rows(situation, NOW, SLO_WIDTH))[-1] == (
        "  ✗ any SEV1 alert: TRIPPED 14:02Z: SEV1 BridgeDown → rollback"
    )


def test_compliance_is_rounded_down_so_that_no_failure_reads_as_100_percent() -> None:
    one = msgspec.structs.replace(made_up.slos()[0], compliance=0.99999)
    situation = msgspec.structs.replace(made_up.go(), slos=(one,))
    assert "72h 99.9 %" in drawn(slo.rows(situation, NOW, SLO_WIDTH))[0]


def test_compliance_over_a_window_with_holes_is_marked() -> None:
    one = msgspec.structs.replace(made_up.slos()[0], completeness=0.4)
    situation = msgspec.structs.replace(made_up.go(), slos=(one,))
    assert "72h ~98.1 %" in drawn(slo.rows(situation, NOW, SLO_WIDTH))[0]


def test_an_overspent_budget_is_negative_and_bad() -> None:
    one = msgspec.structs.replace(made_up.slos()[0], budget_left=-0.125)
    row = slo.rows(msgspec.structs.replace(made_up.go(), slos=(one,)), NOW, SLO_WIDTH)[0]
    assert "budget -13 %" in plain(row.draw())
    assert "bad" in inks(row)


def test_missing_buckets_are_gaps_in_the_sparkline() -> None:
    one = msgspec.structs.replace(made_up.slos()[0], spark=(0.81, None, None, 0.85))
    text = drawn(slo.rows(msgspec.structs.replace(made_up.go(), slos=(one,)), NOW, SLO_WIDTH))[0]
    assert "····▂··█" in text


def test_in_a_narrow_panel_value_and_state_stay() -> None:
    text = drawn(slo.rows(made_up.watch(), NOW, 30))[1]
    assert "372" in text
    assert "misses" in text


def bundled() -> Situation:
    """The bundled mission's objectives with their longest words and figures."""
    mission = load(overrides=Overrides(environment="production")).mission
    statistics = {item.id: max((one.statistic for one in item.reading), key=len) for item in mission.slo}
    by_id = {slo.id: slo for slo in made_up.slos()}
    slos = tuple(
        msgspec.structs.replace(
            by_id[item.id], title=item.title, threshold=item.threshold, digits=item.digits,
            statistic=statistics[item.id], state=SloState.MISSES, compliance=0.981, budget_left=1.0, completeness=0.5,
        )
        for item in mission.slo
    )  # fmt: skip
    return msgspec.structs.replace(made_up.go(), slos=slos)


def test_at_120_columns_nothing_of_the_bundled_mission_is_cut() -> None:
    rows = drawn(slo.rows(bundled(), NOW, SLO_WIDTH))
    assert len(rows) == 4
    for words in ("Policy latency", "min gauge", "misses", "~98.1 %", "100 %"):
        assert words in "\n".join(rows)
    assert "…" not in "".join(rows)


def test_shares_that_do_not_name_themselves_are_named_on_the_border_over_their_columns() -> None:
    row = drawn(slo.rows(bundled(), NOW, SLO_WIDTH))[0]
    heads = {head.text: head.start for head in slo.heads(bundled(), SLO_WIDTH)}
    assert heads["72h"] == row.index("~98.1 %")
    assert heads["budget"] + len("budget") == len(row)
    assert slo.heads(made_up.go(), SLO_WIDTH) == ()
    assert slo.heads(made_up.blind(), 40) == ()


def test_where_room_is_short_the_spark_keeps_its_newest_values() -> None:
    text = drawn(slo.rows(bundled(), NOW, SLO_WIDTH - 2))[0]
    assert "▇▇██▇▅" in text
    assert "▂▄▇" not in text


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("its history is being read", "reading its history"),
        ("counting has just begun: no point has settled yet", "counting has just begun"),
    ],
)
def test_a_criterion_that_was_not_counted_yet_does_not_look_like_lost_data(detail: str, words: str) -> None:
    item = msgspec.structs.replace(
        made_up.criteria()[0], state=CriterionState.NO_DATA, value=None, folded_to=None, detail=detail
    )
    row = slo.rows(msgspec.structs.replace(made_up.go(), criteria=(item,)), NOW, SLO_WIDTH)[2]
    assert plain(row.draw()).rstrip() == f"  … {words}: over 400 for 15:00"
    assert inks(row) == {"dim"}
    assert row.passing
    assert not row.pressing


def test_a_criterion_that_cannot_be_read_is_without_data() -> None:
    item = msgspec.structs.replace(
        made_up.criteria()[0], state=CriterionState.NO_DATA, folded_to=None, source_error="connection refused"
    )
    rows = drawn(slo.rows(msgspec.structs.replace(made_up.go(), criteria=(item,)), NOW, SLO_WIDTH))
    assert rows[2] == "  ? no data of 15:00: connection refused"


# Checkpoints --------------------------------------------------------------------------------------------------------


def test_checkpoints_count_down_and_say_what_is_done() -> None:
    rows = drawn(checkpoints.rows(made_up.go(), NOW, SIDE_WIDTH))
    assert rows[0] == "✔ T+24h report       done 09:10Z 2/2 stamps"
    assert rows[1] == "▸ T+48h report       in 16:47:49"
    assert rows[2] == "· T+72h final report in 40:47:49"


def timer_row(timer: Timer, now: float = NOW) -> Row:
    return checkpoints.rows(msgspec.structs.replace(made_up.go(), timers=(timer,)), now, SIDE_WIDTH)[0]


def test_an_overdue_checkpoint_says_by_how_much() -> None:
    row = timer_row(Timer(id="t", title="T+24h report", state=TimerState.OVERDUE, due_at=NOW - 75))
    assert plain(row.draw()).rstrip() == "! T+24h report OVERDUE 01:15"
    assert "bad" in inks(row)


def test_a_checkpoint_becomes_overdue_on_screen_by_itself() -> None:
    row = timer_row(Timer(id="t", title="T+24h report", state=TimerState.NEXT, due_at=NOW + 5), NOW + 10)
    assert plain(row.draw()).startswith("! T+24h report OVERDUE 00:05")


def test_a_checkpoint_that_cannot_be_known_says_so() -> None:
    row = timer_row(Timer(id="t", title="Ledger backup", state=TimerState.UNKNOWN))
    assert plain(row.draw()).rstrip() == "? Ledger backup — no data"


def test_a_backup_that_was_never_made_is_said_to_be_so() -> None:
    timer = Timer(id="t", title="Ledger backup", state=TimerState.UNKNOWN, detail="none made yet, RPO 15 min")
    assert plain(timer_row(timer).draw()).rstrip() == "? Ledger backup — none made yet RPO 15 min"


def test_a_note_that_does_not_fit_is_left_to_the_details_and_no_title_is_cut_for_it() -> None:
    timer = Timer(
        id="t", title="T+72h final report", state=TimerState.LATER, due_at=NOW + 146_869, detail="Final health check"
    )
    assert plain(timer_row(timer).draw()).rstrip() == "· T+72h final report in 40:47:49"


def test_without_a_phase_it_says_how_to_start_one() -> None:
    rows = drawn(checkpoints.rows(msgspec.structs.replace(made_up.go(), phase=None), NOW, SIDE_WIDTH))
    assert rows[:2] == ["no phase runs: nothing is counted", "start one: aurora-tui phase start ID"]


# Workloads ----------------------------------------------------------------------------------------------------------


def test_deployments_show_revision_tag_readiness_restarts_role_and_traffic() -> None:
    rows = drawn(workloads.rows(made_up.breaching(), NOW, SLO_WIDTH))
    assert rows[0] == "⚠ aurora-bridge        rev 7 1.0.0-rc1 2/3 ready ⟳ 7 canary 10%"
    assert rows[3] == "· aurora-bridge-backup rev 2 0.9.4     0/0 ready     standby"


def test_only_sick_pods_are_listed_beneath_their_deployment() -> None:
    rows = drawn(workloads.rows(made_up.breaching(), NOW, SLO_WIDTH))
    assert rows[1] == "  ✗ …-7cd8b-hvms1 CrashLoopBackOff 7 restarts node-2 12m"
    assert len(rows) == 4


def test_every_pod_is_listed_when_asked() -> None:
    rows = drawn(workloads.rows(made_up.breaching(), NOW, SLO_WIDTH, every_pod=True))
    assert len(rows) == 6
    assert rows[2].startswith("  ✔ …-7cd8b-hvms2 Running")


def test_a_sick_pod_of_no_deployment_is_not_lost() -> None:
    situation = msgspec.structs.replace(made_up.go(), pods=(made_up.pod(9, healthy=False, owner=None),))
    assert drawn(workloads.rows(situation, NOW, SLO_WIDTH))[-2:] == [
        "  pods of no deployment",
        "  ✗ lonely-7cd8b-hvms9 CrashLoopBackOff 7 restarts node-2 12m",
    ]


def test_a_failed_rollout_has_a_row_with_its_reason() -> None:
    canary, *others = made_up.deployments()
    failed = msgspec.structs.replace(canary, rollout=Rollout.FAILED, rollout_detail="progress deadline exceeded")
    situation = msgspec.structs.replace(made_up.go(), deployments=(failed, *others))
    assert drawn(workloads.rows(situation, NOW, SLO_WIDTH))[1] == "  ✗ rollout failed: progress deadline exceeded"


def test_a_cluster_that_is_not_watched_is_said_to_be_so() -> None:
    rows = drawn(workloads.rows(made_up.go(), NOW, SLO_WIDTH, watched=False))
    assert rows == ["— no data: no cluster is watched in this environment"]


def test_a_cluster_that_does_not_answer_is_said_first() -> None:
    situation = msgspec.structs.replace(made_up.go(), lights=made_up.lights(cluster=61.0))
    assert drawn(workloads.rows(situation, NOW, SLO_WIDTH))[0].startswith("? cluster: last answer 01:01 ago")


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("registry:5000/a/bridge:1.0.0-rc1", "1.0.0-rc1"),
        ("bridge", "latest"),
        ("bridge@sha256:0123456789abcdef", "012345678"),
        (None, "—"),
    ],
)
def test_an_image_is_told_by_its_tag_or_digest(image: str | None, tag: str) -> None:
    assert workloads.tag(image) == tag


# Alerts -------------------------------------------------------------------------------------------------------------


def test_alerts_name_severity_since_sources_and_subject() -> None:
    rows = drawn(alerts.rows(made_up.watch(), NOW, 60))
    assert rows[0] == "▲ SEV2 RTTHigh     06:41 firing prom+am"
    assert rows[1] == "▲ SEV3 CapacityLow  1h02 firing am      provider akash"


def test_the_title_counts_what_fires_by_severity_and_what_is_silenced() -> None:
    assert alerts.title(made_up.watch()) == "ALERTS  1 SEV2 · 1 SEV3 · 4 silenced"
    assert alerts.title(made_up.go()) == "ALERTS"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (AlertState.FIRING, "firing"),
        (AlertState.LOST, "lost"),
        (AlertState.PENDING, "pending"),
        (AlertState.SILENCED, "silenced"),
        (AlertState.INHIBITED, "inhibited"),
    ],
)
def test_an_alert_says_its_state_even_where_room_is_short(state: AlertState, word: str) -> None:
    situation = msgspec.structs.replace(
        made_up.go(), alerts=(made_up.alert("A" * 40, state=state), made_up.alert(flapping=True))
    )
    assert f" {word} " in f"{drawn(alerts.rows(situation, NOW, SIDE_WIDTH))[0]} "


def test_no_alerts_is_said_only_when_a_source_that_would_know_is_trusted() -> None:
    assert drawn(alerts.rows(made_up.go(), NOW, 60)) == ["✔ no alerts"]
    dark = msgspec.structs.replace(made_up.go(), lights=made_up.lights(alerts=90.0))
    rows = drawn(alerts.rows(dark, NOW, 60))
    assert rows[0].startswith("? alerts: last answer 01:30 ago")
    assert rows[1] == "— no data"


def test_an_alert_source_that_dies_between_two_situations_is_told_by_the_clock_alone() -> None:
    assert drawn(alerts.rows(made_up.go(), NOW + 60, 60))[-1] == "— no data"


def test_no_name_of_an_alert_is_cut_while_anything_else_could_give_way() -> None:
    row = made_up.alert("PolicyDecisionSlow", subject="treaty AURORA-AKASH-001", state=AlertState.PENDING)
    text = drawn(alerts.rows(msgspec.structs.replace(made_up.go(), alerts=(row,)), NOW, SIDE_WIDTH))[0]
    assert text == "△ SEV2 PolicyDecisionSlow 06:41 pending"


def test_a_flapping_alert_says_so() -> None:
    situation = msgspec.structs.replace(made_up.go(), alerts=(made_up.alert(flapping=True, transitions=9),))
    assert "firing, flapping" in drawn(alerts.rows(situation, NOW, 60))[0]


# All of them --------------------------------------------------------------------------------------------------------

HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "[red]x[/red]",
        "\x1b[31mred",
        "\x1b]52;c;aGk=\x07",
        "a\u202eb",
        "東京都港区六本木",
        "e\u0301" * 9,
        "\u200b",
        "x" * 300,
    ]
)


def everything(situation: Situation, cells: int) -> list[Row]:
    return [
        *slo.rows(situation, NOW, cells),
        *checkpoints.rows(situation, NOW, cells),
        *workloads.rows(situation, NOW, cells, every_pod=True),
        *alerts.rows(situation, NOW, cells),
    ]


@given(name=HOSTILE, cells=st.integers(0, 140))
def test_hostile_names_never_reach_the_terminal_raw_and_lines_fit(name: str, cells: int) -> None:
    base = made_up.breaching()
    situation = msgspec.structs.replace(
        base,
        slos=(msgspec.structs.replace(base.slos[0], title=name, statistic=name),),
        criteria=(msgspec.structs.replace(base.criteria[0], title=name, slo=None),),
        deployments=(msgspec.structs.replace(base.deployments[0], name=name, image=name),),
        pods=(msgspec.structs.replace(base.pods[0], name=name, reason=name, node=name),),
        alerts=(made_up.alert(name, Severity.SEV1, subject=name),),
        timers=(msgspec.structs.replace(base.timers[0], title=name, detail=name),),
    )
    for row in everything(situation, cells):
        line = row.draw()
        assert plain(line).isprintable()
        if row.id not in ("none",):
            assert width(line) <= max(cells, 0) or row.id.startswith(("none/", "dark"))


def test_10_000_pods_and_2_000_alerts_keep_every_row_reachable() -> None:
    situation = made_up.huge()
    assert len(workloads.rows(situation, NOW, SLO_WIDTH, every_pod=True)) > 10_000
    assert len(workloads.rows(situation, NOW, SLO_WIDTH, opened=True)) > 6_000
    assert len(alerts.rows(situation, NOW, SIDE_WIDTH, opened=True)) == 2_000


def test_rows_of_a_cluster_that_answers_no_more_lose_their_ticks_and_their_colour() -> None:
    situation = made_up.go()
    dark = tuple(
        msgspec.structs.replace(light, observed_at=situation.now - 600.0) if light.name == "cluster" else light
        for light in situation.lights
    )
    rows = workloads.rows(msgspec.structs.replace(situation, lights=dark), situation.now, 70)
    assert len(rows) > 2
    for row in rows[1:]:
        line = row.draw()
        assert "✔" not in plain(line)
        assert {part.ink for part in line} == {"dim"}
