"""Thousands of pods and alerts: the worst in sight, many of a kind in a word, and nothing made twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from aurora_tui.console import drawing
from aurora_tui.console.app import AuroraApp
from aurora_tui.console.board import REDRAWS
from aurora_tui.console.ink import Row, plain
from aurora_tui.console.panels import alerts, workloads
from aurora_tui.situation.alert import AlertState
from aurora_tui.situation.situation import Situation
from aurora_tui.situation.workload import Role, Rollout
from tests.console import situations as made_up
from tests.console.situations import NOW
from tests.console.test_keys import _queries_are_fine, console, until

__all__ = ["_queries_are_fine"]

WIDTH = 68


def drawn(rows: list[Row]) -> list[str]:
    return [plain(row.draw()).rstrip() for row in rows]


def listed(situation: Situation, **how: bool) -> list[str]:
    return drawn(workloads.rows(situation, NOW, WIDTH, **how))


def starts(lines: list[str]) -> list[str]:
    return [" ".join(line.split()[:2]) for line in lines]


# Workloads ----------------------------------------------------------------------------------------------------------


def test_the_title_counts_pods_and_those_that_are_not_well() -> None:
    assert workloads.title(made_up.crowd()) == "WORKLOADS  5,003 pods · 51 not well"
    assert workloads.title(made_up.go()) == "WORKLOADS  3 pods"
    assert workloads.title(msgspec.structs.replace(made_up.go(), pods=())) == "WORKLOADS"


def test_of_many_deployments_the_mission_s_come_first_then_those_that_crash_then_those_that_are_short() -> None:
    lines = listed(made_up.crowd())
    assert starts(lines)[:4] == ["⚠ aurora-bridge", "✗ …-7cd8b-hvms1", "✔ aurora-bridge-v0", "· aurora-bridge-backup"]
    assert [line.split()[1] for line in lines[4:] if not line.startswith("  ")][:5] == [
        f"crowd-{number:02d}" for number in (3, 4, 5, 6, 7)
    ]


def test_many_deployments_that_are_well_are_one_row_with_their_count() -> None:
    assert listed(made_up.crowd())[-1] == "✔ 35 more deployments, 4,375/4,375 ready: x lists them"


def test_beneath_one_of_many_deployments_stand_only_a_few_pods_that_are_broken_and_how_many_more() -> None:
    lines = listed(made_up.crowd())
    at = next(number for number, line in enumerate(lines) if "crowd-03" in line)
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == ["✗", "✗", "✗", "✗"]
    assert lines[at + 4] == "  ✗ … and 2 more not well: x lists them"
    assert "crowd-04" in lines[at + 5]
    assert "crowd-05" in lines[at + 6], "pods that are only not ready are told by the count of their deployment"


def test_a_deployment_that_is_down_stands_before_one_that_is_short() -> None:
    base = made_up.crowd()
    last = msgspec.structs.replace(base.deployments[-1], ready=0)
    failed = msgspec.structs.replace(base.deployments[-2], rollout=Rollout.FAILED, rollout_detail="no progress")
    situation = msgspec.structs.replace(base, deployments=(*base.deployments[:-2], failed, last))
    lines = [line for line in listed(situation) if "crowd-" in line]
    assert [line.split()[1] for line in lines if "rev" in line][:4] == ["crowd-03", "crowd-38", "crowd-39", "crowd-04"]
    assert any("rollout failed: no progress" in line for line in listed(situation))


def test_a_deployment_does_not_change_its_place_for_a_pod_that_only_just_ended() -> None:
    base = made_up.crowd(sick=0)
    ended = msgspec.structs.replace(base.pods[-1], healthy=False, reason="Error")
    situation = msgspec.structs.replace(base, pods=(*base.pods[:-1], ended))
    crashing = msgspec.structs.replace(ended, reason="CrashLoopBackOff")
    short = msgspec.structs.replace(base.deployments[4], ready=124)
    both = (*base.deployments[:4], short, *base.deployments[5:])
    order = [line.split()[1] for line in listed(msgspec.structs.replace(situation, deployments=both)) if "rev" in line]
    assert order[-2:] == ["crowd-01", "crowd-39"]
    worse = msgspec.structs.replace(situation, deployments=both, pods=(*base.pods[:-1], crashing))
    assert [line.split()[1] for line in listed(worse) if "rev" in line][-2:] == ["crowd-39", "crowd-01"]


def test_a_few_other_deployments_are_listed_one_by_one_with_their_pods() -> None:
    lines = listed(made_up.crowd(deployments=5))
    assert [line.split()[1] for line in lines if "rev" in line][3:] == [f"crowd-{number:02d}" for number in range(5)]
    at = next(number for number, line in enumerate(lines) if "crowd-04" in line)
    assert lines[at + 7] == "  ✗ … and 4 more not well: x lists them"


def test_a_canary_with_thousands_of_sick_pods_shows_the_first_and_counts_the_rest() -> None:
    lines = listed(made_up.huge())
    assert lines[7] == "  ✗ … and 6,660 more not well: x lists them"


def test_a_paused_rollout_is_never_only_counted() -> None:
    base = made_up.crowd(sick=0)
    paused = msgspec.structs.replace(base.deployments[-1], rollout=Rollout.PAUSED)
    lines = listed(msgspec.structs.replace(base, deployments=(*base.deployments[:-1], paused)))
    assert [line.split()[:2] for line in lines if "crowd-39" in line] == [["‖", "crowd-39"]]
    assert lines[-1].startswith("✔ 39 more deployments")


def test_a_sick_pod_stands_beneath_its_own_deployment_and_not_beneath_a_namesake() -> None:
    base = made_up.go()
    namesake = msgspec.structs.replace(base.deployments[0], uid="d-namesake", namespace="elsewhere", role=Role.OTHER)
    sick = msgspec.structs.replace(
        made_up.pod(), uid="sick", healthy=False, reason="CrashLoopBackOff", namespace="elsewhere", owner=namesake.name
    )
    both = msgspec.structs.replace(base, deployments=(*base.deployments, namesake), pods=(sick,))
    ids = [row.id for row in workloads.rows(both, NOW, WIDTH)]
    assert ids.index("sick") == ids.index("d-namesake") + 1
    assert ids.count("sick") == 1


def test_for_a_filter_every_sick_pod_and_every_deployment_has_its_row() -> None:
    rows = workloads.rows(made_up.crowd(), NOW, WIDTH, opened=True)
    assert sum(row.id.startswith("d-crowd") for row in rows) == 40
    assert sum("crowd-07-5d6f" in row.search for row in rows) == 10


def test_a_pod_that_runs_but_is_not_ready_says_so() -> None:
    situation = made_up.crowd()
    assert any(" Running 1/2 " in line for line in listed(situation, opened=True))
    assert not any(" Running 2/2 " in line for line in listed(situation, every_pod=True))


# Alerts -------------------------------------------------------------------------------------------------------------


def test_many_alerts_of_a_name_are_one_row_with_their_count_and_the_age_of_the_oldest() -> None:
    lines = [" ".join(line.split()) for line in drawn(alerts.rows(made_up.crowd(), NOW, 60))]
    assert lines == [
        "▲ SEV2 RTTHigh 06:41 firing prom+am",
        "▲ SEV3 PodCrashLooping ×250 1h56 firing am",
        "▲ SEV3 PodNotReady ×250 1h56 firing am",
        "▲ SEV3 TreatyFillRateLow ×250 1h56 firing am",
        "▲ SEV4 CertificateExpiresSoon ×250 1h56 firing am",
    ]


def test_alerts_of_one_name_in_different_states_are_not_told_as_one() -> None:
    base = made_up.crowd()
    some = tuple(
        msgspec.structs.replace(row, state=AlertState.SILENCED) if row.name == "PodNotReady" and place % 2 else row
        for place, row in enumerate(base.alerts)
    )
    lines = drawn(alerts.rows(msgspec.structs.replace(base, alerts=some), NOW, 60))
    assert sum("PodNotReady" in line for line in lines) == 2


def test_of_many_alerts_of_a_name_it_is_said_that_one_is_flapping() -> None:
    many = [made_up.alert(fingerprint=str(number), flapping=number == 7) for number in range(9)]
    lines = drawn(alerts.rows(msgspec.structs.replace(made_up.go(), alerts=tuple(many)), NOW, 90))
    assert len(lines) == 1
    assert "×9" in lines[0]
    assert "firing, flapping" in lines[0]


def test_a_few_alerts_of_a_name_stand_each_for_itself() -> None:
    few = tuple(made_up.alert(fingerprint=str(number)) for number in range(4))
    assert len(alerts.rows(msgspec.structs.replace(made_up.go(), alerts=few), NOW, 60)) == 4


async def test_enter_on_many_alerts_of_a_name_lists_each_of_them_as_they_are_now() -> None:
    async with console(made_up.crowd()) as (app, pilot, feed):
        await pilot.press("4", "down", "enter")
        await until(pilot, lambda: "ALERTS  PodCrashLooping ×250" in app.details.text)
        assert "pod crowd-000" in app.details.text
        assert "1h56" in app.details.text
        fewer = tuple(row for row in made_up.crowd().alerts if row.since is None or row.since < NOW - 6_900)
        feed.more.put_nowait(msgspec.structs.replace(made_up.crowd(), alerts=fewer))
        await until(pilot, lambda: "ALERTS  PodCrashLooping ×25 " in app.details.text)


async def test_a_filter_finds_the_one_alert_among_many_of_its_name() -> None:
    async with console(made_up.crowd()) as (app, pilot, _):
        await pilot.press("4", "slash", *"crowd-123")
        await until(pilot, lambda: "/crowd-123▏" in app.panel("alerts").text)
        assert "1,000 hidden" in app.panel("alerts").text.replace("1000", "1,000")
        row = app.panel("alerts").row
        assert row is not None
        assert row.id == "f-123"


async def test_x_lists_every_alert_by_itself() -> None:
    async with console(made_up.crowd()) as (app, pilot, _):
        await pilot.press("4", "x")
        await until(pilot, lambda: "of 1001" in app.panel("alerts").text)


# Nothing twice ------------------------------------------------------------------------------------------------------


async def test_of_thousands_of_rows_only_those_in_view_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    line = workloads._PodLine.__call__

    def counted(self: Any) -> Any:
        nonlocal calls
        calls += 1
        return line(self)

    async with console(made_up.crowd()) as (app, pilot, _):
        await pilot.press("3", "x")
        await until(pilot, lambda: "of 5046" in app.panel("workloads").text)
        monkeypatch.setattr(workloads._PodLine, "__call__", counted)
        await pilot.press("end")
        app.draw()
        assert 0 < calls <= 3 * 36


async def test_a_key_makes_no_row_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for room in (workloads, alerts):
        monkeypatch.setattr(room, "rows", _noted(room.rows, made))
    async with console(made_up.crowd()) as (app, pilot, _):
        await pilot.press("3")
        app.draw()
        made.clear()
        await pilot.press("down", "down", "up")
        app.draw()
        assert made == []
        await pilot.press("x")
        assert sorted(made) == ["aurora_tui.console.panels.alerts", "aurora_tui.console.panels.workloads"]


def _noted(rows: Callable[..., list[Row]], made: list[str]) -> Callable[..., list[Row]]:
    def noted(*arguments: Any, **named: Any) -> list[Row]:
        made.append(rows.__module__)
        return rows(*arguments, **named)

    return noted


def test_rows_are_made_anew_when_a_second_went_by_a_pod_changed_or_the_cluster_went_dark() -> None:
    situation, settings = made_up.crowd(), made_up.settings()

    def listing(last: drawing.Listing | None, situation: Situation, now: float = NOW) -> drawing.Listing:
        return drawing.listing("workloads", situation, now, WIDTH, settings, last, everything=False, filtered=False)

    first = listing(None, situation)
    assert listing(first, msgspec.structs.replace(situation, now=NOW + 0.5), NOW + 0.5) is first
    assert listing(first, situation, NOW + 1) is not first
    changed = msgspec.structs.replace(situation.pods[7], restarts=99)
    other = msgspec.structs.replace(situation, pods=(*situation.pods[:7], changed, *situation.pods[8:]))
    assert listing(first, other) is not first
    dark = msgspec.structs.replace(situation, lights=made_up.lights(cluster=61.0))
    assert listing(first, dark) is not first


async def test_situations_are_drawn_five_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = 0
    draw = AuroraApp._draw_pending

    def counted(self: AuroraApp) -> None:
        nonlocal draws
        draws += 1
        draw(self)

    monkeypatch.setattr(AuroraApp, "_draw_pending", counted)
    base = made_up.go()
    async with console(base) as (app, pilot, _):
        began = time.monotonic()
        for number in range(40):
            app.tell(msgspec.structs.replace(base, treaty=f"AURORA-{number}"))
            await pilot.pause(0.01)
        await until(pilot, lambda: "AURORA-39" in app.canvas("header").text)
        assert 1 <= draws <= REDRAWS * (2 + time.monotonic() - began)
        assert draws < 40


async def test_a_situation_in_which_only_time_went_by_is_not_drawn_by_itself() -> None:
    base = made_up.go()
    async with console(base) as (app, _, _):
        assert not app.pulse.told(msgspec.structs.replace(base, now=NOW + 1, lights=made_up.lights(NOW + 1)))
        failing = made_up.lights(NOW + 1, metrics=31.0)
        assert app.pulse.told(msgspec.structs.replace(base, now=NOW + 1, lights=failing))
