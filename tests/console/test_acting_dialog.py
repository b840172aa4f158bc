"""The confirmation, through Textual's pilot and a made-up desk: nothing is approved but what was read and typed for."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from aurora_tui.actions.plan import Change
from aurora_tui.console.acting.desk import SecondConsent
from aurora_tui.console.acting.layer import Layer
from aurora_tui.console.app import AuroraApp
from aurora_tui.errors import AuroraError
from aurora_tui.settings import Settings
from aurora_tui.situation.situation import Situation
from tests.console import plans_made_up as plans
from tests.console import situations as made_up
from tests.console.plans_made_up import WORD, MadeUpDesk
from tests.console.situations import MadeUpFeed

Console = tuple[AuroraApp, Pilot[Any], MadeUpFeed]
TYPE_THE_WORD = ("tab", "tab", *WORD)


class Watch:
    """Real seconds that go by when a test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def _queries_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)
    monkeypatch.setattr("aurora_tui.console.acting.decision.LOOKED_AT", 0.01)


@asynccontextmanager
async def console(
    desk: MadeUpDesk | None = None,
    situation: Situation | None = None,
    settings: Settings | None = None,
    size: tuple[int, int] = (120, 36),
    watch: Callable[[], float] = lambda: 100.0,
) -> AsyncIterator[Console]:
    """A console that has drawn its first Situation, with a desk."""
    feed = MadeUpFeed(situation or made_up.breaching())
    answering = desk or MadeUpDesk()
    app = AuroraApp(settings or plans.settings(), lambda: feed, make_desk=lambda: answering, monotonic=watch)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.canvas("banner").text.count("waiting for metrics") == 0)
        yield app, pilot, feed


async def until(pilot: Pilot[Any], met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():
            await pilot.pause(0.01)


def shown(app: AuroraApp) -> str:
    layer = app.acting.layer
    assert layer is not None
    return layer.text


def is_open(app: AuroraApp) -> bool:
    return app._acting is not None and app._acting.open


async def planned(app: AuroraApp, pilot: Pilot[Any], key: str = "R") -> None:
    await pilot.press(key)
    await until(pilot, lambda: "holds for" in shown(app))


async def test_the_key_opens_the_dialog_at_once_and_the_plan_comes_when_it_is_made() -> None:
    made = asyncio.Event()
    async with console(MadeUpDesk(gate=made.wait)) as (app, pilot, _):
        await pilot.press("R")
        assert "planning…" in shown(app)
        assert "once there is a plan" in shown(app)
        assert "cannot be typed" not in shown(app)
        assert "ROLLBACK  target 05:00" in shown(app)
        made.set()
        await until(pilot, lambda: "undo aurora-bridge to revision 6" in shown(app))
        assert len(app.screen_stack) == 1


async def test_it_shows_where_what_from_to_why_and_what_was_checked() -> None:
    async with console(size=(120, 70)) as (app, pilot, _):
        await planned(app, pilot)
        for words in (
            "PRODUCTION",
            "bastion-eu / aurora-production",
            "as sre@aurora",
            "7 → 6 (as 8)",
            "0 → 3",
            "is so already",
            "revision 6 was fully available for 3d04h",
            "! HorizontalPodAutoscaler aurora-bridge-v0 scales it too",
            "! 2 warnings",
            "✔ rehearsal: 4 of 4 writes pass as a server dry run",
            "Set its minReplicas to 3 first",
            "reason",
            f"type {WORD}",
        ):
            assert words in shown(app), words


async def test_the_gauges_stay_live_beneath() -> None:
    async with console() as (app, pilot, feed):
        await planned(app, pilot)
        feed.more.put_nowait(msgspec.structs.replace(made_up.breaching(), now=made_up.NOW + 3))
        await until(pilot, lambda: "06:44 of 15:00" in app.panel("slo").text)


async def test_differences_unfold_and_kubectl_stands_alone_on_its_lines() -> None:
    async with console(size=(120, 70)) as (app, pilot, _):
        await planned(app, pilot)
        assert "10 lines of difference: d shows them" in shown(app)
        await pilot.press("d")
        assert "-        image: registry.aurora.example/aurora/bridge:1.0.0-rc1" in shown(app)
        await pilot.press("k")
        lines = shown(app).splitlines()
        assert any(
            line.strip().startswith("kubectl --context bastion-eu -n aurora-production rollout undo") for line in lines
        )
        assert not any("┃" in line for line in lines)


async def test_enter_on_cancel_which_has_the_keys_first_closes_and_does_nothing() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await pilot.press("3")
        await planned(app, pilot)
        await pilot.press("enter")
        assert not is_open(app)
        assert app.panel("workloads").has_focus
        assert desk.approved == []


@pytest.mark.parametrize("keys", [(), ("tab",), ("tab", "tab"), ("tab", "tab", "tab")])
async def test_escape_closes_from_every_field(keys: tuple[str, ...]) -> None:
    async with console() as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*keys, "escape")
        assert not is_open(app)


async def test_the_word_typed_and_approve_pressed_approves_with_the_reason() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter")
        await until(pilot, lambda: desk.approved != [])
        plan, reason, _consent = desk.approved[0]
        assert plan == plans.plan()
        assert reason == "ROLL BACK IN 08:19: RTT p95 412 ms > 400 for 06:41 of 15:00; SEV2 RTTHigh firing since 13:55"
        await until(pilot, lambda: "run 1a2b3c4d5e" in shown(app))
        assert "APPROVED" in shown(app)


@pytest.mark.parametrize("typed", ["", "aurora", "aurora-productions", "AURORA-PRODUCTION"])
async def test_without_the_exact_word_approve_does_nothing_and_says_why(typed: str) -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press("tab", "tab", *typed, "tab", "enter")
        assert "word" in app.canvas("keys").text or f"type {WORD}" in app.canvas("keys").text
        assert desk.approved == []
        assert is_open(app)


async def test_enter_in_the_word_field_does_not_approve() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "enter", "enter")
        assert "Tab goes on to Approve" in app.canvas("keys").text
        assert desk.approved == []


async def test_an_empty_reason_is_not_enough() -> None:
    desk = MadeUpDesk()
    async with console(desk, made_up.go()) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter")
        assert "say why" in app.canvas("keys").text
        assert desk.approved == []


async def test_refusals_stand_in_view_with_what_to_do_and_the_word_cannot_be_typed() -> None:
    desk = MadeUpDesk(answer=lambda wish: plans.refused())
    async with console(desk, size=(80, 24)) as (app, pilot, _):
        await planned(app, pilot)
        assert shown(app).count(" REFUSED  ") == 2
        assert "Wait for that run, or press o" in shown(app)
        await pilot.press(*TYPE_THE_WORD)
        assert "cannot be typed" in shown(app)
        await pilot.press("tab", "enter")
        assert "REFUSED: see above" in app.canvas("keys").text
        assert desk.approved == []


async def test_a_plan_that_cannot_be_made_says_why_and_nothing_can_be_approved() -> None:
    answers: list[Any] = [AuroraError("https://k8s:6443 gives no answer", "Look at the network."), plans.plan()]
    desk = MadeUpDesk(answer=lambda wish: answers.pop(0))
    async with console(desk) as (app, pilot, _):
        await pilot.press("R")
        await until(pilot, lambda: "https://k8s:6443 gives no answer. Look at the network." in shown(app))
        assert "cannot be typed" in shown(app)
        await pilot.press("p")
        await until(pilot, lambda: "holds for" in shown(app))
        assert "gives no answer" not in shown(app)


async def test_no_key_of_the_console_works_while_it_is_open() -> None:
    async with console() as (app, pilot, _):
        await planned(app, pilot)
        for key in ("q", "F", "H", "T", "3", "question_mark", "ctrl+p", "slash", "x", "v", "l"):
            await pilot.press(key)
        assert app.is_running
        assert is_open(app)
        assert app.theme == "aurora-dark"
        assert len(app.screen_stack) == 1
        assert "ROLLBACK" in shown(app)


async def test_a_click_beside_it_takes_no_keys_away() -> None:
    async with console() as (app, pilot, _):
        await planned(app, pilot)
        await pilot.click("#slo", offset=(5, 2))
        await until(pilot, lambda: isinstance(app.screen_stack[0].focused, Layer))
        await pilot.press("q")
        assert app.is_running


async def test_a_paste_goes_into_the_field_that_has_the_keys_and_nowhere_else() -> None:
    async with console() as (app, pilot, _):
        await planned(app, pilot)
        layer = app.acting.layer
        assert layer is not None
        layer.post_message(events.Paste(WORD))
        await pilot.pause()
        assert f"▏{WORD}" not in shown(app)
        await pilot.press("tab", "tab")
        layer.post_message(events.Paste(f"{WORD}\n\n"))
        await until(pilot, lambda: f"▏{WORD}" in shown(app))
        assert is_open(app)


async def test_a_plan_of_a_minute_ago_is_made_anew_and_the_word_stays_when_it_says_the_same() -> None:
    watch, desk = Watch(), MadeUpDesk()
    async with console(desk, watch=watch) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD)
        desk.answer = lambda wish: plans.plan(run="ffffffffff", made_at="2026-01-03T14:03:12Z")
        watch.seconds += 61
        app.tell(made_up.breaching())
        await until(pilot, lambda: "it says the same as before" in shown(app))
        assert "the plan was 60 s old" in shown(app)
        assert f"▏{WORD}" in shown(app)


async def test_when_an_object_changed_it_is_planned_anew_and_another_plan_wants_the_word_again() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab")
        first, *rest = plans.steps()
        other = msgspec.structs.replace(first, changes=(Change(what="revision", now="8", after="6 (as 9)"),))
        desk.answer = lambda wish: plans.plan(run="ffffffffff", steps=(other, *rest))
        desk.changed = "aurora-bridge changed"
        await until(pilot, lambda: "IT IS ANOTHER PLAN NOW" in shown(app))
        assert "re-planned 14:02:11: aurora-bridge changed" in shown(app)
        assert "◂ not as it was a moment ago" in shown(app)
        await pilot.press("enter")
        assert desk.approved == []


async def test_while_it_is_planned_anew_nothing_can_be_approved() -> None:
    made = asyncio.Event()
    made.set()
    desk = MadeUpDesk(gate=made.wait)
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab")
        made.clear()
        desk.changed = "aurora-bridge changed"
        await until(pilot, lambda: "planning again…" in shown(app))
        await pilot.press("enter")
        assert desk.approved == []
        made.set()
        await until(pilot, lambda: "holds for" in shown(app))


async def test_another_way_is_chosen_with_a_key_planned_and_its_caution_shown() -> None:
    desk = MadeUpDesk(answer=lambda wish: plans.plan(runbook="failover", title="failover", choice=wish.choice))
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot, "F")
        assert "way: the runbook's own steps" in shown(app)
        await pilot.press("o")
        await until(pilot, lambda: len(desk.wishes) > 1 and "holds for" in shown(app))
        assert desk.wishes[-1].choice == "force-now"
        assert "Until the standby is up, nobody may be serving." in shown(app)


async def test_blind_refuses_until_acting_on_what_is_known_is_chosen() -> None:
    desk = MadeUpDesk()
    async with console(desk, made_up.blind()) as (app, pilot, _):
        await planned(app, pilot)
        assert " REFUSED  BLIND. b: act on what I know." in shown(app)
        await pilot.press("b")
        await until(pilot, lambda: len(desk.wishes) > 1 and "holds for" in shown(app))
        assert desk.wishes[-1].blind_accepted
        assert "ON WHAT I KNOW" in shown(app)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter")
        await until(pilot, lambda: desk.approved != [])


async def test_a_second_consent_lists_what_else_goes_and_wants_its_own_word() -> None:
    rest = tuple(f"ConfigMap settings-{number}" for number in range(3))
    desk = MadeUpDesk(
        consent=SecondConsent(title="NAMESPACE goes, with all in it", word="everything", recorded="said so", rest=rest)
    )
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        assert "NAMESPACE goes, with all in it" in shown(app)
        assert "ConfigMap settings-2" in shown(app)
        await pilot.press(*TYPE_THE_WORD, "tab", "tab", "enter")
        assert desk.approved == []
        await pilot.press("shift+tab", *"everything", "tab", "enter")
        await until(pilot, lambda: desk.approved != [])
        assert desk.approved[0][2] == ("said so",)


async def test_an_approval_that_is_refused_says_so_and_wants_the_word_again() -> None:
    desk = MadeUpDesk(refuses=AuroraError("Run 9f8e, failover, approved by ana, is running", "Watch it."))
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter")
        await until(pilot, lambda: "NOT APPROVED: Run 9f8e, failover, approved by ana" in shown(app))
        await pilot.press("enter")
        assert f"type {WORD}" in app.canvas("keys").text


async def test_what_comes_of_an_approval_is_said_also_when_the_dialog_was_left_meanwhile() -> None:
    answered = asyncio.Event()
    desk = MadeUpDesk(approving=answered.wait, refuses=AuroraError("The ledger cannot be written", "Make room."))
    async with console(desk) as (app, pilot, _):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter", "escape")
        assert not is_open(app)
        answered.set()
        await until(pilot, lambda: "rollback is NOT APPROVED: The ledger cannot be written" in app.canvas("keys").text)
        assert len(desk.wishes) == 1


async def test_a_read_only_console_refuses_in_words() -> None:
    desk = MadeUpDesk()
    async with console(desk, settings=plans.settings(read_only=True)) as (app, pilot, _):
        await pilot.press("R")
        assert "This console is read-only. Nothing was done." in app.canvas("keys").text
        assert not is_open(app)
        assert desk.wishes == []


async def test_a_runbook_for_other_environments_refuses_in_words() -> None:
    usual = plans.settings()
    first, *rest = usual.mission.runbook
    mission = msgspec.structs.replace(
        usual.mission, runbook=(msgspec.structs.replace(first, environments=("staging",)), *rest)
    )
    async with console(settings=dataclasses.replace(usual, mission=mission)) as (app, pilot, _):
        await pilot.press("R")
        assert "rollback is for staging, and this is production. Refused." in app.canvas("keys").text


async def test_a_runbook_without_steps_still_comes_later() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("H")
        assert "H: halt comes with a later version." in app.canvas("keys").text


async def test_a_deployment_is_restarted_and_a_pod_deleted_from_the_workloads() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, _):
        await pilot.press("r")
        assert "no deployment under the cursor" in app.canvas("keys").text
        await pilot.press("3")
        await planned(app, pilot, "r")
        await pilot.press("escape", "down")
        await planned(app, pilot, "d")
        asked = [wish.runbook for wish in desk.wishes]
        assert [one.title for one in asked if one is not None] == [
            "restart aurora-bridge",
            "delete pod aurora-bridge-7cd8b-hvms1",
        ]


async def test_help_lists_the_runbooks_and_the_keys_of_the_workloads() -> None:
    async with console(size=(120, 70)) as (app, pilot, _):
        await pilot.press("question_mark")
        assert "rollback. Return the canary to its last good revision" in app.details.text
        assert "restart the deployment under the cursor" in app.details.text
        assert "halt" in app.details.text.partition("COMES WITH A LATER VERSION")[2]


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36), (200, 60)])
async def test_at_every_size_the_place_the_state_the_fields_and_the_buttons_are_in_view(size: tuple[int, int]) -> None:
    async with console(size=size) as (app, pilot, _):
        await planned(app, pilot)
        for words in ("PRODUCTION", "bastion-eu", "holds for", "reason", f"type {WORD}", "Cancel", "Approve"):
            assert words in shown(app), words
        await pilot.press("end")
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        assert "CA SHA-256" in shown(app)


def test_nothing_of_actions_is_loaded_with_the_console() -> None:
    script = (
        "import sys, aurora_tui.console.app, aurora_tui.console.launch, aurora_tui.console.drawing\n"
        "assert not [name for name in sys.modules if name.startswith('aurora_tui.actions')], 'actions'\n"
        "assert not [name for name in sys.modules if name.startswith('aurora_tui.console.acting')], 'acting'\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
