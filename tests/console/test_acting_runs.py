"""A run on the screen: as it goes, as it stops, as it fails; and what can be asked for then."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import msgspec
import pytest
from textual.widget import Widget

from aurora_tui.console.acting import run_lines
from aurora_tui.console.acting.telling import telling
from aurora_tui.console.ink import plain, width
from aurora_tui.errors import AuroraError
from aurora_tui.situation.run import Run, RunState, StepState
from tests.console import plans_made_up as plans
from tests.console import situations as made_up
from tests.console.plans_made_up import MadeUpDesk, run, while_running
from tests.console.test_acting_dialog import TYPE_THE_WORD, console, is_open, planned, shown, until

NOW = made_up.NOW


@pytest.fixture(autouse=True)
def _queries_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurora_tui.console.following.check_queries", lambda settings: None)


@pytest.fixture(scope="module")
def dead_pid() -> int:
    """The number of a process that has just ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def here(pid: int) -> str:
    return f"sre@{socket.gethostname()}:{pid}"


# Lines ---------------------------------------------------------------------------------------------------------------


def test_each_step_has_its_clock_and_its_words() -> None:
    lines, seek = run_lines.steps(run(), NOW, 100)
    text = [plain(line).rstrip() for line in lines]
    assert text[0].startswith("✔  1 undo aurora-bridge to revision 6")
    assert text[0].endswith("00:01")
    assert text[1] == "     revision 6 is rolled out as 8"
    assert "▶  5 wait for the rollout of aurora-bridge" in text[seek]
    assert text[seek].endswith("00:36")
    assert text[-1].startswith("·  6 wait until the probe bridge answers well")


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (run(RunState.APPROVED), "APPROVED"),
        (run(), "RUNNING"),
        (run(cancel_asked=True), "asked to stop before the next step"),
        (run(RunState.VERIFIED), "VERIFIED"),
        (run(RunState.FAILED), "step 5 failed: the rollout does not come to an end"),
        (run(RunState.CANCELLED), "CANCELLED"),
        (run(RunState.ABANDONED), "ABANDONED"),
    ],
)
def test_how_it_stands_is_a_word(one: Run, word: str) -> None:
    assert any(word in plain(line) for line in run_lines.head(one, NOW, 100, None))


def test_the_clock_runs_from_approval_against_the_target_and_stops_at_the_end() -> None:
    assert "00:42 of 05:00" in plain(run_lines.head(run(), NOW, 100, None)[0])
    assert "05:42 of 05:00 OVER" in plain(run_lines.head(run(), NOW + 300, 100, None)[0])
    assert "00:40 of 05:00" in plain(run_lines.head(run(RunState.VERIFIED), NOW + 300, 100, None)[0])


def test_the_deployments_that_its_steps_name_are_shown_as_they_are_now_with_their_pods_that_are_not_well() -> None:
    lines = [plain(line) for line in run_lines.workloads(run(), made_up.breaching(), NOW, 100)]
    assert any("aurora-bridge " in line and "2/3 ready" in line for line in lines)
    assert any("aurora-bridge-7cd8b-hvms1" in line and "CrashLoopBackOff" in line for line in lines)


@pytest.mark.parametrize("cells", [56, 76, 108])
@pytest.mark.parametrize("state", list(RunState))
def test_no_line_is_longer_than_its_room(state: RunState, cells: int) -> None:
    one = run(state)
    lines = run_lines.head(one, NOW, cells, None) + run_lines.steps(one, NOW, cells)[0]
    lines += run_lines.workloads(one, made_up.breaching(), NOW, cells) + run_lines.facts(one, NOW, cells)
    assert max(width(line) for line in [*lines, run_lines.row(one, NOW, cells)]) <= cells


def test_whether_somebody_carries_it_out_is_known_of_this_machines_processes(dead_pid: int) -> None:
    assert run_lines.stopped(run(executor=here(os.getpid())), NOW) is None
    assert run_lines.stopped(run(executor=here(dead_pid)), NOW) == f"its executor {here(dead_pid)} is no more"
    assert run_lines.stopped(run(executor="sre@another-machine:1"), NOW) is None
    assert run_lines.stopped(run(RunState.VERIFIED, executor=here(dead_pid)), NOW) is None


def test_another_machines_executor_is_believed_as_long_as_its_step_may_take_and_its_silence_is_counted() -> None:
    far = run(executor="sre@another-machine:1", heard_at=NOW - 60)
    far = msgspec.structs.replace(far, steps=tuple(msgspec.structs.replace(one, limit=90) for one in far.steps))
    assert run_lines.stopped(far, NOW + 50) is None
    said = "\n".join(plain(line) for line in run_lines.head(far, NOW + 50, 100, None))
    assert "carried out on another-machine, which wrote its last entry 01:50 ago" in said
    silent = run_lines.stopped(far, NOW + 70)
    assert silent is not None
    assert silent.endswith("another-machine:1 for 02:10, and step 5 may take 01:30")
    assert " ✗ SILENT " in plain(run_lines.head(far, NOW + 70, 100, silent)[0])
    told = telling((far,), NOW + 70)
    assert told is not None
    assert told.word == "✗ rollback SILENT 4/6"


async def test_a_run_that_another_machine_is_silent_about_may_be_gone_on_with_or_abandoned() -> None:
    desk = MadeUpDesk()
    async with console(desk, while_running(executor="sre@another-machine:1", heard_at=NOW - 600)) as (app, pilot, _):
        await pilot.press("o")
        await until(pilot, lambda: "✗ SILENT" in shown(app))
        await pilot.press("r", "y")
        await until(pilot, lambda: desk.asked[-1:] == [("resume", "1a2b3c4d5e")])
        await pilot.press("a", "y")
        await until(pilot, lambda: desk.asked[-1][:2] == ("abandon", "1a2b3c4d5e"))


def test_approved_and_not_begun_is_no_alarm_for_some_seconds() -> None:
    waiting = run(RunState.APPROVED, executor=None, approved_at=NOW)
    assert run_lines.stopped(waiting, NOW + 3) is None
    assert run_lines.stopped(waiting, NOW + 30) == "approved, and nobody has begun to carry it out"


# The key bar ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (run(), "▶ rollback 4/6 00:42"),
        (run(cancel_asked=True), "▶ rollback 4/6 00:42 stopping"),
        (run(RunState.VERIFIED), "✔ rollback verified in 00:40"),
        (run(RunState.FAILED), "✗ rollback FAILED 4/6"),
        (run(RunState.CANCELLED), "‖ rollback cancelled 4/6"),
    ],
)
def test_the_key_bar_tells_of_a_run_in_a_few_words(one: Run, word: str) -> None:
    key = telling((one,), NOW)
    assert key is not None
    assert (key.key, key.word) == ("o", word)


def test_an_open_run_is_told_before_a_newer_end_and_old_ends_are_no_news() -> None:
    key = telling((run(), run(RunState.VERIFIED, id="other")), NOW)
    assert key is not None
    assert key.word.startswith("▶")
    assert telling((run(RunState.VERIFIED),), NOW + 600) is None
    assert telling((run(RunState.FAILED),), NOW + 7200) is None
    assert telling((), NOW) is None


async def test_a_run_that_somebody_left_is_told_from_the_start(dead_pid: int) -> None:
    async with console(situation=while_running(executor=here(dead_pid))) as (app, pilot, _):
        await until(pilot, lambda: "o ✗ rollback STOPPED 4/6" in app.canvas("keys").text)


# The view ------------------------------------------------------------------------------------------------------------


async def test_o_opens_the_run_that_is_under_way_and_follows_it() -> None:
    async with console(situation=while_running()) as (app, pilot, feed):
        await pilot.press("o")
        await until(pilot, lambda: "▶ RUNNING" in shown(app))
        feed.more.put_nowait(while_running(RunState.VERIFIED))
        await until(pilot, lambda: "✔ VERIFIED" in shown(app))


async def test_an_approved_plan_becomes_the_run_and_escape_leaves_it_running() -> None:
    desk = MadeUpDesk()
    async with console(desk) as (app, pilot, feed):
        await planned(app, pilot)
        await pilot.press(*TYPE_THE_WORD, "tab", "enter")
        await until(pilot, lambda: "APPROVED   0 of 6 steps done" in shown(app))
        feed.more.put_nowait(while_running())
        await until(pilot, lambda: "RUNNING   4 of 6 steps done" in shown(app))
        assert "Esc leaves: the run goes on" in shown(app)
        await pilot.press("escape")
        assert not is_open(app)
        assert desk.asked == []
        assert "o ▶ rollback 4/6" in app.canvas("keys").text


async def test_c_asks_and_only_y_stops_it_before_the_next_step() -> None:
    desk = MadeUpDesk()
    async with console(desk, while_running()) as (app, pilot, _):
        await pilot.press("o", "c")
        await until(pilot, lambda: "Stop before the next step?" in shown(app))
        await pilot.press("n")
        await pilot.press("c", "escape")
        assert is_open(app)
        assert desk.asked == []
        await pilot.press("c", "y")
        await until(pilot, lambda: desk.asked == [("cancel", "1a2b3c4d5e")])
        await until(pilot, lambda: "asked to stop before the next step" in shown(app))


async def test_a_failed_run_says_where_and_is_tried_again_or_taken_back() -> None:
    desk = MadeUpDesk(answer=lambda wish: plans.plan(title=wish.title, inverse_of=wish.inverse_of))
    async with console(desk, while_running(RunState.FAILED)) as (app, pilot, _):
        await pilot.press("o")
        await until(pilot, lambda: "✗ FAILED" in shown(app))
        assert "aurora-bridge-7cd8b-hvms1 CrashLoopBackOff" in shown(app)
        await pilot.press("r", "y")
        await until(pilot, lambda: desk.asked == [("resume", "1a2b3c4d5e")])
        await pilot.press("b")
        await until(pilot, lambda: "TAKE BACK: ROLLBACK" in shown(app) and "holds for" in shown(app))
        assert desk.wishes[-1].inverse_of == "1a2b3c4d5e"


async def test_a_run_whose_executor_is_gone_goes_on_or_is_abandoned(dead_pid: int) -> None:
    desk = MadeUpDesk()
    async with console(desk, while_running(executor=here(dead_pid))) as (app, pilot, _):
        await pilot.press("o")
        await until(pilot, lambda: "✗ STOPPED" in shown(app))
        assert "is no more: nothing goes on by itself" in shown(app)
        await pilot.press("r", "y")
        await until(pilot, lambda: desk.asked[-1:] == [("resume", "1a2b3c4d5e")])
        await pilot.press("a", "y")
        await until(pilot, lambda: desk.asked[-1][:2] == ("abandon", "1a2b3c4d5e"))


async def test_what_the_desk_refuses_is_said() -> None:
    class Refusing(MadeUpDesk):
        async def cancel(self, run: str) -> None:
            raise AuroraError("The ledger cannot be written: the disk is full", "Make room.")

    async with console(Refusing(), while_running()) as (app, pilot, _):
        await pilot.press("o", "c", "y")
        await until(pilot, lambda: "the disk is full. Make room." in shown(app))


@pytest.mark.parametrize("refused", [True, False])
async def test_what_comes_of_a_wish_is_told_also_when_the_run_was_left_meanwhile(refused: bool) -> None:
    going = asyncio.Event()

    class Slow(MadeUpDesk):
        async def cancel(self, run: str) -> None:
            await going.wait()
            if refused:
                raise AuroraError("The ledger cannot be written: the disk is full", "Make room.")

    words = "rollback: ✗ The ledger cannot be written" if refused else "rollback: asked to stop before the next step"
    async with console(Slow(), while_running()) as (app, pilot, _):
        await pilot.press("o", "c", "y", "escape")
        await until(pilot, lambda: not is_open(app))
        going.set()
        await until(pilot, lambda: words in app.canvas("keys").text)


async def test_o_in_a_run_lists_all_runs_newest_first() -> None:
    older = run(RunState.VERIFIED, id="0000000000", title="failover")
    situation = msgspec.structs.replace(made_up.breaching(), runs=(older, run(RunState.FAILED)))
    async with console(situation=situation) as (app, pilot, _):
        await pilot.press("o", "o")
        await until(pilot, lambda: "RUNS" in shown(app))
        assert shown(app).index("rollback") < shown(app).index("failover")
        await pilot.press("down", "enter")
        await until(pilot, lambda: "FAILOVER  run 0000000000" in shown(app))


async def test_without_any_run_it_says_so() -> None:
    async with console() as (app, pilot, _):
        await pilot.press("o")
        await until(pilot, lambda: "no runbook was ever run here" in shown(app))


async def test_the_step_under_way_stays_in_view_on_a_small_screen() -> None:
    one = run()
    steps = tuple(
        msgspec.structs.replace(one.steps[0], number=number, title=f"step {number}", words="")
        for number in range(1, 31)
    )
    steps = (*steps, msgspec.structs.replace(one.steps[4], number=31, state=StepState.RUNNING))
    async with console(situation=while_running(steps=steps), size=(80, 24)) as (app, pilot, _):
        await pilot.press("o")
        await until(pilot, lambda: "▶ 31 wait for the rollout" in shown(app))


async def test_the_layer_is_mounted_once() -> None:
    async with console(situation=while_running()) as (app, pilot, _):
        for _ in range(3):
            await pilot.press("o", "escape")
        layers: list[Widget] = list(app.screen_stack[0].query("Layer"))
        assert len(layers) == 1
