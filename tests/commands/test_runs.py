"""`aurora-tui runs`, `resume`, `cancel`, `abandon`: what the ledger says of runs, and what may be asked of one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aurora_tui.actions.claim import claimed
from aurora_tui.actions.plan import as_data
from aurora_tui.actions.process import output_file
from aurora_tui.commands.following import ExecutorGone, follow
from aurora_tui.commands.lines import situation_lines
from aurora_tui.commands.run_lines import minutes, run_line, run_lines
from aurora_tui.ledger.journal import current_actor
from aurora_tui.ledger.log import Log
from aurora_tui.settings import Settings, load
from aurora_tui.situation.run import (
    APPROVED,
    CANCEL_ASKED,
    FINISHED,
    STARTED,
    STEP_BEGUN,
    STEP_DONE,
    STEP_FAILED,
    Run,
    RunState,
    StepRun,
    StepState,
)
from tests.commands.desk import Desk
from tests.commands.test_act import ESCAPES, plan
from tests.console.situations import go

RUN = "0123456789"
OTHER = "01ffffffff"


def say(desk: Desk, *entries: tuple[str, dict[str, Any]], run: str = RUN, actor: str = "olga@bastion") -> None:
    """Append what consoles and executors would, about one run."""

    async def append() -> None:
        async with Log(desk.ledger, load([desk.profile]).clock) as log:
            for action, data in entries:
                await log.append(action, {"run": run, **data}, actor=actor)

    asyncio.run(append())


def approved(**changes: object) -> tuple[str, dict[str, Any]]:
    fields = {"environment": "test", "reason": "rtt is high", "checks": (), **changes}
    return APPROVED, {"plan": as_data(plan(**fields))}


def started(pid: int | str) -> tuple[str, dict[str, Any]]:
    return STARTED, {"executor": f"{current_actor()}:{pid}"}


def begun(step: int) -> tuple[str, dict[str, Any]]:
    return STEP_BEGUN, {"step": step}


def done(step: int, words: str = "3 of 3 ready", already: bool = False) -> tuple[str, dict[str, Any]]:
    return STEP_DONE, {"step": step, "words": words, "already": already, "subjects": []}


def finished(state: RunState, words: str = "All 2 steps are done and verified.") -> tuple[str, dict[str, Any]]:
    return FINISHED, {"outcome": state.value, "words": words}


VERIFIED = (approved(), started(1), begun(1), done(1), begun(2), done(2, "said", True), finished(RunState.VERIFIED))


def settings(desk: Desk) -> Settings:
    return load([desk.profile])


def test_without_runs_the_ledger_that_was_looked_in_is_named(desk: Desk) -> None:
    assert desk.type("runs") == (0, f"No run yet in {desk.ledger}\n", "")
    assert desk.type("runs", "--json").out == "[]\n"


def test_runs_are_listed_newest_first_with_who_and_why(desk: Desk) -> None:
    say(desk, *VERIFIED)
    say(desk, approved(title="halt", reason=""), run=OTHER)
    first, second = desk.type("runs").out.splitlines()
    assert first == f"{OTHER}  2026-01-03T14:02:11Z  approved   halt  test  00:00 of 05:00  by olga@bastion"
    assert second.startswith(
        f"{RUN}  2026-01-03T14:02:11Z  verified   rollback  test  00:00 of 05:00  by olga@bastion  “"
    )
    assert second.endswith("  “rtt is high”")
    assert [run["id"] for run in json.loads(desk.type("runs", "--json").out)] == [OTHER, RUN]


def test_a_run_is_shown_with_its_steps_and_how_it_ended(desk: Desk) -> None:
    say(desk, *VERIFIED)
    answer = desk.type("runs", RUN)
    assert answer.out.splitlines() == [
        f"run {RUN}  rollback  test".replace("  ", " "),
        "  state     verified",
        "  approved  2026-01-03T14:02:11Z by olga@bastion",
        "  reason    rtt is high",
        f"  executor  {current_actor()}:1",
        "  clock     00:00 of 05:00",
        "     00:00   1/2 done     Scale bridge to 3: 3 of 3 ready",
        "     00:00   2/2 was so   Note: call: said",
        "  ended     All 2 steps are done and verified.",
    ]
    assert json.loads(desk.type("runs", RUN, "--json").out)["state"] == "verified"


def test_the_beginning_of_an_id_is_enough_when_no_other_begins_so(desk: Desk) -> None:
    say(desk, *VERIFIED)
    say(desk, approved(), run=OTHER)
    assert desk.type("runs", "012").out.startswith(f"run {RUN} ")
    more = desk.type("runs", "01")
    assert (more.code, more.out) == (2, "")
    assert f"More than one run begins with '01'. The newest: {OTHER}, {RUN}." in more.err


@pytest.mark.parametrize(
    "words",
    [("runs",), ("runs", "--follow"), ("resume",), ("cancel",), ("abandon", "--reason", "x")],
    ids=lambda words: words[0],
)
def test_an_unknown_run_is_refused_and_the_newest_named(desk: Desk, words: tuple[str, ...]) -> None:
    say(desk, *VERIFIED)
    answer = desk.type(words[0], "zzz", *words[1:])
    assert (answer.code, answer.out) == (2, "")
    assert f"There is no run 'zzz'. The newest: {RUN}." in answer.err


def test_follow_needs_a_run(desk: Desk) -> None:
    assert desk.type("runs", "--follow").code == 2


@pytest.mark.parametrize(
    ("state", "code"),
    [(RunState.VERIFIED, 0), (RunState.FAILED, 1), (RunState.ABANDONED, 1), (RunState.CANCELLED, 3)],
)
def test_how_a_run_ended_is_the_exit_code_of_following_it(desk: Desk, state: RunState, code: int) -> None:
    say(desk, approved(), started(1), begun(1), done(1), finished(state, "so it ended"))
    answer = desk.type("runs", RUN, "--follow")
    assert answer.code == code
    assert f"rollback {state.value} after 00:00" in answer.out
    assert "  so it ended" in answer.out.splitlines()


def test_whoever_follows_is_told_each_step_once_and_the_end(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    say(desk, approved(), started(os.getpid()), begun(1))

    async def both() -> Run:
        following = asyncio.create_task(follow(settings(desk), RUN))
        for entries in ([done(1)], [begun(2)], [done(2)], [finished(RunState.VERIFIED)]):
            await asyncio.sleep(0)
            await asyncio.to_thread(say, desk, *entries)
        return await asyncio.wait_for(following, 20)

    with claimed(settings(desk), RUN):
        assert asyncio.run(both()).state is RunState.VERIFIED
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if "/2 done" in line] == [
        "     00:00   1/2 done     Scale bridge to 3: 3 of 3 ready",
        "     00:00   2/2 done     Note: call: 3 of 3 ready",
    ]
    assert told[-2:] == [
        "rollback verified after 00:00, within the target of 05:00",
        "  All 2 steps are done and verified.",
    ]


def test_a_dead_executor_is_noticed_and_its_last_words_told(desk: Desk) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    say(desk, approved(), started(gone.pid), begun(1))
    path = output_file(settings(desk), RUN)
    path.parent.mkdir(parents=True)
    path.write_text("the disk is full\x1b[2J\n")
    with pytest.raises(ExecutorGone) as caught:
        asyncio.run(asyncio.wait_for(follow(settings(desk), RUN), 20))
    assert str(caught.value) == (
        f"The executor of run {RUN} is no more; it said: the disk is full. Go on with: aurora-tui resume {RUN}, "
        f"or close it: aurora-tui abandon {RUN}."
    )
    assert f"its executor is no more: aurora-tui resume {RUN}" in desk.type("runs").out


def test_an_executor_on_another_machine_is_not_said_to_be_dead(desk: Desk) -> None:
    say(desk, approved(), (STARTED, {"executor": "olga@elsewhere:7"}), begun(1))
    assert "no more" not in desk.type("runs").out


def test_a_failed_run_says_what_can_be_done(desk: Desk) -> None:
    failed = (STEP_FAILED, {"step": 1, "words": "a quota is in the way"})
    say(desk, approved(), started(1), begun(1), failed, finished(RunState.FAILED, "Step 1: a quota is in the way"))
    lines = desk.type("runs", RUN).out.splitlines()
    assert "     00:00   1/2 failed   Scale bridge to 3: a quota is in the way" in lines
    assert lines[-2:] == [
        f"  next      go on where it stopped: aurora-tui resume {RUN}",
        f"            or take back what it did: aurora-tui act --take-back {RUN}",
    ]


def test_a_cancellation_is_an_entry_that_the_executor_reads(desk: Desk) -> None:
    say(desk, approved(), started(1), begun(1))
    assert desk.type("cancel", RUN) == (0, f"Run {RUN} is asked to stop before its next step\n", "")
    assert desk.actions()[-1] == CANCEL_ASKED
    assert "  state     running, cancelling" in desk.type("runs", RUN).out.splitlines()


def test_a_run_without_an_executor_is_closed_as_it_stands(desk: Desk) -> None:
    say(desk, approved(), started(1), begun(1))
    assert desk.type("abandon", RUN, "--reason", "night").code == 0
    assert (desk.entries()[-1].action, desk.entries()[-1].data["outcome"]) == (FINISHED, "abandoned")


def test_a_run_that_is_carried_out_is_neither_closed_nor_started_twice(desk: Desk) -> None:
    say(desk, approved(), started(os.getpid()), begun(1))
    before = desk.actions()
    with claimed(settings(desk), RUN):
        assert desk.type("abandon", RUN, "--reason", "x").code == 2
        assert desk.type("resume", RUN).code == 2
    assert desk.actions() == before


@pytest.mark.parametrize("words", [("resume",), ("cancel",), ("abandon", "--reason", "x")], ids=lambda words: words[0])
def test_who_may_only_look_asks_nothing_of_a_run(desk: Desk, words: tuple[str, ...]) -> None:
    say(desk, approved(), started(1), begun(1))
    before = desk.actions()
    answer = desk.type(words[0], RUN, *words[1:], "--read-only")
    assert answer.code == 2
    assert "is read-only here" in answer.err
    assert desk.actions() == before


def test_abandoning_needs_a_reason(desk: Desk) -> None:
    say(desk, approved())
    assert desk.type("abandon", RUN).code == 2
    assert desk.type("abandon", RUN, "--reason", " ").code == 2


def run(**changes: Any) -> Run:
    step = StepRun(number=1, title="Scale bridge to 3", state=StepState.RUNNING, began_at=10.0)
    fields = {
        "id": RUN, "runbook": "rollback", "title": "rollback", "environment": "test", "steps": (step,), "target": 300,
        "approved_at": 0.0, "approved_by": "olga@bastion", "sequence": 3, "state": RunState.RUNNING,
    }  # fmt: skip
    return Run(**{**fields, **changes})


def test_the_status_tells_of_a_run_that_is_open() -> None:
    situation = go()
    before = list(situation_lines(situation))
    open_run = run(approved_at=situation.now - 61)
    told = list(situation_lines(msgspec.structs.replace(situation, runs=(run(state=RunState.VERIFIED), open_run))))
    [line] = [line for line in told if line not in before]
    assert line == f"run {RUN} rollback running, step 1 of 1: Scale bridge to 3  01:01 of 05:00  by olga@bastion"


def test_nothing_untrusted_of_a_run_reaches_the_terminal_raw() -> None:
    step = StepRun(number=1, title=f"t{ESCAPES}", state=StepState.FAILED, words=f"w{ESCAPES}")
    nasty = run(
        title=f"t{ESCAPES}", reason=f"r{ESCAPES}", approved_by=ESCAPES, choice=ESCAPES, executor=ESCAPES,
        words=f"w{ESCAPES}", forced=(ESCAPES,), steps=(step,), environment=ESCAPES, inverse_of=ESCAPES,
    )  # fmt: skip
    for line in (run_line(nasty, 1.0), *run_lines(nasty, 1.0, 80)):
        assert line.isprintable(), line


@pytest.mark.parametrize(("seconds", "shown"), [(0, "00:00"), (59.9, "00:59"), (300, "05:00"), (3723, "1:02:03")])
def test_a_clock_shows_minutes(seconds: float, shown: str) -> None:
    assert minutes(seconds) == shown


def test_the_shell_completes_runs(desk: Desk, tmp_path: Path) -> None:
    from click.shell_completion import ShellComplete

    from aurora_tui.cli import group

    say(desk, *VERIFIED)
    complete = ShellComplete(group, {}, "aurora-tui", "_AURORA_TUI_COMPLETE")
    found = complete.get_completions(["runs", "--config", str(desk.profile)], "01")
    assert [(item.value, item.help) for item in found] == [(RUN, "rollback verified")]
    assert complete.get_completions(["runs", "--config", str(tmp_path / "no.toml")], "") == []
