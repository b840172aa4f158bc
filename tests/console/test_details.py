"""Details: everything about one subject, in words."""

from __future__ import annotations

import msgspec

from aurora_tui.console.details import other, workload
from aurora_tui.console.details.slo import lines as slo_lines
from aurora_tui.console.details.workload import LogTail
from aurora_tui.console.ink import Line, plain
from tests.console import situations as made_up
from tests.console.situations import NOW

CELLS = 108
MISSION = made_up.settings().mission


def text(lines: list[Line]) -> str:
    return "\n".join(plain(line).rstrip() for line in lines)


def test_an_slo_shows_charts_readings_the_query_in_use_and_the_plans_own() -> None:
    situation = made_up.breaching()
    shown = text(slo_lines(situation.slos[1], situation.criteria, MISSION, NOW, CELLS))
    assert "LAST HOUR" in shown
    assert "LAST 72h" in shown
    assert "▸ p95  (in use)" in shown
    assert "· gauge" in shown
    assert "histogram_quantile(0.95, sum by (le, treaty_id)" in shown
    assert "AS WRITTEN IN THE PLAN" in shown
    assert 'treaty_rtt_ms{treaty_id="AURORA-AKASH-001"}' in shown
    assert "its value       286" in shown


def test_an_slo_shows_budget_burn_completeness_and_the_clocks_of_its_criterion() -> None:
    situation = made_up.breaching()
    shown = text(slo_lines(situation.slos[1], situation.criteria, MISSION, NOW, CELLS))
    assert "12 % left, burning at 8.4×" in shown
    assert "99.9 % of the window has data" in shown
    assert "breach since    13:55Z (06:41)" in shown
    assert "trips at        14:10:30Z, in 08:19" in shown
    assert "45.0 % of the last hold" in shown


def test_a_criterion_that_cannot_trip_says_so() -> None:
    item = msgspec.structs.replace(made_up.criteria()[0], cannot_trip="the range never returns that many points")
    shown = text(slo_lines(made_up.slos()[1], (item,), MISSION, NOW, CELLS))
    assert "cannot trip     the range never returns that many points" in shown


def test_a_pod_shows_containers_conditions_events_and_log() -> None:
    situation = made_up.breaching()
    shown = text(workload.pod_lines(situation.pods[0], situation, LogTail("bridge", text="ready\n"), NOW, CELLS))
    assert "bridge   not ready   waiting, CrashLoopBackOff   7 restarts" in shown
    assert "OOMKilled with exit code 137, 1m ago" in shown
    assert "ContainersNotReady" in shown
    assert "31×, last 12s ago: Back-off restarting failed container" in shown
    assert shown.endswith("LOG OF bridge (last 200 lines)\nready")


def test_a_log_holds_no_escape_sequence_and_no_line_is_cut() -> None:
    shown = text(workload.log_lines(LogTail(None, text="\x1b[31mred\x1b[0m " + "x" * 300), 80))
    assert "\x1b" not in shown
    assert shown.count("x") == 300


def test_a_deployment_lists_every_pod() -> None:
    situation = made_up.breaching()
    shown = text(workload.deployment_lines(situation.deployments[0], situation, NOW, CELLS))
    assert "10% (HTTPRoute aurora)" in shown
    assert "✗ …-7cd8b-hvms1  CrashLoopBackOff" in shown
    assert "✔ …-7cd8b-hvms2  Running" in shown


def test_an_alert_shows_labels_annotations_sources_and_silences() -> None:
    shown = text(other.alert_lines(made_up.alert(silenced_by=("s-1",)), MISSION, NOW, CELLS))
    for words in ("said by         prom + am", "silenced by     s-1", "treaty_id", "https://runbooks/aurora/rtt"):
        assert words in shown


def test_a_checkpoint_shows_the_phases_checklist() -> None:
    situation = made_up.go()
    shown = text(other.checkpoint_lines(situation.timers[1], situation, NOW, CELLS))
    assert "✔ All SLOs met   done 14:01Z (automatic)" in shown
    assert "☐ On-call rotation confirmed   open (by hand)" in shown
    assert "? Alert rules page   not known (automatic)" in shown


def test_the_verdict_lists_reasons_sources_and_the_runbook() -> None:
    shown = text(other.verdict_lines(made_up.breaching(), MISSION, NOW, CELLS))
    assert "⚠ ROLL BACK IN 08:19" in shown
    assert "R  rollback. Return to the previous revision." in shown
    assert "12 ms" in shown
