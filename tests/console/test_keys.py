"""Keys and what they do, through Textual's pilot and a made-up feed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from textual.binding import Binding
from textual.pilot import Pilot

from aurora_tui.console.app import AuroraApp
from aurora_tui.console.bindings import EVERYWHERE
from aurora_tui.console.board import PANELS
from aurora_tui.console.dialog import Details
from aurora_tui.console.panel import Panel
from aurora_tui.errors import AuroraError, UsageError
from aurora_tui.settings import Settings
from aurora_tui.situation.mission import Runbook, Severity
from aurora_tui.situation.situation import Situation
from tests.console import situations as made_up
from tests.console.situations import MadeUpFeed

Console = tuple[AuroraApp, Pilot[Any], MadeUpFeed]


@pytest.fixture(autouse=True)
def _queries_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)


@asynccontextmanager
async def console(
    situation: Situation | None = None,
    feed: MadeUpFeed | None = None,
    settings: Settings | None = None,
    size: tuple[int, int] = (120, 36),
) -> AsyncIterator[Console]:
    """A console that has drawn its first Situation (made_up.breaching() unless told otherwise)."""
    feed = feed or MadeUpFeed(situation or made_up.breaching())
    app = AuroraApp(settings or made_up.settings(), lambda: feed, monotonic=lambda: 100.0)
    async with app.run_test(size=size) as pilot:
        if feed.first is not None:
            await until(pilot, lambda: app.pulse.situation is not None)
            await until(pilot, lambda: app.canvas("banner").text.count("waiting for metrics") == 0)
        yield app, pilot, feed


async def until(pilot: Pilot[Any], met: Callable[[], bool]) -> None:
    for _ in range(400):
        if met():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to that")


async def test_before_the_first_situation_every_panel_waits_in_words() -> None:
    async with console(feed=MadeUpFeed(None)) as (app, _, _feed):
        for name in (*PANELS, "banner"):
            assert "waiting for metrics…" in app.canvas(name).text


async def test_digits_and_tab_move_the_focus() -> None:
    async with console() as (app, pilot, _):
        for key, name in (
            ("3", "workloads"),
            ("tab", "alerts"),
            ("tab", "slo"),
            ("shift+tab", "alerts"),
            ("2", "checkpoints"),
        ):
            await pilot.press(key)
            assert app.panel(name).has_focus, key


@pytest.mark.parametrize(
    ("keys", "row"),
    [(("j", "j"), "t72"), (("down", "up"), "t24"), (("end",), "backup"), (("end", "home"), "t24"), (("k",), "t24")],
)
async def test_arrows_and_letters_move_the_cursor(keys: tuple[str, ...], row: str) -> None:
    async with console() as (app, pilot, _):
        await pilot.press("2", *keys)
        chosen = app.panel("checkpoints").row
        assert chosen is not None
        assert chosen.id == row


async def test_the_cursor_stays_on_its_row_when_rows_come_before_it() -> None:
    async with console() as (app, pilot, feed):
        await pilot.press("4", "down")
        more = msgspec.structs.replace(
            made_up.breaching(), alerts=(made_up.alert("BridgeDown", Severity.SEV1), *made_up.breaching().alerts)
        )
        feed.more.put_nowait(more)
        await until(pilot, lambda: "BridgeDown" in app.panel("alerts").text)
        row = app.panel("alerts").row
        assert row is not None
        assert row.id == "f-CapacityLow"


async def test_a_filter_hides_rows_shows_itself_and_counts_the_problems_it_hides() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("4", "slash", *"capacity")
        text = app.panel("alerts").text
        assert "CapacityLow" in text
        assert "RTTHigh" not in text
        assert "/capacity▏" in text
        assert "1 hidden, 1 problem" in text
        await pilot.press("enter")
        assert "/capacity ·" in app.panel("alerts").text
        await pilot.press("escape")
        assert "RTTHigh" in app.panel("alerts").text
        assert "hidden" not in app.panel("alerts").text


async def test_while_a_filter_is_typed_no_key_acts() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("4", "slash", *"qRT?1")
        assert app.is_running
        assert app.panel("alerts").filter == "qRT?1"
        assert app.panel("alerts").has_focus
        assert app.theme == "aurora-dark"
        assert not app.details.display


@pytest.mark.parametrize("key", list("RFHSa"))
async def test_action_keys_say_that_they_come_later_and_do_nothing(key: str) -> None:
    async with console() as (app, pilot, _):
        await pilot.press(key)
        assert "comes with a later version" in app.canvas("keys").text
        assert "Nothing was done." in app.canvas("keys").text


async def test_the_action_keys_are_those_of_the_missions_runbooks_and_no_others() -> None:
    resume = Runbook(id="resume", key="U", title="resume")
    usual = made_up.settings()
    mission = msgspec.structs.replace(usual.mission, runbook=(*usual.mission.runbook, resume))
    async with console(settings=dataclasses.replace(usual, mission=mission)) as (app, pilot, _):
        await pilot.press("U")
        assert "U: resume comes with a later version." in app.canvas("keys").text
        app.say("")
        await pilot.press("question_mark")
        await pilot.press("D")
        assert "later version" not in app.canvas("keys").text
        assert "drain" not in app.details.text


async def test_action_keys_say_so_in_a_read_only_console() -> None:
    async with console(settings=made_up.settings(read_only=True)) as (app, pilot, _):
        await pilot.press("R")
        assert "This console is read-only." in app.canvas("keys").text


def test_no_binding_but_quit_fires_through_dialogs_and_every_one_has_an_id_and_words() -> None:
    for group in (EVERYWHERE, Panel.BINDINGS, Details.BINDINGS):
        for binding in group:
            assert isinstance(binding, Binding)
            assert binding.id
            assert binding.description
            assert not binding.priority
    ids = [
        binding.id
        for group in (EVERYWHERE, Panel.BINDINGS, Details.BINDINGS)
        for binding in group
        if isinstance(binding, Binding)
    ]
    assert len(ids) == len(set(ids))


async def test_enter_opens_details_over_live_panels_and_escape_returns_to_the_row() -> None:
    async with console() as (app, pilot, feed):
        await pilot.press("down", "enter")
        assert app.details.display
        assert len(app.screen_stack) == 1
        assert "LAST HOUR" in app.details.text
        feed.more.put_nowait(msgspec.structs.replace(made_up.breaching(), now=made_up.NOW + 3))
        await until(pilot, lambda: "06:44 of 15:00" in app.panel("slo").text)
        await pilot.press("escape")
        assert not app.details.display
        row = app.panel("slo").row
        assert row is not None
        assert row.id == "rtt"
        assert app.panel("slo").has_focus


async def test_escape_with_another_key_on_its_heels_is_still_escape() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("enter")
        assert app.details.display
        await pilot.press("alt+j")
        await until(pilot, lambda: not app.details.display)


async def test_details_follow_the_situation() -> None:
    async with console() as (app, pilot, feed):
        await pilot.press("4", "enter")
        assert "ALERT  RTTHigh" in app.details.text
        feed.more.put_nowait(msgspec.structs.replace(made_up.breaching(), alerts=()))
        await until(pilot, lambda: "not there any more" in app.details.text)


async def test_the_log_of_the_container_that_is_not_ready_is_read_and_shown() -> None:
    async with console() as (app, pilot, feed):
        await pilot.press("3", "down", "l")
        await until(pilot, lambda: "listening on :8080" in app.details.text)
        assert feed.asked == [("aurora-production", "aurora-bridge-7cd8b-hvms1", "bridge")]
        assert "LOG OF bridge" in app.details.text


async def test_l_on_a_deployment_reads_its_sickest_pod() -> None:
    async with console() as (_, pilot, feed):
        await pilot.press("3", "l")
        await until(pilot, lambda: feed.asked != [])
        assert feed.asked[0][1] == "aurora-bridge-7cd8b-hvms1"


async def test_a_log_that_cannot_be_read_says_why() -> None:
    feed = MadeUpFeed(
        made_up.breaching(), log=AuroraError("pods/log is forbidden", "Ask for the right to get pods/log.")
    )
    async with console(feed=feed) as (app, pilot, _):
        await pilot.press("3", "down", "l")
        await until(pilot, lambda: "cannot be read: pods/log is forbidden" in app.details.text)


async def test_a_log_that_takes_its_time_is_being_read() -> None:
    class Slow(MadeUpFeed):
        async def pod_log(self, namespace: str, pod_name: str, container: str | None, lines: int) -> str:
            await asyncio.Event().wait()
            return ""

    async with console(feed=Slow(made_up.breaching())) as (app, pilot, _):
        await pilot.press("3", "down", "l")
        assert "reading…" in app.details.text


async def test_l_without_a_pod_says_where_to_go() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("l")
        assert "no pod under the cursor" in app.canvas("keys").text


async def test_x_lists_every_pod() -> None:
    async with console() as (app, pilot, _):
        assert "hvms2" not in app.panel("workloads").text
        await pilot.press("x")
        assert "hvms2" in app.panel("workloads").text


async def test_help_is_made_from_the_bindings() -> None:
    async with console(size=(120, 60)) as (app, pilot, _):
        await pilot.press("question_mark")
        for binding in EVERYWHERE:
            assert isinstance(binding, Binding)
            assert binding.description in app.details.text
        assert "COMES WITH A LATER VERSION" in app.details.text


async def test_v_tells_every_reason_and_every_source() -> None:
    async with console(made_up.blind()) as (app, pilot, _):
        await pilot.press("v")
        text = app.details.text
        assert "connection refused by http://prometheus:9090" in text
        assert "version 2.42.0" in text


async def test_t_goes_through_the_themes() -> None:
    async with console() as (app, pilot, _):
        seen = [app.theme]
        for _step in range(5):
            await pilot.press("T")
            seen.append(app.theme)
        assert seen[0] == seen[5] == "aurora-dark"
        assert len(set(seen)) == 5


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_closes_the_feed(key: str) -> None:
    feed = MadeUpFeed(made_up.go())
    async with console(feed=feed) as (app, pilot, _):
        await pilot.press(key)
        await until(pilot, lambda: not app.is_running)
    assert feed.closed
    assert app.return_code == 0


async def test_the_palette_opens_and_closes() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("ctrl+p")
        assert len(app.screen_stack) == 2
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_a_click_focuses_a_panel_and_chooses_its_row() -> None:
    async with console() as (app, pilot, _):
        await pilot.click("#workloads", offset=(10, 2))
        assert app.panel("workloads").has_focus
        row = app.panel("workloads").row
        assert row is not None
        assert row.id == "p1"


async def test_a_paste_goes_nowhere() -> None:
    from textual import events

    async with console() as (app, pilot, _):
        app.panel("slo").post_message(events.Paste("RFHq\n"))
        await pilot.pause()
        assert app.is_running
        assert "later version" not in app.canvas("keys").text


async def test_rows_out_of_view_that_press_are_counted() -> None:
    async with console(made_up.huge(pods=60, alerts=40), size=(80, 24)) as (app, _, _feed):
        assert "more to see to" in app.panel("alerts").text
        assert "more to see to" in app.panel("workloads").text


async def test_a_feed_that_dies_is_said_and_what_is_left_is_faded() -> None:
    feed = MadeUpFeed(made_up.go(), fails=RuntimeError("boom"))
    async with console(feed=feed) as (app, pilot, _):
        await until(pilot, lambda: "the console's own feed stopped: RuntimeError: boom" in app.canvas("banner").text)
        assert "BLIND" in app.canvas("banner").text
        inks = {part.ink for line in app.panel("slo")._lines for part in line}
        assert not any("good" in ink for ink in inks)


async def test_a_feed_that_cannot_be_made_is_said() -> None:
    def make() -> MadeUpFeed:
        raise AuroraError("the ledger is locked", "Close the other console.")

    app = AuroraApp(made_up.settings(), make)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "the ledger is locked" in app.canvas("banner").text)


async def test_bad_queries_end_it_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: Settings) -> None:
        raise UsageError("slo.rtt: unexpected end of input", "Write a PromQL expression.")

    monkeypatch.setattr("aurora_tui.console.following.check_queries", refuse)
    app = AuroraApp(made_up.settings(), lambda: MadeUpFeed(None))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.return_code == 2)
    assert app.farewell == "slo.rtt: unexpected end of input. Write a PromQL expression."


async def test_a_situation_that_changes_nothing_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console() as (app, pilot, feed):
        painted: list[int] = []
        for name in (*PANELS, "header", "banner", "keys"):
            canvas = app.canvas(name)
            original = canvas.paint
            monkeypatch.setattr(
                canvas, "paint", lambda *args, paint=original: painted.append(paint(*args)) or painted[-1]
            )
        drawings = len(painted)
        feed.more.put_nowait(made_up.breaching())
        await until(pilot, lambda: len(painted) > drawings)
        assert sum(painted) == 0


async def test_an_unknown_theme_in_the_settings_is_said_once_and_replaced() -> None:
    async with console(settings=made_up.settings(theme="mauve")) as (app, pilot, _):
        await until(pilot, lambda: "theme mauve is not known" in app.canvas("keys").text)
        assert app.theme == "aurora-dark"


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (120, 36), (200, 60)])
async def test_the_verdict_its_reason_and_every_slo_are_in_view_at_every_size(size: tuple[int, int]) -> None:
    async with console(size=size) as (app, _, _feed):
        assert "ROLL BACK IN 08:19" in app.canvas("banner").text
        assert "RTT p95 412 ms > 400" in app.canvas("banner").text
        if size[1] >= 24:
            for title in ("Fill rate", "RTT", "Provenance", "Policy"):
                assert title in app.panel("slo").text
            assert "CrashLoopBackOff" in app.panel("workloads").text
            assert "RTTHigh" in app.panel("alerts").text
